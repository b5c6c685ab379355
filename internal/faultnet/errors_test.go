package faultnet

import (
	"bytes"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
)

// packetOf is a command of a client, or with another sequence number something else.
func packetOf(sequence byte, content ...byte) []byte {
	n := len(content)
	return append([]byte{byte(n), byte(n >> 8), byte(n >> 16), sequence}, content...)
}

func execute(size int) []byte {
	return packetOf(0, append([]byte{executeCommand}, bytes.Repeat([]byte{'x'}, size)...)...)
}

// A recorder is an upstream that keeps what it is sent, and answers every line end with a byte.
type recorder struct {
	listener net.Listener
	wg       sync.WaitGroup

	mu   sync.Mutex // guards what follows
	sent []byte
}

func startRecorder(t *testing.T) (*recorder, *Proxy) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{listener: listener}
	r.wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.wg.Go(func() { r.serve(conn) })
		}
	})
	p, err := New(Config{Upstream: listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		_ = listener.Close()
		r.wg.Wait()
	})
	return r, p
}

func (r *recorder) serve(conn net.Conn) {
	defer conn.Close()
	for chunk := make([]byte, chunkSize); ; {
		n, err := conn.Read(chunk)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.sent = append(r.sent, chunk[:n]...)
		r.mu.Unlock()
		if _, err := conn.Write(bytes.Repeat([]byte{'.'}, bytes.Count(chunk[:n], []byte{'\n'}))); err != nil {
			return
		}
	}
}

func (r *recorder) got() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.sent)
}

func (c client) send(packets ...[]byte) {
	c.t.Helper()
	if _, err := c.Write(slices.Concat(packets...)); err != nil {
		c.t.Fatal(err)
	}
}

// overloaded is the answer to a statement that meets it.
func overloaded() (Error, []byte) {
	e := Error{Number: 1297, Message: "Got temporary error 410 'REDO log files overloaded' from NDBCLUSTER"}
	return e, packetOf(1, append([]byte{0xff, 0x11, 0x05}, "#HY000"+e.Message...)...)
}

// TestErrors sends statements among other things, and each of them in pieces.
func TestErrors(t *testing.T) {
	e, answer := overloaded()
	other := packetOf(0, []byte("\x03SELECT 12\n")...)
	leave := packetOf(0, 0x19, 1, 0, 0, 0) // is not answered
	hello := packetOf(1, executeCommand, '\n')
	for _, tc := range []struct {
		name           string
		sends          [][]byte
		passes, answer []byte
	}{
		{"a statement", [][]byte{execute(40)}, nil, answer},
		{"the shortest", [][]byte{execute(0)}, nil, answer},
		{"byte by byte", bytes.SplitAfter(execute(3), nil), nil, answer},
		{"a long one", [][]byte{execute(100_000)}, nil, answer},
		{"behind another command", [][]byte{slices.Concat(leave, execute(9))}, leave, answer},
		{"another command", [][]byte{other}, other, []byte(".")},
		{"nothing before it", [][]byte{packetOf(2), other}, slices.Concat(packetOf(2), other), []byte(".")},
		{"no command", [][]byte{hello}, hello, []byte(".")},
		{"under TLS", [][]byte{[]byte("\x17\x03\x03\x00\x17 abc\n")}, []byte("\x17\x03\x03\x00\x17 abc\n"), []byte(".")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			upstream, p := startRecorder(t)
			c := dial(t, p)
			set(t, p, Fault{Errors: 1, Error: e})
			for range 2 { // the second time on the connection of the first
				for _, piece := range tc.sends {
					c.send(piece)
				}
				c.want(tc.answer)
			}
			set(t, p, Fault{})
			c.send([]byte("end\n"))
			c.want([]byte("."))
			if got, want := upstream.got(), slices.Concat(tc.passes, tc.passes, []byte("end\n")); !bytes.Equal(got, want) {
				t.Errorf("the upstream got %q; want %q", got, want)
			}
		})
	}
}

// TestErrorsLarge sends what does not fit into a packet: it passes.
func TestErrorsLarge(t *testing.T) {
	e, answer := overloaded()
	upstream, p := startRecorder(t)
	c := dial(t, p)
	set(t, p, Fault{Errors: 1, Error: e})
	large := slices.Concat(execute(maxContent-1), packetOf(1, '\n'))
	c.send(large)
	c.want([]byte("."))
	c.send(execute(1))
	c.want(answer)
	if got := upstream.got(); !bytes.Equal(got, large) {
		t.Errorf("the upstream got %d bytes; want %d", len(got), len(large))
	}
}

// TestErrorsShare lets some statements pass, and ends after so many errors.
func TestErrorsShare(t *testing.T) {
	e, answer := overloaded()
	_, p := startRecorder(t)
	c := dial(t, p)
	statement := packetOf(0, executeCommand, '\n')
	errs := func(n int) (count int) {
		for range n {
			before := p.Stats().Struck
			c.send(statement)
			if first := make([]byte, 1); c.read(first)[0] != '.' {
				c.want(answer[1:])
				count++
			}
			if struck := p.Stats().Struck - before; struck > 1 {
				t.Fatalf("a statement was struck %d times", struck)
			}
		}
		return count
	}
	set(t, p, Fault{Errors: 0.3, Error: e})
	if n := errs(200); n < 30 || n > 90 || p.Stats().Struck != int64(n) {
		t.Errorf("%d errors of 200, %d counted; want about 60", n, p.Stats().Struck)
	}
	set(t, p, Fault{Errors: 1, Error: e, Times: 3})
	if n := errs(10); n != 3 {
		t.Errorf("%d errors; want 3", n)
	}
}

func (c client) read(dst []byte) []byte {
	c.t.Helper()
	if _, err := io.ReadFull(c, dst); err != nil {
		c.t.Fatal(err)
	}
	return dst
}

// TestErrorsWait has the error take what a response takes, and a black hole swallow it.
func TestErrorsWait(t *testing.T) {
	e, answer := overloaded()
	_, p := startRecorder(t)
	c := dial(t, p)
	set(t, p, Fault{Errors: 1, Error: e, DelayDown: patience})
	c.send(execute(1))
	c.wantSilence()
	set(t, p, Fault{BlackHole: true})
	c.wantSilence()
	set(t, p, Fault{})
	c.want(answer) // of the fault that the statement met
}

func TestRefusal(t *testing.T) {
	u := startUpstream(t)
	p := startProxy(t, u)
	live := greeted(t, p)
	for _, tc := range []struct {
		refusal Error
		want    []byte
	}{
		{Error{Number: 1040, Message: "Too many connections"}, packetOf(0, []byte("\xff\x10\x04Too many connections")...)},
		{
			Error{1045, "28000", strings.Repeat("denied", 100)},
			packetOf(0, []byte("\xff\x15\x04#28000"+strings.Repeat("denied", 100))...),
		},
	} {
		set(t, p, Fault{Refusal: tc.refusal})
		c := dial(t, p)
		c.want(tc.want)
		c.wantEnd(io.EOF)
	}
	live.ask(10)
	live.want(pattern(10))
	set(t, p, Fault{})
	greeted(t, p)
	if n := u.accepted.Load(); n != 2 {
		t.Errorf("the upstream has had %d connections, want 2", n)
	}
}
