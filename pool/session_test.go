package pool

import (
	"context"
	"encoding/binary"
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

// tape is a Sink that keeps what it receives as text.
type tape struct {
	columns []ResultColumn
	calls   int // of Columns
	rows    []string

	refuseColumns, refuseRow error
	onRow                    func()
}

func (p *tape) Columns(columns []ResultColumn) error {
	p.columns = append([]ResultColumn(nil), columns...)
	p.calls++
	return p.refuseColumns
}

func (p *tape) Row(values []column.Value) error {
	if p.onRow != nil {
		p.onRow()
	}
	cells := make([]string, len(values))
	for i, v := range values {
		cells[i] = show(v)
	}
	p.rows = append(p.rows, strings.Join(cells, " "))
	return p.refuseRow
}

// show renders a value with the kind that it has.
func show(v column.Value) string {
	if i, ok := v.Int(); ok {
		return fmt.Sprintf("int:%d", i)
	}
	if u, ok := v.Uint(); ok {
		return fmt.Sprintf("uint:%d", u)
	}
	if f, ok := v.Float32(); ok {
		return fmt.Sprintf("float32:%v", f)
	}
	if f, ok := v.Float64(); ok {
		return fmt.Sprintf("float64:%v", f)
	}
	if b, ok := v.Bytes(); ok {
		return fmt.Sprintf("%q", b)
	}
	return "NULL"
}

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
		err := fmt.Errorf("execute: %w", newServerError(cause))
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
	sink := &tape{}
	c, err := scriptedSelect(t, sink, framed(1, preparedPacket(0)), textResult(2, textRow("x", "y"), textRow("", "z")))
	if err != nil || c.Broken() {
		t.Fatal(err, c.Broken())
	}
	if len(sink.rows) != 2 || sink.rows[0] != `"x" "y"` || sink.rows[1] != `"" "z"` || sink.calls != 1 {
		t.Errorf("%+v", sink)
	}
}

// Every answer here is one that a sound server does not give. None may pass for a result.
func TestMalformedAnswersBreakTheConnection(t *testing.T) {
	prepared := framed(1, preparedPacket(0))
	row := textRow("x", "y")
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
		"unknown type": {
			prepared,
			framed(1, []byte{1}, columnPacket("a", 200), []byte{0, 0, 1, 'x'}, endPacket),
		},
		"more after the end":      {prepared, append(textResult(2, row), framed(9, okPacket)...)},
		"a result after an error": {prepared, append(framed(1, errorPacket(1064, "no")), framed(2, okPacket)...)},
		"error out of turn":       {prepared, framed(0, errorPacket(4031, "idle"))},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := scriptedSelect(t, &tape{}, answers...)
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
	}
}

func TestErrorOutOfTurnTellsBoth(t *testing.T) {
	_, err := scriptedSelect(t, &tape{}, framed(1, preparedPacket(0)), framed(0, errorPacket(4031, "idle")))
	var refusal *ServerError
	if !errors.Is(err, ErrBroken) || !errors.As(err, &refusal) || refusal.Number != 4031 || refusal.NDB != 0 {
		t.Error(err)
	}
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
			c, err := scriptedSelect(t, &tape{}, answers...)
			var refusal *ServerError
			if c.Broken() || !errors.As(err, &refusal) || errors.Is(err, ErrBroken) {
				t.Errorf("%v, broken %v", err, c.Broken())
			}
			if !strings.HasPrefix(err.Error(), name) && !strings.Contains(err.Error(), "read a row") {
				t.Errorf("the operation is not named: %v", err)
			}
		})
	}
}

func TestSinkErrorsAreReturnedAsTheyAre(t *testing.T) {
	refused := errors.New("refused")
	result := textResult(1, textRow("x"), textRow("y"))
	withoutEnd := result[:len(result)-packetHeader-len(endPacket)]
	for name, test := range map[string]struct {
		sink   *tape
		answer []byte
		broken bool
	}{
		"columns":     {&tape{refuseColumns: refused}, result, false},
		"row":         {&tape{refuseRow: refused}, result, false},
		"no end":      {&tape{refuseRow: refused}, withoutEnd, true},
		"end refused": {&tape{refuseRow: refused}, slices.Concat(withoutEnd, framed(5, errorPacket(1317, ""))), false},
	} {
		synctest.Test(t, func(t *testing.T) {
			script := append(handshakeScript(), framed(1, preparedPacket(0)), test.answer)
			c, err := scriptedServer{script: script, hold: true}.run(t, test.sink)
			if !errors.Is(err, refused) || c.Broken() != test.broken || test.sink.calls != 1 || len(test.sink.rows) > 1 {
				t.Errorf("%s: %v, broken %v, %+v", name, err, c.Broken(), test.sink)
			}
		})
	}
}

func TestSinkPanicIsNotTheServersFault(t *testing.T) {
	sink := &tape{onRow: func() { panic("a bug of the sink") }}
	server := scriptedServer{script: append(handshakeScript(), framed(1, preparedPacket(0)), textResult(1, textRow("x")))}
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
}

func TestForgetInsideASinkWaitsForTheEnd(t *testing.T) {
	server := scriptedServer{script: append(handshakeScript(),
		framed(1, preparedPacket(0)), textResult(1, textRow("x"), textRow("y")),
		nil, // to the close of the statement nothing is said
		framed(1, preparedPacket(0)), textResult(1, textRow("z")),
	)}
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
}

func TestStaleStatementIsDropped(t *testing.T) {
	prepared := framed(1, preparedPacket(0))
	server := scriptedServer{script: append(handshakeScript(),
		prepared, framed(1, errorPacket(1243, "unknown")), nil, prepared, textResult(1, textRow("x")),
	)}
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
}

func TestGreetings(t *testing.T) {
	good := greetingPacket()
	for _, test := range []struct {
		name string
		says []byte
		want error // nil: the driver may have it
	}{
		{"MySQL", framed(0, good), nil},
		{"refusal", framed(0, []byte("\xff\x10\x04Too many connections")), nil},
		{"bare refusal", framed(0, []byte{0xff, 0x10, 0x04}), errNoGreeting},
		{"X protocol notice", []byte{5, 0, 0, 0, 11, 8, 5, 26, 0}, errNoGreeting},
		{"SSH", []byte("SSH-2.0-OpenSSH_9.2p1\r\n"), errNoGreeting},
		{"SMTP", []byte("220 mail ESMTP\r\n"), errNoGreeting},
		{"old protocol", framed(0, append([]byte{9}, good[1:]...)), errNoGreeting},
		{"no end of the version", framed(0, []byte{10, '8', '.', '0'}), errNoGreeting},
		{"short", framed(0, good[:len(good)/2]), errNoGreeting},
		{"empty", []byte{0, 0, 0, 0}, errNoGreeting},
		{"late in the sequence", framed(1, good), errNoGreeting},
	} {
		got, err := readGreeting(strings.NewReader(string(test.says)))
		if !errors.Is(err, test.want) || err == nil && string(got) != string(test.says) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	whole := framed(0, good)
	for n := range whole {
		if _, err := readGreeting(strings.NewReader(string(whole[:n]))); err == nil {
			t.Errorf("%d of %d bytes pass for a greeting", n, len(whole))
		}
	}
}

// All of a handshake is bounded as one, whatever the server stops at.
func TestHandshakeDeadlineHoldsAtEveryTurn(t *testing.T) {
	script := handshakeScript()
	for n := range len(script) {
		synctest.Test(t, func(t *testing.T) {
			cfg := scriptedServer{script: script[:n], hold: true}.config()
			start := time.Now()
			err := Once(context.Background(), cfg, nil)
			if took := time.Since(start); !errors.Is(err, ErrTimeout) || took != time.Second {
				t.Errorf("after %d turns: %v in %v", n, err, took)
			}
		})
	}
}

func TestCloseAbortsAHandshakeAtEveryTurn(t *testing.T) {
	script := handshakeScript()
	for n := range len(script) {
		synctest.Test(t, func(t *testing.T) {
			cfg := scriptedServer{script: script[:n], hold: true}.config()
			cfg.HandshakeTimeout = time.Hour
			p, err := Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			later(time.Minute)
			start := time.Now()
			if err := p.Close(context.Background()); err != nil || time.Since(start) != 0 {
				t.Errorf("after %d turns: %v in %v", n, err, time.Since(start))
			}
		})
	}
}

func TestSelectDeadlineHoldsAtEveryTurn(t *testing.T) {
	answers := [][]byte{framed(1, preparedPacket(0)), textResult(1, textRow("x"))}
	answers[1] = answers[1][:len(answers[1])-3]
	for n := range len(answers) + 1 {
		synctest.Test(t, func(t *testing.T) {
			server := scriptedServer{script: append(handshakeScript(), answers[:n]...), hold: true}
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
}

func TestSkippingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		result := textResult(1, textRow("x"), textRow("y"))
		server := scriptedServer{hold: true, script: append(handshakeScript(),
			framed(1, preparedPacket(0)), result[:len(result)-1])}
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
}

func TestPasswordIsAskedAtEveryDial(t *testing.T) {
	asked := 0
	cfg := scriptedServer{script: handshakeScript()}.config()
	cfg.Password = func() (string, error) {
		asked++
		if asked == 2 {
			return "", errRefused
		}
		return "secret", nil
	}
	for i, want := range []error{nil, errRefused, nil} {
		if err := Once(context.Background(), cfg, func(*Conn) error { return nil }); !errors.Is(err, want) {
			t.Errorf("dial %d: %v", i+1, err)
		}
	}
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
}

func TestTLSIsNotGivenUp(t *testing.T) {
	cfg := scriptedServer{script: handshakeScript()}.config()
	cfg.TLS = tlsOf(nil, "node")
	if err := Once(context.Background(), cfg, nil); !errors.Is(err, mysql.ErrNoTLS) {
		t.Errorf("a server without TLS: %v", err)
	}
}

// FuzzAnswers feeds a session arbitrary bytes instead of the answers to a prepare and an execute: with frames, so that
// they reach the parsers, or raw.
func FuzzAnswers(f *testing.F) {
	result := textResult(2, textRow("x", "y"))
	f.Add(framed(1, preparedPacket(0)), result, false)
	f.Add(preparedPacket(0), []byte{2}, true)
	f.Add(preparedPacket(3), endPacket, true)
	f.Add(preparedPacket(0), errorPacket(1297, "Got temporary error 4010"), true)
	f.Add(framed(1, preparedPacket(0)), framed(1, []byte{1}, columnPacket("a", typeLongLong), make([]byte, 10), endPacket), false)
	for _, typ := range []byte{7, 10, 11, 12, 4, 5, 16, 245, 246} {
		f.Add(framed(1, preparedPacket(0)), framed(1, []byte{1}, columnPacket("a", typ), []byte{0, 0, 4, 1, 2, 3, 4}, endPacket), false)
	}
	f.Fuzz(func(t *testing.T, prepare, execute []byte, frame bool) {
		if frame {
			prepare, execute = framed(1, prepare), framed(1, execute)
		}
		if exhaustsMemory(prepare) || exhaustsMemory(execute) {
			t.Skip()
		}
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			c, err := scriptedSelect(t, &tape{}, prepare, execute)
			var refusal *ServerError
			if err != nil && !errors.Is(err, ErrBroken) && !errors.As(err, &refusal) {
				t.Errorf("an error of no kind: %v", err)
			}
			if errors.Is(err, ErrBroken) && !c.Broken() {
				t.Errorf("%v, and the connection goes on", err)
			}
			if took := time.Since(start); took > 10*time.Second+time.Millisecond {
				t.Errorf("took %v", took)
			}
		})
	})
}

// FuzzHandshake feeds arbitrary bytes instead of what follows the greeting, or of the greeting itself.
func FuzzHandshake(f *testing.F) {
	f.Add(framed(0, greetingPacket()), framed(2, okPacket), framed(1, okPacket))
	f.Add(framed(0, greetingPacket()), framed(2, []byte{0xfe}), []byte{})
	f.Add(framed(0, greetingPacket()), framed(2, append([]byte{0xfe}, "caching_sha2_password\x00abcdefghijklmnopqrst\x00"...)), framed(4, []byte{1, 4}))
	f.Add(framed(0, greetingPacket()), framed(2, errorPacket(1045, "Access denied")), []byte{})
	f.Fuzz(func(t *testing.T, greeting, auth, setup []byte) {
		if exhaustsMemory(setup) {
			t.Skip()
		}
		server := scriptedServer{script: [][]byte{greeting, auth, setup, setup}}
		cfg := server.config()
		cfg.HandshakeTimeout = 20 * time.Millisecond // in real time: where the driver panics it leaves a goroutine behind
		start := time.Now()
		_ = Once(context.Background(), cfg, func(*Conn) error { return nil })
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// exhaustsMemory tells answers that may announce a result of more columns than the driver has memory for but not so
// many that asking for it fails cleanly: a node is trusted that far. Any packet may be taken for such an announcement.
func exhaustsMemory(answer []byte) bool {
	const few, tooMany = 1 << 20, 1 << 43
	for len(answer) > packetHeader {
		size := int(answer[0]) | int(answer[1])<<8 | int(answer[2])<<16
		body := answer[packetHeader:]
		var count uint64
		switch {
		case body[0] == 0xfd && len(body) > 3:
			count = uint64(body[1]) | uint64(body[2])<<8 | uint64(body[3])<<16
		case body[0] == 0xfe && len(body) > 8:
			count = binary.LittleEndian.Uint64(body[1:])
		}
		if few < count && count < tooMany {
			return true
		}
		answer = body[min(size, len(body)):]
	}
	return false
}
