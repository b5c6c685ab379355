package hopsworks

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/internal/hopsdb"
	"github.com/rongate/rongate/internal/testbed"
)

// keyed is an installation with one user's keys, behind a proxy.
type keyed struct {
	*hopsdb.Box
	db      testbed.Cluster
	proxy   *faultnet.Proxy
	cfg     KeysConfig
	good    []*hopsdb.APIKey
	project *hopsdb.Project
	user    *hopsdb.User
}

func newKeyed(t testing.TB, name string, keys int) *keyed {
	t.Helper()
	db := shared.Get(t, testbed.KindMariaDB)
	k := &keyed{Box: hopsdb.New("hopsworks_"+name, hopsdb.Release5, db.Engine()), db: db}
	k.project = k.Project("project_" + name)
	k.user = k.User("user@company.example")
	k.project.Member(k.user, hopsdb.DataOwner)
	for i := range keys {
		k.good = append(k.good, k.user.Key(fmt.Sprint(i), keyScope))
	}
	cfg := installed(t, db, k.Box)
	var err error
	if k.proxy, err = faultnet.New(faultnet.Config{Upstream: cfg.Nodes[0].Address}); err != nil {
		t.Fatal(err)
	}
	cfg.Nodes[0].Address = k.proxy.Addr()
	t.Cleanup(func() {
		k.proxy.Close()
		_ = db.Exec(context.Background(), fmt.Sprintf("DROP DATABASE hopsworks_%s; DROP DATABASE project_%s", name, name))
	})
	k.cfg = KeysConfig{Nodes: cfg.Nodes[:1], Schema: k.Schema, Refresh: 100 * time.Millisecond, Keep: time.Hour}
	return k
}

func (k *keyed) open(t testing.TB) *Keys {
	t.Helper()
	keys, err := OpenKeys(k.cfg)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func (k *keyed) run(t testing.TB) {
	t.Helper()
	if err := k.db.Exec(t.Context(), strings.Join(k.Take(), ";\n")); err != nil {
		t.Fatal(err)
	}
}

// check checks a key that has a second for it.
func check(keys *Keys, text string) Verdict {
	_, verdict := keys.Check([]byte(text), time.Now().Add(time.Second))
	return verdict
}

// eventually waits for a verdict.
func eventually(t testing.TB, keys *Keys, text string, want Verdict) {
	t.Helper()
	for limit := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		got := check(keys, text)
		if got == want {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%v; want %v", got, want)
		}
	}
}

// TestKeysFlood: made-up keys evict no key and cost a bounded number of statements.
func TestKeysFlood(t *testing.T) {
	k := newKeyed(t, "flood", 3)
	keys := k.open(t)
	defer keys.Close()
	for _, one := range k.good {
		if v := check(keys, one.Text); v != KeyValid {
			t.Fatal(v)
		}
	}
	const flooders, each = 64, 500
	var flood sync.WaitGroup
	var next, deferred atomic.Int64
	before, began := keys.Stats().Reads, time.Now()
	for range flooders {
		flood.Go(func() {
			for range each {
				switch v := check(keys, fmt.Sprintf("made-up-%d.secret", next.Add(1))); v {
				case KeyUnknown:
				case KeyDeferred:
					deferred.Add(1)
				default:
					t.Errorf("a made-up key is %v", v)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { flood.Wait(); close(done) }()
	for asked := 0; ; asked++ {
		if v := check(keys, k.good[asked%3].Text); v != KeyValid {
			t.Fatalf("a good key is %v in the flood", v)
		}
		select {
		case <-done:
		case <-time.After(time.Millisecond):
			continue
		}
		break
	}
	took, stats := time.Since(began), keys.Stats()
	// One statement for unknown keys each readGap, and three for those in use each Refresh.
	most := uint64(took/readGap) + 8*uint64(took/k.cfg.Refresh+2)
	if reads := stats.Reads - before; reads > most {
		t.Errorf("%d statements in %v; at most %d", reads, took, most)
	}
	if stats.Known != 3 || stats.Absent > maxAbsent {
		t.Errorf("%+v", stats)
	}
	t.Logf("%d made-up keys in %v, %d statements, %d deferred", flooders*each, took, stats.Reads-before, deferred.Load())
}

// TestKeysAway: while they cannot be read, known keys go on for as long as they may, across a restart too; unknown ones are
// told at once that they cannot be checked.
func TestKeysAway(t *testing.T) {
	k := newKeyed(t, "away", 2)
	k.cfg.File, k.cfg.Keep = filepath.Join(t.TempDir(), "keys"), 2*time.Second
	keys := k.open(t)
	known, unknown := k.good[0].Text, k.good[1].Text
	if v := check(keys, known); v != KeyValid {
		t.Fatal(v)
	}
	if err := k.proxy.Set(faultnet.Fault{Refuse: true}); err != nil {
		t.Fatal(err)
	}
	k.proxy.Reset()
	lost := time.Now()
	eventually(t, keys, unknown, KeyUnchecked)
	for range 2 {
		begun := time.Now()
		for range 100 {
			if v := check(keys, known); v != KeyValid {
				t.Fatalf("the known key is %v after %v", v, time.Since(lost))
			}
			if v := check(keys, known+"0"); v != KeyUnknown {
				t.Fatalf("a wrong secret is %v", v)
			}
			if v := check(keys, unknown); v != KeyUnchecked {
				t.Fatalf("the unknown key is %v", v)
			}
		}
		t.Logf("300 checks in %v", time.Since(begun))
		keys.Close()
		keys = k.open(t)
	}
	eventually(t, keys, known, KeyUnchecked)
	if took := time.Since(lost); took < k.cfg.Keep-time.Second {
		t.Errorf("the known key was given up after %v", took)
	}
	if err := k.proxy.Set(faultnet.Fault{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, keys, known, KeyValid)
	eventually(t, keys, unknown, KeyValid)
	keys.Close()
}

// TestKeysUnusedAreReadFirst: a key that was not used for long is not believed unread.
func TestKeysUnusedAreReadFirst(t *testing.T) {
	k := newKeyed(t, "unused", 1)
	keys := k.open(t)
	defer keys.Close()
	if v := check(keys, k.good[0].Text); v != KeyValid {
		t.Fatal(v)
	}
	time.Sleep(5 * k.cfg.Refresh) // it is read once more, being used since, and then no more
	k.good[0].Revoke()
	k.run(t)
	time.Sleep(3 * k.cfg.Refresh)
	if v := check(keys, k.good[0].Text); v != KeyUnknown {
		t.Errorf("a key that was revoked while nobody used it is %v", v)
	}
	if s := keys.Stats(); s.Known != 0 {
		t.Errorf("%+v", s)
	}
}

// TestKeysMute: a metadata layer that says nothing holds up the first request of a key until its deadline, no other.
func TestKeysMute(t *testing.T) {
	k := newKeyed(t, "mute", 2)
	keys := k.open(t)
	defer keys.Close()
	if v := check(keys, k.good[0].Text); v != KeyValid {
		t.Fatal(v)
	}
	if err := k.proxy.Set(faultnet.Fault{BlackHole: true}); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if _, v := keys.Check([]byte(k.good[1].Text), begun.Add(50*time.Millisecond)); v != KeyUnchecked {
		t.Errorf("an unknown key is %v", v)
	}
	if took := time.Since(begun); took < 50*time.Millisecond || took > 500*time.Millisecond {
		t.Errorf("told after %v", took)
	}
	for limit := begun.Add(3 * time.Second); time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		if v := check(keys, k.good[0].Text); v != KeyValid {
			t.Fatalf("the known key is %v after %v", v, time.Since(begun))
		}
	}
	if keys.Stats().Live {
		t.Error("nobody noticed")
	}
}

// TestCheckAllocates: nothing, for a key of which something is known.
func TestCheckAllocates(t *testing.T) {
	k := newKeyed(t, "allocates", 1)
	k.cfg.Refresh = time.Hour
	keys := k.open(t)
	defer keys.Close()
	for text, want := range map[string]Verdict{
		k.good[0].Text: KeyValid, k.good[0].Text + "0": KeyUnknown, "made-up.secret": KeyUnknown, "no key": KeyUnknown,
	} {
		presented, deadline := []byte(text), time.Now().Add(time.Hour)
		if _, v := keys.Check(presented, deadline); v != want {
			t.Fatalf("%v; want %v", v, want)
		}
		if n := testing.AllocsPerRun(100, func() { keys.Check(presented, deadline) }); n > 0 {
			t.Errorf("%v: %v allocations", want, n)
		}
	}
}

// BenchmarkCheck is what a key costs that is known, one with a wrong secret, and one that is remembered not to exist.
func BenchmarkCheck(b *testing.B) {
	k := newKeyed(b, "bench", 1)
	k.cfg.Refresh = time.Hour
	keys := k.open(b)
	defer keys.Close()
	keys.Use(&Metadata{})
	for name, text := range map[string]string{
		"known": k.good[0].Text, "wrong": k.good[0].Text + "0", "absent": "made-up.secret",
	} {
		check(keys, text)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			deadline := time.Now().Add(time.Hour)
			for b.Loop() {
				keys.Check([]byte(text), deadline)
			}
		})
	}
}
