package scenario

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// An actor does the actions: those on one target one after the other.
type actor struct {
	targets map[string]target
	say     func(string)
	start   atomic.Pointer[time.Time] // of the load, see align

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
				if !a.wait(ctx, action.At) {
					return
				}
				a.act(ctx, action)
			}
		})
	}
	acting.Wait()
}

// align says when the load began. It is known for certain only when the load goes on.
func (a *actor) align(start time.Time) { a.start.Store(&start) }

// wait returns at some time from the start of the load on, or false when ctx ends before.
func (a *actor) wait(ctx context.Context, at time.Duration) bool {
	for left := time.Duration(1); left > 0; left = time.Until(a.start.Load().Add(at)) {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(left):
		}
	}
	return true
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
