package pool

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// FuzzAnswers feeds a session arbitrary bytes instead of the answers to a prepare and an execute: with frames, so that
// they reach the parsers, or raw. Both ways of reading them have to agree on rows that both take.
func FuzzAnswers(f *testing.F) {
	result := textResult(2, textRow("x", "y"))
	f.Add(framed(1, preparedPacket(0)), result, false)
	f.Add(preparedPacket(0), []byte{2}, true)
	f.Add(preparedPacket(3), endPacket, true)
	f.Add(preparedPacket(0), errorPacket(1297, "Got temporary error 4010"), true)
	for _, typ := range []byte{typeLongLong, 7, 10, 11, 12, 4, 5, 16, 245, 246} {
		row := []byte{0, 0, 4, 1, 2, 3, 4, 0, 0, 0}
		f.Add(framed(1, preparedPacket(0)), framed(1, []byte{1}, columnPacket("a", typ), row, endPacket), false)
	}
	f.Fuzz(func(t *testing.T, prepare, execute []byte, frame bool) {
		if frame {
			prepare, execute = framed(1, prepare), framed(1, execute)
		}
		direct := fuzzedAnswers(t, false, prepare, execute)
		if exhaustsMemory(prepare) || exhaustsMemory(execute) {
			return
		}
		if driver := fuzzedAnswers(t, true, prepare, execute); differ(direct, driver) {
			t.Errorf("%+v, by the driver %+v", direct, driver)
		}
	})
}

// fuzzedAnswers returns the result, nil if it is an error.
func fuzzedAnswers(t *testing.T, driverRows bool, prepare, execute []byte) (sink *tape) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		sink = &tape{}
		c, err := scriptedSelect(t, driverRows, sink, prepare, execute)
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
		if err != nil {
			sink = nil
		}
	})
	return sink
}

// differ reports whether rows of the same columns are not the same. Of definitions that no server sends the two may make
// different columns; and different values of years after 32767, and of dates of the type that servers keep to themselves.
func differ(direct, driver *tape) bool {
	if direct == nil || driver == nil || !slices.Equal(direct.columns, driver.columns) {
		return false
	}
	if slices.ContainsFunc(direct.columns, func(c ResultColumn) bool { return c.Type == "YEAR" || c.Type == "DATE" }) {
		return false
	}
	return !slices.Equal(direct.rows, driver.rows)
}

// FuzzHandshake feeds arbitrary bytes instead of what follows the greeting, or of the greeting itself.
func FuzzHandshake(f *testing.F) {
	f.Add(framed(0, greetingPacket()), framed(2, okPacket), framed(1, okPacket))
	f.Add(framed(0, greetingPacket()), framed(2, []byte{0xfe}), []byte{})
	other := "\xfecaching_sha2_password\x00abcdefghijklmnopqrst\x00"
	f.Add(framed(0, greetingPacket()), framed(2, []byte(other)), framed(4, []byte{1, 4}))
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
