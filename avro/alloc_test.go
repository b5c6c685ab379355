package avro

import (
	"testing"
)

// TestNoAllocation covers every type, alone and nested.
func TestNoAllocation(t *testing.T) {
	buf := make([]byte, 0, 4096)
	check := func(s sample) {
		of := typeOf(t, s.schema)
		if n := testing.AllocsPerRun(10, func() {
			if _, err := of.AppendJSON(buf[:0], s.datum, 4000); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", of, n)
		}
	}
	for _, leaf := range leaves() {
		check(leaf)
		for _, inner := range wraps() {
			for _, outer := range wraps() {
				check(outer(inner(leaf, 1), 2))
			}
		}
	}
	for _, s := range typical() {
		check(sample{schema: s.schema, datum: s.datum})
	}
}
