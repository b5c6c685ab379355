package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rongate/rongate/column"
)

func TestColumns(t *testing.T) {
	const binary, unsigned = collationBinary, uint16(flagUnsigned)
	for _, test := range []struct {
		code      byte
		flags     uint16
		decimals  byte
		collation uint16
		want      string
		scale     int
	}{
		{codeDecimal, 0, 3, binary, "DECIMAL", 3},
		{codeNewDecimal, unsigned, 0, binary, "DECIMAL", 0},
		{codeNewDecimal, 0, 38, binary, "DECIMAL", 38},
		{codeTiny, 0, 0, binary, "TINYINT", -1},
		{codeTiny, unsigned, 0, binary, "UNSIGNED TINYINT", -1},
		{codeShort, 0, 0, binary, "SMALLINT", -1},
		{codeShort, unsigned, 0, binary, "UNSIGNED SMALLINT", -1},
		{codeInt24, 0, 0, binary, "MEDIUMINT", -1},
		{codeInt24, unsigned, 0, binary, "UNSIGNED MEDIUMINT", -1},
		{codeLong, 0, 0, binary, "INT", -1},
		{codeLong, unsigned | 1 | 1<<15, 0, binary, "UNSIGNED INT", -1},
		{codeLongLong, 0, 0, binary, "BIGINT", -1},
		{codeLongLong, unsigned, 0, binary, "UNSIGNED BIGINT", -1},
		{codeFloat, 0, 31, binary, "FLOAT", -1},
		{codeFloat, unsigned, 2, binary, "FLOAT", -1},
		{codeDouble, 0, 31, binary, "DOUBLE", -1},
		{codeNull, 0, 0, binary, "NULL", -1},
		{codeTimestamp, 0, 0, binary, "TIMESTAMP", 0},
		{codeTimestamp, 0, 6, binary, "TIMESTAMP", 6},
		{codeDateTime, 0, 3, binary, "DATETIME", 3},
		{codeDateTime, 0, anyScale, binary, "DATETIME", 0},
		{codeTime, 0, 1, binary, "TIME", 1},
		{codeTime, 0, anyScale, binary, "TIME", 0},
		{codeDate, 0, 0, binary, "DATE", -1},
		{codeDate, 0, 10, binary, "DATE", -1},
		{codeNewDate, 0, 0, binary, "DATE", -1},
		{codeYear, unsigned, 0, binary, "YEAR", -1},
		{codeBit, unsigned, 0, binary, "BIT", -1},
		{codeVector, 0, 0, binary, "VECTOR", -1},
		{codeJSON, 0, 0, binary, "JSON", -1},
		{codeEnum, 0, 0, 45, "ENUM", -1},
		{codeSet, 0, 0, 45, "SET", -1},
		{codeString, flagEnum, 0, 45, "ENUM", -1},
		{codeString, flagSet, 0, 45, "SET", -1},
		{codeString, 0, 0, 45, "CHAR", -1},
		{codeString, 0, 0, binary, "BINARY", -1},
		{codeVarChar, 0, 0, 45, "VARCHAR", -1},
		{codeVarString, 0, 31, 255, "VARCHAR", -1},
		{codeVarString, 0, 0, binary, "VARBINARY", -1},
		{codeVarString, 0, 0, binary + 256, "VARCHAR", -1},
		{codeTinyBlob, 0, 0, 45, "TINYTEXT", -1},
		{codeTinyBlob, 0, 0, binary, "TINYBLOB", -1},
		{codeBlob, 0, 0, 45, "TEXT", -1},
		{codeBlob, 0, 0, binary, "BLOB", -1},
		{codeMediumBlob, 0, 0, 45, "MEDIUMTEXT", -1},
		{codeMediumBlob, 0, 0, binary, "MEDIUMBLOB", -1},
		{codeLongBlob, 0, 0, 45, "LONGTEXT", -1},
		{codeLongBlob, 0, 0, binary, "LONGBLOB", -1},
		{codeGeometry, 0, 0, binary, "GEOMETRY", -1},
	} {
		d := def{name: "größe", code: test.code, flags: test.flags, decimals: test.decimals, collation: test.collation}
		got, _, err := parseColumn(d.packet())
		if want := (Column{"größe", test.want, test.scale}); err != nil || got != want {
			t.Errorf("%+v: %+v, %v; want %+v", d, got, err, want)
		}
	}
	// The types that there are; nobody can say how long a value of another is.
	known := 0
	for code := range 256 {
		if _, _, err := parseColumn(def{code: byte(code)}.packet()); err == nil {
			known++
		} else if !errors.Is(err, ErrMalformed) {
			t.Error(err)
		}
	}
	if known != 29 {
		t.Errorf("%d types are known", known)
	}
}

func TestColumnDefinitions(t *testing.T) {
	for _, n := range []int{0, 1, 64, 250, 251, 1000} {
		d := def{name: strings.Repeat("x", n), code: codeTiny}
		if got, _, err := parseColumn(d.packet()); err != nil || got.Name != d.name {
			t.Errorf("a name of %d bytes: %v", n, err)
		}
	}
	whole := def{name: "name", code: codeTiny}.packet()
	const padding = 2 // which says nothing, and is not asked for
	for n := range whole {
		if _, _, err := parseColumn(whole[:n]); errors.Is(err, ErrMalformed) != (n < len(whole)-padding) {
			t.Errorf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
	for _, code := range []byte{codeTime, codeDateTime, codeTimestamp} {
		for decimals := range 256 {
			_, _, err := parseColumn(def{code: code, decimals: byte(decimals)}.packet())
			if good := decimals <= 6 || decimals == anyScale; good != (err == nil) || !good && !errors.Is(err, ErrMalformed) {
				t.Errorf("type %d of %d decimals: %v", code, decimals, err)
			}
		}
	}
}

// little is an integer of so many bytes.
func little(size int, n uint64) string {
	return string(binary.LittleEndian.AppendUint64(nil, n)[:size])
}

// cutFrom is cut, with its results returned.
func cutFrom(c cell, p packet, text []byte) (v column.Value, grown []byte, rest packet, ok bool) {
	rest, ok = c.cut(p, &v, &text)
	return v, text, rest, ok
}

// cutOne cuts a value of the column off the front and checks that nothing else is cut.
func cutOne(t *testing.T, d def, sent string) (column.Value, bool) {
	t.Helper()
	_, c, err := parseColumn(d.packet())
	if err != nil {
		t.Fatal(err)
	}
	// With what was there before and what comes after.
	v, grown, rest, ok := cutFrom(c, packet(sent+"rest"), []byte("before"))
	if !ok {
		return v, false
	}
	if string(rest) != "rest" || !strings.HasPrefix(string(grown), "before") {
		t.Errorf("%+v, %q: rest %q, text %q", d, sent, rest, grown)
	}
	for n := range len(sent) {
		if _, _, _, ok := cutFrom(c, packet(sent[:n]), nil); ok {
			t.Errorf("%+v: %q is read from %d bytes", d, sent, n)
		}
	}
	return v, true
}

func TestCells(t *testing.T) {
	unsigned := uint16(flagUnsigned)
	for _, test := range []struct {
		code  byte
		flags uint16
		sent  string
		want  string
	}{
		{codeTiny, 0, "\x80", "int:-128"},
		{codeTiny, 0, "\x7f", "int:127"},
		{codeTiny, 0, "\xff", "int:-1"},
		{codeTiny, unsigned, "\x00", "uint:0"},
		{codeTiny, unsigned, "\x80", "uint:128"},
		{codeTiny, unsigned, "\xff", "uint:255"},
		{codeShort, 0, little(2, 0x8000), "int:-32768"},
		{codeShort, 0, little(2, 0x7fff), "int:32767"},
		{codeShort, 0, little(2, 0x0102), "int:258"},
		{codeShort, unsigned, little(2, 0xffff), "uint:65535"},
		{codeYear, unsigned, little(2, 2155), "int:2155"},
		{codeYear, unsigned, little(2, 0), "int:0"},
		{codeInt24, 0, little(4, 0xff800000), "int:-8388608"},
		{codeInt24, 0, little(4, 0x7fffff), "int:8388607"},
		{codeInt24, unsigned, little(4, 0xffffff), "uint:16777215"},
		{codeLong, 0, little(4, 0x80000000), "int:-2147483648"},
		{codeLong, 0, little(4, 0x7fffffff), "int:2147483647"},
		{codeLong, 0, little(4, 0x01020304), "int:16909060"},
		{codeLong, unsigned, little(4, 0xffffffff), "uint:4294967295"},
		{codeLongLong, 0, little(8, 1<<63), "int:-9223372036854775808"},
		{codeLongLong, 0, little(8, 1<<63-1), "int:9223372036854775807"},
		{codeLongLong, 0, little(8, 1<<53+1), "int:9007199254740993"},
		{codeLongLong, unsigned, little(8, 1<<63-1), "uint:9223372036854775807"},
		{codeLongLong, unsigned, little(8, 1<<63), "uint:9223372036854775808"},
		{codeLongLong, unsigned, little(8, math.MaxUint64), "uint:18446744073709551615"},
		{codeFloat, 0, little(4, uint64(math.Float32bits(0.1))), "float:0.1"},
		{codeFloat, 0, little(4, uint64(math.Float32bits(-math.MaxFloat32))), "float:-3.4028235e+38"},
		{codeFloat, 0, little(4, 1), "float:1e-45"},
		{codeFloat, 0, little(4, 0x80000000), "float:-0"},
		{codeFloat, unsigned, little(4, uint64(math.Float32bits(float32(math.Inf(1))))), "float:+Inf"},
		{codeDouble, 0, little(8, math.Float64bits(0.1)), "double:0.1"},
		{codeDouble, 0, little(8, math.Float64bits(math.MaxFloat64)), "double:1.7976931348623157e+308"},
		{codeDouble, 0, little(8, 1), "double:5e-324"},
		{codeDouble, 0, little(8, 1<<63), "double:-0"},
		{codeDouble, 0, little(8, math.Float64bits(math.NaN())), "double:NaN"},
		{codeNull, 0, "", "NULL"},
		{codeNewDecimal, 0, "\x05-1.50", `"-1.50"`},
		{codeDecimal, unsigned, "\x0215", `"15"`},
		{codeBit, unsigned, "\x02\x02\x01", `"\x02\x01"`},
		{codeVarString, 0, "\x00", `""`},
		{codeVarString, 0, "\x06日本", `"日本"`},
		{codeString, flagEnum, "\x01a", `"a"`},
		{codeBlob, 0, "\x03\x00\xff\x00", `"\x00\xff\x00"`},
		{codeGeometry, 0, "\x01g", `"g"`},
		{codeJSON, 0, "\x02{}", `"{}"`},
		{codeVarString, 0, "\xfb", ""},
		{codeVarString, 0, "\xff", ""},
		{codeVarString, 0, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff", ""},
	} {
		v, ok := cutOne(t, def{code: test.code, flags: test.flags}, test.sent)
		if got := show([]column.Value{v}); ok != (test.want != "") || ok && got != test.want {
			t.Errorf("type %d, %x: %s, %v; want %s", test.code, test.sent, got, ok, test.want)
		}
	}
}

func TestLongTexts(t *testing.T) {
	for n, length := range map[int]string{
		250: "\xfa", 251: "\xfc\xfb\x00", math.MaxUint16: "\xfc\xff\xff", math.MaxUint16 + 1: "\xfd\x00\x00\x01",
		1<<24 - 1: "\xfd\xff\xff\xff", 1 << 24: "\xfe\x00\x00\x00\x01\x00\x00\x00\x00",
	} {
		want := string(pattern(n))
		for _, code := range []byte{codeVarString, codeBlob, codeLongBlob, codeJSON, codeNewDecimal} {
			_, c, err := parseColumn(def{code: code}.packet())
			if err != nil {
				t.Fatal(err)
			}
			sent := length + want
			v, _, rest, ok := cutFrom(c, packet(sent+"rest"), nil)
			if b, isText := v.Bytes(); !ok || !isText || string(b) != want || string(rest) != "rest" {
				t.Errorf("%d bytes: %v, %d bytes", n, ok, len(b))
			}
			if _, _, _, ok := cutFrom(c, packet(sent[:len(sent)-1]), nil); ok {
				t.Errorf("%d bytes are read from less", n)
			}
		}
	}
}

// A moment is what a server sends of a date or a time, and what a column without fraction shows of it.
type moment struct {
	sent                 int // bytes: what is 0 is left out
	negative             byte
	days                 uint32 // of a time
	year                 uint16
	month, day           byte
	hour, minute, second byte
	micros               uint32
	want                 string
}

func dates() []moment {
	return []moment{
		{sent: 0, want: "0000-00-00 00:00:00"},
		{sent: 4, want: "0000-00-00 00:00:00"},
		{sent: 4, year: 1000, month: 1, day: 1, want: "1000-01-01 00:00:00"},
		{sent: 4, year: 9999, month: 12, day: 31, want: "9999-12-31 00:00:00"},
		{sent: 4, year: 2026, want: "2026-00-00 00:00:00"},
		{sent: 4, year: 7, month: 10, day: 9, want: "0007-10-09 00:00:00"},
		{sent: 7, year: 2026, month: 1, day: 2, hour: 3, minute: 4, second: 5, want: "2026-01-02 03:04:05"},
		{sent: 7, year: 2026, month: 12, day: 31, hour: 23, minute: 59, second: 59, want: "2026-12-31 23:59:59"},
		{sent: 7, want: "0000-00-00 00:00:00"},
		{
			sent: 11, year: 1999, month: 2, day: 28, hour: 10, minute: 20, second: 30, micros: 123456,
			want: "1999-02-28 10:20:30",
		},
		{sent: 11, year: 2026, month: 1, day: 1, micros: 1, want: "2026-01-01 00:00:00"},
		{sent: 11, year: 2026, month: 1, day: 1, micros: 999_999, want: "2026-01-01 00:00:00"},
		{sent: 11, year: 2026, month: 1, day: 1, micros: 100_000, want: "2026-01-01 00:00:00"},
		{sent: 11, year: 2026, month: 1, day: 1, want: "2026-01-01 00:00:00"},
	}
}

func (m moment) date() string {
	b := binary.LittleEndian.AppendUint16(nil, m.year)
	b = append(b, m.month, m.day, m.hour, m.minute, m.second)
	b = binary.LittleEndian.AppendUint32(b, m.micros)
	return string(text(string(b[:m.sent])))
}

func times() []moment {
	return []moment{
		{sent: 0, want: "00:00:00"},
		{sent: 8, want: "00:00:00"},
		{sent: 8, hour: 1, minute: 2, second: 3, want: "01:02:03"},
		{sent: 8, hour: 23, minute: 59, second: 59, want: "23:59:59"},
		{sent: 8, negative: 1, second: 1, want: "-00:00:01"},
		{sent: 8, days: 1, want: "24:00:00"},
		{sent: 8, days: 4, hour: 3, minute: 59, second: 59, want: "99:59:59"},
		{sent: 8, days: 4, hour: 4, want: "100:00:00"},
		{sent: 8, days: 34, hour: 22, minute: 59, second: 59, want: "838:59:59"},
		{sent: 8, negative: 1, days: 34, hour: 22, minute: 59, second: 59, want: "-838:59:59"},
		{sent: 8, days: math.MaxUint32, hour: 1, want: "103079215081:00:00"},
		{sent: 12, negative: 1, hour: 12, minute: 34, second: 56, micros: 250_000, want: "-12:34:56"},
		{sent: 12, micros: 9, want: "00:00:00"},
		{sent: 12, days: 10, micros: 999_999, want: "240:00:00"},
		{sent: 12, want: "00:00:00"},
	}
}

func (m moment) time() string {
	b := binary.LittleEndian.AppendUint32([]byte{m.negative}, m.days)
	b = append(b, m.hour, m.minute, m.second)
	b = binary.LittleEndian.AppendUint32(b, m.micros)
	return string(text(string(b[:m.sent])))
}

// fraction is what a column of so many decimals shows besides.
func (m moment) fraction(decimals byte) string {
	if decimals == 0 || decimals == anyScale {
		return ""
	}
	return fmt.Sprintf(".%06d", m.micros)[:1+decimals]
}

func TestDatesAndTimes(t *testing.T) {
	check := func(d def, sent, want string) {
		t.Helper()
		v, ok := cutOne(t, d, sent)
		if b, _ := v.Bytes(); !ok || string(b) != want {
			t.Errorf("type %d of %d decimals, %x: %q, %v; want %q", d.code, d.decimals, sent, b, ok, want)
		}
	}
	for _, decimals := range []byte{0, 1, 2, 3, 4, 5, 6, anyScale} {
		for _, m := range dates() {
			want := m.want + m.fraction(decimals)
			check(def{code: codeDateTime, decimals: decimals}, m.date(), want)
			check(def{code: codeTimestamp, decimals: decimals}, m.date(), want)
			check(def{code: codeDate, decimals: decimals}, m.date(), m.want[:10])
			check(def{code: codeNewDate, decimals: decimals}, m.date(), m.want[:10])
		}
		for _, m := range times() {
			check(def{code: codeTime, decimals: decimals}, m.time(), m.want+m.fraction(decimals))
		}
	}
}

func TestImpossibleDatesAndTimes(t *testing.T) {
	date := "\xea\x07\x01\x02\x03\x04\x05\x06\x00\x00\x00"
	clock := "\x00\x01\x00\x00\x00\x02\x03\x04\x05\x00\x00\x00"
	with := func(s string, at int, b ...byte) string { return s[:at] + string(b) + s[at+len(b):] }
	refused := func(code byte, sent string) {
		t.Helper()
		d := def{code: code, decimals: 6}
		if v, ok := cutOne(t, d, string(text(sent))); ok {
			t.Errorf("type %d, %x: %s", code, sent, show([]column.Value{v}))
		}
	}
	for _, code := range []byte{codeDate, codeNewDate, codeDateTime, codeTimestamp} {
		for n := range 20 {
			if !slices.Contains([]int{0, 4, 7, 11}, n) {
				refused(code, (date + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")[:n])
			}
		}
		refused(code, with(date, 0, 0x10, 0x27)) // 10000
		refused(code, with(date, 0, 0xff, 0xff))
		refused(code, with(date, 2, 100))
		refused(code, with(date, 3, 255))
	}
	for _, code := range []byte{codeDateTime, codeTimestamp} {
		refused(code, with(date, 4, 100))
		refused(code, with(date, 5, 100))
		refused(code, with(date, 6, 255))
		refused(code, with(date, 7, 0x40, 0x42, 0x0f)) // a million
		refused(code, with(date, 7, 255, 255, 255, 255))
	}
	for n := range 20 {
		if !slices.Contains([]int{0, 8, 12}, n) {
			refused(codeTime, (clock + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")[:n])
		}
	}
	refused(codeTime, with(clock, 6, 100))
	refused(codeTime, with(clock, 7, 255))
	refused(codeTime, with(clock, 8, 0x40, 0x42, 0x0f))
	for _, code := range []byte{codeDate, codeDateTime, codeTime} {
		for _, sent := range []string{"\xfb", "\xff", "\xfc\x04", "\xfe\xff\xff\xff\xff\xff\xff\xff\xff"} {
			if v, ok := cutOne(t, def{code: code}, sent); ok {
				t.Errorf("type %d, %x: %s", code, sent, show([]column.Value{v}))
			}
		}
	}
	for code, sent := range map[byte]string{codeDateTime: date, codeTime: clock} {
		if _, ok := cutOne(t, def{code: code}, string(text(sent))); !ok {
			t.Errorf("the sound one of type %d is refused", code)
		}
	}
}
