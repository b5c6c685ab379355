package avro

import (
	"fmt"
	"strings"
	"testing"
)

// TestParseAsHopsworksWrites reads a schema with all that Hopsworks puts into one.
func TestParseAsHopsworksWrites(t *testing.T) {
	r, err := Parse([]byte(`{
  "type": "record", "name": "profiles_2", "namespace": "payments_featurestore.db", "doc": "of accounts",
  "fields": [
    {"name": "account_id", "type": ["null", "long"]},
    {"name": "scores", "default": null, "doc": "daily", "type": ["null", {"type": "array", "items": ["null", "double"]}]},
    {"name": "home", "type": ["null", {"type": "record", "name": "r854762204", "namespace": "struct", "fields": [
      {"name": "street", "type": ["null", "string"]},
      {"name": "since", "type": ["null", {"type": "int", "logicalType": "date"}]}
    ]}]},
    {"name": "work", "type": ["null", "struct.r854762204"]},
    {"name": "limits", "type": ["null", {"type": "map", "values": [
      "null", {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}
    ]}]}
  ]
}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"account_id": "null|long", "scores": "null|array<null|double>", "home": "null|struct.r854762204",
		"work": "null|struct.r854762204", "limits": "null|map<null|decimal(10,2)>",
	} {
		if got := r.Field(name); got == nil || got.String() != want {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
	}
	if home, work := r.Field("home"), r.Field("work"); home.inner[1] != work.inner[1] {
		t.Error("one named type has become two")
	}
	got, err := r.Field("work").AppendJSON(nil, seq(long(1), long(1), counted("Main"), long(1), long(0)), ample)
	if err != nil || string(got) != `{"street":"Main","since":"1970-01-01"}` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestField(t *testing.T) {
	r, err := Parse([]byte(`{"type":"record","name":"R","fields":[{"name":"aB","type":"int"},{"name":"c","type":"long"},` +
		`{"name":"C","type":"string"},{"name":"Dd","type":"float"},{"name":"dD","type":"double"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"aB": "int", "ab": "int", "AB": "int", "c": "long", "C": "string", "Dd": "float", "dD": "double",
		"dd": "", "DD": "", "x": "", "": "",
	} {
		got := r.Field(name)
		if got == nil && want != "" || got != nil && got.String() != want {
			t.Errorf("%q: %v, want %q", name, got, want)
		}
	}
}

func TestString(t *testing.T) {
	for schema, want := range map[string]string{
		`"null"`: "null", `"boolean"`: "boolean", `"int"`: "int", `"long"`: "long", `"float"`: "float", `"double"`: "double",
		`"string"`: "string", `"bytes"`: "bytes", `{"type":"string","logicalType":"uuid"}`: "string",
		`{"type":"fixed","name":"F","size":2}`:                            "store.db.F",
		`{"type":"enum","name":"x.E","symbols":["A"]}`:                    "x.E",
		`{"type":"bytes","logicalType":"decimal","precision":5}`:          "decimal(5,0)",
		`{"type":"int","logicalType":"date"}`:                             "date",
		`{"type":"int","logicalType":"time-millis"}`:                      "time-millis",
		`{"type":"long","logicalType":"time-micros"}`:                     "time-micros",
		`{"type":"long","logicalType":"timestamp-millis"}`:                "timestamp-millis",
		`{"type":"long","logicalType":"local-timestamp-micros"}`:          "timestamp-micros",
		`{"type":"array","items":{"type":"map","values":"int"}}`:          "array<map<int>>",
		`["null",{"type":"array","items":["string","null"]}]`:             "null|array<string|null>",
		`{"type":"record","name":"L","fields":[{"name":"l","type":"L"}]}`: "store.db.L",
		`[]`: "",
	} {
		if got := typeOf(t, schema).String(); got != want {
			t.Errorf("%s: %s, want %s", schema, got, want)
		}
	}
}

// TestParseIgnores reads schemas whose faults have nothing to do with how a datum is laid out.
func TestParseIgnores(t *testing.T) {
	for name, schema := range map[string]string{
		"a default, another type": `{"type":"record","name":"R","fields":[{"name":"a","default":"x","type":"int"}]}`,
		"an unknown order":        `{"type":"record","name":"R","fields":[{"name":"a","type":"int","order":"sideways"}]}`,
		"a default, no branches":  `{"type":"record","name":"R","fields":[{"name":"a","type":[],"default":1}]}`,
		"a default, recursive":    `{"type":"record","name":"R","fields":[{"name":"a","type":"R","default":{}}]}`,
		"a default of a very large fixed type": `{"type":"record","name":"R","fields":[` +
			`{"name":"a","type":{"type":"fixed","name":"F","size":2147483647},"default":""}]}`,
		"an enum's default that is no symbol": `{"type":"record","name":"R","fields":[` +
			`{"name":"a","type":{"type":"enum","name":"E","symbols":["A"],"default":"B"}}]}`,
		"properties of all sorts": `{"type":"record","name":"R","Name":7,"doc":[],"x":{"type":[[[]]]},"fields":[` +
			`{"name":"a","type":{"type":"string","avro.java.string":"String"},"aliases":["b c"],"Type":1}]}`,
		"fields named as keys are": record("R", "type", `"int"`, "a", `"int"`),
		"an alias":                 record("R", "z", `{"type":"record","name":"S","aliases":["T"],"fields":[]}`, "a", `"S"`),
		"a project that begins with a digit": `{"type":"record","name":"R","namespace":"7eleven_featurestore.db","fields":[` +
			`{"name":"z","type":` + record("24.7.S") + `},{"name":"a","type":["7eleven_featurestore.db.R","24.7.S"]}]}`,
	} {
		r, err := Parse([]byte(schema))
		if err != nil || r.Field("a") == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	deep := func(levels int) string {
		return strings.Repeat(`{"type":"array","items":`, levels) + `"int"` + strings.Repeat("}", levels)
	}
	if got := typeOf(t, deep(maxDepth)).String(); strings.Count(got, "array<") != maxDepth {
		t.Errorf("%d levels: %s", maxDepth, got)
	}
	many := `"int"` + strings.Repeat(`,"int"`, maxTypes)
	for name, test := range map[string]struct{ schema, want string }{
		"nothing":              {"", "not JSON"},
		"a name":               {"int", "not JSON"},
		"half":                 {`{"type":"record"`, "not JSON"},
		"two":                  {string(inRecord(`"int"`)) + "{}", "not JSON"},
		"null":                 {"null", "neither a name"},
		"a number":             {"7", "neither a name"},
		"a type":               {`"int"`, "not a record"},
		"an array":             {`{"type":"array","items":"int"}`, "not a record"},
		"a union":              {`["null",` + string(inRecord(`"int"`)) + `]`, "not a record"},
		"no type":              {`{"name":"R","fields":[]}`, "does not name it"},
		"a type in a type":     {string(inRecord(`{"type":{"type":"int"}}`)), "does not name it"},
		"a union in a type":    {string(inRecord(`{"type":["null","int"]}`)), "does not name it"},
		"no fields":            {`{"type":"record","name":"R"}`, "no list of fields"},
		"fields of an object":  {`{"type":"record","name":"R","fields":{}}`, "no list of fields"},
		"a field of a name":    {`{"type":"record","name":"R","fields":["a"]}`, "not an object"},
		"a field without type": {`{"type":"record","name":"R","fields":[{"name":"a"}]}`, "neither a name"},
		"a field without name": {`{"type":"record","name":"R","fields":[{"type":"int"}]}`, "name"},
		"a field twice": {
			record("R", "a", `"int"`, "a", `"int"`), "duplicate",
		},
		"no name":           {`{"type":"record","fields":[]}`, "name"},
		"a name of bytes":   {`{"type":"record","name":"a\"b","fields":[]}`, "name"},
		"no items":          {string(inRecord(`{"type":"array"}`)), "neither a name"},
		"no values":         {string(inRecord(`{"type":"map"}`)), "neither a name"},
		"no size":           {string(inRecord(`{"type":"fixed","name":"F"}`)), "size"},
		"a negative size":   {string(inRecord(`{"type":"fixed","name":"F","size":-1}`)), "size"},
		"half a byte":       {string(inRecord(`{"type":"fixed","name":"F","size":1.5}`)), "size"},
		"a size too large":  {string(inRecord(`{"type":"fixed","name":"F","size":2147483648}`)), "size"},
		"no symbols":        {string(inRecord(`{"type":"enum","name":"E","symbols":[]}`)), "symbols"},
		"an unknown type":   {string(inRecord(`"uint"`)), "unknown type"},
		"a later name":      {record("R", "a", `"S"`, "b", record("S")), "unknown type"},
		"a name twice":      {string(inRecord(`["int",{"type":"fixed","name":"fg_1","size":1}]`)), "duplicate"},
		"a union in itself": {string(inRecord(`["null",["int"]]`)), "within a union"},
		"a union twice int": {string(inRecord(`["int","int"]`)), "unique"},
		"too deep":          {string(inRecord(deep(maxDepth + 1))), "deep"},
		"far too deep":      {string(inRecord(deep(30_000))), "Avro"},
		"too many digits":   {string(inRecord(`{"type":"bytes","logicalType":"decimal","precision":77}`)), "77 digits"},
		"too many types":    {string(inRecord(`[` + many + `]`)), "more than 65536 types"},
		"too many bytes":    {strings.Repeat(" ", maxSchema) + string(inRecord(`"int"`)), "bytes"},
		"a long complaint":  {string(inRecord(`"` + strings.Repeat("x", 100_000) + `"`)), "unknown type"},
	} {
		r, err := Parse([]byte(test.schema))
		if err == nil || r != nil || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 300 {
			t.Errorf("%s: %v, %.400v; want %s", name, r, err, test.want)
		}
	}
	var wide []string
	for i := range 20_000 {
		wide = append(wide, fmt.Sprintf("f%d", i), `"int"`)
	}
	if _, err := Parse([]byte(record("R", wide...))); err != nil {
		t.Errorf("20,000 fields: %v", err)
	}
}

// TestAliases: an alias is no name, so it does not hide the type that has it for one.
func TestAliases(t *testing.T) {
	alias := `{"type":"enum","name":"A","aliases":["B"],"symbols":["S"]}`
	r, err := Parse([]byte(record("R", "x", `{"type":"fixed","name":"B","size":1}`, "y", alias, "z", `"B"`)))
	if err != nil || r.Field("z") != r.Field("x") {
		t.Errorf("%v, %v", r, err)
	}
	if _, err := Parse([]byte(record("R", "y", alias, "z", `"B"`))); err == nil {
		t.Error("an alias was taken for a name")
	}
}

// TestSchemasAreApart: what one schema defines is no name in the next.
func TestSchemasAreApart(t *testing.T) {
	if _, err := Parse(inRecord(`{"type":"fixed","name":"Mine","size":2}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(inRecord(`"Mine"`)); err == nil {
		t.Error("a type of another schema is known")
	}
	typeOf(t, `{"type":"fixed","name":"Mine","size":3}`)
}
