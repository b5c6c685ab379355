package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rongate/rongate/column"
)

func TestStatement(t *testing.T) {
	eachMode(t, func(t *testing.T, s script) {
		columns := []def{
			{name: "id", code: codeLongLong, flags: flagUnsigned},
			{name: "name", code: codeVarString},
			{name: "amount", code: codeNewDecimal, decimals: 2, collation: collationBinary},
		}
		id := []byte{5, 0, 0, 0, 0, 0, 0, 0}
		answers := [][]byte{
			s.prepared(2, columns...),
			s.result(columns, row(id, text("a"), text("1.50")), row(id, nil, nil), row(nil, text(""), text("-0.01"))),
			s.result(columns),
			s.result(columns, row(id, text("b"), nil)),
		}
		for _, piece := range []int{0, 1, 7} {
			p := &peer{answers: answers, piece: piece}
			c := New(p, s.caps)
			statement, err := c.Prepare("SELECT 'x' FROM t WHERE a = ? AND b = ?")
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range [][]string{{`uint:5 "a" "1.50"`, `uint:5 NULL NULL`, `NULL "" "-0.01"`}, nil, {`uint:5 "b" NULL`}} {
				if !c.Idle() {
					t.Error("not idle before an execute")
				}
				if err := statement.Execute([]column.Value{column.IntValue(1), column.BytesValue([]byte("k"))}); err != nil {
					t.Fatal(err)
				}
				wantColumns(t, statement, Column{"id", "UNSIGNED BIGINT", -1}, Column{"name", "VARCHAR", -1},
					Column{"amount", "DECIMAL", 2})
				rows, err := rowsOf(statement)
				if err != nil || !slices.Equal(rows, want) {
					t.Errorf("pieces of %d, execution %d: %q, %v", piece, i, rows, err)
				}
				if _, err := statement.Next(); !errors.Is(err, io.EOF) {
					t.Errorf("past the end: %v", err)
				}
			}
			if err := statement.Close(); err != nil || !c.Idle() {
				t.Errorf("close: %v", err)
			}
			execute := "\x17\x07\x00\x00\x00\x00\x01\x00\x00\x00\x00\x01\x08\x00\xfe\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01k"
			want := []string{"\x16SELECT 'x' FROM t WHERE a = ? AND b = ?", execute, execute, execute, "\x19\x07\x00\x00\x00"}
			for i, command := range p.heard {
				if i >= len(want) || !bytes.Equal(command, frame(0, []byte(want[i]))) {
					t.Errorf("command %d: %q", i, command)
				}
			}
			if len(p.heard) != len(want) {
				t.Errorf("%d commands", len(p.heard))
			}
		}
	})
}

func wantColumns(t testing.TB, s *Statement, want ...Column) {
	t.Helper()
	if got := s.Columns(); !slices.Equal(got, want) {
		t.Errorf("columns %+v, want %+v", got, want)
	}
}

// Two statements take turns on a connection and keep their columns apart.
func TestStatementsInTurn(t *testing.T) {
	eachMode(t, func(t *testing.T, s script) {
		one, other := texts("a", "b"), []def{{name: "n", code: codeTiny}}
		p, first := mustPrepare(t, s, s.prepared(0, one...), s.prepared(0, other...),
			s.result(one, textRow("x", "y")), s.result(other, row([]byte{1})), s.result(one, textRow("z", "")))
		second, err := first.conn.Prepare("other")
		if err != nil {
			t.Fatal(err)
		}
		mustGive(t, first, `"x" "y"`)
		mustGive(t, second, "int:1")
		mustGive(t, first, `"z" ""`)
		if len(p.unread) != 0 {
			t.Errorf("%d bytes are left", len(p.unread))
		}
	})
}

func TestOKInsteadOfAResult(t *testing.T) {
	eachMode(t, func(t *testing.T, s script) {
		_, statement := mustPrepare(t, s, s.prepared(0), frame(1, okay()),
			s.result(texts("a"), textRow("x")), frame(1, okay()), s.result(texts("b"), textRow("y")))
		for _, name := range []string{"a", "b"} {
			mustGive(t, statement)
			wantColumns(t, statement)
			mustGive(t, statement, map[string]string{"a": `"x"`, "b": `"y"`}[name])
			wantColumns(t, statement, Column{name, "VARCHAR", -1})
		}
	})
}

func TestDefinitionsThatChange(t *testing.T) {
	base := []def{{name: "a", code: codeLong}, {name: "b", code: codeVarString}, {name: "c", code: codeNewDecimal, decimals: 2}}
	cells := [][]byte{{1, 0, 0, 0}, text("x"), text("1.50")}
	change := func(i int, f func(*def)) []def {
		changed := slices.Clone(base)
		f(&changed[i])
		return changed
	}
	four := append(slices.Clone(base), def{name: "d", code: codeLong})
	for name, test := range map[string]struct {
		columns []def
		cells   [][]byte
		want    []Column // nil: as before
		row     string
	}{
		"nothing": {base, cells, nil, `int:1 "x" "1.50"`},
		"first name": {
			change(0, func(d *def) { d.name = "A" }), cells,
			[]Column{{"A", "INT", -1}, {"b", "VARCHAR", -1}, {"c", "DECIMAL", 2}},
			`int:1 "x" "1.50"`,
		},
		"longer name": {
			change(1, func(d *def) { d.name = "bb" }), cells,
			[]Column{{"a", "INT", -1}, {"bb", "VARCHAR", -1}, {"c", "DECIMAL", 2}},
			`int:1 "x" "1.50"`,
		},
		"last name": {
			change(2, func(d *def) { d.name = "d" }), cells,
			[]Column{{"a", "INT", -1}, {"b", "VARCHAR", -1}, {"d", "DECIMAL", 2}},
			`int:1 "x" "1.50"`,
		},
		"sign": {
			change(0, func(d *def) { d.flags = flagUnsigned }),
			[][]byte{{255, 255, 255, 255}, cells[1], cells[2]},
			[]Column{{"a", "UNSIGNED INT", -1}, {"b", "VARCHAR", -1}, {"c", "DECIMAL", 2}},
			`uint:4294967295 "x" "1.50"`,
		},
		"size": {
			change(0, func(d *def) { d.code = codeShort }),
			[][]byte{{255, 255}, cells[1], cells[2]},
			[]Column{{"a", "SMALLINT", -1}, {"b", "VARCHAR", -1}, {"c", "DECIMAL", 2}},
			`int:-1 "x" "1.50"`,
		},
		"type": {
			change(1, func(d *def) { d.code = codeDate }),
			[][]byte{cells[0], {4, 0xea, 7, 1, 2}, cells[2]},
			[]Column{{"a", "INT", -1}, {"b", "DATE", -1}, {"c", "DECIMAL", 2}},
			`int:1 "2026-01-02" "1.50"`,
		},
		"collation": {
			change(1, func(d *def) { d.collation = collationBinary }), cells,
			[]Column{{"a", "INT", -1}, {"b", "VARBINARY", -1}, {"c", "DECIMAL", 2}},
			`int:1 "x" "1.50"`,
		},
		"scale": {
			change(2, func(d *def) { d.decimals = 3 }), cells,
			[]Column{{"a", "INT", -1}, {"b", "VARCHAR", -1}, {"c", "DECIMAL", 3}},
			`int:1 "x" "1.50"`,
		},
		"fewer": {base[:2], cells[:2], []Column{{"a", "INT", -1}, {"b", "VARCHAR", -1}}, `int:1 "x"`},
		"other one": {
			base[1:], cells[1:], []Column{{"b", "VARCHAR", -1}, {"c", "DECIMAL", 2}}, `"x" "1.50"`,
		},
		"more": {
			four, append(slices.Clone(cells), []byte{2, 0, 0, 0}),
			[]Column{{"a", "INT", -1}, {"b", "VARCHAR", -1}, {"c", "DECIMAL", 2}, {"d", "INT", -1}},
			`int:1 "x" "1.50" int:2`,
		},
		"order": {
			[]def{base[1], base[0], base[2]},
			[][]byte{cells[1], cells[0], cells[2]},
			[]Column{{"b", "VARCHAR", -1}, {"a", "INT", -1}, {"c", "DECIMAL", 2}},
			`"x" int:1 "1.50"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, s script) {
				_, statement := mustPrepare(t, s, s.prepared(0, base...), s.result(base, row(cells...)),
					s.result(test.columns, row(test.cells...)), s.result(test.columns, row(test.cells...)), s.result(base, row(cells...)))
				mustGive(t, statement, `int:1 "x" "1.50"`)
				before := statement.Columns()
				want := slices.Clone(before)
				if test.want == nil {
					test.want = want
				}
				for range 2 {
					mustGive(t, statement, test.row)
					wantColumns(t, statement, test.want...)
					if !slices.Equal(before, want) {
						t.Errorf("whoever holds the old columns sees %+v", before)
					}
				}
				mustGive(t, statement, `int:1 "x" "1.50"`)
				wantColumns(t, statement, want...)
			})
		})
	}
}

// What ends a definition says nothing, and servers may leave it out.
func TestDefinitionsThatShrink(t *testing.T) {
	s := script{Capabilities{DeprecateEOF: true}}
	columns := texts("a", "b")
	long, short := s.head(columns...), s.head(columns...)
	short[1] = short[1][:len(short[1])-2]
	answers := [][]byte{s.prepared(0, columns...)}
	for _, head := range [][][]byte{short, long, short} {
		answers = append(answers, frame(1, append(head, textRow("x", "y"), s.end())...))
	}
	_, statement := mustPrepare(t, s, answers...)
	for range answers[1:] {
		mustGive(t, statement, `"x" "y"`)
		wantColumns(t, statement, Column{"a", "VARCHAR", -1}, Column{"b", "VARCHAR", -1})
	}
}

func TestDefinitionsLeftOut(t *testing.T) {
	for _, caps := range []Capabilities{{DeprecateEOF: true, CachedMetadata: true}, {CachedMetadata: true}} {
		s := script{caps}
		short := func(n int, rows ...[]byte) []byte {
			return frame(1, append(append(s.shortHead(n), rows...), s.end())...)
		}
		base, changed := texts("a", "b"), []def{{name: "a", code: codeTiny}, {name: "b", code: codeVarString}}
		_, statement := mustPrepare(t, s, s.prepared(0, base...),
			short(2, textRow("x", "y"), textRow("", "z")),
			s.result(changed, row([]byte{1}, text("y"))),
			short(2, row([]byte{2}, nil)),
			short(2),
			s.result(texts("one"), textRow("x")),
			short(1, textRow("y")))
		mustGive(t, statement, `"x" "y"`, `"" "z"`)
		wantColumns(t, statement, Column{"a", "VARCHAR", -1}, Column{"b", "VARCHAR", -1})
		mustGive(t, statement, `int:1 "y"`)
		mustGive(t, statement, `int:2 NULL`)
		wantColumns(t, statement, Column{"a", "TINYINT", -1}, Column{"b", "VARCHAR", -1})
		mustGive(t, statement)
		mustGive(t, statement, `"x"`)
		mustGive(t, statement, `"y"`)
		wantColumns(t, statement, Column{"one", "VARCHAR", -1})

		for name, answers := range map[string][][]byte{
			"fewer than described": {s.prepared(0, base...), short(1, textRow("x"))},
			"more than described":  {s.prepared(0, base...), short(3, textRow("x", "y", "z"))},
			"never described":      {s.prepared(0), short(2, textRow("x", "y"))},
			"no telling":           {s.prepared(0, base...), frame(1, []byte{2}, textRow("x", "y"), s.end())},
			"described before an answer that broke off": {
				s.prepared(0, base...),
				frame(1, []byte{2, 1}, changed[0].packet(), refused(1037, "out of memory")),
				short(2, textRow("x", "y")),
			},
			"described before an answer without result": {s.prepared(0, base...), frame(1, okay()), short(2, textRow("x", "y"))},
		} {
			_, statement := mustPrepare(t, s, answers...)
			var err error
			for range answers[1:] {
				err = statement.Execute(nil)
			}
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// An error of the server's ends a statement, wherever it comes, and the connection goes on.
func TestErrors(t *testing.T) {
	columns := texts("a", "b")
	eachMode(t, func(t *testing.T, s script) {
		no := refused(1297, "Got temporary error 4010 'x' from NDBCLUSTER")
		prepared, executed := s.prepared(1, columns...), [][]byte{textRow("x", "y"), textRow("z", "")}
		first := prepared[headerSize:16] // packet
		cases := map[string]struct {
			prepare, execute []byte
			rows             int
		}{
			"prepare":               {frame(1, no), nil, 0},
			"parameter":             {frame(1, first, no), nil, 0},
			"execute":               {prepared, frame(1, no), 0},
			"definition":            {prepared, frame(1, append(s.head(columns...)[:1], no)...), 0},
			"later definition":      {prepared, frame(1, append(s.head(columns...)[:2], no)...), 0},
			"first row":             {prepared, frame(1, append(s.head(columns...), no)...), 0},
			"later row":             {prepared, frame(1, append(append(s.head(columns...), executed...), no)...), 2},
			"definition at prepare": {frame(1, slices.Concat([][]byte{first}, s.list(columns[0].packet()), [][]byte{no})...), nil, 0},
		}
		if !s.caps.DeprecateEOF {
			head := s.head(columns...)
			cases["end of the definitions"] = struct {
				prepare, execute []byte
				rows             int
			}{prepared, frame(1, append(head[:len(head)-1], no)...), 0}
		}
		for name, test := range cases {
			for _, piece := range []int{0, 1} {
				p := &peer{answers: [][]byte{test.prepare}, piece: piece}
				if test.execute != nil {
					p.answers = append(p.answers, test.execute)
				}
				p.answers = append(p.answers, s.prepared(0, columns...), s.result(columns, textRow("good", "again")))
				c := New(p, s.caps)
				var rows []string
				statement, err := c.Prepare("SELECT ?")
				if err == nil {
					if err = statement.Execute(make([]column.Value, 1)); err == nil {
						rows, err = rowsOf(statement)
					}
				}
				var refusal *Error
				if !errors.As(err, &refusal) || errors.Is(err, ErrMalformed) || len(rows) != test.rows {
					t.Fatalf("%s: %v after %q", name, err, rows)
				}
				if want := "Got temporary error 4010 'x' from NDBCLUSTER"; refusal.Number != 1297 || refusal.Message != want {
					t.Errorf("%s: %+v", name, refusal)
				}
				if !c.Idle() {
					t.Errorf("%s: not idle", name)
				}
				if statement != nil {
					if _, err := statement.Next(); !errors.Is(err, io.EOF) {
						t.Errorf("%s: rows after an error: %v", name, err)
					}
				}
				if _, rows, err := converse(c); err != nil || !slices.Equal(rows, []string{`"good" "again"`}) {
					t.Errorf("%s: the next statement: %q, %v", name, rows, err)
				}
			}
		}
	})
}

func TestErrorForms(t *testing.T) {
	for sent, want := range map[string]*Error{
		"\xff\x7a\x04#42S02Table 'a.b' doesn't exist": {1146, "Table 'a.b' doesn't exist"},
		"\xff\x10\x04Too many connections":            {1040, "Too many connections"},
		"\xff\x10\x04#HY000":                          {1040, ""},
		"\xff\x10\x04#HY00":                           {1040, "#HY00"},
		"\xff\xff\xff":                                {math.MaxUint16, ""},
		"\xff\x10":                                    nil,
		"\xff":                                        nil,
	} {
		_, err := New(&peer{answers: [][]byte{frame(1, []byte(sent))}}, Capabilities{}).Prepare("SELECT")
		var got *Error
		if errors.As(err, &got) != (want != nil) || want == nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", sent, err)
		} else if want != nil && *got != *want {
			t.Errorf("%q: %+v", sent, got)
		}
		if want != nil && err.Error() != fmt.Sprintf("server error %d: %s", want.Number, want.Message) {
			t.Error(err)
		}
	}
}

// No answer here is one that a sound server gives, and none may pass for a result.
func TestMalformedAnswers(t *testing.T) {
	columns := texts("a", "b")
	good := textRow("a", "b") // which also has what an end without more results has, where that has it
	eachMode(t, func(t *testing.T, s script) {
		prepared := s.prepared(0, columns...)
		// with replaces the rows of a result.
		with := func(rows ...[]byte) [][]byte { return [][]byte{prepared, s.result(columns, rows...)} }
		// ending replaces the end of a result.
		ending := func(end []byte) [][]byte {
			return [][]byte{prepared, frame(1, append(s.head(columns...), good, end)...)}
		}
		// starting replaces the number of columns.
		starting := func(b ...byte) [][]byte {
			return [][]byte{prepared, frame(1, slices.Concat([][]byte{b}, s.head(columns...)[1:], [][]byte{good, s.end()})...)}
		}
		more := s.end()
		more[3] |= 8
		short := s.end()
		first := prepared[headerSize : headerSize+12] // packet
		cases := map[string][][]byte{
			"prepare with another mark":   {frame(1, append([]byte{1}, first[1:]...))},
			"short prepare":               {frame(1, first[:8])},
			"end instead of a prepare":    {frame(1, s.end())},
			"file instead of a prepare":   {frame(1, []byte("\xfb/etc/passwd"))},
			"column cut at prepare":       {frame(1, first, columns[0].packet()[:10], columns[1].packet(), eof())},
			"execute with an end":         {prepared, frame(1, s.end())},
			"a file asked for":            {prepared, frame(1, []byte("\xfb/etc/passwd"))},
			"cut number of columns":       {prepared, frame(1, []byte{0xfc, 1})},
			"too many columns":            starting(0xfc, 0x01, 0x10, 1),
			"far too many columns":        starting(0xfe, 255, 255, 255, 255, 255, 255, 255, 255, 1),
			"a row instead of a column":   {prepared, frame(1, append(s.head(columns...)[:2], good, s.end())...)},
			"columns of no type":          {prepared, s.result([]def{{name: "a", code: 200}}, good)},
			"columns of seven decimals":   {prepared, s.result([]def{{name: "a", code: codeTime, decimals: 7}}, good)},
			"OK without a status":         {prepared, frame(1, okay()[:3])},
			"OK without a last id":        {prepared, frame(1, okay()[:2])},
			"bare OK":                     {prepared, frame(1, okay()[:1])},
			"OK with more results":        {prepared, frame(1, []byte{markOK, 0, 0, 10, 0, 0, 0})},
			"end with more results":       ending(more),
			"end cut before the status":   ending(short[:3]),
			"end cut in the status":       ending(short[:4]),
			"bare end":                    ending(short[:1]),
			"neither row nor end":         with(append([]byte{1}, good[1:]...)),
			"file instead of a row":       with([]byte("\xfb/etc/passwd")),
			"bare row":                    with(good[:1]),
			"row cut in the first cell":   with(good[:3]),
			"row cut after the first":     with(good[:4]),
			"row cut in the last cell":    with(good[:5]),
			"row of the next column":      with(good, textRow("x", "y", "z")),
			"row longer than its columns": with(append(slices.Clone(good), 0)),
			"NULL as a text":              with(row([]byte{0xfb}, text("y"))),
			"last row cut":                with(good, good, good[:5]),
		}
		if !s.caps.DeprecateEOF {
			cases["a row instead of the end of the columns"] = [][]byte{
				prepared, frame(1, append(s.head(columns...)[:3], good, s.end())...),
			}
			cases["the columns' end cut"] = [][]byte{
				prepared, frame(1, append(s.head(columns...)[:3], eof()[:3], good, s.end())...),
			}
			cases["the columns' end with more results"] = [][]byte{
				prepared, frame(1, append(s.head(columns...)[:3], []byte{markEnd, 0, 0, 10, 0}, good, s.end())...),
			}
			cases["no end of the columns at prepare"] = [][]byte{
				frame(1, first, columns[0].packet(), columns[1].packet(), good),
			}
		}
		for name, answers := range cases {
			_, rows, err := converse(New(&peer{answers: answers}, s.caps))
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: %q, %v", name, rows, err)
			}
		}
		for _, answers := range [][][]byte{with(good), ending(s.end()), starting(s.head(columns...)[0]...)} {
			if _, _, err := converse(New(&peer{answers: answers}, s.caps)); err != nil {
				t.Errorf("the sound answer is refused: %v", err)
			}
		}
	})
}

// A server that hangs up before the end of the rows has not sent all of them, wherever it stops.
func TestServerHangsUp(t *testing.T) {
	eachMode(t, func(t *testing.T, s script) {
		columns := texts("a", "b")
		prepared := s.prepared(0, columns...)
		result := s.result(columns, textRow("x", "y"), textRow("", "z"))
		check := func(answers ...[]byte) {
			t.Helper()
			_, rows, err := converse(New(&peer{answers: answers}, s.caps))
			if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
				t.Errorf("%d bytes after %d: %q, %v", len(answers[len(answers)-1]), len(answers)-1, rows, err)
			}
		}
		for n := range prepared {
			check(prepared[:n])
		}
		for n := range result {
			check(prepared, result[:n])
		}
		if _, rows, err := converse(New(&peer{answers: [][]byte{prepared, result}}, s.caps)); err != nil || len(rows) != 2 {
			t.Errorf("the whole answer: %q, %v", rows, err)
		}
	})
}

// failing refuses what is written.
type failing struct{ peer }

func (*failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriteErrors(t *testing.T) {
	c := New(&failing{}, Capabilities{})
	statement := &Statement{conn: c}
	if _, err := c.Prepare("SELECT"); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("prepare: %v", err)
	}
	if err := statement.Execute(nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("execute: %v", err)
	}
	if err := statement.Close(); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("close: %v", err)
	}
}

func TestIdle(t *testing.T) {
	s := script{Capabilities{DeprecateEOF: true}}
	columns := texts("a")
	_, statement := mustPrepare(t, s, s.prepared(0, columns...), append(s.result(columns, textRow("x")), frame(5, okay())...))
	c := statement.conn
	if !c.Idle() {
		t.Error("not idle before it was used")
	}
	if err := statement.Execute(nil); err != nil || c.Idle() {
		t.Errorf("%v; idle with rows to read", err)
	}
	if _, err := rowsOf(statement); err != nil || c.Idle() {
		t.Errorf("%v; idle with an answer to nothing", err)
	}
}

func TestManyColumns(t *testing.T) {
	eachMode(t, func(t *testing.T, s script) {
		for _, n := range []int{1, 5, 6, 7, 8, 13, 14, 15, 250, 251, maxColumns} {
			var columns []def
			var cells [][]byte
			var want []string
			for i := range n {
				columns = append(columns, def{name: fmt.Sprint(i), code: codeTiny})
				if i%3 == 0 {
					cells, want = append(cells, nil), append(want, "NULL")
				} else {
					cells, want = append(cells, []byte{byte(i % 100)}), append(want, fmt.Sprintf("int:%d", i%100))
				}
			}
			_, statement := mustPrepare(t, s, s.prepared(0, columns...), s.result(columns, row(cells...)))
			mustGive(t, statement, strings.Join(want, " "))
		}
	})
}

// Values are valid until the next row, whatever their columns' order.
func TestRowsDoNotMix(t *testing.T) {
	s := script{Capabilities{DeprecateEOF: true}}
	columns := []def{{name: "a", code: codeDate}, {name: "b", code: codeVarString}, {name: "c", code: codeTime, decimals: 6}}
	date, clock := []byte{4, 0xea, 7, 1, 2}, []byte{12, 1, 2, 0, 0, 0, 3, 4, 5, 6, 0, 0, 0}
	all := columns
	var cells [][]byte
	var want []string
	for range 30 { // more dates and times than the buffer for them has room for at first
		all = append(all, columns...)
		cells = append(cells, date, text("x"), clock)
		want = append(want, `"2026-01-02" "x" "-51:04:05.000006"`)
	}
	all = all[:len(cells)]
	_, statement := mustPrepare(t, s, s.prepared(0, all...), s.result(all, row(cells...), row(cells...)))
	mustGive(t, statement, strings.Join(want, " "), strings.Join(want, " "))
	c := statement.conn
	for i, v := range c.values {
		if b, _ := v.Bytes(); cap(b) != len(b) {
			t.Errorf("appending to value %d would overwrite what follows", i)
		}
	}
	if most := len(all) * len("-51:04:05.000006"); len(c.text) > most {
		t.Errorf("%d bytes of dates and times of one row", len(c.text))
	}
}

func TestArguments(t *testing.T) {
	integer := func(n uint64) string { return string(binary.LittleEndian.AppendUint64(nil, n)) }
	for name, test := range map[string]struct {
		args []column.Value
		want string // null bits, mark, types, values
	}{
		"none":     {nil, ""},
		"NULL":     {[]column.Value{column.Null()}, "\x01\x01\x06\x00"},
		"int":      {[]column.Value{column.IntValue(-2)}, "\x00\x01\x08\x00" + integer(math.MaxUint64-1)},
		"least":    {[]column.Value{column.IntValue(math.MinInt64)}, "\x00\x01\x08\x00" + integer(1<<63)},
		"unsigned": {[]column.Value{column.UintValue(math.MaxUint64)}, "\x00\x01\x08\x80" + integer(math.MaxUint64)},
		"double":   {[]column.Value{column.Float64Value(0.1)}, "\x00\x01\x05\x00" + integer(math.Float64bits(0.1))},
		"float":    {[]column.Value{column.Float32Value(0.5)}, "\x00\x01\x05\x00" + integer(math.Float64bits(0.5))},
		"text":     {[]column.Value{column.BytesValue([]byte("日本"))}, "\x00\x01\xfe\x00\x06日本"},
		"empty":    {[]column.Value{column.BytesValue([]byte{})}, "\x00\x01\xfe\x00\x00"},
		"no bytes": {[]column.Value{column.BytesValue(nil)}, "\x00\x01\xfe\x00\x00"},
		"several": {
			[]column.Value{column.BytesValue([]byte("a")), column.Null(), column.UintValue(1), column.Null(), column.IntValue(2)},
			"\x0a\x01\xfe\x00\x06\x00\x08\x80\x06\x00\x08\x00\x01a" + integer(1) + integer(2),
		},
		"eight": {make([]column.Value, 8), "\xff\x01" + strings.Repeat("\x06\x00", 8)},
		"nine": {
			append(make([]column.Value, 8), column.IntValue(3)),
			"\xff\x00\x01" + strings.Repeat("\x06\x00", 8) + "\x08\x00" + integer(3),
		},
		"ninth is NULL": {
			append(slices.Repeat([]column.Value{column.BytesValue(nil)}, 8), column.Null()),
			"\x00\x01\x01" + strings.Repeat("\xfe\x00", 8) + "\x06\x00" + strings.Repeat("\x00", 8),
		},
	} {
		eachMode(t, func(t *testing.T, s script) {
			p, statement := mustPrepare(t, s, s.prepared(len(test.args)), frame(1, okay()), frame(1, okay()))
			for range 2 {
				if err := statement.Execute(test.args); err != nil {
					t.Fatal(err)
				}
				got := p.heard[len(p.heard)-1]
				if want := frame(0, []byte("\x17\x07\x00\x00\x00\x00\x01\x00\x00\x00"+test.want)); !bytes.Equal(got, want) {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestLongArguments(t *testing.T) {
	for n, length := range map[int]string{
		250: "\xfa", 251: "\xfc\xfb\x00", math.MaxUint16: "\xfc\xff\xff", math.MaxUint16 + 1: "\xfd\x00\x00\x01",
		1<<24 - 100: "\xfd\x9c\xff\xff",
	} {
		s := script{}
		p, statement := mustPrepare(t, s, s.prepared(2), frame(1, okay()))
		value := pattern(n)
		if err := statement.Execute([]column.Value{column.BytesValue(value), column.BytesValue([]byte("x"))}); err != nil {
			t.Fatal(err)
		}
		body := append([]byte("\x17\x07\x00\x00\x00\x00\x01\x00\x00\x00\x00\x01\xfe\x00\xfe\x00"+length), value...)
		if want := frame(0, append(body, "\x01x"...)); !bytes.Equal(p.heard[1], want) {
			t.Errorf("%d bytes are sent as %q…", n, p.heard[1][:40])
		}
		if kept := cap(statement.conn.out); kept > keepBytes {
			t.Errorf("%d bytes are kept", kept)
		}
	}
	if got := appendInteger(nil, 1<<24); string(got) != "\xfe\x00\x00\x00\x01\x00\x00\x00\x00" {
		t.Errorf("%x", got)
	}
}

func TestWrongNumberOfArguments(t *testing.T) {
	s := script{}
	p, statement := mustPrepare(t, s, s.prepared(2))
	for _, n := range []int{0, 1, 3} {
		if err := statement.Execute(make([]column.Value, n)); err == nil || len(p.heard) != 1 {
			t.Errorf("%d for 2: %v", n, err)
		}
	}
}

func TestCommandTooLong(t *testing.T) {
	s := script{}
	p := &peer{answers: [][]byte{s.prepared(1)}}
	c := New(p, s.caps)
	const most = maxPayload - 1 // with the command's own byte, one less than what would have to go on in another packet
	statement, err := c.Prepare(strings.Repeat("x", most-1))
	if err != nil || len(p.heard) != 1 || len(p.heard[0]) != headerSize+most {
		t.Fatal(err)
	}
	if _, err := c.Prepare(strings.Repeat("x", most)); err == nil || len(p.heard) != 1 {
		t.Errorf("%v; %d commands", err, len(p.heard))
	}
	if err := statement.Execute([]column.Value{column.BytesValue(make([]byte, maxPayload))}); err == nil || len(p.heard) != 1 {
		t.Errorf("%v; %d commands", err, len(p.heard))
	}
}

func TestCapabilitiesOf(t *testing.T) {
	response := func(bits, own uint32) []byte {
		p := append([]byte{32, 0, 0, 1}, make([]byte, 32)...)
		binary.LittleEndian.PutUint32(p[4:], bits)
		binary.LittleEndian.PutUint32(p[32:], own)
		return append(p, "reader\x00…"...)
	}
	const others = 1<<3 | 1<<9 | 1<<15 | 1<<19
	noEOF := Capabilities{DeprecateEOF: true}
	for name, test := range map[string]struct {
		bits, own uint32
		want      Capabilities
	}{
		"old MySQL":                        {clientMySQL | others, 0, Capabilities{}},
		"MySQL":                            {clientMySQL | clientDeprecateEOF | others, 0, noEOF},
		"MySQL, where that is padding":     {clientMySQL | clientDeprecateEOF, 0xffffffff, noEOF},
		"old MariaDB":                      {others, 0, Capabilities{}},
		"MariaDB without cached metadata":  {clientDeprecateEOF | others, 0xffffffff &^ clientCacheMetadata, noEOF},
		"MariaDB":                          {clientDeprecateEOF | others, clientCacheMetadata, Capabilities{true, true}},
		"MariaDB that deprecates no EOF":   {others, clientCacheMetadata, Capabilities{CachedMetadata: true}},
		"everything that is not looked at": {0xffffffff &^ (clientMySQL | clientDeprecateEOF), 0, Capabilities{}},
	} {
		whole := response(test.bits, test.own)
		if got, err := CapabilitiesOf(whole); err != nil || got != test.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if got, err := CapabilitiesOf(whole[:36]); err != nil || got != test.want {
			t.Errorf("%s, nothing after: %+v, %v", name, got, err)
		}
		for n := range 36 {
			if _, err := CapabilitiesOf(whole[:n]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
	}
}
