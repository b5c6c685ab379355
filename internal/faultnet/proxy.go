package faultnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	relistenFor   = 5 * time.Second       // how long Set tries to get a port back that it gave up for Refuse
	relistenEvery = 20 * time.Millisecond // and how often
	acceptPause   = 10 * time.Millisecond // after an Accept that was refused, say for want of file descriptors
)

// A Config describes a proxy.
type Config struct {
	Upstream string // host:port of the real server
	Listen   string // where clients connect; default 127.0.0.1:0
	Seed     uint64 // decides which responses straggle and which statements err; every seed is a different series
}

// Stats counts what a proxy has seen since it was made.
type Stats struct {
	Accepted  int64 // connections accepted
	Active    int64 // connections now open
	BytesUp   int64 // passed from clients to the server
	BytesDown int64 // passed from the server to clients
	Struck    int64 // stalls, resets and errors caused by StallAfter, ResetAfter and Errors
	Straggled int64 // responses delayed by Stragglers
}

// A Proxy is one listening address before one server. All its methods are safe for concurrent use.
type Proxy struct {
	upstream string
	addr     string
	state    atomic.Pointer[state]
	ctx      context.Context // ends when the proxy closes
	cancel   context.CancelFunc
	running  sync.WaitGroup // the accept loop and every link's goroutines

	mu       sync.Mutex // guards listener, links and who may Add to running
	listener net.Listener
	links    map[*link]struct{}

	randomMu sync.Mutex
	random   *rand.Rand

	accepted, bytesUp, bytesDown, struck, straggled atomic.Int64
}

// New starts a proxy that passes everything on. It does not need the upstream to be there yet: clients that come
// before it are reset.
func New(cfg Config) (*Proxy, error) {
	listener, err := net.Listen("tcp", cmp.Or(cfg.Listen, "127.0.0.1:0"))
	if err != nil {
		return nil, fmt.Errorf("faultnet: %w", err)
	}
	p := &Proxy{
		upstream: cfg.Upstream,
		addr:     listener.Addr().String(),
		links:    make(map[*link]struct{}),
		random:   rand.New(rand.NewPCG(cfg.Seed, 0)),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.state.Store(newState(Fault{}))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.acceptLocked(listener)
	return p, nil
}

// Addr is the host:port where clients connect. It stays the same throughout.
func (p *Proxy) Addr() string { return p.addr }

// Set replaces the fault and wakes everything that the one before made wait. When Set returns it is in force for new
// and for live connections, but for a piece that is being written at that moment. Set errs only if the proxy is
// closed, or if after Refuse somebody else holds the port.
func (p *Proxy) Set(f Fault) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return fmt.Errorf("faultnet: set: %w", net.ErrClosed)
	}
	if f.Refuse {
		p.unlistenLocked()
	}
	close(p.state.Swap(newState(f)).over)
	if f.Refuse || p.listener != nil {
		return nil
	}
	listener, err := p.relisten()
	if err != nil {
		return fmt.Errorf("faultnet: set: %w", err)
	}
	p.acceptLocked(listener)
	return nil
}

// Reset resets all live connections: their clients see ECONNRESET.
func (p *Proxy) Reset() { p.endAll(true) }

// Hangup closes all live connections: their clients see an end of file, as after the death of the server's process.
func (p *Proxy) Hangup() { p.endAll(false) }

// Stats returns the counters.
func (p *Proxy) Stats() Stats {
	p.mu.Lock()
	active := len(p.links)
	p.mu.Unlock()
	return Stats{
		Accepted: p.accepted.Load(), Active: int64(active),
		BytesUp: p.bytesUp.Load(), BytesDown: p.bytesDown.Load(),
		Struck: p.struck.Load(), Straggled: p.straggled.Load(),
	}
}

// Close ends all connections and waits for the proxy's goroutines. It is safe to call twice.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.cancel()
	p.unlistenLocked()
	p.mu.Unlock()
	p.endAll(false)
	p.running.Wait()
}

func (p *Proxy) endAll(reset bool) {
	p.mu.Lock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	p.mu.Unlock()
	for _, l := range links {
		l.end(reset)
	}
}

func (p *Proxy) relisten() (net.Listener, error) {
	for start := time.Now(); ; time.Sleep(relistenEvery) {
		listener, err := net.Listen("tcp", p.addr)
		if err == nil || time.Since(start) > relistenFor {
			return listener, err
		}
	}
}

func (p *Proxy) acceptLocked(listener net.Listener) {
	p.listener = listener
	p.running.Go(func() { p.acceptLoop(listener) })
}

func (p *Proxy) unlistenLocked() {
	if p.listener != nil {
		_ = p.listener.Close() // nothing was written
		p.listener = nil
	}
}

// acceptLoop ends when its listener is closed.
func (p *Proxy) acceptLoop(listener net.Listener) {
	for {
		client, err := listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			time.Sleep(acceptPause)
		default:
			p.admit(client.(*net.TCPConn))
		}
	}
}

func (p *Proxy) admit(client *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		_ = client.Close() // nothing was written
		return
	}
	p.accepted.Add(1)
	l := newLink(p, client)
	p.links[l] = struct{}{}
	p.running.Go(l.serve)
}

func (p *Proxy) forget(l *link) {
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// draws draws the lot of one response or request.
func (p *Proxy) draws(fraction float64) bool {
	if fraction <= 0 {
		return false
	}
	p.randomMu.Lock()
	defer p.randomMu.Unlock()
	return p.random.Float64() < fraction
}
