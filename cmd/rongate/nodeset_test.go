package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rongate/rongate/lookup"
)

// names is a name service whose answers can be changed.
type names struct {
	mu      sync.Mutex
	answers map[string]string // by network and host: addresses with commas between, or an error such as "!refused"
	held    chan struct{}     // nil: answers are given at once
}

// set gives the IPv4 addresses of a host, or an error.
func (n *names) set(host, answer string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers["ip4 "+host] = answer
}

// hold keeps answers back until the function that it returns is called.
func (n *names) hold() (release func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = make(chan struct{})
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		close(n.held)
		n.held = nil
	}
}

// lookup is a hostLookup. "!stall" does not answer, and what is not known does not exist.
func (n *names) lookup(ctx context.Context, network, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	text, known := n.answers[network+" "+host]
	held := n.held
	n.mu.Unlock()
	if held != nil {
		<-held
	}
	if reason, failed := strings.CutPrefix(text, "!"); failed {
		if reason == "stall" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return nil, errors.New(reason)
	}
	if !known {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	var found []netip.Addr
	for _, a := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		found = append(found, netip.MustParseAddr(a))
	}
	return found, nil
}

// TestResolve: what a name leads to is sorted, of one kind, bounded, and there in time or not at all.
func TestResolve(t *testing.T) {
	many := ""
	for i := range maxAddresses + 3 {
		many += fmt.Sprintf("10.0.0.%d,", i)
	}
	service := &names{answers: map[string]string{
		"ip4 sorted": "10.0.0.10,10.0.0.9,10.0.0.10", "ip4 mapped": "::ffff:10.0.0.1,10.0.0.1", "ip6 six": "fd00::2,fd00::1",
		"ip4 both": "10.0.0.1", "ip6 both": "fd00::1", "ip4 empty": "", "ip4 refused": "!refused", "ip6 refused": "fd00::1",
		"ip4 slow": "!stall", "ip6 half": "!refused", "ip4 many": many,
	}}
	synctest.Test(t, func(t *testing.T) {
		for host, want := range map[string]string{
			"sorted": "10.0.0.9,10.0.0.10", "mapped": "10.0.0.1", "six": "fd00::1,fd00::2", "both": "10.0.0.1",
			"empty": "lookup empty: no such host", "none": "lookup none: no such host", "refused": "refused",
			"half": "refused", "slow": "context deadline exceeded",
		} {
			began := time.Now()
			a := hostLookup(service.lookup).one(t.Context(), host)
			got := list(a.addresses)
			if a.err != nil {
				got = a.err.Error()
			}
			if took := time.Since(began); got != want || took > resolveTimeout {
				t.Errorf("%s: %s after %v", host, got, took)
			}
		}
		a := hostLookup(service.lookup).one(t.Context(), "many")
		if len(a.addresses) != maxAddresses || a.leftOut != 3 || a.addresses[0].String() != "10.0.0.0" {
			t.Errorf("many: %+v", a)
		}
	})
	service.answers["ip6 empty"] = ""
	if a := hostLookup(service.lookup).one(t.Context(), "empty"); !errors.Is(a.err, errNoAddress) {
		t.Errorf("empty: %+v", a)
	}
}

// following is a nodeSet whose steps are written down with the seconds since it began.
type following struct {
	*nodeSet
	*names
	t      *testing.T
	began  time.Time
	mu     sync.Mutex // guards what follows
	script strings.Builder
	refuse error // what the reader answers
}

func (f *following) write(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fmt.Fprintf(&f.script, "%4.1fs  %s\n", time.Since(f.began).Seconds(), fmt.Sprintf(format, args...))
}

func (f *following) Write(line []byte) (int, error) {
	f.write("log %s", strings.TrimSpace(string(line)))
	return len(line), nil
}

// tell stands for the reader.
func (f *following) tell(cfg lookup.Config, redial bool) error {
	f.mu.Lock()
	refuse := f.refuse
	f.mu.Unlock()
	if refuse != nil {
		f.write("reader refuses")
		return refuse
	}
	var nodes []string
	for _, n := range cfg.Nodes {
		nodes = append(nodes, strings.TrimRight(n.Address+" "+n.Zone, " "))
	}
	f.write("reader %s redial=%t", strings.Join(nodes, ", "), redial)
	return nil
}

func (f *following) answer(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuse = err
}

// parse reads a configuration with these nodes.
func parse(t *testing.T, nodes string) *config {
	t.Helper()
	cfg, err := loadConfig(filepath.Join(folder(t, map[string]string{
		"catalog.yaml": smallCatalog, "rongate.yaml": "catalog: {file: catalog.yaml}\ndatabase: {user: u}\n" + nodes,
	}), "rongate.yaml"), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// follow runs a nodeSet over a name service that knows nothing yet, in a bubble, without jitter.
func follow(t *testing.T, nodes string, steps func(f *following)) string {
	t.Helper()
	cfg := parse(t, nodes)
	f := &following{names: &names{answers: map[string]string{}}}
	synctest.Test(t, func(t *testing.T) {
		f.t, f.began = t, time.Now()
		log := slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
				return slog.Attr{}
			}
			return a
		}}))
		f.nodeSet = newNodeSet(cfg, f.lookup, f.tell, log)
		f.random = func() float64 { return 0.5 }
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			f.refresh(ctx)
			f.follow(ctx)
		}()
		synctest.Wait()
		steps(f)
		stop()
		<-ended
	})
	return f.script.String()
}

// at waits until so many seconds have passed.
func (f *following) at(seconds float64) {
	time.Sleep(time.Until(f.began.Add(time.Duration(seconds * float64(time.Second)))))
	synctest.Wait()
}

func (f *following) reload(cfg *config, redial bool) {
	f.write("reload")
	if err := f.adopt(f.t.Context(), cfg, redial); err != nil {
		f.write("refused: %v", err)
	}
	synctest.Wait()
}

// wantScript compares, but for the space at the ends of lines.
func wantScript(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestFollowNames: what comes and goes is told to the reader, once and in order, and what is no answer changes nothing.
func TestFollowNames(t *testing.T) {
	got := follow(t, "nodes: [{address: \"h:1\", zone: a}, {dns: \"db:3306\", zone: b}]\n", func(f *following) {
		f.at(1)
		f.set("db", "10.0.0.2,10.0.0.1")
		f.at(6)
		f.set("db", "10.0.0.1,10.0.0.2") // another order
		f.at(11)
		f.set("db", "!refused")
		f.at(21)
		f.set("db", "!broken") // still failing: nothing new
		f.at(26)
		f.set("db", "10.0.0.2,10.0.0.1")
		f.at(31)
		f.set("db", "") // empty
		f.at(36)
		f.set("db", "10.0.0.3") // back, as another
		f.at(41)
		f.set("db", "!stall")
		f.at(48)
		f.set("db", "10.0.0.3")
		f.at(53)
		f.set("db", "10.0.0.4")
		f.answer(errors.New("no"))
		f.at(63)
		f.answer(nil)
		f.at(68)
		f.set("db", "10.0.0.5") // flapping
		f.at(73)
		f.set("db", "10.0.0.4")
		f.at(78)
	})
	wantScript(t, got, `
 0.0s  log msg="DNS name does not resolve; its nodes stay as they were" name=db nodes="" error="lookup db: no such host"
 5.0s  log msg="DNS name resolved" name=db nodes=10.0.0.1,10.0.0.2 before=""
 5.0s  reader h:1 a, 10.0.0.1:3306 b, 10.0.0.2:3306 b redial=false
15.0s  log msg="DNS name does not resolve; its nodes stay as they were" name=db nodes=10.0.0.1,10.0.0.2 error=refused
30.0s  log msg="DNS name resolves again, to what it did before" name=db nodes=10.0.0.1,10.0.0.2
35.0s  log msg="DNS name does not resolve; its nodes stay as they were" name=db nodes=10.0.0.1,10.0.0.2 error="lookup db: no such host"
40.0s  log msg="DNS name resolved" name=db nodes=10.0.0.3 before=10.0.0.1,10.0.0.2
40.0s  reader h:1 a, 10.0.0.3:3306 b redial=false
47.0s  log msg="DNS name does not resolve; its nodes stay as they were" name=db nodes=10.0.0.3 error="context deadline exceeded"
52.0s  log msg="DNS name resolves again, to what it did before" name=db nodes=10.0.0.3
57.0s  log msg="DNS name resolved" name=db nodes=10.0.0.4 before=10.0.0.3
57.0s  reader refuses
57.0s  log msg="the nodes that DNS names lead to are not read from" error=no
62.0s  reader refuses
62.0s  log msg="the nodes that DNS names lead to are not read from" error=no
67.0s  reader h:1 a, 10.0.0.4:3306 b redial=false
72.0s  log msg="DNS name resolved" name=db nodes=10.0.0.5 before=10.0.0.4
72.0s  reader h:1 a, 10.0.0.5:3306 b redial=false
77.0s  log msg="DNS name resolved" name=db nodes=10.0.0.4 before=10.0.0.5
77.0s  reader h:1 a, 10.0.0.4:3306 b redial=false
`)
}

// TestFollowReloads: a reload keeps what DNS names lead to, resolves new ones before it is in force, and sets the
// interval; what the name service says later comes on top of it.
func TestFollowReloads(t *testing.T) {
	first := "nodes: [{dns: \"db:1\", zone: a}]\n"
	more := parse(t, "nodes: [{dns: \"db:1\", zone: b}, {address: \"10.0.0.1:2\"}, {dns: \"late:2\"}, {dns: \"none:2\"}]\nresolve: 1s\n")
	without := parse(t, "nodes: [{address: \"h:1\"}]\n")
	again := parse(t, first)
	got := follow(t, first, func(f *following) {
		f.set("db", "10.0.0.1")
		f.set("late", "10.0.0.1,fd00::1")
		f.at(1)
		f.reload(again, false)
		f.at(7)
		f.reload(more, true)
		f.set("db", "10.0.0.2")
		f.at(8.5)
		f.answer(errors.New("no"))
		f.reload(without, false)
		f.answer(nil)
		f.set("db", "10.0.0.3")
		f.at(9.5)
		f.reload(without, false)
		f.set("db", "10.0.0.4")
		f.at(20)
		f.reload(again, false)
		f.at(21)
	})
	wantScript(t, got, `
 0.0s  log msg="DNS name does not resolve; its nodes stay as they were" name=db nodes="" error="lookup db: no such host"
 1.0s  reload
 1.0s  log msg="DNS name resolved" name=db nodes=10.0.0.1 before=""
 1.0s  reader 10.0.0.1:1 a redial=false
 7.0s  reload
 7.0s  log msg="DNS name resolved" name=late nodes=10.0.0.1,fd00::1 before=""
 7.0s  log msg="DNS name does not resolve; its nodes stay as they were" name=none nodes="" error="lookup none: no such host"
 7.0s  reader 10.0.0.1:1 b, 10.0.0.1:2, [fd00::1]:2, none:2 redial=true
 8.0s  log msg="DNS name resolved" name=db nodes=10.0.0.2 before=10.0.0.1
 8.0s  reader 10.0.0.2:1 b, 10.0.0.1:2, [fd00::1]:2, none:2 redial=false
 8.5s  reload
 8.5s  reader refuses
 8.5s  refused: no
 9.0s  log msg="DNS name resolved" name=db nodes=10.0.0.3 before=10.0.0.2
 9.0s  reader 10.0.0.3:1 b, 10.0.0.1:2, [fd00::1]:2, none:2 redial=false
 9.5s  reload
 9.5s  reader h:1 redial=false
20.0s  reload
20.0s  log msg="DNS name resolved" name=db nodes=10.0.0.4 before=""
20.0s  reader 10.0.0.4:1 a redial=false
`)
}

// TestReloadWhileResolving: an answer that comes after a reload is put on top of it, and what the reload took out is not
// brought back by it.
func TestReloadWhileResolving(t *testing.T) {
	next := parse(t, "nodes: [{dns: \"b:1\"}, {address: \"h:1\"}]\n")
	got := follow(t, "nodes: [{dns: \"a:1\"}, {dns: \"b:1\"}]\n", func(f *following) {
		f.set("a", "10.0.0.1")
		f.set("b", "10.0.0.2")
		f.at(5)
		release := f.hold()
		f.set("a", "10.0.0.9")
		f.set("b", "10.0.0.3")
		f.at(10.5) // both are asked for
		f.reload(next, false)
		release()
		synctest.Wait()
	})
	_, got, _ = strings.Cut(got, "10.5s")
	wantScript(t, "10.5s"+got, `
10.5s  reload
10.5s  reader 10.0.0.2:1, h:1 redial=false
10.5s  log msg="DNS name resolved" name=b nodes=10.0.0.3 before=10.0.0.2
10.5s  reader 10.0.0.3:1, h:1 redial=false
`)
}

// TestResolveInterval: it is kept to by a tenth, and gateways do not ask in step.
func TestResolveInterval(t *testing.T) {
	cfg := parse(t, "nodes: [{dns: \"db:1\"}]\nresolve: 10s\n")
	s := newNodeSet(cfg, nil, nil, slog.New(slog.DiscardHandler))
	least, most := time.Hour, time.Duration(0)
	for range 1000 {
		p := s.pause()
		least, most = min(least, p), max(most, p)
	}
	if least < 9*time.Second || most > 11*time.Second || most-least < time.Second {
		t.Errorf("from %v to %v", least, most)
	}
}

// TestNodesOf: in the order of the configuration, each once, named for TLS by the DNS name unless all have one name.
func TestNodesOf(t *testing.T) {
	const nodes = "nodes: [{address: \"10.0.0.2:1\", zone: a}, {dns: \"db.internal.:1\", zone: b, region: r}, {dns: \"none:1\"}]\n"
	cfg := parse(t, nodes)
	found := map[string][]netip.Addr{"db.internal.": {netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fd00::1")}}
	want := []lookup.NodeConfig{
		{Address: "10.0.0.2:1", Zone: "a"}, {Address: "[fd00::1]:1", Zone: "b", Region: "r"}, {Address: "none:1"},
	}
	if got := nodesOf(cfg.nodes, found); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	nameServers(&tls.Config{ServerName: "all"}, cfg.nodes)
	if got := nodesOf(cfg.nodes, found); !slices.Equal(got, want) {
		t.Errorf("with one name for all: %v", got)
	}
	nameServers(&tls.Config{}, cfg.nodes)
	want[1].ServerName, want[2].ServerName = "db.internal", "none"
	if got := nodesOf(cfg.nodes, found); !slices.Equal(got, want) {
		t.Errorf("verified: %v", got)
	}
}
