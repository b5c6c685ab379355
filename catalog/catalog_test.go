package catalog

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/rongate/rongate/internal/yamldoc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	account  = TableName{"payments", "account_1"}
	merchant = TableName{"payments", "merchant_1"}
	wallet   = TableName{"payments", "wallet_2"}
)

// A server is a Describer whose tables a test alters.
type server struct {
	mu     sync.Mutex
	tables map[TableName]*Table
	err    error
	takes  time.Duration // of one reading
	calls  []call
}

// A call is one reading of tables.
type call struct {
	at     time.Time
	tables string
}

func (s *server) Describe(ctx context.Context, names []TableName) (map[TableName]*Table, error) {
	s.mu.Lock()
	words := make([]string, len(names))
	for i, n := range names {
		words[i] = n.Name
	}
	s.calls = append(s.calls, call{time.Now(), strings.Join(words, " ")})
	takes := s.takes
	s.mu.Unlock()

	timer := time.NewTimer(takes)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	found := make(map[TableName]*Table)
	for _, n := range names {
		if t := s.tables[n]; t != nil {
			found[n] = t
		}
	}
	return found, nil
}

// alter replaces definitions of tables, written as soundTables has them. An empty one drops the table.
func (s *server) alter(t *testing.T, table TableName, definition string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if definition == "" {
		delete(s.tables, table)
		return
	}
	maps.Copy(s.tables, readTables(t, definition))
}

func (s *server) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// since returns the readings after the first n.
func (s *server) since(n int) []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]call(nil), s.calls[n:]...)
}

// A log is what was logged, safe to be read while it is written.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// count returns how many lines have all the words.
func (l *log) count(words ...string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for line := range strings.Lines(l.buf.String()) {
		has := true
		for _, word := range words {
			has = has && strings.Contains(line, word)
		}
		if has {
			n++
		}
	}
	return n
}

// A rig is a Catalog over the sound catalogue, in a synctest bubble.
type rig struct {
	*Catalog
	server  *server
	log     *log
	changes []*Snapshot // told to OnChange; to be read after synctest.Wait
	first   *Snapshot
}

// openRig opens the sound catalogue. Its Catalog is closed by the test.
func openRig(t *testing.T) *rig { return openRigWith(t, -1) }

func openRigWith(t *testing.T, refresh time.Duration) *rig {
	t.Helper()
	r := &rig{server: &server{tables: readTables(t, soundTables)}, log: &log{}}
	cfg := Config{
		Path: writeFile(t, soundFile), Describer: r.server, Log: slog.New(slog.NewTextHandler(r.log, nil)),
		Refresh: refresh,
		OnChange: func(s *Snapshot) {
			if r.Current() != s {
				t.Error("OnChange was told of a snapshot that is not current")
			}
			r.changes = append(r.changes, s)
		},
	}
	c, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Catalog, r.first = c, c.Current()
	return r
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// featureType returns a feature's type in what is served now.
func (r *rig) featureType(t *testing.T, feature string) string {
	t.Helper()
	v, err := r.Current().Find(nil, []byte("fraud"), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range v.Features {
		if f.Name == feature {
			return f.Type
		}
	}
	t.Fatalf("no feature %s", feature)
	return ""
}

// TestClose closes while a table is being read, and uses the Catalog afterwards.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t)
		r.server.takes = time.Hour
		r.Stale(account)
		synctest.Wait()
		began := time.Now()
		r.Close()
		if d := time.Since(began); d != 0 {
			t.Fatalf("closing took %v", d)
		}
		r.Close()
		r.Stale(account)
		synctest.Wait()
		if calls := r.server.since(1); len(calls) != 1 || r.Current() != r.first {
			t.Fatalf("read %v", calls)
		}
		if r.log.count("WARN") != 0 {
			t.Fatal("complained of being closed")
		}
	})
}

func TestOpenFails(t *testing.T) {
	tables := readTables(t, soundTables)
	path := writeFile(t, soundFile)
	noTables := &server{}
	away := &server{err: errors.New("no node answers")}

	absent := filepath.Join(t.TempDir(), "absent.yaml")
	_, err := Open(t.Context(), Config{Path: absent, Describer: &server{tables: tables}})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	_, err = Open(t.Context(), Config{Path: writeFile(t, "featureStores: 1\n"), Describer: &server{tables: tables}})
	var problems yamldoc.Problems
	if !errors.As(err, &problems) || len(problems) != 1 {
		t.Errorf("wrong file: %v", err)
	}
	_, err = Open(t.Context(), Config{Path: path, Describer: noTables})
	if !errors.As(err, &problems) || len(problems) != 3 {
		t.Errorf("no tables: %v", err)
	}
	_, err = Open(t.Context(), Config{Path: path, Describer: away})
	if !errors.Is(err, away.err) || !strings.Contains(err.Error(), path) {
		t.Errorf("no database: %v", err)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Open(done, Config{Path: path, Describer: &server{tables: tables, takes: time.Hour}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("context done: %v", err)
	}
}
