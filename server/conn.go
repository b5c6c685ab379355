package server

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

const (
	// lingerTime bounds how long a closed connection's unread request is read and thrown away. Closing a socket that
	// holds unread bytes resets it, and the reset may overtake the answer that says why.
	lingerTime = time.Second

	// refusalTime bounds the writing of the answer to a connection too many. It fits a fresh socket's buffer.
	refusalTime = 100 * time.Millisecond

	// lastAccepts bounds the accepting of those who have connected by the time that a listener is to be closed.
	lastAccepts = farewell / 2

	// acceptRetry is the wait after the process ran out of file descriptors or memory for sockets.
	acceptRetry = 50 * time.Millisecond
)

// connections are the public listeners and what they have accepted: a bound on their number, and a way to close them
// where fasthttp has none.
type connections struct {
	refuse func(net.Conn) // answers a connection too many; the caller closes it

	mu        sync.Mutex // guards what follows
	limit     int
	closing   time.Time // when close was called; zero: not yet
	closed    bool      // closing, and no listener is left
	listeners map[*listener]struct{}
	open      map[*conn]struct{}
	empty     chan struct{} // closed once closed and nothing is open
	emptyOnce sync.Once
}

func newConnections(limit int, refuse func(net.Conn)) *connections {
	return &connections{
		limit: limit, refuse: refuse, empty: make(chan struct{}),
		listeners: map[*listener]struct{}{}, open: map[*conn]struct{}{},
	}
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
	l := &listener{Listener: ln, conns: cs}
	if cs.closing.IsZero() {
		cs.listeners[l] = struct{}{}
	} else {
		ln.Close()
	}
	return l
}

// close stops accepting, once those who have connected already are accepted. It returns before that.
func (cs *connections) close() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if !cs.closing.IsZero() {
		return
	}
	cs.closing = time.Now()
	for l := range cs.listeners {
		if socket, ok := l.Listener.(*net.UnixListener); ok {
			// Nobody finds it any more; and the next process may make it anew before this one has closed it.
			os.Remove(socket.Addr().String())
			socket.SetUnlinkOnClose(false)
		}
		l.interrupt()
	}
	cs.settleLocked()
}

// closeListeners closes the listeners whose Accept has not done so.
func (cs *connections) closeListeners() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for l := range cs.listeners {
		l.Close()
		delete(cs.listeners, l)
	}
	cs.settleLocked()
}

// settleLocked notes that nothing is accepted any more, or that nothing is open either, when it is so.
func (cs *connections) settleLocked() {
	if cs.closing.IsZero() || len(cs.listeners) > 0 {
		return
	}
	cs.closed = true
	if len(cs.open) == 0 {
		cs.emptyOnce.Do(func() { close(cs.empty) })
	}
}

// closingSince returns when close was called, and whether it was.
func (cs *connections) closingSince() (time.Time, bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.closing, !cs.closing.IsZero()
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
		since, closing := l.conns.closingSince()
		if closing && (time.Since(since) > lastAccepts || !l.hasWaiting()) {
			return l.end()
		}
		c, err := l.Listener.Accept()
		switch {
		case isShortage(err):
			time.Sleep(acceptRetry)
			continue
		case errors.Is(err, os.ErrDeadlineExceeded): // interrupted
			continue
		case err != nil:
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

// interrupt has an Accept that waits return.
func (l *listener) interrupt() {
	if d, ok := l.Listener.(interface{ SetDeadline(time.Time) error }); !ok || d.SetDeadline(time.Unix(1, 0)) != nil {
		l.Close() // Accept ends by that
	}
}

// hasWaiting reports whether somebody has connected whom Accept has not returned yet, and who would be reset if the
// listener were closed now. Accept does not wait then. Those who connect between this and the closing are reset all the
// same: the kernel has no way to refuse new connections and keep the old ones.
func (l *listener) hasWaiting() bool {
	socket, ok := l.Listener.(interface {
		syscall.Conn
		SetDeadline(time.Time) error
	})
	if !ok || socket.SetDeadline(time.Time{}) != nil {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	waiting := false
	err = raw.Control(func(fd uintptr) {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		waiting = err == nil && n > 0
	})
	return err == nil && waiting
}

// end closes the listener and returns what Accept returns then.
func (l *listener) end() (net.Conn, error) {
	l.conns.mu.Lock()
	defer l.conns.mu.Unlock()
	l.Close()
	delete(l.conns.listeners, l)
	l.conns.settleLocked()
	return l.Listener.Accept()
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
	mute   atomic.Bool // nothing is to be written any more
}

// Write writes, unless nothing is to be said.
func (c *conn) Write(p []byte) (int, error) {
	if c.mute.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
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
	cs.settleLocked()
}

func (c *conn) drain() {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	_, _ = io.Copy(io.Discard, c.Conn) // ends with the client's side of the connection, or with the deadline
}

// lingerAfter is called before a connection is closed on a request that was not read to its end.
func lingerAfter(ctx *fasthttp.RequestCtx) {
	if c, ok := ctx.Conn().(*conn); ok {
		c.linger.Store(true)
	}
}
