package scenario

import (
	"context"
	"time"

	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/internal/testbed"
)

const (
	askEvery   = 20 * time.Millisecond
	askTimeout = 500 * time.Millisecond
)

// askedFor is what a witness reads: a row by its key, should there be one.
const askedFor = "SELECT COUNT(amount) FROM " + frauddata.Database + ".account_stats_1 WHERE account_id = 1"

// A question is whether a node answers, from the time of some action on.
type question struct {
	node  string
	after time.Duration
}

// A testimony is that a node answered at some time from the start of the load on, or why it did not.
type testimony struct {
	at  time.Duration
	err error
}

// A witness asks a node directly, so that nobody has to believe rongate, or the process that was started, that it answers.
type witness struct {
	question
	until time.Duration // when the next action may break it again
	asker *testbed.Asker

	heard []datedTestimony
}

type datedTestimony struct {
	at  time.Time
	err error
}

// newWitnesses returns one for each time at which nodes are to be readmitted.
func newWitnesses(f *File, targets map[string]target) ([]*witness, error) {
	var all []*witness
	for i := range f.Expect {
		a := &f.Expect[i]
		if a.Figure != Readmit {
			continue
		}
		asker, err := targets[a.Node].node.Asker(askedFor)
		if err != nil {
			return nil, err
		}
		w := &witness{question: question{a.Node, a.After}, until: f.Load.Length(), asker: asker}
		for _, action := range f.Actions {
			if action.At > a.After {
				w.until = action.At
				break
			}
		}
		all = append(all, w)
	}
	return all, nil
}

// run asks from the action on until the next, or until ctx ends.
func (w *witness) run(ctx context.Context, a *actor) {
	defer w.asker.Close()
	if !a.wait(ctx, w.after) {
		return
	}
	for ctx.Err() == nil && time.Since(*a.start.Load()) < w.until {
		began := time.Now()
		asking, cancel := context.WithTimeout(ctx, askTimeout)
		err := w.asker.Ask(asking)
		cancel()
		// What fails once the next action has been due, or because the load is over, says nothing of the node.
		if err == nil || ctx.Err() == nil && time.Since(*a.start.Load()) < w.until {
			w.heard = append(w.heard, datedTestimony{time.Now(), err})
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(began.Add(askEvery))):
		}
	}
}

// since returns what was heard with its times from start on.
func (w *witness) since(start time.Time) []testimony {
	all := make([]testimony, len(w.heard))
	for i, h := range w.heard {
		all[i] = testimony{h.at.Sub(start), h.err}
	}
	return all
}

// answers is the time from which on a node has answered every time that it was asked.
func answers(heard []testimony) (time.Duration, error) {
	since, err := time.Duration(0), errNotAsked
	for _, t := range heard {
		switch {
		case t.err != nil:
			err = t.err
		case err != nil:
			since, err = t.at, nil
		}
	}
	return since, err
}
