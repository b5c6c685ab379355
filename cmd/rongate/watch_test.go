package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestWatch: a file that changes is noticed once it has stayed as it is for two looks, and not again.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	path, absent := filepath.Join(dir, "config"), filepath.Join(dir, "absent")
	long := time.Now().Add(-time.Hour)
	write := func(path, content string, modified time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	write(path, "a", long)
	w := &watch{}
	w.expect([]string{path, absent}, nil, time.Now())
	look := func(want bool, when string) {
		t.Helper()
		if got := w.changed(); got != want {
			t.Errorf("%s: changed %t", when, got)
		}
	}
	look(false, "as it was read")
	write(path, "ab", long.Add(time.Minute))
	look(false, "at the first look")
	write(path, "abc", long.Add(2*time.Minute))
	look(false, "still being written")
	look(true, "settled")
	w.expect([]string{path, absent}, w.stamps(), time.Now())
	look(false, "read again")
	write(path, "abd", long.Add(2*time.Minute+time.Second)) // the same size
	look(false, "at the first look")
	write(path, "abc", long.Add(2*time.Minute)) // taken back
	look(false, "as it was read after all")
	write(absent, "x", long)
	look(false, "at the first look")
	look(true, "a file that was missing is there")
	w.expect([]string{path, absent}, w.stamps(), time.Now())
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	look(false, "at the first look")
	look(true, "a file is gone")
}

// TestWatchYoungFile: what was written while it was read may have been read before that.
func TestWatchYoungFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	began := time.Now()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, began, began); err != nil {
		t.Fatal(err)
	}
	w := &watch{}
	w.expect([]string{path}, nil, began)
	if w.changed() || !w.changed() {
		t.Error("it counts as read")
	}
	before := map[string]stamp{path: stampOf(path)}
	w.expect([]string{path}, before, began)
	for range 2 {
		if w.changed() {
			t.Error("one that was looked at before it was read counts as changed")
		}
	}
}
