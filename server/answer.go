package server

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"github.com/rongate/rongate/vectors"
)

// keepAnswerBytes is the largest buffer that is kept for another answer: a batch of a few hundred vectors.
const keepAnswerBytes = 256 << 10

// An answer is a response's body in a pooled buffer. Handed to fasthttp as a stream, it is closed as soon as it has
// been written (or given up), which is when its buffer is free again; a body that is handed over as bytes stays with
// the connection instead.
type answer struct {
	request vectors.Request // while the service works on it
	timing  vectors.Timing
	body    []byte
	sent    int // what has been written
	held    int // bytes counted in sending
	sending *atomic.Int64
	pool    *sync.Pool
}

// newAnswers makes a pool of answers. sending counts the bytes of those that are being written.
func newAnswers(sending *atomic.Int64) *sync.Pool {
	pool := &sync.Pool{}
	pool.New = func() any { return &answer{pool: pool, sending: sending} }
	return pool
}

// hold counts a's body among those being written, until Close, and reports whether that leaves them within limit: a body
// outlives its request for as long as its client takes to read it.
func (a *answer) hold(limit int64) bool {
	a.held = len(a.body)
	return a.sending.Add(int64(a.held)) <= limit
}

// send makes a the response's body. It is not the caller's any more.
func (a *answer) send(resp *fasthttp.Response) {
	resp.SetBodyStream(a, len(a.body))
}

// WriteTo is what fasthttp calls to write the body.
func (a *answer) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(a.body[a.sent:])
	a.sent += n
	return int64(n), err
}

func (a *answer) Read(p []byte) (int, error) {
	if a.sent == len(a.body) {
		return 0, io.EOF
	}
	n := copy(p, a.body[a.sent:])
	a.sent += n
	return n, nil
}

// Close gives the buffer back.
func (a *answer) Close() error {
	a.sending.Add(-int64(a.held))
	a.held = 0
	if cap(a.body) > keepAnswerBytes {
		a.body = nil
	}
	a.body, a.sent = a.body[:0], 0
	a.pool.Put(a)
	return nil
}
