package loadtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
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

	conn   net.Conn
	in     *bufio.Reader
	out    *bufio.Writer
	used   time.Time // when the latest answer was there, or it was made
	proven bool      // the connection has carried an answer
	req    fasthttp.Request
	resp   fasthttp.Response
}

// prepare makes the next request, so that sending it takes no longer than it must.
func (c *caller) prepare() {
	c.req.Reset()
	c.req.Header.SetHost(c.host)
	c.asker.Ask(&c.req)
	c.id = c.ids.next(c.id[:0])
	c.req.Header.SetBytesV(requestIDHeader, c.id)
}

// call sends the prepared request. failure is the kind of what went wrong, empty for nothing, detail what is to be said of
// it; the time is the one at which the answer was there, and does not hold its judging.
func (c *caller) call() (answered bool, failure, detail string, at time.Time) {
	deadline := time.Now().Add(c.timeout)
	if err := c.connect(deadline); err != nil {
		return false, NotConnected, err.Error(), time.Now()
	}
	err := c.exchange(deadline)
	at = time.Now()
	if err != nil {
		c.close()
		if !at.Before(deadline) { // fasthttp does not say so of every such error
			return false, TimedOut, err.Error(), at
		}
		return false, Lost, err.Error(), at
	}
	c.used, c.proven = at, true
	failure, detail = c.judge()
	if c.resp.ConnectionClose() {
		c.close()
	}
	return true, failure, detail, at
}

// connect sees to it that there is a connection that the server has not closed for want of use.
func (c *caller) connect(deadline time.Time) error {
	limit := firstLimit
	if c.proven {
		limit = idleLimit
	}
	if c.conn != nil && time.Since(c.used) > limit {
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
	c.conn, c.used, c.proven = conn, time.Now(), false
	if c.in == nil {
		c.in, c.out = bufio.NewReaderSize(conn, bufferBytes), bufio.NewWriterSize(conn, bufferBytes)
	} else {
		c.in.Reset(conn)
		c.out.Reset(conn)
	}
	return nil
}

func (c *caller) exchange(deadline time.Time) error {
	if err := c.conn.SetDeadline(deadline); err != nil {
		return err
	}
	if err := c.req.Write(c.out); err != nil {
		return err
	}
	if err := c.out.Flush(); err != nil {
		return err
	}
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
