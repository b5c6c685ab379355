package protocol

import (
	"bytes"
	"errors"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"weak"
)

// pattern is n bytes that show when some are missing, doubled or moved.
func pattern(n int) []byte {
	const period = 65_521 // a prime, so that no buffer and no packet ends with it
	b := make([]byte, n)
	for i := range min(n, period) {
		b[i] = byte(i ^ i>>8)
	}
	for i := period; i < n; i *= 2 {
		copy(b[i:], b[:i])
	}
	return b
}

func TestPacketsInPieces(t *testing.T) {
	var want [][]byte
	for n := 1; n < 400; n++ {
		want = append(want, pattern(n))
	}
	want = append(want, pattern(firstBytes-headerSize), pattern(firstBytes), pattern(3*firstBytes+1), pattern(1))
	for name, pieces := range map[string]func(io.Reader) io.Reader{
		"all at once":   func(r io.Reader) io.Reader { return r },
		"byte by byte":  iotest.OneByteReader,
		"halves":        iotest.HalfReader,
		"data and EOF":  iotest.DataErrReader,
		"one, then EOF": func(r io.Reader) io.Reader { return iotest.DataErrReader(iotest.OneByteReader(r)) },
	} {
		t.Run(name, func(t *testing.T) {
			in := reader{r: pieces(bytes.NewReader(frame(0, want...)))}
			for i := range want {
				got, err := in.packet()
				if err != nil || !bytes.Equal(got, want[i]) {
					t.Fatalf("packet %d: %v, %d bytes of %d", i, err, len(got), len(want[i]))
				}
			}
			if in.buffered() != 0 {
				t.Errorf("%d bytes are left", in.buffered())
			}
			if _, err := in.packet(); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Error(err)
			}
		})
	}
}

func TestSplitPackets(t *testing.T) {
	if frame(0, make([]byte, maxPayload))[headerSize+maxPayload+3] != 1 {
		t.Fatal("the server of this test does not split")
	}
	for size, piece := range map[int]int{
		maxPayload - 1: 0, maxPayload: 0, maxPayload + 1: 9_973, maxPayload + 70_000: 0, 2 * maxPayload: 70_001,
	} {
		long := pattern(size)
		in := reader{r: &peer{unread: frame(250, []byte("before"), long, []byte("after")), piece: piece}, sequence: 250}
		for _, want := range [][]byte{[]byte("before"), long, []byte("after")} {
			got, err := in.packet()
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes: %v, %d bytes", size, err, len(got))
			}
		}
		if in.buffered() != 0 || len(in.buf) > size+100 {
			t.Errorf("%d bytes: %d left in %d", size, in.buffered(), len(in.buf))
		}
	}
}

// endless goes on with full packets forever.
type endless struct {
	at       int
	sequence byte
	given    int
}

func (e *endless) Read(b []byte) (int, error) {
	if e.at < headerSize {
		header := []byte{0xff, 0xff, 0xff, e.sequence}
		b = b[:copy(b, header[e.at:])]
	} else {
		b = b[:min(len(b), headerSize+maxPayload-e.at)]
	}
	if e.at += len(b); e.at == headerSize+maxPayload {
		e.at = 0
		e.sequence++
	}
	e.given += len(b)
	return len(b), nil
}

func TestRowWithoutEnd(t *testing.T) {
	e := &endless{}
	in := reader{r: e}
	if _, err := in.packet(); !errors.Is(err, ErrMalformed) || e.given > 3*maxRow {
		t.Errorf("%v after %d bytes", err, e.given)
	}
}

func TestSequence(t *testing.T) {
	long := frame(0, pattern(maxPayload), []byte("x"))
	long[headerSize+maxPayload+3]++
	several := frame(0, []byte("a"), []byte("b"), []byte("c"))
	several[2*(headerSize+1)+3] = 1
	for name, test := range map[string]struct {
		says   []byte
		due    byte
		good   int    // packets before the one out of turn
		number uint16 // of the error that it holds
	}{
		"late":             {frame(4, []byte("x")), 3, 0, 0},
		"early":            {frame(2, []byte("x")), 3, 0, 0},
		"again":            {several, 0, 2, 0},
		"no wrap-around":   {slices.Concat(frame(255, []byte("x")), frame(255, []byte("x"))), 255, 1, 0},
		"wrapped too soon": {slices.Concat(frame(254, []byte("x")), frame(0, []byte("x"))), 254, 1, 0},
		"continuation":     {long, 0, 0, 0},
		"error":            {frame(0, refused(4031, "idle")), 1, 0, 4031},
		"short error":      {frame(0, []byte{markErr, 1}), 1, 0, 0},
		"empty":            {frame(0, nil), 1, 0, 0},
		"cut":              {frame(0, refused(4031, "idle"))[:7], 1, 0, 0},
	} {
		in := reader{r: &peer{unread: test.says}, sequence: test.due}
		for range test.good {
			if _, err := in.packet(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err := in.packet()
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		var refusal *Error
		if errors.As(err, &refusal) != (test.number != 0) || refusal != nil && refusal.Number != test.number {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is out of turn and no error is not waited for.
func TestOutOfTurnIsNotWaitedFor(t *testing.T) {
	p := &peer{unread: frame(1, pattern(1000)), piece: 1}
	in := reader{r: p}
	if _, err := in.packet(); !errors.Is(err, ErrMalformed) || len(p.unread) != 999 {
		t.Errorf("%v; %d bytes are left", err, len(p.unread))
	}
}

func TestSequenceWrapsAround(t *testing.T) {
	eachMode(t, func(t *testing.T, s script) {
		var rows [][]byte
		var want []string
		for i := range 1000 {
			name := strings.Repeat("x", i)
			rows, want = append(rows, textRow(name)), append(want, `"`+name+`"`)
		}
		columns := texts("a")
		_, statement := mustPrepare(t, s, s.prepared(0, columns...), s.result(columns, rows...), s.result(columns, rows[1]))
		mustGive(t, statement, want...)
		mustGive(t, statement, want[1])

		broken := s.result(columns, rows...)
		in := reader{r: &peer{unread: broken}, sequence: 1}
		at := 0
		for range 256 + 20 {
			p, err := in.packet()
			if err != nil {
				t.Fatal(err)
			}
			at += headerSize + len(p)
		}
		broken[at+3]--
		_, statement = mustPrepare(t, s, s.prepared(0, columns...), broken)
		if err := statement.Execute(nil); err != nil {
			t.Fatal(err)
		}
		if rows, err := rowsOf(statement); !errors.Is(err, ErrMalformed) || len(rows) < 200 || len(rows) > 276 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	})
}

func TestEmptyPacket(t *testing.T) {
	in := reader{r: &peer{unread: frame(0, nil, []byte("x"))}}
	if p, err := in.packet(); !errors.Is(err, ErrMalformed) {
		t.Errorf("%q, %v", p, err)
	}
}

// The buffer is used over and over, not grown, for packets that fit.
func TestBufferIsCompacted(t *testing.T) {
	one := pattern(1000)
	var all [][]byte
	for range 500 {
		all = append(all, one)
	}
	in := reader{r: &peer{unread: frame(0, all...), piece: 1511}}
	for i := range all {
		in.hold()
		if p, err := in.packet(); err != nil || !bytes.Equal(p, one) {
			t.Fatalf("packet %d: %v", i, err)
		}
		if len(in.buf) != firstBytes {
			t.Fatalf("a buffer of %d bytes", len(in.buf))
		}
	}
}

// The buffer grows by what has come, not at a header's word.
func TestBufferGrowsByWhatHasCome(t *testing.T) {
	for _, come := range []int{0, 1, firstBytes, 100_000, 1_000_000} {
		in := reader{r: &peer{unread: frame(0, pattern(maxPayload-1))[:headerSize+come]}}
		if _, err := in.packet(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
		if bound := max(firstBytes, 2*(headerSize+come)); len(in.buf) > bound {
			t.Errorf("%d bytes for %d", len(in.buf), come)
		}
	}
}

// A large row's buffer serves the rows that follow and goes with the last of them.
func TestBufferOfALargeRow(t *testing.T) {
	eachMode(t, func(t *testing.T, s script) {
		columns := texts("a", "b", "c")
		large := textRow("x", string(pattern(3*keepBytes)), "y")
		small := textRow("a", "b", "c")
		p, statement := mustPrepare(t, s, s.prepared(0, columns...),
			s.result(columns, slices.Repeat([][]byte{large, small}, 5)...),
			s.result(columns[:1], textRow("z")),
			s.result(columns, large, textRow("x", strings.Repeat("y", keepBytes), "z")),
			frame(1, append(s.head(columns...), large, refused(1317, "interrupted"))...))
		p.piece = 5000
		c := statement.conn
		if err := statement.Execute(nil); err != nil {
			t.Fatal(err)
		}
		var held weak.Pointer[byte] // to the buffer
		for i := range 10 {
			values, err := statement.Next()
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				held = weak.Make(&c.in.buf[0])
			}
			if &c.in.buf[0] != held.Value() {
				t.Fatalf("row %d has another buffer", i)
			}
			if i%2 == 1 && show(values) != `"a" "b" "c"` {
				t.Errorf("row %d: %s", i, show(values))
			}
		}
		if _, err := statement.Next(); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		gone := func(what string) {
			t.Helper()
			runtime.GC()
			if held.Value() != nil || len(c.in.buf) > keepBytes {
				t.Errorf("%s: the buffer is kept", what)
			}
		}
		gone("after the rows")
		mustGive(t, statement, `"z"`) // fewer columns: the values of the others are not written again
		gone("after the next rows")

		for range 2 { // rows to their end; then an error in place of the end
			if err := statement.Execute(nil); err != nil {
				t.Fatal(err)
			}
			if _, err := statement.Next(); err != nil {
				t.Fatal(err)
			}
			held = weak.Make(&c.in.buf[0])
			_, _ = rowsOf(statement)
			gone("at the end")
		}
		runtime.KeepAlive(statement)
	})
}

// Values that a wider result has left behind go with the buffer too.
func TestBufferOfAWiderResult(t *testing.T) {
	s := script{Capabilities{DeprecateEOF: true}}
	wide, narrow := texts("a", "b", "c"), texts("a")
	_, statement := mustPrepare(t, s, s.prepared(0, wide...), s.result(wide, textRow("x", "y", "z")),
		s.result(narrow, textRow(strings.Repeat("x", 2*keepBytes))))
	mustGive(t, statement, `"x" "y" "z"`)
	held := weak.Make(&statement.conn.in.buf[0])
	if err := statement.Execute(nil); err != nil {
		t.Fatal(err)
	}
	if rows, err := rowsOf(statement); len(rows) != 1 || err != nil {
		t.Fatal(err)
	}
	if runtime.GC(); held.Value() != nil {
		t.Error("the buffer is kept")
	}
	runtime.KeepAlive(statement)
}

// What a result of common size needs is kept, and what has been received is never dropped.
func TestBufferIsKept(t *testing.T) {
	s := script{Capabilities{DeprecateEOF: true}}
	columns := texts("a")
	common := s.result(columns, textRow(strings.Repeat("x", keepBytes-1000)))
	large := s.result(columns, textRow(strings.Repeat("x", 2*keepBytes)))
	_, statement := mustPrepare(t, s, s.prepared(0, columns...), common, append(large, "more"...))
	if err := statement.Execute(nil); err != nil {
		t.Fatal(err)
	}
	if rows, err := rowsOf(statement); len(rows) != 1 || err != nil {
		t.Fatal(err)
	}
	if n := len(statement.conn.in.buf); n < keepBytes-1000 || n > keepBytes {
		t.Errorf("%d bytes are kept", n)
	}
	if err := statement.Execute(nil); err != nil {
		t.Fatal(err)
	}
	if rows, err := rowsOf(statement); len(rows) != 1 || err != nil {
		t.Fatal(err)
	}
	if c := statement.conn; c.Idle() || string(c.in.buf[c.in.start:c.in.end]) != "more" {
		t.Error("what came after the end is lost")
	}
}

func TestReadErrors(t *testing.T) {
	failed := errors.New("failed")
	whole := frame(0, []byte("abc"), []byte("d"))
	for n := range len(whole) {
		for _, end := range []error{failed, io.EOF} {
			in := reader{r: io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(end))}
			var err error
			for err == nil {
				_, err = in.packet()
			}
			if want := map[error]error{failed: failed, io.EOF: io.ErrUnexpectedEOF}[end]; !errors.Is(err, want) {
				t.Errorf("%v after %d bytes: %v", end, n, err)
			}
			if errors.Is(err, io.EOF) {
				t.Errorf("after %d bytes the rows have ended", n)
			}
		}
	}
}

func TestIntegers(t *testing.T) {
	for _, n := range []uint64{
		0, 1, 250, 251, 252, 255, 256, math.MaxUint16, math.MaxUint16 + 1, 1<<24 - 1, 1 << 24, math.MaxUint32, math.MaxUint64,
	} {
		sent := appendInteger(nil, n)
		got, rest, ok := packet(append(slices.Clone(sent), "rest"...)).integer()
		if !ok || got != n || string(rest) != "rest" {
			t.Errorf("%d: %d, %q, %v", n, got, rest, ok)
		}
		for cut := range sent {
			if _, _, ok := packet(sent[:cut]).integer(); ok {
				t.Errorf("%d is read from %d of %d bytes", n, cut, len(sent))
			}
		}
	}
	for sent, want := range map[string]uint64{
		"\x00": 0, "\xfa": 250, "\xfc\xfb\x00": 251, "\xfc\x34\x12": 0x1234, "\xfd\x56\x34\x12": 0x123456,
		"\xfe\x08\x07\x06\x05\x04\x03\x02\x01": 0x0102030405060708, "\xfc\x01\x00": 1,
	} {
		if got, rest, ok := packet(sent).integer(); !ok || got != want || len(rest) != 0 {
			t.Errorf("%x: %d, %v", sent, got, ok)
		}
	}
	for _, sent := range []string{"", "\xfb", "\xff", "\xfb\x01", "\xff\x01\x02"} {
		if _, _, ok := packet(sent).integer(); ok {
			t.Errorf("%x passes for a number", sent)
		}
	}
}

func TestTexts(t *testing.T) {
	for _, n := range []int{0, 1, 250, 251, math.MaxUint16, math.MaxUint16 + 1, 1<<24 - 1, 1 << 24} {
		want := pattern(n)
		sent := append(appendInteger(nil, uint64(n)), want...)
		got, rest, ok := packet(append(sent, "rest"...)).text()
		if !ok || !bytes.Equal(got, want) || string(rest) != "rest" {
			t.Errorf("%d bytes: %v, %d bytes", n, ok, len(got))
		}
		if cap(got) != n {
			t.Errorf("%d bytes: appending would overwrite what follows", n)
		}
		if n > 0 {
			if _, _, ok := packet(sent[:len(sent)-1]).text(); ok {
				t.Errorf("%d bytes are read from less", n)
			}
		}
	}
	for _, sent := range []string{
		"", "\xfb", "\x01", "\xfe\xff\xff\xff\xff\xff\xff\xff\xff", "\xfe\xff\xff\xff\xff\xff\xff\xff\x7fx",
	} {
		if _, _, ok := packet(sent).text(); ok {
			t.Errorf("%x passes for a text", sent)
		}
	}
}
