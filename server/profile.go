package server

import (
	"net/http"
	"runtime"
	"sync"
)

const (
	// mutexFraction: one contention in so many is recorded. It takes the stack of whoever unlocks, while others wait.
	mutexFraction = 10
	// blockRate, in nanoseconds: waits as long as this are recorded, shorter ones with the chance of their share of it.
	blockRate = 10_000
)

// A recording is a profile that the runtime fills in only while it is told to, which costs every lock and channel of the
// process something. It is on while somebody asks for a profile of some seconds, ?seconds=N, and at no other time. The
// runtime's switch is the process's, so that there is one Server with profiles in a process.
type recording struct {
	set  func(rate int) // 0: off
	rate int

	mu     sync.Mutex
	asking int // callers whose seconds are not over
}

func newMutexRecording() *recording {
	return &recording{set: func(rate int) { runtime.SetMutexProfileFraction(rate) }, rate: mutexFraction}
}

func newBlockRecording() *recording {
	return &recording{set: runtime.SetBlockProfileRate, rate: blockRate}
}

// during has the profile recorded while a handler waits for the seconds that it was asked for. It ends early when its
// caller goes away.
func (p *recording) during(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("seconds") != "" {
			p.add(1)
			defer p.add(-1)
		}
		handler(w, r)
	}
}

// add counts one caller in or out. The first turns the recording on, the last turns it off.
func (p *recording) add(caller int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.asking
	p.asking += caller
	switch {
	case before == 0:
		p.set(p.rate)
	case p.asking == 0:
		p.set(0)
	}
}
