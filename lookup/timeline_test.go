package lookup_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/internal/fakenode"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

func updating() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

// TestTimelines runs the stories in testdata/timelines in virtual time. First they say what there is:
//
//	node a zone z1 connections 2          rongate itself is in zone z1 of region r1, and so are nodes that do not say
//	statements take 1ms
//	load accounts every 5ms, 3 keys, deadline 100ms
//
// and then what happens when (see story.happen). Each such line begins a stretch of the story, and is followed by lines
// that begin with two blanks and are written by the test: what becomes of the nodes, when and why, and whether rongate is
// ready; what came of the reads that began in this stretch, and the statements that it took. Lines that begin with # tell
// what goes on. -update writes the golden lines anew.
func TestTimelines(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "timelines", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got []byte
			synctest.Test(t, func(t *testing.T) { got = newStory(t).play(want) })
			switch {
			case bytes.Equal(got, want):
			case !updating():
				t.Fatalf("%s\n\nis now\n\n%s", want, got)
			default:
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A story is one while it is played.
type story struct {
	*fixture
	start   time.Time
	takes   time.Duration
	cfg     lookup.Config
	list    []*server
	loads   []load
	random  *rand.Rand // under the Reader's lock, and mu
	playing sync.WaitGroup
	over    context.Context // of the loads

	mu    sync.Mutex
	told  []event
	reads []answered
	seen  int // by expectWell
}

// An event is a golden line that tells of one moment.
type event struct {
	at   time.Duration
	text string
}

// A load is reads that come at regular times, whatever becomes of them.
type load struct {
	plan            int
	every, deadline time.Duration
	keys            int64
	hedging         catalog.Hedging
}

// answered is a read, and what came of it.
type answered struct {
	at, took time.Duration
	failure  string
}

// A mark is the counters between two stretches.
type mark struct {
	at    time.Duration
	stats lookup.Stats
	ready bool
}

func newStory(t *testing.T) *story {
	return &story{
		fixture: &fixture{t: t}, takes: time.Millisecond, random: rand.New(rand.NewPCG(1, 1)),
		cfg: lookup.Config{Zone: "z1", Region: "r1"},
	}
}

// play runs a story and returns it with what comes of it.
func (s *story) play(text []byte) []byte {
	var out bytes.Buffer
	var marks []mark
	stop := func() {}
	places := []int{} // in out, where the golden lines of each stretch belong
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "  ") {
			continue
		}
		when, what, isEvent := strings.Cut(strings.TrimPrefix(line, "at "), ": ")
		if isEvent = isEvent && strings.HasPrefix(line, "at "); isEvent {
			if s.reader == nil {
				stop = s.open()
			}
			time.Sleep(time.Until(s.start.Add(s.duration(when))))
			marks = append(marks, s.mark())
		}
		fmt.Fprintln(&out, line)
		switch {
		case isEvent:
			places = append(places, out.Len())
			if what == "end" {
				stop()
			} else {
				s.happen(what)
			}
		case line != "" && line[0] != '#':
			s.set(line)
		}
	}
	s.end()
	var golden bytes.Buffer
	from := 0
	for i, place := range places {
		golden.Write(out.Bytes()[from:place])
		from = place
		s.tell(&golden, marks, i)
	}
	golden.Write(out.Bytes()[from:])
	return golden.Bytes()
}

// set notes what there is.
func (s *story) set(line string) {
	words := strings.Fields(line)
	switch words[0] {
	case "node":
		n := lookup.NodeConfig{Address: words[1], Zone: "z1", Region: "r1"}
		size := pool.DefaultSize
		for i := 2; i+1 < len(words); i += 2 {
			switch words[i] {
			case "zone":
				n.Zone = words[i+1]
			case "region":
				n.Region = words[i+1]
			case "connections":
				size = s.number(words[i+1])
			}
		}
		s.cfg.Nodes = append(s.cfg.Nodes, n)
		s.list = append(s.list, newServer(len(s.list)+1, n.Address, size, nil))
	case "statements":
		s.takes = s.duration(words[2])
	case "hedging":
		s.cfg.Hedging = s.hedging(words[1])
	case "load":
		s.loads = append(s.loads, s.parseLoad(line))
	default:
		s.t.Fatalf("%q: what is that?", line)
	}
}

func (s *story) parseLoad(line string) load {
	l := load{deadline: 500 * time.Millisecond, keys: 1}
	for i, part := range strings.Split(strings.TrimPrefix(line, "load "), ", ") {
		words := strings.Fields(part)
		switch {
		case i == 0 && len(words) == 3:
			l.plan, l.every = map[string]int{"accounts": accounts, "names": names}[words[0]], s.duration(words[2])
		case words[0] == "hedging":
			l.hedging = s.hedging(words[1])
		case words[0] == "deadline":
			l.deadline = s.duration(words[1])
		default:
			l.keys = int64(s.number(words[0]))
		}
	}
	return l
}

// open has the Reader connect to the nodes, and begins the loads a moment later.
func (s *story) open() (stop func()) {
	s.start = time.Now()
	servers := map[string]*server{}
	warm := func(w *wire) error { return s.reader.Warm(w) }
	for _, n := range s.list {
		servers[n.address], n.takes, n.warm = n, s.takes, warm
	}
	s.cfg.Log = slog.New(&chronicle{story: s})
	s.fixture = newFixture(s.t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
		tables := nodes["a"].Tables
		*cfg = s.cfg
		cfg.Connect = func(pc pool.Config) (lookup.Connections, error) {
			n := servers[pc.Address]
			n.tables, _ = fakenode.Connect(map[string]*fakenode.Node{"": {Tables: tables, Size: 1000}})(pool.Config{})
			return n.connect(pc)
		}
	})
	s.reader.SetJitter(func(below time.Duration) time.Duration {
		s.mu.Lock()
		defer s.mu.Unlock()
		return time.Duration(s.random.Int64N(int64(below)))
	})
	var stopLoads context.CancelFunc
	s.over, stopLoads = context.WithCancel(context.Background())
	for i, l := range s.loads {
		s.playing.Go(func() { s.run(uint64(i), l) })
	}
	s.playing.Go(s.watchReady)
	return stopLoads
}

// run asks, until the story is over.
func (s *story) run(number uint64, l load) {
	begin := s.start.Add(100 * time.Millisecond)
	for i := uint64(0); ; i++ {
		at := begin.Add(time.Duration(i)*l.every + grain(100+number, i))
		select {
		case <-time.After(time.Until(at)):
		case <-s.over.Done():
			return
		}
		s.playing.Go(func() { s.ask(l, int64(i)*37) })
	}
}

// ask reads some keys and notes what came of it. A wrong answer is the end of any story.
func (s *story) ask(l load, from int64) {
	at := time.Now()
	call := lookup.Call{Hedging: l.hedging}
	defer call.Release()
	var ids []int64
	var keys *lookup.Keys
	if l.plan == names {
		keys = s.nameKeys("key1")
	} else {
		for i := range l.keys {
			ids = append(ids, (from+i)%2000)
		}
		keys = s.accountKeys(ids...)
	}
	i := call.Add(s.plans[l.plan], keys)
	s.reader.Read(&call, at.Add(l.deadline+grain(uint64(from), uint64(l.plan))))
	a := answered{at: at.Sub(s.start), took: time.Since(at)}
	for entry := range keys.Len() {
		_, _, err := call.Read(i).Row(entry)
		if err != nil {
			a.failure = err.Error()
			break
		}
		want := "0.5"
		if l.plan == accounts {
			want = account(ids[entry])
		}
		if got := s.row(l.plan, call.Read(i), entry); got != want {
			s.t.Errorf("entry %d: got %q, want %q", entry, got, want)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads = append(s.reads, a)
}

// watchReady tells when rongate is ready and when it is not.
func (s *story) watchReady() {
	was := false
	for s.over.Err() == nil {
		if is := s.reader.Ready(); is != was {
			was = is
			s.note(map[bool]string{true: "rongate is ready", false: "rongate is not ready"}[is])
		}
		select {
		case <-time.After(5*time.Millisecond + 7*time.Microsecond):
		case <-s.over.Done():
		}
	}
}

// note adds a golden line about this moment.
func (s *story) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, event{time.Since(s.start), text})
}

// happen has something happen:
//
//	stop a b, resume a b          the process, as by signals
//	stall a b, unstall a b        the data behind it
//	kill a, start a               the process
//	break a                       its connections, once
//	throttle a 60ms of 100ms, unthrottle a     it is stopped for so long, time and again
//	slow a by 50ms, slow a by 50ms one in 100, slow a 10 times, fast a
//	next on a takes 50ms, next on a takes 5ms and fails with 1205
//	fail a with 1296/157, fail a with 1297/4010 one in 3, heal a
//	fail what runs on a with 1297/4010
//	lock accounts on a, unlock accounts on a
//	force a open
//	read accounts, 3 keys, deadline 100ms
//	begin, calm, end              nothing
//
// all and "zone z1" stand for nodes, too.
func (s *story) happen(what string) {
	words := strings.Fields(what)
	switch words[0] {
	case "stop", "resume":
		s.each(words[1:], func(n *server) { shut(&n.stopped, words[0] == "stop") })
	case "stall", "unstall":
		s.each(words[1:], func(n *server) { shut(&n.stalled, words[0] == "stall") })
	case "kill":
		s.each(words[1:], func(n *server) { n.down = true })
		s.strike(words[1:], fmt.Errorf("%w: EOF", pool.ErrBroken))
	case "start":
		s.each(words[1:], func(n *server) { n.down = false })
	case "break":
		s.strike(words[1:], fmt.Errorf("%w: reset by peer", pool.ErrBroken))
	case "slow":
		s.slow(words[1:])
	case "fast":
		s.each(words[1:], func(n *server) { n.times, n.extra, n.slowIn = 1, 0, 1 })
	case "next":
		s.next(words[2:])
	case "heal":
		s.each(words[1:], func(n *server) { n.fault, n.oneIn = nil, 1 })
	case "fail":
		s.fail(words[1:])
	case "lock", "unlock":
		s.each(words[3:], func(n *server) {
			g := n.locked[words[1]]
			shut(&g, words[0] == "lock")
			n.locked[words[1]] = g
		})
	case "force":
		if err := s.reader.Force(words[1], lookup.Force(words[2])); err != nil {
			s.t.Fatal(err)
		}
	case "read":
		l := s.parseLoad("load " + strings.Replace(what[5:], ",", " every 1s,", 1))
		s.playing.Go(func() { s.ask(l, 1) })
	case "throttle":
		for _, n := range s.named(words[1 : len(words)-3]) {
			s.throttle(n, s.duration(words[len(words)-3]), s.duration(words[len(words)-1]))
		}
	case "unthrottle":
		for _, n := range s.named(words[1:]) {
			n.steady()
		}
	case "begin", "calm":
	default:
		s.t.Fatalf("%q: what is that?", what)
	}
}

// throttle stops a server for a part of every period.
func (s *story) throttle(n *server, stopped, period time.Duration) {
	ctx, cancel := context.WithCancel(s.over)
	n.steady = cancel
	s.playing.Go(func() {
		for tick := 0; ctx.Err() == nil; tick++ {
			n.mu.Lock()
			shut(&n.stopped, tick%2 == 0)
			n.mu.Unlock()
			time.Sleep([]time.Duration{stopped, period - stopped}[tick%2] + grain(n.number))
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		shut(&n.stopped, false)
	})
}

func (s *story) slow(words []string) {
	last := len(words) - 1
	if words[last] == "times" {
		times, err := strconv.ParseFloat(words[last-1], 64)
		if err != nil {
			s.t.Fatal(err)
		}
		s.each(words[:last-1], func(n *server) { n.times = times })
		return
	}
	oneIn := uint64(1)
	if words[last-2] == "one" {
		oneIn = uint64(s.number(words[last]))
		last -= 3
	}
	extra := s.duration(words[last])
	s.each(words[:last-1], func(n *server) { n.extra, n.slowIn = extra, oneIn })
}

// next says what comes of the next statement on a server.
func (s *story) next(words []string) {
	n := next{takes: s.duration(words[2])}
	if len(words) > 3 {
		n.err = s.serverError(words[len(words)-1])
	}
	s.each(words[:1], func(o *server) { o.next = append(o.next, n) })
}

func (s *story) hedging(word string) catalog.Hedging {
	h, ok := map[string]catalog.Hedging{
		"full": catalog.HedgingFull, "rescue": catalog.HedgingRescue, "off": catalog.HedgingOff,
	}[word]
	if !ok {
		s.t.Fatalf("hedging %q: what is that?", word)
	}
	return h
}

// fail has statements fail: from now on, or those that run.
func (s *story) fail(words []string) {
	with := slices.Index(words, "with")
	err := s.serverError(words[with+1])
	if words[0] == "what" {
		s.strike(words[3:with], err)
		return
	}
	oneIn := uint64(1)
	if len(words) > with+2 {
		oneIn = uint64(s.number(words[with+4]))
	}
	s.each(words[:with], func(n *server) { n.fault, n.oneIn = err, oneIn })
}

// serverError is one by its number, and NDB's after a slash.
func (s *story) serverError(text string) error {
	number, ndb, _ := strings.Cut(text, "/")
	err := &pool.ServerError{Number: uint16(s.number(number)), Message: "for the story"}
	if ndb != "" {
		err.NDB = s.number(ndb)
	}
	return err
}

// named are the servers that a story means.
func (s *story) named(words []string) (list []*server) {
	for i, n := range s.list {
		if words[0] == "all" || words[0] == "zone" && s.cfg.Nodes[i].Zone == words[1] ||
			words[0] != "zone" && slices.Contains(words, n.address) {
			list = append(list, n)
		}
	}
	if len(list) == 0 {
		s.t.Fatalf("%q: which nodes?", words)
	}
	return list
}

func (s *story) each(words []string, do func(*server)) {
	for _, n := range s.named(words) {
		n.mu.Lock()
		do(n)
		n.mu.Unlock()
	}
}

func (s *story) strike(words []string, err error) {
	for _, n := range s.named(words) {
		n.strike(err)
	}
}

// end has everything come to rest, and looks for what has not.
func (s *story) end() {
	s.playing.Wait()
	s.each([]string{"all"}, func(n *server) {
		n.down, n.fault, n.extra, n.times, n.next = false, nil, 0, 1, nil
		shut(&n.stopped, false)
		shut(&n.stalled, false)
		for table, g := range n.locked {
			shut(&g, false)
			n.locked[table] = nil
		}
	})
	time.Sleep(5 * time.Second)
	synctest.Wait()
	st := s.reader.Stats()
	if st.Blocks != 0 || st.LiveBytes != 0 || st.Queued != 0 {
		s.t.Errorf("left: %d blocks, %d bytes, %d queued", st.Blocks, st.LiveBytes, st.Queued)
	}
	for _, n := range st.Nodes {
		if n.Busy != 0 || n.Pool.Busy != 0 || n.Pool.Detached != 0 {
			s.t.Errorf("left on %s: %d statements, %d connections, %d detached", n.Address, n.Busy, n.Pool.Busy, n.Pool.Detached)
		}
	}
	if err := s.reader.Close(context.Background()); err != nil {
		s.t.Error(err)
	}
}

func (s *story) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *story) number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}
