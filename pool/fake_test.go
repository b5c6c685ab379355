package pool

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rongate/rongate/column"
)

var errRefused = errors.New("refused")

// fakeNode is a server in virtual time. Its knobs hold for what happens after they are turned.
type fakeNode struct {
	mu       sync.Mutex
	knobs    knobs
	dials    []time.Time
	sessions []*fakeSession
	inFlight int
	peak     int // most dials at once
}

type knobs struct {
	dialTime   time.Duration // of a handshake
	refuse     error         // what a handshake ends with
	selectTime time.Duration
	selectErr  error // breaks the session
	pingTime   time.Duration
	pingErr    error
}

func (n *fakeNode) set(turn func(*knobs)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	turn(&n.knobs)
}

func (n *fakeNode) get() knobs {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.knobs
}

func (n *fakeNode) dial(ctx context.Context) (session, error) {
	n.mu.Lock()
	n.dials = append(n.dials, time.Now())
	n.inFlight++
	n.peak = max(n.peak, n.inFlight)
	k := n.knobs
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		n.inFlight--
		n.mu.Unlock()
	}()
	select {
	case <-time.After(k.dialTime):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if k.refuse != nil {
		return nil, k.refuse
	}
	s := &fakeSession{node: n, over: make(chan struct{})}
	n.mu.Lock()
	n.sessions = append(n.sessions, s)
	n.mu.Unlock()
	return s, nil
}

func (n *fakeNode) dialTimes() []time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.dials)
}

// open counts the sessions that are not closed.
func (n *fakeNode) open() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	open := 0
	for _, s := range n.sessions {
		if !s.isClosed() {
			open++
		}
	}
	return open
}

type fakeSession struct {
	node   *fakeNode
	broken bool
	over   chan struct{} // closed by Abort and Close
	once   sync.Once
	mu     sync.Mutex
	closed int // calls of Close
}

// exchange takes its time, or less if the deadline passes or the socket is closed.
func (s *fakeSession) exchange(deadline time.Time, takes time.Duration, err error) error {
	select {
	case <-time.After(min(takes, time.Until(deadline))):
	case <-s.over:
		s.broken = true
		return ErrBroken
	}
	if takes > 0 && !time.Now().Before(deadline) {
		err = ErrTimeout
	}
	s.broken = s.broken || err != nil
	return err
}

func (s *fakeSession) Select(deadline time.Time, _ string, _ []column.Value, _ Sink) error {
	k := s.node.get()
	return s.exchange(deadline, k.selectTime, k.selectErr)
}

func (s *fakeSession) SelectWithin(
	_, deadline time.Time, query string, args []column.Value, sink Sink, _ func(error),
) (bool, error) {
	return false, s.Select(deadline, query, args, sink)
}

func (s *fakeSession) Hurry() {}

func (s *fakeSession) Forget(string) {}

func (s *fakeSession) Ping(deadline time.Time) error {
	k := s.node.get()
	return s.exchange(deadline, k.pingTime, k.pingErr)
}

func (s *fakeSession) Broken() bool { return s.broken }

func (s *fakeSession) Abort() { s.once.Do(func() { close(s.over) }) }

func (s *fakeSession) Close() {
	s.Abort()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
}

func (s *fakeSession) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed > 0
}

// openFake starts a pool on a fake node, inside a synctest bubble.
func openFake(t *testing.T, node *fakeNode, cfg Config) *Pool {
	t.Helper()
	cfg.Address, cfg.User = "node:3306", "reader"
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		t.Fatal(err)
	}
	p := newPool(cfg)
	p.dial = node.dial
	go p.run()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = p.Close(ctx)
		for i, s := range node.sessions {
			if s.closed != 1 {
				t.Errorf("session %d was closed %d times", i, s.closed)
			}
		}
	})
	return p
}

// later lets virtual time pass and everything that is due then happen.
func later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func mustAcquire(t *testing.T, p *Pool) *Conn {
	t.Helper()
	c := p.TryAcquire()
	if c == nil {
		t.Fatalf("no free connection: %+v", p.Stats())
	}
	return c
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s did not panic", what)
		}
	}()
	f()
}
