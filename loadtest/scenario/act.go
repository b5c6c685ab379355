package scenario

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// An actor does the actions: those on one target one after the other.
type actor struct {
	targets map[string]target
	say     func(string)
	start   time.Time

	mu    sync.Mutex // guards deeds
	deeds []datedDeed
}

type datedDeed struct {
	deed
	began, ended time.Time
}

// run does actions at their times until all are done or ctx ends.
func (a *actor) run(ctx context.Context, actions []Action) {
	byTarget := map[string][]Action{}
	for _, action := range actions {
		byTarget[action.To] = append(byTarget[action.To], action)
	}
	var acting sync.WaitGroup
	for _, actions := range byTarget {
		acting.Go(func() {
			for _, action := range actions {
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Until(a.start.Add(action.At))):
				}
				a.act(ctx, action)
			}
		})
	}
	acting.Wait()
}

func (a *actor) act(ctx context.Context, action Action) {
	d := datedDeed{deed: deed{Action: action}, began: time.Now()}
	err := a.targets[action.To].do(ctx, &action)
	d.ended, d.done = time.Now(), ctx.Err() == nil
	if d.done {
		d.err = err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.deeds = append(a.deeds, d)
	if d.err != nil {
		a.say(fmt.Sprintf("%v: %v", &action, d.err))
		return
	}
	a.say(action.String())
}

// since returns what was done with its times from the start of the load on, in the order in which it was begun.
func (a *actor) since(start time.Time) []deed {
	a.mu.Lock()
	defer a.mu.Unlock()
	deeds := make([]deed, len(a.deeds))
	for i, d := range a.deeds {
		deeds[i] = d.deed
		deeds[i].began, deeds[i].ended = d.began.Sub(start), d.ended.Sub(start)
	}
	slices.SortStableFunc(deeds, func(a, b deed) int { return int(a.began - b.began) })
	return deeds
}
