package avro

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rongate/rongate/column"
)

// view is what encoding/json makes of JSON, with the digits of its numbers.
func view(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v
}

func TestEveryTypeThreeDeep(t *testing.T) {
	for _, s := range nested() {
		got, err := typeOf(t, s.schema).AppendJSON([]byte("<"), s.datum, ample)
		if err != nil || got[0] != '<' {
			t.Fatalf("%s of %x: %s, %v", s.schema, s.datum, got, err)
		}
		want, err := json.Marshal(s.want)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(got[1:]) || !utf8.Valid(got) || !reflect.DeepEqual(view(t, got[1:]), view(t, want)) {
			t.Fatalf("%s of %x: %s, want %s", s.schema, s.datum, got[1:], want)
		}
	}
}

// TestEveryByteCounts holds for every datum that neither less nor more of it is one, and that the limit is exact.
func TestEveryByteCounts(t *testing.T) {
	for i, s := range nested() {
		if i%7 != 0 && testing.Short() {
			continue
		}
		of := typeOf(t, s.schema)
		for n := range s.datum {
			if got, err := of.AppendJSON(nil, s.datum[:n], ample); !errors.Is(err, ErrMisfit) {
				t.Fatalf("%s: %d bytes of %x: %s, %v", s.schema, n, s.datum, got, err)
			}
		}
		if got, err := of.AppendJSON(nil, seq(s.datum, []byte{0}), ample); !errors.Is(err, ErrMisfit) {
			t.Fatalf("%s: %x and a zero: %s, %v", s.schema, s.datum, got, err)
		}
		full, err := of.AppendJSON(nil, s.datum, ample)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := of.AppendJSON([]byte("<"), s.datum, len(full)); err != nil || string(got) != "<"+string(full) {
			t.Fatalf("%s of %x with just enough room: %s, %v", s.schema, s.datum, got, err)
		}
		if got, err := of.AppendJSON([]byte("<"), s.datum, len(full)-1); !errors.Is(err, column.ErrLimit) || string(got) != "<" {
			t.Fatalf("%s of %x with a byte too few: %s, %v", s.schema, s.datum, got, err)
		}
	}
}

// TestValues has what values look like, to the byte.
func TestValues(t *testing.T) {
	for _, test := range []struct {
		schema string
		datum  []byte
		want   string
	}{
		{`"int"`, long(0), "0"},
		{`"int"`, long(math.MaxInt32), "2147483647"},
		{`"int"`, []byte{0x80, 0x80, 0x80, 0x80, 0x00}, "0"}, // zeros that need not be there
		{`"long"`, long(math.MinInt64), "-9223372036854775808"},
		{`"long"`, long(1<<53 + 1), "9007199254740993"},
		{`"long"`, []byte{0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, "1"},
		{`"float"`, float(16777216), "16777216"},
		{`"float"`, float(3.4028235e38), "3.4028235e+38"},
		{`"float"`, float(1e-7), "1e-7"},
		{`"float"`, float(float32(math.Inf(1))), "null"},
		{`"double"`, double(0.1), "0.1"},
		{`"double"`, double(1e21), "1e+21"},
		{`"double"`, double(5e-324), "5e-324"},
		{`"double"`, double(math.Inf(-1)), "null"},
		{`"string"`, counted(""), `""`},
		{`"string"`, counted("\x1f\b\f\n\r\t\"\\/<&\u007f\ufffd"), `"\u001f\b\f\n\r\t\"\\/<&` + "\u007f\ufffd" + `"`},
		{`"bytes"`, counted(""), `""`},
		{`"bytes"`, counted("\xfb\xff"), `"+/8="`},

		{decimal("9", "2"), counted("\x00"), "0.00"},
		{decimal("9", "0"), counted("\x00"), "0"},
		{decimal("9", "2"), counted("\x01"), "0.01"},
		{decimal("9", "2"), counted("\xff"), "-0.01"},
		{decimal("9", "2"), counted("\x80"), "-1.28"},
		{decimal("9", "2"), counted("\x00\x80"), "1.28"},
		{decimal("2", "2"), counted("\x63"), "0.99"},
		{decimal("9", "0"), counted("\x00\x00\x00\x00\x00\x00\x00\x07"), "7"},
		{decimal("9", "1"), counted(strings.Repeat("\xff", 100) + "\x00"), "-25.6"},
		{decimal("19", "0"), counted("\x7f\xff\xff\xff\xff\xff\xff\xff"), "9223372036854775807"},
		{decimal("19", "0"), counted("\x80\x00\x00\x00\x00\x00\x00\x00"), "-9223372036854775808"},
		{decimal("20", "20"), counted("\x00\xff\xff\xff\xff\xff\xff\xff\xff"), "0.18446744073709551615"},
		{decimal("20", "0"), counted("\x00\x8a\xc7\x23\x04\x89\xe8\x00\x00"), "10000000000000000000"},
		{decimal("5", "6"), counted("\x01"), `"AQ=="`}, // more digits after the point than there are: no decimal
		{decimal("2.5", "0"), counted("\x01"), `"AQ=="`},
		{`{"type":"bytes","logicalType":"decimal"}`, counted("\x01"), `"AQ=="`},
		{`{"type":"bytes","logicalType":"decimal","precision":3}`, counted("\x01"), `1`},
		{`{"type":"fixed","name":"F","size":1,"logicalType":"decimal","precision":3}`, []byte("\x01"), `"AQ=="`}, // has no room

		{logical("int", "date"), long(0), `"1970-01-01"`},
		{logical("int", "date"), long(-1), `"1969-12-31"`},
		{logical("int", "date"), long(-719528), `"0000-01-01"`},
		{logical("int", "date"), long(2932896), `"9999-12-31"`},
		{logical("int", "date"), long(11016), `"2000-02-29"`},
		{logical("int", "time-millis"), long(0), `"00:00:00.000"`},
		{logical("int", "time-millis"), long(3_723_004), `"01:02:03.004"`},
		{logical("long", "time-micros"), long(86_399_999_999), `"23:59:59.999999"`},
		{logical("long", "timestamp-millis"), long(-1), `"1969-12-31 23:59:59.999"`},
		{logical("long", "timestamp-millis"), long(-62_167_219_200_000), `"0000-01-01 00:00:00.000"`},
		{logical("long", "timestamp-millis"), long(253_402_300_799_999), `"9999-12-31 23:59:59.999"`},
		{logical("long", "timestamp-micros"), long(253_402_300_799_999_999), `"9999-12-31 23:59:59.999999"`},
		{logical("long", "local-timestamp-micros"), long(1_767_323_045_123_456), `"2026-01-02 03:04:05.123456"`},

		// Logical types that are unknown, or not of the type they are for, are the type below.
		{logical("long", "duration-of-ours"), long(5), "5"},
		{logical("long", "date"), long(5), "5"},
		{logical("int", "timestamp-millis"), long(5), "5"},
		{logical("double", "decimal"), double(1), "1"},
		{`{"type":"fixed","name":"D","size":12,"logicalType":"duration"}`, make([]byte, 12), `"AAAAAAAAAAAAAAAA"`},
		{`{"type":"long","logicalType":7}`, long(5), "5"},

		{`{"type":"array","items":"int"}`, noBlock(), "[]"},
		{`{"type":"map","values":"int"}`, noBlock(), "{}"},
		{
			`{"type":"map","values":"int"}`,
			seq(plain(seq(counted("z"), long(1))), plain(seq(counted("a\""), long(2))), noBlock()), `{"z":1,"a\"":2}`,
		},
		{
			record("R", "z", `"int"`, "a", `"int"`, "Z", `"int"`),
			seq(long(1), long(2), long(3)), `{"z":1,"a":2,"Z":3}`,
		},
		{
			`["null","int","string",{"type":"array","items":["null","int"]}]`,
			seq(long(3), plain(long(0), seq(long(1), long(7))), noBlock()), "[null,7]",
		},
		{`["string","int"]`, seq(long(0), counted("s")), `"s"`},
	} {
		got, err := typeOf(t, test.schema).AppendJSON([]byte("<"), test.datum, ample)
		if err != nil || string(got) != "<"+test.want {
			t.Errorf("%s of %x: %s, %v; want %s", test.schema, test.datum, got, err, test.want)
		}
	}
}

// TestRecursiveRecord: a list and a tree, from one definition each.
func TestRecursiveRecord(t *testing.T) {
	list := typeOf(t, record("Node", "v", `"int"`, "next", `["null","Node"]`))
	got, err := list.AppendJSON(nil, seq(long(1), long(1), long(2), long(0)), ample)
	if err != nil || string(got) != `{"v":1,"next":{"v":2,"next":null}}` {
		t.Errorf("%s, %v", got, err)
	}
	tree := typeOf(t, record("a.Tree", "in", `{"type":"map","values":"Tree"}`))
	leaf := noBlock()
	got, err = tree.AppendJSON(nil, seq(plain(seq(counted("x"), leaf), seq(counted("y"), leaf)), noBlock()), ample)
	if err != nil || string(got) != `{"in":{"x":{"in":{}},"y":{"in":{}}}}` {
		t.Errorf("%s, %v", got, err)
	}
	for levels, want := range map[int]error{maxDepth: nil, maxDepth + 1: ErrMisfit} {
		datum := seq(bytes.Repeat(seq(long(7), long(1)), levels-1), long(7), long(0))
		if _, err := list.AppendJSON(nil, datum, ample); !errors.Is(err, want) {
			t.Errorf("a list of %d: %v", levels, err)
		}
	}
}

// TestManyKeys: more keys than have room on the stack, in maps in maps, are told apart all the same.
func TestManyKeys(t *testing.T) {
	of := typeOf(t, `{"type":"map","values":{"type":"map","values":"int"}}`)
	var outer [][]byte
	for i := range 100 {
		var inner [][]byte
		for j := range i {
			inner = append(inner, seq(counted("key"+string(rune('A'+j))), long(int64(j))))
		}
		outer = append(outer, seq(counted("key"+string(rune('A'+i))), sized(inner...), noBlock()))
	}
	outer[0] = seq(counted("keyA"), noBlock()) // the empty block of it would be its end
	got, err := of.AppendJSON(nil, seq(plain(outer...), noBlock()), ample)
	if err != nil || !json.Valid(got) {
		t.Fatal(err)
	}
	var v map[string]map[string]int
	if err := json.Unmarshal(got, &v); err != nil || len(v) != 100 || len(v["key"+string(rune('A'+99))]) != 99 {
		t.Errorf("%d keys, %v", len(v), err)
	}
	outer = append(outer, outer[37])
	if _, err := of.AppendJSON(nil, seq(plain(outer...), noBlock()), ample); !errors.Is(err, ErrMisfit) {
		t.Errorf("a key twice among many: %v", err)
	}
}

// TestDecimalsByBig compares with math/big what numbers of all lengths look like.
func TestDecimalsByBig(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	of := typeOf(t, `{"type":"bytes","logicalType":"decimal","precision":76,"scale":10}`)
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(76), nil)
	fits := 0
	for range 20_000 {
		b := make([]byte, 1+random.IntN(36))
		for i := range b {
			b[i] = [...]byte{0, 0xFF, 0x7F, 0x80, byte(random.Uint32())}[random.IntN(5)]
		}
		n := new(big.Int).SetBytes(b)
		if b[0] >= 0x80 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		got, err := of.AppendJSON(nil, counted(string(b)), ample)
		if n.CmpAbs(limit) >= 0 {
			if !errors.Is(err, ErrMisfit) {
				t.Fatalf("%x: %s, %v", b, got, err)
			}
			continue
		}
		fits++
		want := new(big.Rat).SetFrac(n, big.NewInt(1e10)).FloatString(10)
		if err != nil || string(got) != want {
			t.Fatalf("%x: %s, %v; want %s", b, got, err, want)
		}
	}
	if fits < 1000 {
		t.Errorf("only %d numbers fitted", fits)
	}
}

// TestMomentsByTime compares with package time what moments look like.
func TestMomentsByTime(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	date, micros := typeOf(t, logical("int", "date")), typeOf(t, logical("long", "timestamp-micros"))
	for range 20_000 {
		n := (firstSecond+random.Int64N(endSecond-firstSecond))*1e6 + random.Int64N(1e6)
		got, err := micros.AppendJSON(nil, long(n), ample)
		want := `"` + time.UnixMicro(n).UTC().Format("2006-01-02 15:04:05.000000") + `"`
		if err != nil || string(got) != want {
			t.Fatalf("%d: %s, %v; want %s", n, got, err, want)
		}
		day := time.UnixMicro(n).UTC().Truncate(24 * time.Hour)
		got, err = date.AppendJSON(nil, long(day.Unix()/daySeconds), ample)
		if want := `"` + day.Format(time.DateOnly) + `"`; err != nil || string(got) != want {
			t.Fatalf("%v: %s, %v; want %s", day, got, err, want)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	of := typeOf(t, `{"type":"map","values":{"type":"array","items":["null","double"]}}`)
	datum := seq(plain(seq(counted("a"), plain(long(0), seq(long(1), double(1.5))), noBlock())), noBlock())
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				if got, err := of.AppendJSON(nil, datum, ample); err != nil || string(got) != `{"a":[null,1.5]}` {
					t.Errorf("%s, %v", got, err)
				}
			}
		})
	}
	group.Wait()
}

// TestMemoryBounded: a few bytes that promise a great many are given up before they take memory.
func TestMemoryBounded(t *testing.T) {
	const limit = 4096
	huge := long(math.MaxInt64)
	power := record("P0", "n", `"null"`)
	for i := range 40 { // 2 to the power of 40 nulls, in no bytes at all
		power = record(fmt.Sprintf("P%d", i+1), "l", power, "r", fmt.Sprintf(`"P%d"`, i))
	}
	for name, test := range map[string]struct {
		schema string
		datum  []byte
	}{
		"nulls":        {`{"type":"array","items":"null"}`, seq(huge, noBlock())},
		"empty":        {`{"type":"array","items":{"type":"record","name":"E","fields":[]}}`, seq(huge, noBlock())},
		"empty fixed":  {`{"type":"array","items":{"type":"fixed","name":"E","size":0}}`, seq(huge, noBlock())},
		"some nulls":   {`{"type":"array","items":"null"}`, seq(bytes.Repeat(long(1000), 50), noBlock())},
		"pairs":        {power, nil},
		"doubles":      {`{"type":"array","items":"double"}`, seq(huge, noBlock())},
		"entries":      {`{"type":"map","values":"null"}`, seq(huge, noBlock())},
		"string":       {`"string"`, seq(huge, []byte("x"))},
		"bytes":        {`"bytes"`, seq(huge, []byte("x"))},
		"fixed":        {`{"type":"fixed","name":"F","size":2147483647}`, []byte("x")},
		"escapes":      {`"string"`, counted(strings.Repeat("\x01", limit-2))},
		"many escapes": {`"string"`, counted(strings.Repeat("\x01", 1<<20))},
		"base64":       {`"bytes"`, counted(strings.Repeat("\x01", 1<<20))},
		"same keys":    {`{"type":"map","values":"null"}`, seq(long(1<<20), bytes.Repeat([]byte{0}, 1<<20), noBlock())},
		"decimal": {
			`{"type":"bytes","logicalType":"decimal","precision":76,"scale":0}`,
			counted(strings.Repeat("\x55", 1<<20)),
		},
		"endless": {`{"type":"record","name":"L","fields":[{"name":"l","type":"L"}]}`, nil},
	} {
		of := typeOf(t, test.schema)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		got, err := of.AppendJSON(nil, test.datum, limit)
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		if err == nil || len(got) != 0 {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		// Six bytes for one escaped, twice that where a slice grows.
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 32*limit || took > time.Second {
			t.Errorf("%s: took %d bytes and %v", name, grown, took)
		}
	}
}
