package lookup_test

import (
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rongate/rongate/internal/fakenode"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

// TestOwnStatementTimesOut: a statement that fails as its call's time is up is not tried again for nobody.
func TestOwnStatementTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun atomic.Int64
		f := newFixture(t, func(_ *lookup.Config, nodes map[string]*fakenode.Node) {
			for _, n := range nodes {
				n.Held = true
				n.OnSelect = func(_ string, _ int, deadline time.Time) error {
					begun.Add(1)
					time.Sleep(time.Until(deadline))
					return pool.ErrTimeout
				}
			}
		})
		start := time.Now()
		got := f.read(accounts, f.accountKeys(1), 20*time.Millisecond)[0] // too soon to be asked for elsewhere
		if took := time.Since(start); got != lookup.ErrDeadline.Error() || took != 20*time.Millisecond {
			t.Errorf("%q after %v", got, took)
		}
		synctest.Wait()
		if st := f.reader.Stats(); begun.Load() != 1 || st.Retries != 0 {
			t.Errorf("%d statements, %d of them again", begun.Load(), st.Retries)
		}
	})
}

// TestOwnStatementPanics: on a call's own goroutine as on any other, a bug in the reading of rows ends the process.
// Whoever recovers further up would give the call's memory to the next one, with statements still at work in it.
func TestOwnStatementPanics(t *testing.T) {
	const child = "RONGATE_TEST_PANIC"
	if os.Getenv(child) != "" {
		f := newFixture(t, func(_ *lookup.Config, nodes map[string]*fakenode.Node) {
			for _, n := range nodes {
				n.Held = true
				n.OnSelect = func(string, int, time.Time) error { panic("a bug") }
			}
		})
		defer func() {
			t.Logf("survived %v", recover())
			os.Exit(0)
		}()
		f.read(accounts, f.accountKeys(1), time.Second)
		return
	}
	command := exec.Command(os.Args[0], "-test.run=^TestOwnStatementPanics$", "-test.v")
	command.Env = append(os.Environ(), child+"=1")
	out, err := command.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "panic: a bug") || !strings.Contains(string(out), "runFor") {
		t.Errorf("%v\n%s", err, out)
	}
}
