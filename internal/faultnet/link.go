package faultnet

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// chunkSize is what a link reads at a time and, beside the kernel's buffers, all that it holds back in a stall.
const chunkSize = 32 << 10

// Whose bytes a link read last.
const (
	turnNone int32 = iota
	turnClient
	turnServer
)

// A link is one client's connection and the one to the server that belongs to it. Two goroutines carry its bytes, one
// a direction.
type link struct {
	p      *Proxy
	ctx    context.Context // ends with the link
	cancel context.CancelFunc
	client *net.TCPConn
	turn   atomic.Int32

	passed  int     // bytes of the current response; the server-to-client goroutine's own
	request packets // the current request; the client-to-server goroutine's own

	mu     sync.Mutex // guards ended, and server until both goroutines run
	ended  bool
	server *net.TCPConn
}

func newLink(p *Proxy, client *net.TCPConn) *link {
	l := &link{p: p, client: client}
	l.ctx, l.cancel = context.WithCancel(p.ctx)
	return l
}

func (l *link) serve() {
	defer l.p.forget(l)
	if !l.open() {
		l.end(true)
		return
	}
	l.p.running.Go(func() { l.carry(l.client, l.passUp) })
	l.carry(l.server, l.passDown)
}

// open connects to the server, once the fault in force lets it.
func (l *link) open() bool {
	st := l.clear()
	if st == nil {
		return false
	}
	if st.NoGreeting {
		_, _ = io.Copy(io.Discard, l.client) // until the client gives up or the link ends
		return false
	}
	if st.Refusal != (Error{}) {
		l.refuse(st.Refusal)
		return false
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(l.ctx, "tcp", l.p.upstream)
	if err != nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.server = conn.(*net.TCPConn)
	if l.ended {
		_ = conn.Close() // nothing was written
		return false
	}
	return true
}

// end closes both connections; the first call decides how.
func (l *link) end(reset bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.ended = true
	l.cancel()
	for _, conn := range []*net.TCPConn{l.client, l.server} {
		if conn == nil {
			continue
		}
		if reset {
			_ = conn.SetLinger(0) // an error means that it is closed already, and so below
		}
		_ = conn.Close()
	}
}

// carry passes what src sends until either side ends, and ends the other in the same way.
func (l *link) carry(src *net.TCPConn, pass func(chunk []byte) bool) {
	chunk := make([]byte, chunkSize)
	for {
		n, err := src.Read(chunk)
		if n > 0 && !pass(chunk[:n]) {
			l.end(false)
			return
		}
		if err != nil {
			l.end(!errors.Is(err, io.EOF))
			return
		}
	}
}

// passUp passes a part of a request. It reports false when the link has ended.
func (l *link) passUp(chunk []byte) bool {
	if l.turn.Swap(turnClient) != turnClient {
		st := l.p.state.Load()
		l.request.turn(st.Errors > 0)
		l.wait(st, st.DelayUp)
	}
	st := l.clear()
	if st == nil {
		return false
	}
	if !l.request.looks {
		return l.up(chunk)
	}
	return l.passPackets(st, chunk)
}

// up writes to the server. It reports false when the link has ended.
func (l *link) up(chunk []byte) bool {
	n, err := l.server.Write(chunk)
	l.p.bytesUp.Add(int64(n))
	return err == nil
}

// passDown passes a part of a response. It reports false when the link has ended.
func (l *link) passDown(chunk []byte) bool {
	if l.turn.Swap(turnServer) != turnServer {
		l.passed = 0
		st := l.p.state.Load()
		delay := st.DelayDown
		if l.p.draws(st.Stragglers) {
			delay += st.StragglerDelay
			l.p.straggled.Add(1)
		}
		l.wait(st, delay)
	}
	for len(chunk) > 0 {
		st := l.clear()
		if st == nil {
			return false
		}
		if st.Trickle > 0 {
			l.wait(st, st.TrickleEvery)
			if l.p.state.Load() != st {
				continue
			}
		}
		n, err := l.client.Write(chunk[:st.piece(len(chunk), l.passed)])
		l.p.bytesDown.Add(int64(n))
		l.passed += n
		chunk = chunk[n:]
		if err != nil || !l.survive(st) {
			return false
		}
	}
	return true
}

// survive lets the fault strike that the bytes passed so far set off. It reports false when the link has ended.
func (l *link) survive(st *state) bool {
	if st.strikes(st.ResetAfter, l.passed) {
		l.p.struck.Add(1)
		l.end(true)
		return false
	}
	if st.strikes(st.StallAfter, l.passed) {
		l.p.struck.Add(1)
		select {
		case <-st.over:
		case <-l.ctx.Done():
		}
	}
	return l.ctx.Err() == nil
}

// clear waits until no black hole is in force and returns what is; nil when the link has ended.
func (l *link) clear() *state {
	for {
		st := l.p.state.Load()
		if !st.BlackHole {
			return st
		}
		select {
		case <-st.over:
		case <-l.ctx.Done():
			return nil
		}
	}
}

// wait waits for d, unless the fault is replaced or the link ends before.
func (l *link) wait(st *state, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-st.over:
	case <-l.ctx.Done():
	}
}
