package protocol

import (
	"errors"
	"io"
	"testing"

	"github.com/rongate/rongate/column"
)

// counted counts what is received.
type counted struct {
	peer
	received int
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.peer.Read(b)
	c.received += n
	return n, err
}

// The bits of a fuzzed conversation's kind.
const (
	fuzzDeprecateEOF = 1 << iota
	fuzzCachedMetadata
	fuzzRaw // the answers have headers; else each byte before a packet is its length
)

// packed is packets as fuzzed answers have them: with a length of one byte instead of a header.
func packed(answer []byte) []byte {
	var b []byte
	for len(answer) > 0 {
		size := int(answer[0]) | int(answer[1])<<8 | int(answer[2])<<16
		b = append(b, byte(size))
		b = append(b, answer[headerSize:headerSize+size]...)
		answer = answer[headerSize+size:]
	}
	return b
}

// unpacked puts the headers back.
func unpacked(b []byte) []byte {
	var packets [][]byte
	for len(b) > 0 {
		size := min(int(b[0]), len(b)-1)
		packets = append(packets, b[1:1+size])
		b = b[1+size:]
	}
	return frame(1, packets...)
}

// FuzzAnswers reads arbitrary bytes as the answers to a prepare and two executes.
func FuzzAnswers(f *testing.F) {
	columns := []def{
		{name: "a", code: codeLongLong, flags: flagUnsigned},
		{name: "b", code: codeVarString},
		{name: "c", code: codeDateTime, decimals: 3},
		{name: "d", code: codeTime, decimals: 6},
		{name: "e", code: codeFloat},
	}
	cells := row([]byte{1, 2, 3, 4, 5, 6, 7, 8}, text("x"), []byte{4, 0xea, 7, 1, 2}, []byte{0}, nil)
	for _, caps := range modes() {
		s, kind := script{caps}, byte(0)
		if caps.DeprecateEOF {
			kind |= fuzzDeprecateEOF
		}
		if caps.CachedMetadata {
			kind |= fuzzCachedMetadata
		}
		prepared, result := s.prepared(1, columns...), s.result(columns, cells, cells)
		f.Add(prepared, result, result, kind|fuzzRaw, byte(0))
		f.Add(packed(prepared), packed(result), packed(result), kind, byte(0))
		short := frame(1, append(append(s.shortHead(len(columns)), cells), s.end())...)
		f.Add(packed(prepared), packed(short), packed(result), kind, byte(1))
		f.Add(packed(prepared), packed(frame(1, okay())), packed(short), kind, byte(3))
		f.Add(packed(prepared), packed(s.result(columns[:1], row(nil))), packed(frame(1, refused(1, "x"))), kind, byte(0))
	}
	f.Add([]byte{0xff, 0xff, 0xff, 1, 0}, []byte{}, []byte{}, byte(fuzzRaw), byte(0))
	f.Fuzz(func(t *testing.T, prepare, execute, again []byte, kind, piece byte) {
		answers := [][]byte{prepare, execute, again}
		if kind&fuzzRaw == 0 {
			answers = [][]byte{unpacked(prepare), unpacked(execute), unpacked(again)}
		}
		server := &counted{peer: peer{answers: answers, piece: int(piece)}}
		c := New(server, Capabilities{
			DeprecateEOF: kind&fuzzDeprecateEOF != 0, CachedMetadata: kind&fuzzCachedMetadata != 0,
		})
		usable := func(err error) bool {
			if bound := max(firstBytes, 2*server.received); len(c.in.buf) > bound {
				t.Fatalf("a buffer of %d bytes for %d received", len(c.in.buf), server.received)
			}
			var refusal *Error
			known := errors.Is(err, ErrMalformed) || errors.As(err, &refusal) || errors.Is(err, io.ErrUnexpectedEOF)
			if err != nil && !known {
				t.Fatalf("an error of no kind: %v", err)
			}
			return err == nil || errors.As(err, &refusal) && !errors.Is(err, ErrMalformed)
		}
		statement, err := c.Prepare("SELECT")
		if !usable(err) || err != nil {
			return
		}
		for range 2 {
			if err = statement.Execute(make([]column.Value, statement.params)); err == nil {
				err = drain(t, statement)
			}
			if !usable(err) {
				return
			}
		}
	})
}

// drain reads the rows and looks at them.
func drain(t *testing.T, s *Statement) error {
	for {
		values, err := s.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(values) != len(s.Columns()) {
			t.Fatalf("%d values of %d columns", len(values), len(s.Columns()))
		}
		show(values)
	}
}

// FuzzCell reads arbitrary bytes as a value of any column.
func FuzzCell(f *testing.F) {
	for _, code := range []byte{codeTiny, codeLongLong, codeFloat, codeDouble, codeNull, codeVarString, codeNewDecimal} {
		f.Add(code, uint16(0), byte(0), uint16(45), []byte("\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
		f.Add(code, uint16(flagUnsigned), byte(31), uint16(collationBinary), []byte{0xfb})
	}
	for _, m := range dates() {
		f.Add(byte(codeDateTime), uint16(0), byte(3), uint16(collationBinary), []byte(m.date()))
		f.Add(byte(codeDate), uint16(0), byte(0), uint16(collationBinary), []byte(m.date()))
	}
	for _, m := range times() {
		f.Add(byte(codeTime), uint16(0), byte(6), uint16(collationBinary), []byte(m.time()))
	}
	f.Fuzz(func(t *testing.T, code byte, flags uint16, decimals byte, collation uint16, sent []byte) {
		d := def{code: code, flags: flags, decimals: decimals, collation: collation}
		col, c, err := parseColumn(d.packet())
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		v, grown, rest, ok := cutFrom(c, sent, []byte("before"))
		if !ok {
			return
		}
		used := len(sent) - len(rest)
		if used < 0 || string(sent[used:]) != string(rest) || string(grown[:6]) != "before" {
			t.Fatalf("%s: %x leaves %x and %q", col.Type, sent, rest, grown)
		}
		if b, isText := v.Bytes(); isText && len(b) > max(used, len("-103079215103:99:99.999999")) {
			t.Fatalf("%s: %d bytes of %d", col.Type, len(b), used)
		}
		if col.Type == "" || v.IsNull() != (col.Type == "NULL") {
			t.Fatalf("%s: %s", col.Type, show([]column.Value{v}))
		}
	})
}
