package loadtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"
)

// A worker is a goroutine with a connection and the next request for it. An idle one listens on its connection: the pacing
// thread sends the request in its place when one is due, so that none waits for a goroutine to be woken, and the answer
// wakes the worker. The pacing thread has those send who have no connection to listen on.
type worker struct {
	*caller
	run      *run
	recorder *recorder
	random   *rand.Rand
	tickets  chan ticket   // has room for one; closed when nothing more is due
	latest   time.Duration // when the latest request was due
	passed   bool          // its answer was right

	mu        sync.Mutex // guards what follows; and the connection, while the worker listens
	listening bool
	dismissed bool // it is not to listen any more
	flight    flight
}

// A flight is a request that the pacing thread has sent.
type flight struct {
	on       bool
	due      time.Duration
	late     time.Duration
	written  int       // bytes
	deadline time.Time // for the answer
}

func (r *run) newWorker() *worker {
	r.mu.Lock()
	n := r.made
	r.made++
	r.mu.Unlock()
	w := &worker{run: r, recorder: r.recorders[n%len(r.recorders)], tickets: make(chan ticket, 1)}
	w.caller = &caller{dial: r.dial, host: r.host, timeout: r.cfg.Timeout, ids: r.ids}
	w.random = rand.New(rand.NewPCG(r.cfg.Seed, uint64(n)+2))
	return w
}

// serve does some work in the worker's own goroutine, which ends with it.
func (w *worker) serve(work func()) {
	w.run.workers.Go(func() {
		defer w.close()
		w.asker = w.run.cfg.Source.Asker(w.random)
		w.prepare()
		work()
	})
}

// work serves requests until nothing more is due.
func (w *worker) work() {
	for {
		t, waits, over := w.rest()
		switch {
		case waits:
			w.send(t)
			continue
		case over:
			return
		}
		if f, ok := w.listen(); ok {
			w.finish(f)
			continue
		}
		t, ok := <-w.tickets
		if !ok {
			return
		}
		w.send(t)
	}
}

// rest makes the worker idle, unless a request waits for one or nothing more is due.
func (w *worker) rest() (t ticket, waits, over bool) {
	w.mu.Lock()
	w.listening = w.conn != nil
	w.mu.Unlock()
	r := w.run
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) > 0 {
		t = r.waiting[0]
		r.waiting = r.waiting[1:]
		r.hiring.freed(len(r.waiting))
		return t, true, false
	}
	if r.over {
		return ticket{}, false, true
	}
	r.idle = append(r.idle, w)
	return ticket{}, false, false
}

// launch sends the prepared request of an idle worker, or has the worker send it. It is the pacing thread's, and does not
// block.
func (w *worker) launch(t ticket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if !w.listening || w.stale(now) {
		w.stop()
		w.tickets <- t
		return
	}
	w.flight = flight{on: true, due: t.due, late: now.Sub(w.run.started) - t.due, deadline: now.Add(w.timeout)}
	_ = w.conn.SetDeadline(w.flight.deadline) // of a connection that is open; if it is not, the worker notices
	w.flight.written = w.writeNow()
	if w.flight.written < len(w.wire) {
		_ = w.conn.SetReadDeadline(longAgo()) // the worker sends the rest
	}
}

// longAgo is a deadline that ends a read at once.
func longAgo() time.Time { return time.Unix(1, 0) }

// dismiss ends an idle worker.
func (w *worker) dismiss() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop()
	close(w.tickets)
}

// stop has the worker listen for tickets only. w.mu is held.
func (w *worker) stop() {
	if w.listening {
		w.dismissed = true
		_ = w.conn.SetReadDeadline(longAgo())
	}
}

// listen waits for the answer to what the pacing thread sends. It reports false when the worker has no connection, or no
// longer: the server has closed it, or has said something that nobody has asked for.
func (w *worker) listen() (flight, bool) {
	for w.conn != nil {
		_, err := w.in.Peek(1)
		if f, on, again := w.heard(err); on || again {
			if on {
				return f, true
			}
			continue
		}
		w.close()
		if err == nil && w.passed {
			w.passed = false
			w.recorder.fail(w.latest, Duplicate)
			w.run.examples.add(Duplicate, fmt.Sprintf("%d bytes more than the answer", w.in.Buffered()))
		}
	}
	return flight{}, false
}

// heard takes the request that is under way. If none is, the worker listens again when all that has passed is the deadline
// of the last one.
func (w *worker) heard(err error) (f flight, on, again bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, w.flight = w.flight, flight{}
	if !f.on && !w.dismissed && errors.Is(err, os.ErrDeadlineExceeded) {
		_ = w.conn.SetReadDeadline(time.Time{})
		return f, false, true
	}
	w.listening, w.dismissed = false, false
	return f, f.on, false
}

// finish receives the answer to what the pacing thread has sent.
func (w *worker) finish(f flight) {
	var err error
	if f.written < len(w.wire) {
		err = w.write(f.written, f.deadline)
	}
	if err == nil {
		err = w.receive()
	}
	w.record(ticket{f.due}, f.late, w.outcome(err, f.deadline))
}

// send sends the prepared request.
func (w *worker) send(t ticket) {
	late := time.Since(w.run.started) - t.due
	w.record(t, late, w.call())
}

// record counts what became of a request, and prepares the next.
func (w *worker) record(t ticket, late time.Duration, o outcome) {
	w.recorder.add(sample{
		due: t.due, late: late, latency: o.at.Sub(w.run.started) - t.due, answered: o.answered, failure: o.failure,
	})
	w.latest, w.passed = t.due, o.failure == ""
	if o.failure != "" {
		w.run.examples.add(o.failure, o.detail)
	}
	w.prepare()
}
