package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rongate/rongate/internal/testbed"
)

// A fakeProcess notes what is done to it.
type fakeProcess struct {
	testbed.Process // the verbs that nobody uses

	done  []string
	fails error
}

func (p *fakeProcess) Kill() error {
	p.done = append(p.done, "kill")
	return nil
}

func (p *fakeProcess) Restart(context.Context) error {
	p.done = append(p.done, "restart")
	return p.fails
}

func (p *fakeProcess) Alive() bool { return len(p.done) == 0 || p.done[len(p.done)-1] != "kill" }

// newNode is a node that answers "hello" to every connection.
func newNode(t *testing.T, name string) *node {
	t.Helper()
	upstream, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { upstream.Close() })
	go func() {
		for {
			conn, err := upstream.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "hello")
			conn.Close()
		}
	}()
	proxy, _, err := openProxy(upstream.Addr().String(), firstNodePort+100)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	return &node{name: name, zone: "zone-a", address: proxy.Addr(), proxy: proxy}
}

// greeting is what a client is told, or the error that it gets.
func (n *node) greeting() string {
	conn, err := net.Dial("tcp", n.address)
	if err != nil {
		return "refused"
	}
	defer conn.Close()
	text, err := io.ReadAll(conn)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func mustApply(t *testing.T, n *node, v verb, want condition) {
	t.Helper()
	if said, err := n.apply(t.Context(), v); err != nil || !strings.Contains(said, n.name) {
		t.Errorf("%s: %q, %v", v, said, err)
	}
	if n.condition() != want {
		t.Errorf("after %s it is %s; want %s", v, n.condition(), want)
	}
}

func TestNodeWithoutAProcess(t *testing.T) {
	n := newNode(t, "node1")
	if n.condition() != up || n.greeting() != "hello" {
		t.Errorf("at first it is %s and says %q", n.condition(), n.greeting())
	}
	mustApply(t, n, kill, killed)
	if got := n.greeting(); got != "refused" {
		t.Errorf("when killed it says %q", got)
	}
	for _, v := range []verb{freeze, slowen} {
		if _, err := n.apply(t.Context(), v); !errors.Is(err, errDown) {
			t.Errorf("%s of a killed node: %v", v, err)
		}
	}
	mustApply(t, n, kill, killed)
	mustApply(t, n, revive, up)
	mustApply(t, n, freeze, frozen)
	mustApply(t, n, slowen, slow)
	if got := n.greeting(); got != "hello" {
		t.Errorf("when slow it says %q", got)
	}
	mustApply(t, n, revive, up)
}

func TestNodeWithAProcess(t *testing.T) {
	n := newNode(t, "node1")
	process := &fakeProcess{}
	n.process = process
	mustApply(t, n, freeze, frozen)
	mustApply(t, n, revive, up)
	mustApply(t, n, kill, killed)
	mustApply(t, n, revive, up)
	if got := strings.Join(process.done, " "); got != "kill restart" {
		t.Errorf("done to the process: %s", got)
	}
	mustApply(t, n, kill, killed)
	process.fails = errors.New("no")
	if _, err := n.apply(t.Context(), revive); err == nil || n.condition() != killed {
		t.Errorf("a restart that fails: %v, %s", err, n.condition())
	}
}

func newDemo(t *testing.T, out io.Writer) *demo {
	t.Helper()
	return &demo{
		screen: newScreen(out), control: "127.0.0.1:9", gate: &gateway{public: "127.0.0.1:8", private: "127.0.0.1:7"},
		db: &database{user: "u", password: "p", nodes: []*node{newNode(t, "node1"), newNode(t, "node2")}},
	}
}

func TestKeys(t *testing.T) {
	var out bytes.Buffer
	d := newDemo(t, &out)
	quits := 0
	k := &keyboard{demo: d, quit: func() { quits++ }}
	for _, tc := range []struct {
		keys string
		want []condition
		says string
	}{
		{"k", []condition{killed, up}, "node1 killed"},
		{"r", []condition{up, up}, "node1 revived"},
		{"2\n", []condition{up, up}, "node2 (zone-a) chosen"},
		{"f", []condition{up, frozen}, "node2 frozen"},
		{"s", []condition{up, slow}, "node2 slow"},
		{"3x ä", []condition{up, slow}, ""},
		{"?", []condition{up, slow}, "revive   makes all well"},
		{"c", []condition{up, slow}, "curl -X POST 127.0.0.1:9/nodes/2/kill"},
		{"1", []condition{up, slow}, "node1 (zone-a) chosen"},
	} {
		out.Reset()
		k.listen(t.Context(), strings.NewReader(tc.keys))
		d.background.Wait()
		for i, want := range tc.want {
			if got := d.db.nodes[i].condition(); got != want {
				t.Errorf("after %q node %d is %s; want %s", tc.keys, i+1, got, want)
			}
		}
		if !strings.Contains(out.String(), tc.says) || (tc.says == "") != (out.Len() == 0) {
			t.Errorf("after %q the screen has %q", tc.keys, &out)
		}
	}
	if quits != 0 {
		t.Errorf("quit %d times", quits)
	}
	if k.listen(t.Context(), strings.NewReader("q")); quits != 1 {
		t.Errorf("q quits %d times", quits)
	}
}

func TestControl(t *testing.T) {
	var out bytes.Buffer
	d := newDemo(t, &out)
	h := d.handler(t.Context())
	for _, tc := range []struct {
		method, path string
		status       int
		says         string
	}{
		{"GET", "/", 200, "node2 zone-a " + d.db.nodes[1].address + " up"},
		{"POST", "/nodes/2/kill", 200, "node2 killed"},
		{"GET", "/", 200, "node2 zone-a " + d.db.nodes[1].address + " killed"},
		{"POST", "/nodes/2/slow", 409, "revive it first"},
		{"POST", "/nodes/2/revive", 200, "node2 revived"},
		{"POST", "/nodes/3/kill", 404, "no such node"},
		{"POST", "/nodes/0/kill", 404, "no such node"},
		{"POST", "/nodes/1/hug", 404, "no such node or verb"},
		{"GET", "/nodes/1/kill", 405, ""},
		{"GET", "/other", 404, ""},
	} {
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), tc.method, tc.path, http.NoBody))
		if recorder.Code != tc.status || !strings.Contains(recorder.Body.String(), tc.says) {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, recorder.Code, recorder.Body)
		}
	}
	if !strings.Contains(out.String(), "> node2 killed") {
		t.Errorf("the screen has %q", &out)
	}
}

func TestOpenProxyTakesTheNextPort(t *testing.T) {
	a, first, err := openProxy("127.0.0.1:1", firstNodePort+200)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, second, err := openProxy("127.0.0.1:1", first)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if second <= first {
		t.Errorf("ports %d and %d", first, second)
	}
}
