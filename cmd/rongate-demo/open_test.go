package main

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rongate/rongate/internal/frauddata"
)

func TestFreeAddress(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own := listener.Addr().String()
	_, port, _ := net.SplitHostPort(own)
	if address, taken, err := freeAddress(own); err != nil || !taken || address == own ||
		!strings.HasPrefix(address, "127.0.0.1:") || strings.HasSuffix(address, ":0") {
		t.Errorf("taken: %s, %v, %v", address, taken, err)
	}
	listener.Close()
	for _, want := range []string{own, "localhost:" + port, "127.0.0.1:0"} {
		if address, taken, err := freeAddress(want); err != nil || taken || !strings.HasPrefix(address, "127.0.0.1:") {
			t.Errorf("%s: %s, %v, %v", want, address, taken, err)
		}
	}
	for _, want := range []string{"here", "192.0.2.1:8080", "127.0.0.1:http-or-so"} {
		if address, _, err := freeAddress(want); err == nil {
			t.Errorf("%s: %s", want, address)
		}
	}
}

// TestConfigureQuotes: an address with brackets is a list in YAML.
func TestConfigureQuotes(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	g := &gateway{public: "[::1]:8080", private: "[::1]:8081"}
	if err := g.configure(&database{}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(g.dir, "rongate.yaml"))
	if err != nil || !strings.Contains(string(text), "\nlisten: \"[::1]:8080\"\nprivateListen: \"[::1]:8081\"\n") {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestLoadTellsOnce: nothing is said twice where a table's rows are a round number.
func TestLoadTellsOnce(t *testing.T) {
	data, err := frauddata.New(frauddata.Config{Rows: 5 * tellEvery / 2})
	if err != nil {
		t.Fatal(err)
	}
	db, err := openEmbedded()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.create(t.Context(), data); err != nil {
		t.Fatal(err)
	}
	round := false
	for _, group := range data.Groups() {
		var told []int
		if err := db.load(t.Context(), group, func(rows int) { told = append(told, rows) }); err != nil {
			t.Fatal(err)
		}
		round = round || group.Count() == tellEvery
		if len(told) == 0 || told[len(told)-1] != group.Count() || len(slices.Compact(slices.Clone(told))) != len(told) {
			t.Errorf("%s has %d rows: told %d", group.Table(), group.Count(), told)
		}
	}
	if !round {
		t.Error("no table has a round number of rows")
	}
}
