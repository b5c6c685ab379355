package lookup_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rongate/rongate/lookup"
)

// TestHourOfFaults has one mishap after the other befall one node at a time for an hour of virtual time. While the others
// are well no read fails or takes long, and nothing is left of it afterwards: story.end looks for blocks, connections and
// statements, and a goroutine that is left would keep the bubble from ending.
func TestHourOfFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	mishaps := [][2]string{
		{"stop %s", "resume %s"},
		{"stall %s", "unstall %s"},
		{"kill %s", "start %s"},
		{"break %s", "calm"},
		{"slow %s by 50ms", "fast %s"},
		{"slow %s 12 times", "fast %s"},
		{"fail %s with 1296/157", "heal %s"},
		{"fail %s with 1296/4009 one in 3", "heal %s"},
		{"fail %s with 1297/410", "heal %s"},
		{"fail %s with 1040 one in 2", "heal %s"},
		{"fail what runs on %s with 1297/4010", "calm"},
		{"lock accounts on %s", "unlock accounts on %s"},
		{"force %s open", "force %s auto"},
		{"force %s drained", "force %s auto"},
		{"throttle %s 60ms of 200ms", "unthrottle %s"},
	}
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t)
		for _, line := range []string{
			"node a", "node b connections 4", "node near zone z2", "node far zone z3 region r2 connections 8",
			"load accounts every 83ms", "load accounts every 311ms, 300 keys", "load names every 147ms",
		} {
			s.set(line)
		}
		stop := s.open()
		random := rand.New(rand.NewPCG(7, 7))
		time.Sleep(time.Second)
		length := time.Hour
		if lookup.Race {
			length /= 6 // the detector takes as long for it
		}
		for time.Since(s.start) < length {
			m, n := mishaps[random.IntN(len(mishaps))], s.list[random.IntN(len(s.list))]
			begin := s.lines()
			s.note(fill(m[0], n.address))
			s.happen(fill(m[0], n.address))
			time.Sleep(time.Duration(random.Int64N(int64(5 * time.Second))))
			s.happen(fill(m[1], n.address))
			time.Sleep(time.Second + time.Duration(random.Int64N(int64(5*time.Second))))
			s.expectWell(begin)
		}
		stop()
		s.end()
		st := s.reader.Stats()
		var statements, extra uint64
		for _, n := range st.Nodes {
			statements += n.Statements
		}
		extra = st.RetriesBy.Rescue
		t.Logf("%d reads, %d statements, again %+v", len(s.reads), statements, st.RetriesBy)
		if float64(extra) > 0.025*float64(statements)+32 {
			t.Errorf("%d rescues of %d statements", extra, statements)
		}
	})
}

// lines is how many golden lines there are.
func (s *story) lines() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.told)
}

func fill(event, address string) string { return strings.ReplaceAll(event, "%s", address) }

// longest is what a read may take while other nodes are well: a node's statements are given up to a quarter of a second.
const longest = 300 * time.Millisecond

// expectWell complains of reads that failed or took long since it was asked last.
func (s *story) expectWell(from int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bad := func(a answered) bool { return a.failure != "" || a.took > longest }
	i := slices.IndexFunc(s.reads[s.seen:], bad)
	if i >= 0 {
		a := s.reads[s.seen+i]
		s.t.Errorf("at %v: after %v %q", a.at, a.took, a.failure)
		for _, e := range s.told[from:] {
			s.t.Logf("  %v %s", e.at, e.text)
		}
	}
	s.seen = len(s.reads)
}
