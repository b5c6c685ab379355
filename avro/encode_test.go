package avro

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// What follows writes datums as the Avro specification describes them, sharing nothing with what reads them.

// long is zigzag coding, by arithmetic: 0, -1, 1, -2 become 0, 1, 2, 3, and then seven bits go to a byte.
func long(n int64) []byte {
	coded := uint64(n) * 2
	if n < 0 {
		coded = uint64(-(n+1))*2 + 1
	}
	var b []byte
	for coded >= 128 {
		b = append(b, byte(coded%128)+128)
		coded /= 128
	}
	return append(b, byte(coded))
}

func seq(parts ...[]byte) []byte { return slices.Concat(parts...) }

func counted(b string) []byte { return seq(long(int64(len(b))), []byte(b)) }

func float(f float32) []byte { return binary.LittleEndian.AppendUint32(nil, math.Float32bits(f)) }

func double(f float64) []byte { return binary.LittleEndian.AppendUint64(nil, math.Float64bits(f)) }

// plain is a block that tells its count only, sized one that tells its size too. An array or map ends with noBlock.
func plain(items ...[]byte) []byte { return seq(long(int64(len(items))), seq(items...)) }

func sized(items ...[]byte) []byte {
	all := seq(items...)
	return seq(long(int64(-len(items))), long(int64(len(all))), all)
}

func noBlock() []byte { return []byte{0} }

// A sample is a datum with the schema it is of, and what it stands for as encoding/json would be given it.
type sample struct {
	schema string
	datum  []byte
	want   any
}

func number(digits string) json.Number { return json.Number(digits) }

// leaves are values of every type that contains no other.
func leaves() []sample {
	return []sample{
		{`"null"`, nil, nil},
		{`"boolean"`, []byte{1}, true},
		{`{"type":"boolean"}`, []byte{0}, false},
		{`"int"`, long(math.MinInt32), math.MinInt32},
		{`"long"`, long(math.MaxInt64), number("9223372036854775807")},
		{`"float"`, float(0.1), number("0.1")},
		{`"double"`, double(math.Copysign(0, -1)), number("-0")},
		{`"double"`, double(math.NaN()), nil},
		{`"string"`, counted("a\x00\n\"\\/ä\u2028日本😀</script>"), "a\x00\n\"\\/ä\u2028日本😀</script>"},
		{`"bytes"`, counted("\x00\xff\xfe"), []byte("\x00\xff\xfe")},
		{`{"type":"fixed","name":"Two","size":2}`, []byte("\xff\x01"), []byte("\xff\x01")},
		{`{"type":"fixed","name":"None","size":0}`, nil, ""},
		{`{"type":"enum","name":"Level","symbols":["LOW","HIGH"]}`, long(1), "HIGH"},
		{decimal("20", "3"), counted("\xff\x38"), number("-0.200")},
		{
			`{"type":"fixed","name":"Dec","size":16,"logicalType":"decimal","precision":38,"scale":0}`,
			[]byte("\x4b\x3b\x4c\xa8\x5a\x86\xc4\x7a\x09\x8a\x22\x3f\xff\xff\xff\xff"), number(strings.Repeat("9", 38)),
		},
		{logical("int", "date"), long(20455), "2026-01-02"},
		{logical("int", "time-millis"), long(86_399_999), "23:59:59.999"},
		{logical("long", "time-micros"), long(1), "00:00:00.000001"},
		{logical("long", "timestamp-millis"), long(1767323045123), "2026-01-02 03:04:05.123"},
		{logical("long", "timestamp-micros"), long(-1), "1969-12-31 23:59:59.999999"},
		{logical("long", "local-timestamp-millis"), long(0), "1970-01-01 00:00:00.000"},
		{logical("long", "local-timestamp-micros"), long(0), "1970-01-01 00:00:00.000000"},
		{logical("string", "uuid"), counted("0b8ee9bd-5d3a-4d2b"), "0b8ee9bd-5d3a-4d2b"},
		{record("Nothing"), nil, map[string]any{}},
	}
}

// wraps make a value part of a larger one. level makes the names of records differ.
func wraps() map[string]func(s sample, level int) sample {
	return map[string]func(s sample, level int) sample{
		"array": func(s sample, _ int) sample {
			return sample{
				`{"type":"array","items":` + s.schema + `}`,
				seq(plain(s.datum, s.datum), sized(s.datum), noBlock()),
				[]any{s.want, s.want, s.want},
			}
		},
		"map": func(s sample, _ int) sample {
			return sample{
				`{"type":"map","values":` + s.schema + `}`,
				seq(sized(seq(counted("b"), s.datum), seq(counted(""), s.datum)), plain(seq(counted("a\nä"), s.datum)), noBlock()),
				map[string]any{"b": s.want, "": s.want, "a\nä": s.want},
			}
		},
		"record": func(s sample, level int) sample {
			return sample{
				fmt.Sprintf(`{"type":"record","name":"R%d","namespace":"ns%d","fields":[{"name":"first","type":%s},`+
					`{"name":"second","type":["null","string"],"default":null}]}`, level, level, s.schema),
				seq(s.datum, long(1), counted("x")),
				map[string]any{"first": s.want, "second": "x"},
			}
		},
		"union": func(s sample, _ int) sample {
			if s.schema == `"null"` || s.schema[0] == '[' {
				return s // has null already, or is a union, which may not be part of one
			}
			return sample{`["null",` + s.schema + `]`, seq(long(1), s.datum), s.want}
		},
		"null": func(s sample, _ int) sample {
			if s.schema == `"null"` || s.schema[0] == '[' {
				return s
			}
			return sample{`[` + s.schema + `,"null"]`, long(1), nil}
		},
	}
}

// nested is every leaf within every three of the wraps.
func nested() []sample {
	var all []sample
	for _, leaf := range leaves() {
		for _, inner := range wraps() {
			for _, middle := range wraps() {
				for _, outer := range wraps() {
					all = append(all, outer(middle(inner(leaf, 1), 2), 3))
				}
			}
		}
	}
	return all
}

// arrayOf, logical, decimal and record write schemas; fields are names and schemas by turns.
func arrayOf(items string) string { return `{"type":"array","items":` + items + `}` }

func logical(of, name string) string { return `{"type":"` + of + `","logicalType":"` + name + `"}` }

func decimal(digits, scale string) string {
	return `{"type":"bytes","logicalType":"decimal","precision":` + digits + `,"scale":` + scale + `}`
}

func record(name string, fields ...string) string {
	var list []string
	for i := 0; i < len(fields); i += 2 {
		list = append(list, `{"name":"`+fields[i]+`","type":`+fields[i+1]+`}`)
	}
	return `{"type":"record","name":"` + name + `","fields":[` + strings.Join(list, ",") + `]}`
}

// typeOf reads a schema as that of a feature.
func typeOf(t testing.TB, schema string) *Type {
	t.Helper()
	r, err := Parse(inRecord(schema))
	if err != nil {
		t.Fatalf("%.1000s: %v", schema, err)
	}
	return r.Field("feature")
}

func inRecord(schema string) []byte {
	return []byte(record("store.db.fg_1", "feature", schema))
}

// ample is a limit that nothing in the tests comes near to.
const ample = 1 << 20
