package frauddata

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestLoad counts what the scripts hold, and wants them to come in an order in which they can run.
func TestLoad(t *testing.T) {
	d := newData(t, 20_000)
	var scripts []string
	exec := func(_ context.Context, sql string) error {
		scripts = append(scripts, sql)
		return nil
	}
	var told []int
	if err := d.Load(t.Context(), exec, "ENGINE=x", "USING HASH", func(done, all int) {
		if told = append(told, done); all != 20_000 {
			t.Errorf("%d of %d rows", done, all)
		}
	}); err != nil {
		t.Fatal(err)
	}
	// 8,000 accounts, 2,000 merchants, 3,000 cards, 4,000 pairs, 3,000 devices, and 5,000 to a script
	if want := []int{5000, 8000, 10_000, 13_000, 17_000, 20_000}; !slices.Equal(told, want) || len(scripts) != len(want)+1 {
		t.Errorf("told %v; want %v; %d scripts", told, want, len(scripts))
	}
	if !strings.HasPrefix(scripts[0], "CREATE DATABASE payments;\nCREATE TABLE payments.account_stats_1 (") {
		t.Errorf("begins %.80q", scripts[0])
	}
	rows := 0
	for _, script := range scripts[1:] {
		if !strings.HasPrefix(script, "SET time_zone='+00:00';\nINSERT INTO payments.") || !strings.HasSuffix(script, ");\n") {
			t.Errorf("a script from %.60q to %q", script, script[len(script)-20:])
		}
		for statement := range strings.SplitSeq(script, "INSERT INTO") {
			n := strings.Count(statement, "\n(")
			if rows += n; n > rowsPerInsert {
				t.Errorf("%d rows in one statement", n)
			}
		}
	}
	if rows != 20_000 {
		t.Errorf("%d rows", rows)
	}
}

func TestLoadStopsAtAMistake(t *testing.T) {
	d := newData(t, MinRows)
	broken := errors.New("broken")
	for at := range 3 {
		n := 0
		err := d.Load(t.Context(), func(context.Context, string) error {
			if n++; n > at {
				return broken
			}
			return nil
		}, "", "", nil)
		if !errors.Is(err, broken) || n != at+1 {
			t.Errorf("%v after %d scripts", err, n)
		}
	}
}
