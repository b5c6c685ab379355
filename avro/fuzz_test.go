package avro

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rongate/rongate/column"
)

func FuzzParse(f *testing.F) {
	for _, leaf := range leaves() {
		for _, wrap := range wraps() {
			f.Add(inRecord(wrap(leaf, 1).schema))
		}
	}
	for _, schema := range []string{
		``, `"int"`, `{"type":"record","name":"a.R","fields":[{"name":"f","type":["null","R","a.R"]}]}`,
		`{"type":"error","name":"R","namespace":"","fields":[{"name":"f","type":"R","default":{}}]}`,
		`{"type":"record","name":"R","aliases":["S"],"fields":[{"name":"f","type":"S"},{"name":"F","type":"int"}]}`,
		record("R", "f", `{"type":"fixed","name":"X","size":99999999,"logicalType":"decimal","precision":70,"scale":70}`),
		record("R", "f", `{"type":"enum","name":"E","aliases":["A"],"symbols":["A","A"]}`, "g", `["A","E"]`),
		record("store.fg_1"+strings.Repeat("\xbe", 1000), "f", `"int"`),
	} {
		f.Add([]byte(schema))
	}
	f.Fuzz(func(t *testing.T, schema []byte) {
		r, err := Parse(schema)
		if err != nil {
			if r != nil || err.Error() == "" || !utf8.ValidString(err.Error()) || len(err.Error()) > 400 {
				t.Fatalf("%v, %q", r, err)
			}
			return
		}
		if !json.Valid(schema) {
			t.Fatalf("%q is not JSON", schema)
		}
		for name, of := range r.fields {
			if r.Field(name) != of || !utf8.ValidString(of.String()) {
				t.Fatalf("%s: %s", name, of)
			}
			checkRender(t, of, schema, 1<<10)
			checkRender(t, of, make([]byte, 100), 1<<10)
		}
	})
}

func FuzzAppendJSON(f *testing.F) {
	for _, leaf := range leaves() {
		f.Add(leaf.schema, leaf.datum, 100)
		for _, inner := range wraps() {
			for _, outer := range wraps() {
				s := outer(inner(leaf, 1), 2)
				f.Add(s.schema, s.datum, 1000)
			}
		}
	}
	f.Add(record("L", "l", `["null","L",`+arrayOf(`"L"`)+`]`), []byte{2, 4, 2, 0, 0}, 100)
	f.Fuzz(func(t *testing.T, schema string, datum []byte, limit int) {
		r, err := Parse(inRecord(schema))
		if err != nil {
			return
		}
		of := r.Field("feature")
		if of == nil { // the text of the schema has closed the field's
			return
		}
		checkRender(t, of, datum, limit%(1<<14))
	})
}

// checkRender holds that a datum is either JSON within the limit, and again so with no more room than that takes, or
// an error and nothing.
func checkRender(t *testing.T, of *Type, datum []byte, limit int) {
	t.Helper()
	got, err := of.AppendJSON([]byte("<"), datum, limit)
	if err != nil {
		if string(got) != "<" || errors.Is(err, ErrMisfit) == errors.Is(err, column.ErrLimit) || !utf8.ValidString(err.Error()) ||
			len(err.Error()) > 400 {
			t.Fatalf("%s: %q, %q", of, got, err)
		}
		return
	}
	if got[0] != '<' || !json.Valid(got[1:]) || !utf8.Valid(got) || len(got)-1 > limit {
		t.Fatalf("%s: %q is not JSON of at most %d bytes", of, got, limit)
	}
	exact, err := of.AppendJSON(nil, datum, len(got)-1)
	if err != nil || string(exact) != string(got[1:]) {
		t.Fatalf("%s: %q, then %q, %v", of, got, exact, err)
	}
	if short, err := of.AppendJSON(nil, datum, len(got)-2); !errors.Is(err, column.ErrLimit) || short != nil {
		t.Fatalf("%s: %q within a byte less, %v", of, short, err)
	}
}
