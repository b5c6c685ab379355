package catalog

import (
	"errors"
	"testing"

	"github.com/rongate/rongate/internal/yamldoc"
)

// FuzzParse reads any file and, if it is a catalogue, resolves it against the tables of the rich one.
func FuzzParse(f *testing.F) {
	f.Add([]byte(soundFile), true)
	f.Add([]byte(readTestdata(f, "rich.yaml")), true)
	f.Add([]byte(readTestdata(f, "rich.yaml")), false)
	f.Add([]byte("featureStores: [{name: s, featureGroups: [{name: g, version: 1}], featureViews: [{name: v, version: 1, "+
		"joins: [{group: g, version: 1, prefix: p_, keys: {a: b}}], features: [p_a, {name: p_b, default: 1, label: "+
		"true}]}]}]\n"), false)
	rich, sound := readTables(f, readTestdata(f, "rich.tables")), readTables(f, soundTables)
	f.Fuzz(func(t *testing.T, data []byte, isRich bool) {
		tables := sound
		if isRich {
			tables = rich
		}
		spec, err := Parse("c.yaml", data)
		if err == nil {
			var s *Snapshot
			if s, err = spec.Resolve(tables); err == nil {
				checkSnapshot(t, s)
				return
			}
		}
		var problems yamldoc.Problems
		if !errors.As(err, &problems) || len(problems) == 0 {
			t.Fatalf("got %v, want Problems", err)
		}
	})
}
