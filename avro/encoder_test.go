package avro_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/rongate/rongate/avro"
)

// The encoder of the tests, after the specification: one function a type.

func long(n int64) string {
	u := uint64(n<<1) ^ uint64(n>>63)
	var b []byte
	for ; u >= 0x80; u >>= 7 {
		b = append(b, byte(u)|0x80)
	}
	return string(append(b, byte(u)))
}

func bytesOf(s string) string { return long(int64(len(s))) + s }

func double(f float64) string {
	return string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(f)))
}

func float(f float32) string {
	return string(binary.LittleEndian.AppendUint32(nil, math.Float32bits(f)))
}

func array(items ...string) string {
	if len(items) == 0 {
		return long(0)
	}
	return long(int64(len(items))) + strings.Join(items, "") + long(0)
}

// sized is an array of one block that says how many bytes it has.
func sized(items ...string) string {
	all := strings.Join(items, "")
	return long(-int64(len(items))) + long(int64(len(all))) + all + long(0)
}

// leaf is a type with a datum of it and what that is rendered as.
type leaf struct{ schema, datum, want string }

func leaves() []leaf {
	return []leaf{
		{`"null"`, "", `null`},
		{`"boolean"`, "\x01", `true`},
		{`"int"`, long(math.MinInt32), `-2147483648`},
		{`"long"`, long(math.MaxInt64), `9223372036854775807`},
		{`"long"`, long(math.MinInt64), `-9223372036854775808`},
		{`"float"`, float(0.1), `0.1`},
		{`"double"`, double(math.Copysign(0, -1)), `-0`},
		{`"double"`, double(math.NaN()), `null`},
		{`"double"`, double(1e300), `1e+300`},
		{`"bytes"`, bytesOf("\x00\xff"), `"AP8="`},
		{`"string"`, bytesOf("Blå \"x\"\n"), `"Blå \"x\"\n"`},
		{`{"type": "fixed", "name": "f", "size": 3}`, "abc", `"YWJj"`},
		{`{"type": "enum", "name": "e", "symbols": ["A", "B"]}`, long(1), `"B"`},
		{`{"type": "int", "logicalType": "date"}`, long(-1), `"1969-12-31"`},
		{`{"type": "int", "logicalType": "time-millis"}`, long(3723004), `"01:02:03.004"`},
		{`{"type": "long", "logicalType": "time-micros"}`, long(3723000004), `"01:02:03.000004"`},
		{`{"type": "long", "logicalType": "timestamp-millis"}`, long(-1), `"1969-12-31 23:59:59.999"`},
		{`{"type": "long", "logicalType": "timestamp-micros"}`, long(1), `"1970-01-01 00:00:00.000001"`},
		{`{"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}`, bytesOf("\xff"), `-0.01`},
		{`{"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 0}`, bytesOf("\x01\x00"), `256`},
		{`{"type": "fixed", "name": "d", "size": 3, "logicalType": "decimal", "precision": 5, "scale": 1}`, "\xff\x80\x00", `-3276.8`},
		{`{"type": "long", "logicalType": "unheard-of"}`, long(5), `5`},
		{`["null", "string"]`, long(1) + bytesOf("u"), `"u"`},
		{`["null", "string"]`, long(0), `null`},
	}
}

// wraps puts a leaf into something: three times, one in the other, makes every type nested.
func wraps() map[string]func(leaf, int) leaf {
	return map[string]func(leaf, int) leaf{
		"array": func(l leaf, _ int) leaf {
			return leaf{`{"type": "array", "items": ` + l.schema + `}`, array(l.datum, l.datum), "[" + l.want + "," + l.want + "]"}
		},
		"sized": func(l leaf, _ int) leaf {
			return leaf{`{"type": "array", "items": ` + l.schema + `}`, sized(l.datum), "[" + l.want + "]"}
		},
		"empty": func(l leaf, _ int) leaf {
			return leaf{`{"type": "array", "items": ` + l.schema + `}`, array(), "[]"}
		},
		"map": func(l leaf, _ int) leaf {
			return leaf{`{"type": "map", "values": ` + l.schema + `}`, array(bytesOf("k") + l.datum), `{"k":` + l.want + "}"}
		},
		"record": func(l leaf, depth int) leaf {
			return leaf{
				fmt.Sprintf(`{"type": "record", "name": "r%d", "fields": [{"name": "a", "type": %s}, {"name": "b", "type": "int"}]}`,
					depth, l.schema), l.datum + long(7), `{"a":` + l.want + `,"b":7}`,
			}
		},
		"union": func(l leaf, _ int) leaf {
			if strings.HasPrefix(l.schema, "[") || l.schema == `"null"` {
				return l // a union may not lie in another, nor have a type twice
			}
			return leaf{`["null", ` + l.schema + `]`, long(1) + l.datum, l.want}
		},
	}
}

func typeOf(t testing.TB, schema string) *avro.Type {
	t.Helper()
	r, err := avro.Parse([]byte(`{"type": "record", "name": "rows", "fields": [{"name": "f", "type": ` + schema + `}]}`))
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	return r.Field("f")
}

// TestEveryTypeThreeDeep renders every type, in every three others.
func TestEveryTypeThreeDeep(t *testing.T) {
	count := 0
	for _, l := range leaves() {
		for _, first := range wraps() {
			for _, second := range wraps() {
				for _, third := range wraps() {
					w := third(second(first(l, 1), 2), 3)
					got, err := typeOf(t, w.schema).AppendJSON([]byte("x"), []byte(w.datum), 1<<20)
					if err != nil || string(got) != "x"+w.want || !json.Valid(got[1:]) {
						t.Fatalf("%s: %s, %v; want %s", w.schema, got, err, w.want)
					}
					count++
				}
			}
		}
	}
	t.Logf("%d types", count)
}

// TestMisfits: what is not of its type, to the last byte, is an error and leaves nothing behind.
func TestMisfits(t *testing.T) {
	for _, test := range []leaf{
		{`"int"`, "", "whole number"},
		{`"int"`, "\x80", "whole number"},
		{`"int"`, long(1 << 31), "32 bits"},
		{`"long"`, strings.Repeat("\xff", 10), "whole number"},
		{`"long"`, long(1) + "x", "more bytes"},
		{`"boolean"`, "\x02", "boolean"},
		{`"boolean"`, "", "boolean"},
		{`"double"`, "1234567", "too early"},
		{`"string"`, long(5) + "abcd", "longer"},
		{`"string"`, long(-1), "longer"},
		{`"string"`, bytesOf("\xff"), "UTF-8"},
		{`{"type": "fixed", "name": "f", "size": 3}`, "ab", "too early"},
		{`{"type": "enum", "name": "e", "symbols": ["A"]}`, long(1), "symbol"},
		{`["null", "int"]`, long(2), "union"},
		{`["null", "int"]`, long(-1), "union"},
		{`{"type": "array", "items": "int"}`, long(2) + long(1), "whole number"},
		{`{"type": "array", "items": "int"}`, long(-1) + long(9) + long(1) + long(0), "no possible size"},
		{`{"type": "array", "items": "int"}`, long(-1) + long(2) + long(1) + long(0), "another size"},
		{`{"type": "array", "items": "int"}`, long(math.MinInt64) + long(0), "no possible size"},
		{`{"type": "int", "logicalType": "date"}`, long(math.MaxInt32), "year"},
		{`{"type": "int", "logicalType": "time-millis"}`, long(86_400_000), "beyond a day"},
		{`{"type": "long", "logicalType": "timestamp-micros"}`, long(math.MaxInt64), "year"},
		{`{"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}`, bytesOf(""), "decimal"},
		{`{"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}`, bytesOf(strings.Repeat("1", 65)), "decimal"},
	} {
		got, err := typeOf(t, test.schema).AppendJSON([]byte("x"), []byte(test.datum), 1<<20)
		if !errors.Is(err, avro.ErrMisfit) || string(got) != "x" {
			t.Errorf("%s of %q: %s, %v; want %s", test.schema, test.datum, got, err, test.want)
		}
	}
}

// TestLimit: a few bytes that stand for a great many are given up before they take memory.
func TestLimit(t *testing.T) {
	for _, l := range []leaf{
		{schema: `{"type": "array", "items": "null"}`, datum: long(math.MaxInt64) + long(0)},
		{schema: `{"type": "array", "items": {"type": "record", "name": "e", "fields": []}}`, datum: long(1<<40) + long(0)},
		{schema: `"string"`, datum: bytesOf(strings.Repeat("\x00", 300))},
		{schema: `"bytes"`, datum: bytesOf(strings.Repeat("x", 999))},
	} {
		got, err := typeOf(t, l.schema).AppendJSON(nil, []byte(l.datum), 1000)
		if !errors.Is(err, avro.ErrLimit) || len(got) != 0 {
			t.Errorf("%s: %d bytes, %v", l.schema, len(got), err)
		}
	}
	exact := typeOf(t, `"string"`)
	if got, err := exact.AppendJSON(nil, []byte(bytesOf("abc")), 5); err != nil || string(got) != `"abc"` {
		t.Errorf("%s, %v", got, err)
	}
}

// TestRecursion: types that lie in themselves are read as deep as values may be.
func TestRecursion(t *testing.T) {
	list := typeOf(t, `{"type": "record", "name": "list", "fields": [{"name": "v", "type": "int"}, `+
		`{"name": "next", "type": ["null", "list"]}]}`)
	got, err := list.AppendJSON(nil, []byte(long(1)+long(1)+long(2)+long(0)), 1000)
	if err != nil || string(got) != `{"v":1,"next":{"v":2,"next":null}}` {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := list.AppendJSON(nil, []byte(strings.Repeat(long(1)+long(1), 100)), 1<<20); !errors.Is(err, avro.ErrMisfit) {
		t.Errorf("too deep: %v", err)
	}
}
