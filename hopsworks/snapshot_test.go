package hopsworks

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func sample() *Metadata {
	return &Metadata{
		Stores: []Store{{1, "payments", 7}},
		Groups: []Group{{ID: 3, Store: 1, Name: "accounts", Version: 1, EventTime: "at", TTL: 60, Online: true}},
		Views: []*View{{
			ID: 5, Store: 1, Name: "fraud", Version: 2,
			Joins:    []Join{{ID: 1, Group: 3, Prefix: "a_"}},
			Features: []Feature{{ID: 1, Group: 3, Join: 1, Name: "balance", Type: "double"}},
			Keys:     []ServingKey{{ID: 1, Group: 3, Name: "id", Required: true}},
		}},
		Schemas: []Schema{{7, "accounts_1", 9, `{"type":"record"}`}},
	}
}

// TestSnapshot: what was saved is loaded, and nobody else may read the file.
func TestSnapshot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metadata")
	want, at := sample(), time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	for range 2 { // the second replaces the first
		if err := saveSnapshot(path, want, at); err != nil {
			t.Fatal(err)
		}
	}
	got, gotAt, err := loadSnapshot(path)
	if err != nil || !gotAt.Equal(at) || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v of %v, %v", got, gotAt, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// TestSnapshotRefused: what cannot be trusted is told apart, and why.
func TestSnapshotRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metadata")
	if err := saveSnapshot(path, sample(), time.Now()); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":           {nil, "no file of kind rongate-metadata"},
		"another's":       {[]byte("PK\x03\x04 and so on\n"), "no file of kind"},
		"another version": {bytes.Replace(good, []byte(" 1 "), []byte(" 2 "), 1), "another version"},
		"cut off":         {good[:len(good)-1], "checksum"},
		"a bit flipped":   {bytes.Replace(good, []byte("fraud"), []byte("freud"), 1), "checksum"},
		"no date":         {bytes.Replace(good, []byte("20"), []byte("XX"), 1), "when it was written"},
		"more":            {append(bytes.Clone(good), '\n'), "checksum"},
	} {
		t.Run(name, func(t *testing.T) {
			m, _, err := parseSnapshot(test.data)
			if err == nil || m != nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want %q", err, test.want)
			}
		})
	}
}

// TestSnapshotKeepsTheOld: a file that cannot be written leaves the one that is there.
func TestSnapshotKeepsTheOld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "metadata")
	if err := saveSnapshot(path, sample(), time.Now()); err == nil {
		t.Error("written where there is no directory")
	}
	if _, _, err := loadSnapshot(path); err == nil {
		t.Error("read what there is not")
	}
}

// FuzzParseSnapshot gives the reader files whose checksum is right, and some that are anything.
func FuzzParseSnapshot(f *testing.F) {
	path := filepath.Join(f.TempDir(), "metadata")
	if err := saveSnapshot(path, sample(), time.Now()); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	_, content, _ := bytes.Cut(good, []byte("\n"))
	f.Add(content, true)
	f.Add(good, false)
	f.Add([]byte(`{"views":[null]}`), true)
	f.Add([]byte(`[{"prefix":"x","digest":[1],"members":[{"project":1}]}]`), true)
	f.Fuzz(func(t *testing.T, data []byte, sound bool) {
		metadata, keys := data, data
		if sound {
			sum := fmt.Sprintf(" 1 2026-01-02T03:04:05Z %x\n", sha256.Sum256(data))
			metadata = append([]byte(snapshotKind+sum), data...)
			keys = append([]byte(keysKind+sum), data...)
		}
		m, _, err := parseSnapshot(metadata)
		if (m == nil) != (err != nil) {
			t.Errorf("%v, %v", m, err)
		}
		if m != nil {
			m.Define() // whatever is in it
			newSharing(m).rights([]member{{Project: 1}, {Project: 2, Restricted: true}}, []grant{{Group: 3, Whole: true}})
		}
		if kept, err := parseKeys(keys); len(kept) > 0 && err != nil {
			t.Errorf("%v, %v", kept, err)
		}
	})
}
