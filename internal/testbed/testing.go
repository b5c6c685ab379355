package testbed

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// requireEnv names the kinds, comma-separated, that must not be skipped.
const requireEnv = "RONGATE_REQUIRE"

// mendTimeout bounds what is done after a test that broke a cluster: at worst a data node and a server start.
const mendTimeout = 2 * time.Minute

// Available returns an error that says what this machine lacks to start a cluster of that kind with its defaults.
func Available(kind Kind) error {
	var err error
	switch kind {
	case KindMariaDB:
		_, err = findServer("")
	case KindNDB:
		_, err = findNDB("")
	default:
		err = fmt.Errorf("testbed: no such kind: %s", kind)
	}
	return err
}

// Require skips the test if the kind is not available, and fails it instead if RONGATE_REQUIRE lists the kind: a
// suite that is meant to run on a real server must not pass by skipping.
func Require(t testing.TB, kind Kind) {
	t.Helper()
	err := Available(kind)
	if err == nil {
		return
	}
	if slices.Contains(strings.Split(os.Getenv(requireEnv), ","), string(kind)) {
		t.Fatalf("%s lists %s, but %v", requireEnv, kind, err)
	}
	t.Skip(err)
}

// start starts a cluster of that kind with its defaults.
func start(kind Kind) (Cluster, error) {
	if kind == KindNDB {
		return StartNDB(context.Background(), NDBConfig{})
	}
	return StartMariaDB(context.Background(), MariaDBConfig{})
}

// Shared starts at most one cluster of each kind for the tests of a package, when the first of them asks for it:
//
//	var shared testbed.Shared
//
//	func TestMain(m *testing.M) { os.Exit(shared.Main(m).Run()) } // or goleak.VerifyTestMain(shared.Main(m))
//
//	func TestRead(t *testing.T) {
//		db := shared.Get(t, testbed.KindNDB)
//
// The zero Shared is ready for use. A test that verifies for itself that it leaks no goroutine has to take those of
// the cluster for granted, with goleak.IgnoreCurrent after Get.
type Shared struct {
	mu       sync.Mutex // guards clusters, and starts one at a time
	clusters map[Kind]Cluster
}

// Get returns the package's cluster of that kind, subject to Require. After the test the cluster is mended, whatever
// the test has done to it; databases and tables stay.
func (s *Shared) Get(t testing.TB, kind Kind) Cluster {
	t.Helper()
	Require(t, kind)
	s.mu.Lock()
	defer s.mu.Unlock()
	cluster := s.clusters[kind]
	if cluster == nil {
		var err error
		if cluster, err = start(kind); err != nil {
			t.Fatal(err)
		}
		if s.clusters == nil {
			s.clusters = make(map[Kind]Cluster)
		}
		s.clusters[kind] = cluster
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), mendTimeout)
		defer cancel()
		if err := cluster.Mend(ctx); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

// Main returns something whose Run runs the tests and then closes the clusters.
func (s *Shared) Main(m interface{ Run() int }) interface{ Run() int } {
	return sharedMain{shared: s, tests: m}
}

type sharedMain struct {
	shared *Shared
	tests  interface{ Run() int }
}

func (m sharedMain) Run() int {
	code := m.tests.Run()
	m.shared.mu.Lock()
	defer m.shared.mu.Unlock()
	for _, cluster := range m.shared.clusters {
		if err := cluster.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	m.shared.clusters = nil
	return code
}
