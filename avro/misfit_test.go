package avro

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/rongate/rongate/column"
)

// TestMisfits says for every way in which a datum may not fit where that is found, and that nothing of it is told.
func TestMisfits(t *testing.T) {
	const secret = "Secret4711"
	visits := `["null",` + arrayOf(record("Visit", "tags", `{"type":"map","values":"int"}`,
		"at", logical("long", "timestamp-micros"))) + `]`
	dec, ints := decimal("4", "2"), arrayOf(`"int"`)
	const tooLong, noSuch = "a number is longer than its type allows", "there is no such branch or symbol"
	const noYear, noSize = "a date is not within the years 0000 to 9999", "the size of a block is negative or beyond the end"
	const noLength = "a length is negative or beyond the end"
	unending := []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF}
	tag := seq(counted(secret), long(1))
	visit := seq(plain(tag), noBlock(), long(5))
	for _, test := range []struct {
		schema string
		datum  []byte
		want   string // what follows the sentinel's text
	}{
		{`"int"`, nil, " at byte 0: it ends early"},
		{`"int"`, []byte{0x80}, " at byte 0: it ends early"},
		{`"int"`, long(math.MaxInt32 + 1), " at byte 0: " + tooLong},
		{`"int"`, long(math.MinInt32 - 1), " at byte 0: " + tooLong},
		{`"int"`, []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, " at byte 0: " + tooLong},
		{`"int"`, []byte{0xFF, 0xFF, 0xFF, 0xFF, 0x1F}, " at byte 0: " + tooLong},
		{`"long"`, []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, " at byte 0: " + tooLong},
		{`"long"`, []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02}, " at byte 0: " + tooLong},
		{`"long"`, seq(long(1), []byte(secret)), " at byte 1: there are bytes after its end"},
		{`"null"`, []byte{0}, " at byte 0: there are bytes after its end"},
		{`"boolean"`, []byte{2}, " at byte 0: a boolean is neither 0 nor 1"},
		{`"boolean"`, nil, " at byte 0: it ends early"},
		{`"float"`, []byte{1, 2, 3}, " at byte 0: it ends early"},
		{`"double"`, []byte{1, 2, 3, 4, 5, 6, 7}, " at byte 0: it ends early"},
		{`"string"`, counted(secret + "\xff"), " at byte 0: a string is not UTF-8"},
		{`"string"`, counted("\xed\xa0\x80"), " at byte 0: a string is not UTF-8"}, // half of a surrogate pair
		{`"string"`, seq(long(20), []byte(secret)), " at byte 0: " + noLength},
		{`"bytes"`, seq(long(-1), []byte(secret)), " at byte 0: " + noLength},
		{`{"type":"fixed","name":"F","size":11}`, []byte(secret), " at byte 0: it ends early"},
		{`{"type":"enum","name":"E","symbols":["A","B"]}`, long(2), " at byte 0: " + noSuch},
		{`{"type":"enum","name":"E","symbols":["A","B"]}`, long(-1), " at byte 0: " + noSuch},
		{`["null","int"]`, long(2), " at byte 0: " + noSuch},
		{`["null","int"]`, long(-1), " at byte 0: " + noSuch},
		{`["null","int"]`, long(1), " at byte 1: it ends early"},
		{dec, counted(""), " at byte 0: a decimal has no bytes"},
		{dec, counted("\x27\x10"), " at byte 0: a decimal has more digits than its precision"},
		{dec, counted(strings.Repeat("\x7f", 33)), " at byte 0: a decimal has more digits than its precision"},
		{dec, counted("\xff" + strings.Repeat("\x00", 32)), " at byte 0: a decimal has more digits than its precision"},
		{logical("int", "date"), long(2932897), " at byte 0: " + noYear},
		{logical("int", "date"), long(-719529), " at byte 0: " + noYear},
		{logical("int", "date"), long(math.MinInt32), " at byte 0: " + noYear},
		{logical("long", "timestamp-millis"), long(253402300800000), " at byte 0: " + noYear},
		{logical("long", "timestamp-millis"), long(-62167219200001), " at byte 0: " + noYear},
		{logical("long", "timestamp-micros"), long(math.MinInt64), " at byte 0: " + noYear},
		{logical("int", "time-millis"), long(86_400_000), " at byte 0: a time of day is not within a day"},
		{logical("long", "time-micros"), long(-1), " at byte 0: a time of day is not within a day"},

		{ints, plain(long(1), long(2)), " at byte 3: it ends early"},
		{ints, seq(long(9), long(1)), " at byte 1: a block has more items than bytes are left"},
		{ints, seq(long(-1), long(2), long(1), noBlock()), " at byte 3: a block does not end where it says"},
		{ints, seq(long(-2), long(1), long(1), long(2), noBlock()), " at byte 4: a block does not end where it says"},
		{ints, seq(long(-1), long(-1), long(1), noBlock()), " at byte 0: " + noSize},
		{ints, seq(long(-1), long(math.MaxInt64), long(1), noBlock()), " at byte 0: " + noSize},
		{ints, seq(long(math.MinInt64), long(1), long(1)), " at byte 0: a count is out of range"},
		{`{"type":"map","values":"int"}`, seq(plain(tag), plain(tag), noBlock()), " at byte 15: a map has a key twice"},
		{
			`{"type":"map","values":"int"}`, seq(plain(seq(counted("\xff"), long(1))), noBlock()),
			" {0} at byte 1: a string is not UTF-8",
		},
		{`{"type":"map","values":"string"}`, plain(seq(counted(secret), long(9))), " {0} at byte 12: " + noLength},

		{
			visits, seq(long(1), plain(visit, visit, seq(plain(tag, seq(counted("x"), unending)), noBlock(), long(1))), noBlock()),
			" [2].tags{1} at byte 47: " + tooLong,
		},
		{
			visits, seq(long(1), plain(visit, seq(plain(tag), noBlock(), long(math.MaxInt64))), noBlock()),
			" [1].at at byte 31: " + noYear,
		},
		{visits, seq(long(1), plain(seq(plain(tag, tag), noBlock())), noBlock()), " [0].tags at byte 16: a map has a key twice"},
	} {
		of := typeOf(t, test.schema)
		got, err := of.AppendJSON([]byte("<"), test.datum, ample)
		if !errors.Is(err, ErrMisfit) || errors.Is(err, column.ErrLimit) || string(got) != "<" {
			t.Errorf("%s of %x: %s, %v", of, test.datum, got, err)
			continue
		}
		if err.Error() != ErrMisfit.Error()+":"+test.want {
			t.Errorf("%s of %x: %v; want %s", of, test.datum, err, test.want)
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v: tells a value", of, err)
		}
	}
}

// TestLongPath: a message stays short however long the names on the way are.
func TestLongPath(t *testing.T) {
	name := strings.Repeat("n", 1000)
	of := typeOf(t, `{"type":"record","name":"R","fields":[{"name":"`+name+`","type":["null","R"]}]}`)
	_, err := of.AppendJSON(nil, bytes.Repeat([]byte{2}, 20), ample)
	if !errors.Is(err, ErrMisfit) || len(err.Error()) > 400 || !strings.Contains(err.Error(), "nnn... at byte 20") {
		t.Errorf("%v", err)
	}
}
