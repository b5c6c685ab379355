package vectors

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestTiming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		for _, n := range f.nodes {
			n.OnSelect = func(string, int, time.Time) error {
				time.Sleep(3 * time.Millisecond)
				return nil
			}
		}
		r := f.request(`{"featureView": "wide", "entry": {"id": 1}}`)
		r.Timing = &Timing{Stages: [StageCount]time.Duration{1, 1, 1}}
		for range 2 { // the second time it is used again
			if _, err := f.service.Append(nil, r); err != nil {
				t.Fatal(err)
			}
			if want := (&[StageCount]time.Duration{StageRead: 3 * time.Millisecond}); r.Timing.Stages != *want {
				t.Errorf("%v, want %v", r.Timing.Stages, *want)
			}
		}
		r.Timeout = time.Millisecond
		r.Received = time.Now()
		if _, err := f.service.Append(nil, r); err == nil || err.Code != DeadlineExceeded {
			t.Fatal(err)
		}
		if got := r.Timing.Stages[StageRead]; got != time.Millisecond {
			t.Errorf("read for %v", got)
		}
		r.Body = []byte("{")
		if _, err := f.service.Append(nil, r); err == nil || r.Timing.Stages != [StageCount]time.Duration{} {
			t.Errorf("%v, %v", err, r.Timing.Stages)
		}
	})
}
