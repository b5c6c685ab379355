package faultnet

import (
	"encoding/binary"
	"math"
	"time"
)

// An Error is what a MySQL server answers instead of a result or a greeting.
type Error struct {
	Number  uint16 // such as 1297; an Error without one is none
	State   string // five characters; default HY000
	Message string // "Got temporary error 410 '…' from NDBCLUSTER"
}

// MySQL's packets: three bytes of length, one that counts them within a command, then the content, of which the first
// byte is the command or the kind of the answer.
const (
	headerBytes    = 4
	maxContent     = 1<<24 - 1 // of a packet; if it has as much, the next one goes on with it
	tlsRecord      = 0x030317  // what the head of a record of TLS would be as a length
	errorKind      = 0xff
	executeCommand = 0x17
	defaultState   = "HY000"
)

// appendGreeting appends the packet that is sent instead of a greeting. Nothing is agreed on as yet, and so it has no state
// unless it is given one.
func (e Error) appendGreeting(dst []byte) []byte { return e.appendPacket(dst, 0, e.State) }

// appendAnswer appends the packet that answers a command.
func (e Error) appendAnswer(dst []byte) []byte {
	if e.State == "" {
		return e.appendPacket(dst, 1, defaultState)
	}
	return e.appendPacket(dst, 1, e.State)
}

func (e Error) appendPacket(dst []byte, sequence byte, state string) []byte {
	content := binary.LittleEndian.AppendUint16([]byte{errorKind}, e.Number)
	if state != "" {
		content = append(append(content, '#'), state...)
	}
	content = append(content, e.Message...)
	dst = append(dst, byte(len(content)), byte(len(content)>>8), byte(len(content)>>16), sequence)
	return append(dst, content...)
}

// packets cuts requests, which may come in any pieces, into packets. The zero value looks at nothing.
type packets struct {
	looks bool
	head  []byte // of the next packet, as long as it is too short to tell what that is
	left  int    // bytes of the current packet that are to come
	errs  *state // the fault that keeps the current packet from the server, and answers it; nil: it passes
}

// turn begins a request. A client that does not wait for answers may have begun it already.
func (r *packets) turn(looks bool) {
	if !r.looks || r.left == 0 && len(r.head) == 0 {
		*r = packets{looks: looks}
	}
}

// passPackets passes a part of a request, but for the statements in it that are to get an error. It reports false when the
// link has ended.
func (l *link) passPackets(st *state, chunk []byte) bool {
	r := &l.request
	for len(chunk) > 0 {
		var piece []byte // that belongs to the packet
		if r.left > 0 {
			n := min(r.left, len(chunk))
			r.left -= n
			piece, chunk = chunk[:n], chunk[n:]
		} else {
			r.head, chunk = append(r.head, chunk[0]), chunk[1:]
			if !l.begin(st) {
				continue
			}
			piece, r.head = r.head, nil
		}
		switch {
		case r.errs == nil:
			if !l.up(piece) {
				return false
			}
		case r.left == 0:
			if !l.answer(r.errs) {
				return false
			}
		}
	}
	return true
}

// begin decides what becomes of the next packet, and reports false as long as its head is too short for that. What does not
// end its command passes, and so does what is no packet.
func (l *link) begin(st *state) bool {
	r := &l.request
	if len(r.head) < headerBytes {
		return false
	}
	content := int(r.head[0]) | int(r.head[1])<<8 | int(r.head[2])<<16
	if content > 0 && len(r.head) == headerBytes {
		return false
	}
	r.left, r.errs = max(content-1, 0), nil
	switch {
	case content == maxContent, content == tlsRecord:
		r.looks, r.left = false, math.MaxInt
	case content > 0 && r.head[3] == 0 && r.head[headerBytes] == executeCommand && l.p.draws(st.Errors) && st.counts():
		r.errs = st
	}
	return true
}

// answer answers the statement that was kept from the server, as that would.
func (l *link) answer(st *state) bool {
	l.p.struck.Add(1)
	l.wait(st, st.DelayDown)
	if l.clear() == nil {
		return false
	}
	l.turn.Store(turnServer)
	n, err := l.client.Write(st.Error.appendAnswer(nil))
	l.p.bytesDown.Add(int64(n))
	return err == nil
}

// refuse tells a new client why it is not let in.
func (l *link) refuse(e Error) {
	_ = l.client.SetWriteDeadline(time.Now().Add(refuseTimeout)) // a client that reads has room for it
	n, _ := l.client.Write(e.appendGreeting(nil))
	l.p.bytesDown.Add(int64(n))
	l.end(false)
}

// refuseTimeout bounds how long a refusal may take to be written.
const refuseTimeout = time.Second
