package server

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// lingerTime bounds how long a closed connection's unread request is read and thrown away. Closing a socket that
	// holds unread bytes resets it, and the reset may overtake the answer that says why.
	lingerTime = time.Second

	// refusalTime bounds the writing of the answer to a connection too many. It fits a fresh socket's buffer.
	refusalTime = 100 * time.Millisecond

	// acceptRetry is the wait after the process ran out of file descriptors or memory for sockets.
	acceptRetry = 50 * time.Millisecond
)

// connections are the public listeners and what they have accepted: a bound on their number, and a way to close them
// where fasthttp has none.
type connections struct {
	refuse func(net.Conn) // answers a connection too many; the caller closes it

	mu        sync.Mutex // guards what follows
	limit     int
	closed    bool
	listeners []net.Listener
	open      map[*conn]struct{}
	empty     chan struct{} // closed once nothing is accepted any more and nothing is open
}

func newConnections(limit int, refuse func(net.Conn)) *connections {
	return &connections{limit: limit, refuse: refuse, open: map[*conn]struct{}{}, empty: make(chan struct{})}
}

// setLimit bounds the connections to come; those that are too many by now stay.
func (cs *connections) setLimit(n int) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.limit = n
}

// listen returns ln with its connections counted and bounded. After close it closes ln at once.
func (cs *connections) listen(ln net.Listener) net.Listener {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed {
		ln.Close()
	} else {
		cs.listeners = append(cs.listeners, ln)
	}
	return &listener{Listener: ln, conns: cs}
}

// close stops accepting.
func (cs *connections) close() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed {
		return
	}
	cs.closed = true
	for _, ln := range cs.listeners {
		ln.Close()
	}
	if len(cs.open) == 0 {
		close(cs.empty)
	}
}

// dropSilent drops the connections that have not sent a byte yet, which fasthttp takes for requests in progress.
func (cs *connections) dropSilent() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for c := range cs.open {
		if !c.spoke.Load() {
			c.Conn.Close()
		}
	}
}

// abort drops every connection, whatever it is doing.
func (cs *connections) abort() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for c := range cs.open {
		c.Conn.Close()
	}
}

func (cs *connections) count() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.open)
}

// admit returns c as the Server uses it, or nil if there are too many.
func (cs *connections) admit(c net.Conn) *conn {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed || len(cs.open) >= cs.limit {
		return nil
	}
	wrapped := &conn{Conn: c, conns: cs}
	cs.open[wrapped] = struct{}{}
	return wrapped
}

type listener struct {
	net.Listener
	conns *connections
}

// Accept returns the next connection within the bound. Running out of file descriptors is waited out: fasthttp would
// take it for the end of the listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if isShortage(err) {
			time.Sleep(acceptRetry)
			continue
		}
		if err != nil {
			return nil, err
		}
		if admitted := l.conns.admit(c); admitted != nil {
			return admitted, nil
		}
		_ = c.SetWriteDeadline(time.Now().Add(refusalTime)) // what cannot be written is not answered
		l.conns.refuse(c)
		c.Close()
	}
}

func isShortage(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// A conn is one connection of the public listener.
type conn struct {
	net.Conn
	conns  *connections
	spoke  atomic.Bool // the client has sent something
	linger atomic.Bool // a part of a request is left unread
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.spoke.Load() {
		c.spoke.Store(true)
	}
	return n, err
}

// Close closes the connection, and first reads what a refused request had left to send.
func (c *conn) Close() error {
	if c.linger.Load() {
		c.drain()
	}
	c.conns.remove(c)
	return c.Conn.Close()
}

// remove forgets a connection that is being closed. A second call does nothing.
func (cs *connections) remove(c *conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if _, open := cs.open[c]; !open {
		return
	}
	delete(cs.open, c)
	if cs.closed && len(cs.open) == 0 {
		close(cs.empty)
	}
}

func (c *conn) drain() {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	_, _ = io.Copy(io.Discard, c.Conn) // ends with the client's side of the connection, or with the deadline
}

// hasSpoken reports whether the client has sent anything yet.
func hasSpoken(ctx *fasthttp.RequestCtx) bool {
	c, ok := ctx.Conn().(*conn)
	return ok && c.spoke.Load()
}

// lingerAfter is called before a connection is closed on a request that was not read to its end.
func lingerAfter(ctx *fasthttp.RequestCtx) {
	if c, ok := ctx.Conn().(*conn); ok {
		c.linger.Store(true)
	}
}
