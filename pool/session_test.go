package pool

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/rongate/rongate/column"
)

func TestServerErrors(t *testing.T) {
	for _, test := range []struct {
		number  uint16
		message string
		ndb     int
		stale   bool
	}{
		{1297, "Got temporary error 4010 'Node failure caused abort of transaction' from NDBCLUSTER", 4010, false},
		{1296, "Got error 4009 'Cluster Failure' from NDBCLUSTER", 4009, false},
		{1297, "Hatte temporären Fehler 1204 'Temporary failure' von NDBCLUSTER", 1204, false},
		{1296, "Got error 241 'Invalid schema object version' from NDBCLUSTER", 241, true},
		{1296, "Got error 99999999999999999999 'x' from NDBCLUSTER", 0, false},
		{1296, "Got error", 0, false},
		{1296, "", 0, false},
		{4031, "The client was disconnected by the server because of inactivity. See 4010", 0, false},
		{1205, "Lock wait timeout 241 exceeded", 0, false},
		{1243, "Unknown prepared statement handler (1) given to mysqld_stmt_execute", 0, true},
		{1054, "Unknown column 'a' in 'field list'", 0, true},
		{1146, "Table 'a.b' doesn't exist", 0, true},
		{1412, "Table definition has changed, please retry transaction", 0, true},
		{1615, "Prepared statement needs to be re-prepared", 0, true},
		{1064, "You have an error in your SQL syntax", 0, false},
	} {
		cause := &mysql.MySQLError{Number: test.number, Message: test.message}
		err := fmt.Errorf("execute: %w", newServerError(cause.Number, cause.Message, cause))
		var got *ServerError
		if !errors.As(err, &got) || got.Number != test.number || got.NDB != test.ndb || got.Message != test.message {
			t.Errorf("%d %q: %+v", test.number, test.message, got)
		}
		if isStale(err) != test.stale {
			t.Errorf("%d %q: stale is %v", test.number, test.message, !test.stale)
		}
		var own *mysql.MySQLError
		if !errors.As(err, &own) || own != cause {
			t.Errorf("%d: the driver's error is lost", test.number)
		}
		if !strings.Contains(err.Error(), fmt.Sprint(test.number)) || errors.Is(err, ErrBroken) {
			t.Error(err)
		}
	}
	if (&ServerError{}).Unwrap() != nil {
		t.Error("an error without a cause unwraps to something")
	}
	if !errors.Is(ErrTimeout, ErrBroken) || isStale(ErrTimeout) {
		t.Error("a timeout is a broken connection and nothing else")
	}
}

func TestBoxing(t *testing.T) {
	for _, test := range []struct {
		value column.Value
		want  any
	}{
		{column.Null(), nil},
		{column.IntValue(-1), int64(-1)},
		{column.UintValue(math.MaxUint64), uint64(math.MaxUint64)},
		{column.Float32Value(0.5), 0.5},
		{column.Float64Value(math.MaxFloat64), math.MaxFloat64},
		{column.BytesValue([]byte("a")), []byte("a")},
		{column.BytesValue(nil), []byte{}}, // an empty text, not NULL
	} {
		if got := boxed(test.value); fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", test.want) {
			t.Errorf("%s: %#v, want %#v", show(test.value), got, test.want)
		}
	}
}

func TestUnboxing(t *testing.T) {
	for _, test := range []struct {
		value    any
		unsigned bool
		want     string // "" for an error
	}{
		{nil, true, "NULL"},
		{int64(-5), false, "int:-5"},
		{int64(5), true, "uint:5"},
		{[]byte("18446744073709551615"), true, "uint:18446744073709551615"},
		{[]byte("18446744073709551616"), true, ""},
		{[]byte("12"), false, `"12"`},
		{float32(0.1), false, "float32:0.1"},
		{0.1, false, "float64:0.1"},
		{time.Time{}, false, ""},
	} {
		v, err := unboxed(test.value, test.unsigned)
		if got := show(v); (err == nil) != (test.want != "") || err == nil && got != test.want {
			t.Errorf("%v: %s, %v; want %s", test.value, got, err, test.want)
		}
	}
}

func TestScriptedResult(t *testing.T) {
	bothWays(t, func(t *testing.T, driverRows bool) {
		sink := &tape{}
		result := textResult(2, textRow("x", "y"), textRow("", "z"))
		c, err := scriptedSelect(t, driverRows, sink, framed(1, preparedPacket(0)), result)
		if err != nil || c.Broken() {
			t.Fatal(err, c.Broken())
		}
		if len(sink.rows) != 2 || sink.rows[0] != `"x" "y"` || sink.rows[1] != `"" "z"` || sink.calls != 1 {
			t.Errorf("%+v", sink)
		}
	})
}

// Servers before MySQL 5.7.5 and MariaDB 10.2, and some proxies, end lists with an EOF.
func TestServerOfEOFs(t *testing.T) {
	eof := []byte{0xfe, 0, 0, 2, 0}
	script := handshakeScript()
	script[0] = framed(0, greetingWith(0))
	a := columnPacket("a", typeVarString)
	script = append(script, framed(1, preparedPacket(1), a, eof), framed(1, []byte{1}, a, eof, textRow("x"), textRow("y"), eof))
	bothWays(t, func(t *testing.T, driverRows bool) {
		sink := &tape{}
		c, err := scriptedServer{script: script, driverRows: driverRows}.run(t, sink)
		if err != nil || c.Broken() {
			t.Fatal(err, c.Broken())
		}
		wantRows(t, sink.rows, `"x"`, `"y"`)
	})
}

// Every answer here is one that a sound server does not give. None may pass for a result.
func TestMalformedAnswersBreakTheConnection(t *testing.T) {
	prepared := framed(1, preparedPacket(0))
	row := textRow("x", "y")
	result := textResult(2, row, row)
	for name, answers := range map[string][][]byte{
		"hangs up":                   nil,
		"hangs up after the prepare": {prepared},
		"empty prepare":              {framed(1, []byte{0})},
		"empty error":                {framed(1, []byte{refusalMarker})},
		"no packet length":           {{0, 0, 0, 1}},
		"wrong sequence":             {framed(3, preparedPacket(0))},
		"no column definitions":      {prepared, framed(1, []byte{2}, []byte{1}, []byte{1})},
		"short column count":         {prepared, framed(1, []byte{0xfe, 1})},
		"huge column count":          {prepared, framed(1, []byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})},
		"file request":               {prepared, framed(1, append([]byte{0xfb}, "/etc/passwd"...)), framed(3, okPacket)},
		"row cut in the first cell":  {prepared, textResult(2, row[:3], row)},
		"row cut in a later cell":    {prepared, textResult(2, row[:5], row)},
		"row without cells":          {prepared, textResult(2, row[:2])},
		"last row cut":               {prepared, textResult(2, row, row[:3])},
		"hangs up between rows":      {prepared, result[:len(result)-packetHeader-len(endPacket)-packetHeader-len(row)]},
		"hangs up before the end":    {prepared, result[:len(result)-packetHeader-len(endPacket)]},
		"unknown type": {
			prepared,
			framed(1, []byte{1}, columnPacket("a", 200), []byte{0, 0, 1, 'x'}, endPacket),
		},
		"more after the end":      {prepared, append(textResult(2, row), framed(9, okPacket)...)},
		"a result after an error": {prepared, append(framed(1, errorPacket(1064, "no")), framed(2, okPacket)...)},
		"error out of turn":       {prepared, framed(0, errorPacket(4031, "idle"))},
	} {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, driverRows bool) {
				c, err := scriptedSelect(t, driverRows, &tape{}, answers...)
				if !c.Broken() {
					t.Errorf("the connection is not broken, %v", err)
				}
				if err == nil && name != "more after the end" {
					t.Error("no error")
				}
				if err != nil && name != "a result after an error" && !errors.Is(err, ErrBroken) {
					t.Errorf("not ErrBroken: %v", err)
				}
				if err := c.session.Select(time.Now().Add(time.Second), "SELECT 1", nil, &tape{}); !errors.Is(err, ErrBroken) {
					t.Errorf("a broken session goes on: %v", err)
				}
			})
		})
	}
}

func TestErrorOutOfTurnTellsBoth(t *testing.T) {
	bothWays(t, func(t *testing.T, driverRows bool) {
		_, err := scriptedSelect(t, driverRows, &tape{}, framed(1, preparedPacket(0)), framed(0, errorPacket(4031, "idle")))
		var refusal *ServerError
		if !errors.Is(err, ErrBroken) || !errors.As(err, &refusal) || refusal.Number != 4031 || refusal.NDB != 0 {
			t.Error(err)
		}
	})
}

func TestServerErrorLeavesTheConnectionUsable(t *testing.T) {
	for name, answers := range map[string][][]byte{
		"prepare": {framed(1, errorPacket(1146, "no table"))},
		"execute": {framed(1, preparedPacket(0)), framed(1, errorPacket(1297, "Got temporary error 4010 'x' from NDB"))},
		"row": {
			framed(1, preparedPacket(0)),
			framed(1, []byte{1}, columnPacket("a", typeVarString), textRow("x"), errorPacket(1297, "error 4010")),
		},
	} {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, driverRows bool) {
				c, err := scriptedSelect(t, driverRows, &tape{}, answers...)
				var refusal *ServerError
				if c.Broken() || !errors.As(err, &refusal) || errors.Is(err, ErrBroken) {
					t.Errorf("%v, broken %v", err, c.Broken())
				}
				if !strings.HasPrefix(err.Error(), name) && !strings.Contains(err.Error(), "read a row") {
					t.Errorf("the operation is not named: %v", err)
				}
			})
		})
	}
}

func TestSinkErrorsAreReturnedAsTheyAre(t *testing.T) {
	refused := errors.New("refused")
	result := textResult(1, textRow("x"), textRow("y"))
	withoutEnd := result[:len(result)-packetHeader-len(endPacket)]
	for name, test := range map[string]struct {
		sink   tape
		answer []byte
		broken bool
	}{
		"columns":     {tape{refuseColumns: refused}, result, false},
		"row":         {tape{refuseRow: refused}, result, false},
		"no end":      {tape{refuseRow: refused}, withoutEnd, true},
		"end refused": {tape{refuseRow: refused}, slices.Concat(withoutEnd, framed(5, errorPacket(1317, ""))), false},
	} {
		bothWays(t, func(t *testing.T, driverRows bool) {
			synctest.Test(t, func(t *testing.T) {
				script, sink := append(handshakeScript(), framed(1, preparedPacket(0)), test.answer), test.sink
				c, err := scriptedServer{script: script, hold: true, driverRows: driverRows}.run(t, &sink)
				if !errors.Is(err, refused) || c.Broken() != test.broken || sink.calls != 1 || len(sink.rows) > 1 {
					t.Errorf("%s: %v, broken %v, %+v", name, err, c.Broken(), sink)
				}
			})
		})
	}
}

func TestSinkPanicIsNotTheServersFault(t *testing.T) {
	script := append(handshakeScript(), framed(1, preparedPacket(0)), textResult(1, textRow("x")))
	bothWays(t, func(t *testing.T, driverRows bool) {
		sink := &tape{onRow: func() { panic("a bug of the sink") }}
		server := scriptedServer{script: script, driverRows: driverRows}
		err := Once(context.Background(), server.config(), func(c *Conn) error {
			mustPanic(t, "Select", func() { _ = c.Select(time.Now().Add(time.Second), "q", nil, sink) })
			if !c.Broken() {
				t.Error("the connection is not broken")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestForgetInsideASinkWaitsForTheEnd(t *testing.T) {
	script := append(handshakeScript(),
		framed(1, preparedPacket(0)), textResult(1, textRow("x"), textRow("y")),
		nil, // to the close of the statement nothing is said
		framed(1, preparedPacket(0)), textResult(1, textRow("z")),
	)
	bothWays(t, func(t *testing.T, driverRows bool) {
		server := scriptedServer{script: script, driverRows: driverRows}
		err := Once(context.Background(), server.config(), func(c *Conn) error {
			sink := &tape{onRow: func() { c.Forget("q") }}
			if err := c.Select(time.Now().Add(time.Second), "q", nil, sink); err != nil || len(sink.rows) != 2 {
				return fmt.Errorf("%w, %q", err, sink.rows)
			}
			sink = &tape{}
			if err := c.Select(time.Now().Add(time.Second), "q", nil, sink); err != nil || len(sink.rows) != 1 {
				return fmt.Errorf("%w, %q", err, sink.rows)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestStaleStatementIsDropped(t *testing.T) {
	prepared := framed(1, preparedPacket(0))
	script := append(handshakeScript(),
		prepared, framed(1, errorPacket(1243, "unknown")), nil, prepared, textResult(1, textRow("x")),
	)
	bothWays(t, func(t *testing.T, driverRows bool) {
		server := scriptedServer{script: script, driverRows: driverRows}
		err := Once(context.Background(), server.config(), func(c *Conn) error {
			var refusal *ServerError
			if err := c.Select(time.Now().Add(time.Second), "q", nil, &tape{}); !errors.As(err, &refusal) {
				t.Error(err)
			}
			if open := c.pool.Stats().Prepared; open != 0 {
				t.Errorf("%d statements prepared", open)
			}
			return c.Select(time.Now().Add(time.Second), "q", nil, &tape{})
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestSelectDeadlineHoldsAtEveryTurn(t *testing.T) {
	answers := [][]byte{framed(1, preparedPacket(0)), textResult(1, textRow("x"))}
	answers[1] = answers[1][:len(answers[1])-3]
	bothWays(t, func(t *testing.T, driverRows bool) {
		for n := range len(answers) + 1 {
			synctest.Test(t, func(t *testing.T) {
				script := append(handshakeScript(), answers[:n]...)
				server := scriptedServer{script: script, hold: true, driverRows: driverRows}
				err := Once(context.Background(), server.config(), func(c *Conn) error {
					start := time.Now()
					err := c.Select(start.Add(50*time.Millisecond), "q", nil, &tape{})
					if took := time.Since(start); !errors.Is(err, ErrTimeout) || took != 51*time.Millisecond || !c.Broken() {
						t.Errorf("after %d turns: %v in %v", n, err, took)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	})
}

func TestSkippingIsBounded(t *testing.T) {
	refused := errors.New("refused")
	result := textResult(1, textRow("x"), textRow("y"))
	bothWays(t, func(t *testing.T, driverRows bool) {
		synctest.Test(t, func(t *testing.T) {
			script := append(handshakeScript(), framed(1, preparedPacket(0)), result[:len(result)-1])
			server := scriptedServer{script: script, hold: true, driverRows: driverRows}
			err := Once(context.Background(), server.config(), func(c *Conn) error {
				start := time.Now()
				err := c.Select(start.Add(time.Hour), "q", nil, &tape{refuseRow: refused})
				if took := time.Since(start); !errors.Is(err, refused) || took != skipTimeout || !c.Broken() {
					t.Errorf("%v in %v", err, took)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	})
}

// A row that took much memory is not held on to by an idle connection.
func TestDriverScratchIsCleared(t *testing.T) {
	answers := [][]byte{framed(1, preparedPacket(0)), textResult(2, textRow("x", "y"))}
	c, err := scriptedSelect(t, true, &tape{}, answers...)
	if err != nil {
		t.Fatal(err)
	}
	s := &c.session.(*mysqlSession).scratch
	for i, cell := range s.cells[:cap(s.cells)] {
		if cell != nil || !s.values[:cap(s.values)][i].IsNull() {
			t.Errorf("cell %d is kept: %v", i, cell)
		}
	}
	if len(s.cells) != 2 {
		t.Errorf("%d cells", len(s.cells))
	}
}
