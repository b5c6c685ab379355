package faultnet

import (
	"sync/atomic"
	"time"
)

// A Fault says what a proxy does to traffic. The zero Fault passes everything on. Faults combine.
type Fault struct {
	Refuse     bool // nobody listens: new connections are refused; live ones go on, see Reset and Hangup
	BlackHole  bool // connections are accepted and nothing passes either way, on new ones and live ones
	NoGreeting bool // new connections are accepted and never answered, not even later; live ones pass

	DelayUp   time.Duration // added before every request
	DelayDown time.Duration // added before every response

	Errors  float64 // the fraction of COM_STMT_EXECUTE requests that Error answers instead of the server, which never sees them
	Error   Error
	Refusal Error // what new connections are told instead of the greeting, and then closed; live ones pass

	StallAfter int // so many bytes of a response pass, then nothing on that connection until the next Set; 0 is off
	ResetAfter int // so many bytes of a response pass, then the connection is reset; 0 is off
	Times      int // how often StallAfter, ResetAfter and Errors strike, all connections together; 0 is always

	Trickle      int           // so many bytes of a response pass at a time; 0 is off
	TrickleEvery time.Duration // the pause before each of them

	Stragglers     float64       // the fraction of responses that straggle
	StragglerDelay time.Duration // added before a straggling response, beside DelayDown
}

// state is a Fault while it is in force. What it makes wait also waits for over, which is closed when it is replaced.
type state struct {
	Fault
	over   chan struct{}
	struck atomic.Int64
}

func newState(f Fault) *state { return &state{Fault: f, over: make(chan struct{})} }

// piece is how many of n bytes may pass now, when passed bytes of their response have passed.
func (s *state) piece(n, passed int) int {
	if s.Trickle > 0 {
		n = min(n, s.Trickle)
	}
	for _, after := range []int{s.StallAfter, s.ResetAfter} {
		if after > passed {
			n = min(n, after-passed)
		}
	}
	return n
}

// strikes reports whether the fault that sets in after so many bytes does so now, and counts it.
func (s *state) strikes(after, passed int) bool {
	if after == 0 || passed < after {
		return false
	}
	return s.counts()
}

// counts reports whether the fault strikes once more, and counts it.
func (s *state) counts() bool { return s.Times == 0 || s.struck.Add(1) <= int64(s.Times) }
