package vectors

import "time"

// A Stage is a part of answering a request.
type Stage int

// The stages, in order.
const (
	StageDecode Stage = iota // from the body to the keys
	StageRead                // waiting for rows, queues included
	StageEncode              // from the rows to the answer
	StageCount
)

func (s Stage) String() string { return [StageCount]string{"decode", "read", "encode"}[s] }

// A Timing is how long each stage of a request took. One that the request did not come to the end of is 0.
type Timing struct {
	Stages [StageCount]time.Duration
	since  time.Time
}

func (t *Timing) start() {
	if t != nil {
		*t = Timing{since: time.Now()}
	}
}

func (t *Timing) end(s Stage) {
	if t != nil {
		now := time.Now()
		t.Stages[s], t.since = now.Sub(t.since), now
	}
}
