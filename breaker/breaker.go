package breaker

import (
	"errors"
	"fmt"
	"math/bits"
	"time"

	"github.com/sony/gobreaker/v2"
)

// Config says when a breaker opens and closes. A zero value means the default given beside it.
type Config struct {
	// Consecutive is how many failures in a row open it. Default 5: more than the connections that one event breaks at once.
	Consecutive uint32

	// Rate is the share of failures among the outcomes of a Window that opens it, once there are Least of them. Default a
	// fifth, of 20: more than retries could make up for.
	Rate  float64
	Least uint32

	// Window is how far back outcomes count, in steps of a tenth. Default 10 s.
	Window time.Duration

	// Pause is how long it stays open before an outcome may begin to close it. Default 50 ms: a node that is back should serve
	// soon, and only probes come while it is open.
	Pause time.Duration

	// Successes is how many outcomes in a row close it again. Default 2.
	Successes uint32
}

func (c Config) withDefaults() Config {
	if c.Consecutive == 0 {
		c.Consecutive = 5
	}
	if c.Rate == 0 {
		c.Rate = 0.2
	}
	if c.Least == 0 {
		c.Least = 20
	}
	if c.Window == 0 {
		c.Window = 10 * time.Second
	}
	if c.Pause == 0 {
		c.Pause = 50 * time.Millisecond
	}
	if c.Successes == 0 {
		c.Successes = 2
	}
	return c
}

// An Outcome is how a statement has ended.
type Outcome uint8

// The outcomes.
const (
	Success  Outcome = iota
	Failure          // the node is to blame
	Slow             // it has answered, far later than nodes do: counts as a failure, but is soft evidence
	Excluded         // says nothing about the node: the table's fault, or the cluster's, or that nobody waited
)

var (
	errFailure  = errors.New("failure")
	errSlow     = errors.New("slow")
	errExcluded = errors.New("excluded")
)

func (o Outcome) err() error {
	switch o {
	case Failure:
		return errFailure
	case Slow:
		return errSlow
	case Excluded:
		return errExcluded
	}
	return nil
}

// A Breaker is one node's. Its methods must not be called concurrently.
type Breaker struct {
	cfg     Config
	circuit *gobreaker.CircuitBreaker[struct{}]
	replay  func() (struct{}, error) // gives the circuit the outcome at hand; made once, for it would be an allocation each

	outcome Outcome   // at hand
	from    time.Time // what was begun before does not count: the last bad end that did, or when it was closed
	run     uint64    // whether each of the last 64 bad ends was a failure, the latest in the lowest bit
	open    bool      // open or half open: not to be used
	soft    bool      // what opened it was slow, no failure
	since   time.Time
	why     string
	trips   uint64
}

// New makes a closed breaker.
func New(cfg Config) *Breaker {
	b := &Breaker{cfg: cfg.withDefaults()}
	b.replay = func() (struct{}, error) { return struct{}{}, b.outcome.err() }
	b.Reset("new")
	return b
}

// Reset closes the breaker and forgets all outcomes.
func (b *Breaker) Reset(why string) {
	// gobreaker calls these under its lock: they touch nothing but b's own fields.
	b.circuit = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:   b.cfg.Successes,
		Interval:      b.cfg.Window,
		BucketPeriod:  b.cfg.Window / 10,
		Timeout:       b.cfg.Pause,
		ReadyToTrip:   b.trip,
		OnStateChange: b.change,
		IsExcluded:    func(err error) bool { return errors.Is(err, errExcluded) },
	})
	b.close()
	b.why = why
}

// Record tells of the end of a statement that was begun at the given time, and reports whether the breaker has opened or
// closed over it. What ends badly and had begun before the last such end that counted is of the same event, and does not
// count: a server that goes takes all connections with it, and a stall holds up all that runs. Nor does what ends well and
// had begun before it: of the statements that run at once all the good ones would count, and one of the bad, so that the
// busier a node is the better it would seem.
func (b *Breaker) Record(begun time.Time, o Outcome) (changed bool) {
	if begun.Before(b.from) {
		return false
	}
	switch o {
	case Failure:
		b.from, b.run = time.Now(), b.run<<1|1
	case Slow:
		b.from, b.run = time.Now(), b.run<<1
	}
	was := b.open
	b.outcome = o
	_, _ = b.circuit.Execute(b.replay) // what it returns is what it was given, or that it is open
	return b.open != was
}

// trip decides whether a failure opens the breaker.
func (b *Breaker) trip(c gobreaker.Counts) bool {
	valid := c.TotalSuccesses + c.TotalFailures
	switch {
	case c.ConsecutiveFailures >= b.cfg.Consecutive:
		failed := bits.OnesCount64(b.run << (64 - min(c.ConsecutiveFailures, 64)))
		b.why = fmt.Sprintf("%d statements in a row did not do well: %d failed, %d were slow",
			c.ConsecutiveFailures, failed, int(c.ConsecutiveFailures)-failed)
	case valid >= b.cfg.Least && float64(c.TotalFailures) >= b.cfg.Rate*float64(valid):
		b.why = fmt.Sprintf("%d of the last %d statements failed or were slow", c.TotalFailures, valid)
	default:
		return false
	}
	return true
}

func (b *Breaker) change(_ string, from, to gobreaker.State) {
	switch {
	case from == gobreaker.StateClosed:
		b.open, b.soft, b.since = true, b.outcome == Slow, time.Now()
		b.trips++
	case to == gobreaker.StateOpen: // half open in between, and the outcome was no better
		b.soft = b.outcome == Slow
	case to == gobreaker.StateClosed:
		b.close()
		b.why = fmt.Sprintf("%d statements in a row were answered in time", b.cfg.Successes)
	}
}

func (b *Breaker) close() {
	b.open, b.soft, b.since = false, false, time.Now()
	b.from = b.since
}

// Open reports whether the node is not to be used.
func (b *Breaker) Open() bool { return b.open }

// Soft reports whether it opened over a slow answer, not a failed one.
func (b *Breaker) Soft() bool { return b.soft }

// Why says why the breaker is in its state, for people, and since when it is.
func (b *Breaker) Why() (reason string, since time.Time) { return b.why, b.since }

// Trips is how often it has opened.
func (b *Breaker) Trips() uint64 { return b.trips }
