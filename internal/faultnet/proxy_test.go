package faultnet

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const (
	greeting = "hello\n"

	// patience is how long a test waits for what must come, and silence how long it listens for what must not.
	patience = 10 * time.Second
	silence  = 50 * time.Millisecond
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An upstream greets its clients, and answers each line, a number, with as many bytes.
type upstream struct {
	listener net.Listener
	accepted atomic.Int64
	wg       sync.WaitGroup
}

func startUpstream(t *testing.T) *upstream {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &upstream{listener: listener}
	u.wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			u.accepted.Add(1)
			u.wg.Go(func() { serveNumbers(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		u.wg.Wait()
	})
	return u
}

func serveNumbers(conn net.Conn) {
	defer conn.Close()
	if _, err := io.WriteString(conn, greeting); err != nil {
		return
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			return
		}
		if _, err := conn.Write(pattern(n)); err != nil {
			return
		}
	}
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}

func startProxy(t *testing.T, u *upstream) *Proxy {
	t.Helper()
	p, err := New(Config{Upstream: u.listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func set(t *testing.T, p *Proxy, f Fault) {
	t.Helper()
	if err := p.Set(f); err != nil {
		t.Fatal(err)
	}
}

// A client is a connection through the proxy.
type client struct {
	net.Conn
	t *testing.T
}

func dial(t *testing.T, p *Proxy) client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", p.Addr(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return client{conn, t}
}

// greeted is a connection that works.
func greeted(t *testing.T, p *Proxy) client {
	t.Helper()
	c := dial(t, p)
	c.want([]byte(greeting))
	return c
}

func (c client) ask(n int) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c, "%d\n", n); err != nil {
		c.t.Fatal(err)
	}
}

// want reads exactly these bytes.
func (c client) want(bytesWanted []byte) {
	c.t.Helper()
	got := make([]byte, len(bytesWanted))
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if n, err := io.ReadFull(c, got); err != nil {
		c.t.Fatalf("read %d of %d bytes: %v", n, len(got), err)
	}
	if !bytes.Equal(got, bytesWanted) {
		c.t.Fatal("the bytes read are not those sent")
	}
}

// wantSilence reads nothing, without an end.
func (c client) wantSilence() {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(silence))
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("read %d bytes, error %v; want silence", n, err)
	}
}

// wantEnd reads no more bytes and this error.
func (c client) wantEnd(end error) {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, end) {
		c.t.Fatalf("read %d bytes, error %v; want %v", n, err, end)
	}
}

func TestPass(t *testing.T) {
	p := startProxy(t, startUpstream(t))
	var wg sync.WaitGroup
	for range 4 {
		c := greeted(t, p)
		wg.Go(func() {
			for _, n := range []int{1, 1000, 3 << 20, 0, 5} {
				c.ask(n)
				c.want(pattern(n))
			}
		})
	}
	wg.Wait()
	s := p.Stats()
	if s.Accepted != 4 || s.Active != 4 {
		t.Errorf("%d connections accepted, %d active; want 4", s.Accepted, s.Active)
	}
	if want := 4 * int64(len("1\n1000\n3145728\n0\n5\n")); s.BytesUp != want {
		t.Errorf("%d bytes up, want %d", s.BytesUp, want)
	}
	if want := 4 * int64(len(greeting)+1+1000+3<<20+5); s.BytesDown != want {
		t.Errorf("%d bytes down, want %d", s.BytesDown, want)
	}
}

func TestEndPropagates(t *testing.T) {
	p := startProxy(t, startUpstream(t))
	c := greeted(t, p)
	if _, err := io.WriteString(c, "bye\n"); err != nil { // no number: the upstream hangs up
		t.Fatal(err)
	}
	c.wantEnd(io.EOF)

	_ = greeted(t, p).Close()
	for start := time.Now(); p.Stats().Active > 0; time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatal("a connection that its client closed stays active")
		}
	}
}

func TestRefuse(t *testing.T) {
	p := startProxy(t, startUpstream(t))
	live := greeted(t, p)
	set(t, p, Fault{Refuse: true})
	if _, err := net.Dial("tcp", p.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v, want it refused", err)
	}
	live.ask(10)
	live.want(pattern(10))

	set(t, p, Fault{Refuse: true}) // again changes nothing
	set(t, p, Fault{})
	greeted(t, p)
}

func TestResetAndHangup(t *testing.T) {
	p := startProxy(t, startUpstream(t))
	c := greeted(t, p)
	p.Reset()
	c.wantEnd(syscall.ECONNRESET)
	c = greeted(t, p)
	p.Hangup()
	c.wantEnd(io.EOF)
}

func TestUpstreamGone(t *testing.T) {
	u := startUpstream(t)
	p := startProxy(t, u)
	_ = u.listener.Close()
	conn, err := net.Dial("tcp", p.Addr())
	if err == nil {
		defer conn.Close()
		_, err = conn.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a client of a proxy without its upstream: %v", err)
	}
}

func TestBlackHole(t *testing.T) {
	u := startUpstream(t)
	p := startProxy(t, u)
	live := greeted(t, p)
	set(t, p, Fault{BlackHole: true})
	fresh := dial(t, p)
	live.ask(10)
	live.wantSilence()
	fresh.wantSilence()
	if n := u.accepted.Load(); n != 1 {
		t.Errorf("the upstream has %d connections, want 1", n)
	}

	set(t, p, Fault{})
	live.want(pattern(10))
	fresh.want([]byte(greeting))
	fresh.ask(20)
	fresh.want(pattern(20))
}

func TestBlackHoleHoldsWhatIsOnItsWay(t *testing.T) {
	for _, f := range []Fault{{DelayUp: time.Hour}, {DelayDown: time.Hour}, {Trickle: 1, TrickleEvery: time.Hour}} {
		p := startProxy(t, startUpstream(t))
		c := greeted(t, p)
		set(t, p, f)
		c.ask(1 << 20)
		c.wantSilence()
		set(t, p, Fault{BlackHole: true})
		c.wantSilence()
		set(t, p, Fault{})
		c.want(pattern(1 << 20))
	}
}

func TestNoGreeting(t *testing.T) {
	u := startUpstream(t)
	p := startProxy(t, u)
	live := greeted(t, p)
	set(t, p, Fault{NoGreeting: true})
	mute := dial(t, p)
	mute.ask(1)
	mute.wantSilence()
	live.ask(10)
	live.want(pattern(10))
	set(t, p, Fault{})
	mute.wantSilence()
	greeted(t, p)
	if n := u.accepted.Load(); n != 2 {
		t.Errorf("the upstream has had %d connections, want 2", n)
	}
}

func TestDelay(t *testing.T) {
	const delay = 30 * time.Millisecond
	for _, f := range []Fault{{DelayUp: delay}, {DelayDown: delay}, {Stragglers: 1, StragglerDelay: delay}} {
		p := startProxy(t, startUpstream(t))
		c := greeted(t, p)
		set(t, p, f)
		start := time.Now()
		c.ask(10)
		c.want(pattern(10))
		if d := time.Since(start); d < delay {
			t.Errorf("%+v: answered after %v", f, d)
		}
	}
}

func TestSetEndsDelay(t *testing.T) {
	for _, f := range []Fault{{DelayUp: time.Hour}, {DelayDown: time.Hour}, {Trickle: 1, TrickleEvery: time.Hour}} {
		p := startProxy(t, startUpstream(t))
		c := greeted(t, p)
		set(t, p, f)
		c.ask(10)
		c.wantSilence()
		set(t, p, Fault{})
		c.want(pattern(10))
	}
}

func TestStallAfter(t *testing.T) {
	const n, after = 100_000, 70_001
	p := startProxy(t, startUpstream(t))
	c := greeted(t, p)
	set(t, p, Fault{StallAfter: after})
	c.ask(after - 1)
	c.want(pattern(after - 1))
	c.ask(n)
	c.want(pattern(n)[:after])
	c.wantSilence()
	if s := p.Stats(); s.Struck != 1 {
		t.Errorf("struck %d times, want 1", s.Struck)
	}
	set(t, p, Fault{})
	c.want(pattern(n)[after:])
	c.ask(7)
	c.want(pattern(7))
}

func TestResetAfter(t *testing.T) {
	const n, after = 100_000, 70_001
	p := startProxy(t, startUpstream(t))
	c := greeted(t, p)
	set(t, p, Fault{ResetAfter: after})
	c.ask(after - 1)
	c.want(pattern(after - 1))
	c.ask(n)
	c.want(pattern(n)[:after])
	c.wantEnd(syscall.ECONNRESET)
}

func TestTimes(t *testing.T) {
	p := startProxy(t, startUpstream(t))
	c := greeted(t, p)
	set(t, p, Fault{ResetAfter: 3, Times: 1})
	c.ask(5)
	c.want(pattern(3))
	c.wantEnd(syscall.ECONNRESET)
	c = greeted(t, p)
	c.ask(5)
	c.want(pattern(5))
	if s := p.Stats(); s.Struck != 1 {
		t.Errorf("struck %d times, want 1", s.Struck)
	}
}

func TestTrickle(t *testing.T) {
	const every = 2 * time.Millisecond
	p := startProxy(t, startUpstream(t))
	c := greeted(t, p)
	set(t, p, Fault{Trickle: 3, TrickleEvery: every})
	start := time.Now()
	c.ask(20)
	c.want(pattern(20))
	if d := time.Since(start); d < 7*every {
		t.Errorf("20 bytes, 3 at a time, took %v", d)
	}
}

// TestStragglers checks that a response is one however many pieces it comes in, and that a seed decides which
// straggle.
func TestStragglers(t *testing.T) {
	series := func(seed uint64) string {
		u := startUpstream(t)
		p, err := New(Config{Upstream: u.listener.Addr().String(), Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		c := greeted(t, p)
		set(t, p, Fault{Stragglers: 0.3, StragglerDelay: time.Nanosecond})
		var lots strings.Builder
		for before := int64(0); lots.Len() < 60; {
			c.ask(200_000)
			c.want(pattern(200_000))
			after := p.Stats().Straggled
			fmt.Fprint(&lots, after-before)
			before = after
		}
		return lots.String()
	}
	first := series(1)
	if strings.Trim(first, "01") != "" || !strings.Contains(first, "1") || strings.Count(first, "1") > 40 {
		t.Errorf("with a fraction of 0.3, responses straggled like %s", first)
	}
	if again := series(1); again != first {
		t.Errorf("the same seed gave\n%s, then\n%s", first, again)
	}
	if series(2) == first {
		t.Error("two seeds gave the same series")
	}
}

// TestCloseEndsAll leaves it to TestMain to find what is left.
func TestCloseEndsAll(t *testing.T) {
	for _, f := range []Fault{
		{},
		{Refuse: true},
		{BlackHole: true},
		{NoGreeting: true},
		{DelayUp: time.Hour},
		{DelayDown: time.Hour},
		{StallAfter: 1},
		{Trickle: 1, TrickleEvery: time.Hour},
	} {
		p := startProxy(t, startUpstream(t))
		live := greeted(t, p)
		set(t, p, f)
		live.ask(10)
		if !f.Refuse {
			dial(t, p)
		}
		p.Close()
		p.Close()
		if s := p.Stats(); s.Active != 0 {
			t.Errorf("%+v: %d connections active after Close", f, s.Active)
		}
		if err := p.Set(Fault{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%+v: Set after Close: %v", f, err)
		}
	}
}

func TestPortTaken(t *testing.T) {
	p := startProxy(t, startUpstream(t))
	if _, err := New(Config{Listen: p.Addr()}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second proxy on the same port: %v", err)
	}
}

// TestSwitchUnderLoad is for the race detector.
func TestSwitchUnderLoad(t *testing.T) {
	p := startProxy(t, startUpstream(t))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				conn, err := net.Dial("tcp", p.Addr())
				if err != nil {
					continue
				}
				_ = conn.SetDeadline(time.Now().Add(5 * time.Millisecond))
				_, _ = io.WriteString(conn, "5000\n")
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
			}
		})
	}
	faults := []Fault{
		{},
		{Refuse: true},
		{BlackHole: true},
		{NoGreeting: true},
		{StallAfter: 100},
		{ResetAfter: 100, Times: 2},
		{Stragglers: 0.5, StragglerDelay: time.Millisecond},
		{Trickle: 100, TrickleEvery: time.Millisecond},
	}
	for i := range 100 {
		set(t, p, faults[i%len(faults)])
		if i%7 == 0 {
			p.Reset()
		}
		_ = p.Stats()
		time.Sleep(time.Millisecond)
	}
	close(done)
	wg.Wait()
	set(t, p, Fault{})
	greeted(t, p)
}
