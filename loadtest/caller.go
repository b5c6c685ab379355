package loadtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// idleLimit is the age of silence at which a connection is not used again: servers close idle ones, and a request that
	// meets that is nobody's fault. firstLimit is the same for one that has not carried a request yet, for which servers have
	// less patience.
	idleLimit  = 30 * time.Second
	firstLimit = 2 * time.Second

	// maxAnswerBytes bounds an answer's body: above rongate's own bound.
	maxAnswerBytes = 64 << 20

	bufferBytes = 16 << 10

	requestIDHeader = "X-Request-Id"
)

// The kinds of failures that a caller finds by itself; a Source finds others, and a status that is not 200 is one.
const (
	NotConnected = "not connected"    // no connection could be had, so that nothing was sent
	Lost         = "lost"             // the connection broke before the answer was there
	TimedOut     = "timed out"        // no answer in time
	Duplicate    = "duplicate answer" // more was answered than asked
	MixedUp      = "mixed up"         // the answer is one to another request
)

// A caller is one connection and what sends requests over it. It is one goroutine's.
type caller struct {
	dial    func(ctx context.Context) (net.Conn, error)
	host    string
	timeout time.Duration // for an answer, connecting included
	asker   Asker
	ids     *ids
	id      []byte

	wire []byte // the next request
	out  *bufio.Writer

	conn   net.Conn
	raw    syscall.RawConn // of conn
	in     *bufio.Reader
	used   time.Time // when the latest answer was there, or it was made
	proven bool      // the connection has carried an answer
	req    fasthttp.Request
	resp   fasthttp.Response
}

// An outcome is what became of a request.
type outcome struct {
	at       time.Time // when the answer was there, or it was clear that none comes; without its judging
	answered bool
	failure  string // the kind of what went wrong; empty for nothing
	detail   string // what is to be said of it
}

// prepare makes the next request, so that sending it takes no longer than it must.
func (c *caller) prepare() {
	c.req.Reset()
	c.req.Header.SetHost(c.host)
	c.asker.Ask(&c.req)
	c.id = c.ids.next(c.id[:0])
	c.req.Header.SetBytesV(requestIDHeader, c.id)
	if c.out == nil {
		c.out = bufio.NewWriterSize(nil, bufferBytes)
	}
	c.wire = c.wire[:0]
	c.out.Reset((*appender)(&c.wire))
	if err := errors.Join(c.req.Write(c.out), c.out.Flush()); err != nil {
		panic(err) // nothing is written to but memory
	}
}

// An appender is a writer to memory.
type appender []byte

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}

// call sends the prepared request and receives its answer.
func (c *caller) call() outcome {
	deadline := time.Now().Add(c.timeout)
	if err := c.connect(deadline); err != nil {
		return outcome{at: time.Now(), failure: NotConnected, detail: err.Error()}
	}
	err := c.write(0, deadline)
	if err == nil {
		err = c.receive()
	}
	return c.outcome(err, deadline)
}

// outcome tells what has become of a request that was sent, and answered if err is nil.
func (c *caller) outcome(err error, deadline time.Time) outcome {
	at := time.Now()
	if err != nil {
		c.close()
		if !at.Before(deadline) { // fasthttp does not say so of every such error
			return outcome{at: at, failure: TimedOut, detail: err.Error()}
		}
		return outcome{at: at, failure: Lost, detail: err.Error()}
	}
	c.used, c.proven = at, true
	failure, detail := c.judge()
	if c.resp.ConnectionClose() {
		c.close()
	}
	return outcome{at: at, answered: true, failure: failure, detail: detail}
}

// connect sees to it that there is a connection that the server has not closed for want of use.
func (c *caller) connect(deadline time.Time) error {
	if c.conn != nil && c.stale(time.Now()) {
		c.close()
	}
	if c.conn != nil {
		return nil
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		conn.Close()
		return err
	}
	c.conn, c.raw, c.used, c.proven = conn, raw, time.Now(), false
	if c.in == nil {
		c.in = bufio.NewReaderSize(conn, bufferBytes)
	} else {
		c.in.Reset(conn)
	}
	return nil
}

// stale reports whether the server may be about to close the connection for want of use.
func (c *caller) stale(now time.Time) bool {
	limit := firstLimit
	if c.proven {
		limit = idleLimit
	}
	return now.Sub(c.used) > limit
}

// write sends the prepared request, from some byte on, and sets the deadline for its answer too.
func (c *caller) write(from int, deadline time.Time) error {
	if err := c.conn.SetDeadline(deadline); err != nil {
		return err
	}
	_, err := c.conn.Write(c.wire[from:])
	return err
}

// writeNow sends what of the prepared request can be sent without waiting, and returns how many bytes that is.
func (c *caller) writeNow() (n int) {
	_ = c.raw.Write(func(fd uintptr) bool {
		n = max(0, writeFD(fd, c.wire))
		return true
	})
	return n
}

func (c *caller) receive() error {
	c.resp.Reset()
	err := c.resp.ReadLimitBody(c.in, maxAnswerBytes)
	if errors.Is(err, io.EOF) {
		return errors.New("the connection was closed without an answer")
	}
	return err
}

// judge looks at a complete answer.
func (c *caller) judge() (failure, detail string) {
	if extra := c.in.Buffered(); extra > 0 {
		c.close()
		return Duplicate, fmt.Sprintf("%d bytes more than the answer", extra)
	}
	if id := c.resp.Header.Peek(requestIDHeader); len(id) > 0 && string(id) != string(c.id) {
		c.close() // what comes next belongs to another request too
		return MixedUp, fmt.Sprintf("asked as %s, answered as %s", c.id, id)
	}
	if failure, detail = c.asker.Check(&c.resp); failure != "" {
		return failure, detail
	}
	if status := c.resp.StatusCode(); status != fasthttp.StatusOK {
		return strconv.Itoa(status), string(c.resp.Body()[:min(len(c.resp.Body()), 300)])
	}
	return "", ""
}

func (c *caller) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}
