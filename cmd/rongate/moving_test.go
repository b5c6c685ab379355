package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-json"

	"github.com/rongate/rongate/internal/devdb"
	"github.com/rongate/rongate/internal/faultnet"
)

// homes are loopback addresses with one port in common, each in front of a node of an embedded database: what a DNS name
// leads to.
type homes struct {
	t       *testing.T
	port    string
	proxies map[string]*faultnet.Proxy // by IP address
}

// newHomes opens addresses 127.0.7.1 and on.
func newHomes(t *testing.T, count int) *homes {
	t.Helper()
	db, err := devdb.Start(devdb.Config{Nodes: count, User: "root"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	err = db.Exec(t.Context(), `CREATE DATABASE payments;
		CREATE TABLE payments.account_stats_1 (account_id BIGINT PRIMARY KEY, country VARCHAR(2));
		INSERT INTO payments.account_stats_1 VALUES (4711, 'SE');`)
	if err != nil {
		t.Fatal(err)
	}
	h := &homes{t: t, port: "0", proxies: map[string]*faultnet.Proxy{}}
	for range 20 { // the port of the first may be taken at another
		if err = h.open(db.Addresses()); err == nil {
			t.Cleanup(h.close)
			return h
		}
		h.close()
		h.port = "0"
	}
	t.Fatal(err)
	return nil
}

func (h *homes) open(upstreams []string) error {
	for i, upstream := range upstreams {
		ip := fmt.Sprintf("127.0.7.%d", i+1)
		p, err := faultnet.New(faultnet.Config{Upstream: upstream, Listen: net.JoinHostPort(ip, h.port)})
		if err != nil {
			return err
		}
		h.proxies[ip] = p
		if _, h.port, err = net.SplitHostPort(p.Addr()); err != nil {
			return err
		}
	}
	return nil
}

func (h *homes) close() {
	for _, p := range h.proxies {
		p.Close()
	}
	clear(h.proxies)
}

// set makes an address answer, or refuse and cut off whoever is connected.
func (h *homes) set(ip string, answers bool) {
	h.t.Helper()
	if err := h.proxies[ip].Set(faultnet.Fault{Refuse: !answers}); err != nil {
		h.t.Fatal(err)
	}
	if !answers {
		h.proxies[ip].Reset()
	}
}

// moving is a gateway in the test's own process whose DNS names lead where the test says.
type moving struct {
	*served
	*names
	*homes
	gateway *gateway
	hangups chan os.Signal
	end     func()
}

func startMoving(t *testing.T, h *homes, dir string, service *names) *moving {
	t.Helper()
	path := filepath.Join(dir, "rongate.yaml")
	cfg, err := loadConfig(path, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	cfg.resolve = 10 * time.Millisecond
	log := &buffer{}
	m := &moving{served: &served{t: t, log: log}, names: service, homes: h, hangups: make(chan os.Signal, 1)}
	if m.gateway, err = newGateway(path, noEnvironment, cfg, time.Now(), log); err != nil {
		t.Fatal(err)
	}
	m.gateway.hangups, m.gateway.nodes.ask = m.hangups, service.lookup
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.gateway.serve(ctx) }()
	m.end = func() {
		t.Helper()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	m.wait("listening", func() bool {
		for line := range strings.Lines(log.String()) {
			var entry struct{ Msg, Listen, PrivateListen string }
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "serving" {
				m.public, m.health = "http://"+entry.Listen, "http://"+entry.PrivateListen
				return true
			}
		}
		return false
	})
	return m
}

// settled waits until exactly these addresses are read from, and no other is connected to.
func (m *moving) settled(ips ...string) {
	m.served.t.Helper()
	want := make([]string, len(ips))
	for i, ip := range ips {
		want[i] = net.JoinHostPort(ip, m.port)
	}
	m.wait(fmt.Sprint("reading from ", want), func() bool {
		var got []string
		stats := m.gateway.reader.Stats()
		for _, n := range stats.Nodes {
			if !n.Up || stats.Leaving > 0 {
				return false
			}
			got = append(got, n.Address)
		}
		for ip, p := range m.proxies {
			if !slices.Contains(ips, ip) && p.Stats().Active > 0 {
				return false
			}
		}
		slices.Sort(got)
		return slices.Equal(got, want)
	})
}

func movingFolder(t *testing.T, nodes string) string {
	t.Helper()
	return folder(t, map[string]string{
		"catalog.yaml": smallCatalog,
		"rongate.yaml": "catalog: {file: catalog.yaml}\nzone: a\nresolve: 100ms\nnodes:\n" + nodes + "database: {user: root}\n" + jsonOnAnyPort,
	})
}

// TestNodesMoveUnderLoad has a DNS name lead to other nodes fifty times, with answers that fail and reloads in between.
// What it does not lead to any more refuses connections. No request fails.
func TestNodesMoveUnderLoad(t *testing.T) {
	h := newHomes(t, 4)
	all := slices.Sorted(func(yield func(string) bool) {
		for ip := range h.proxies {
			if !yield(ip) {
				return
			}
		}
	})
	service := &names{answers: map[string]string{"ip4 db.invalid": strings.Join(all, ",")}}
	dir := movingFolder(t, fmt.Sprintf("  - {dns: \"db.invalid:%s\", zone: a}\n", h.port))
	m := startMoving(t, h, dir, service)
	m.ready()
	m.settled(all...)
	load := startLoad(t, m.public)
	// All four bits of which addresses there are, in an order in which one or several come and go at once, and now and
	// then all are others than before.
	sets := []int{0b0001, 0b1110, 0b0110, 0b1001, 0b1011, 0b0100, 0b1111, 0b0011, 0b1100, 0b0010}
	was := 0b1111
	pick := func(set int) (ips []string) {
		for i, ip := range all {
			if set&(1<<i) != 0 {
				ips = append(ips, ip)
			}
		}
		return ips
	}
	for i := range 50 {
		set := sets[i%len(sets)]
		for _, ip := range pick(set &^ was) {
			h.set(ip, true)
		}
		switch i % 5 {
		case 1:
			service.set("db.invalid", "!server misbehaving")
			time.Sleep(30 * time.Millisecond)
		case 2:
			service.set("db.invalid", "")
			time.Sleep(30 * time.Millisecond)
		}
		service.set("db.invalid", strings.Join(pick(set), ","))
		if i%5 == 3 {
			m.hangups <- syscall.SIGHUP // while the name is resolved anew; the interval becomes that of the file
		}
		m.settled(pick(set)...)
		for _, ip := range pick(was &^ set) {
			h.set(ip, false)
		}
		was = set
	}
	failed, answered := load.stop()
	t.Logf("%d requests answered during 50 changes", answered)
	if len(failed) > 0 || answered < 50 {
		t.Errorf("%d of %d failed, such as %.3q\n%s", len(failed), answered, failed, m.log)
	}
	m.end()
	for ip, p := range h.proxies {
		m.wait("disconnected from "+ip, func() bool { return p.Stats().Active == 0 })
	}
}

// TestNameUnknownAtStart: without any node rongate is not ready, says why, and serves when the name resolves; with
// another node it serves at once.
func TestNameUnknownAtStart(t *testing.T) {
	h := newHomes(t, 2)
	service := &names{answers: map[string]string{}}
	name := fmt.Sprintf("  - {dns: \"db.invalid:%s\", zone: a}\n", h.port)
	m := startMoving(t, h, movingFolder(t, name), service)
	m.wait("saying why it is not ready", func() bool {
		status, body := m.get(m.health + "/readyz")
		return status == 503 && strings.Contains(body, "db.invalid")
	})
	if status, _ := m.get(m.health + "/livez"); status != 200 {
		t.Errorf("livez: %d", status)
	}
	service.set("db.invalid", "127.0.7.2")
	m.ready()
	m.settled("127.0.7.2")
	if status, body := m.post(request); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	m.end()

	service = &names{answers: map[string]string{}}
	m = startMoving(t, h, movingFolder(t, name+fmt.Sprintf("  - {address: \"127.0.7.1:%s\"}\n", h.port)), service)
	m.ready()
	service.set("db.invalid", "127.0.7.1,127.0.7.2")
	m.settled("127.0.7.1", "127.0.7.2")
	service.set("db.invalid", "!refused")
	m.wait("told of the failure", func() bool { return strings.Contains(m.log.String(), `"error":"refused"`) })
	m.settled("127.0.7.1", "127.0.7.2")
	m.end()
}

// TestRealNameService resolves a name that every machine knows.
func TestRealNameService(t *testing.T) {
	a := hostLookup(net.DefaultResolver.LookupNetIP).one(t.Context(), "localhost")
	if a.err != nil || !a.addresses[0].IsLoopback() {
		t.Errorf("localhost: %+v", a)
	}
	a = hostLookup(net.DefaultResolver.LookupNetIP).one(t.Context(), "rongate.invalid")
	if len(a.addresses) > 0 || a.err == nil || errors.Is(a.err, errNoAddress) {
		t.Errorf("rongate.invalid: %+v", a)
	}
}
