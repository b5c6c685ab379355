package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	headerSize = 4
	maxPayload = 1<<24 - 1 // of one packet; what is longer goes on in the next

	// firstBytes is the size that the read buffer starts with. Servers write results in pieces of 16 KiB.
	firstBytes = 16 << 10

	// keepBytes bounds what a connection keeps from one statement to the next: a result of 100 rows of 20 columns.
	keepBytes = 128 << 10

	// maxRow bounds a row. The servers' max_allowed_packet is 16 or 64 MiB unless somebody has raised it.
	maxRow = 64 << 20
)

// reader cuts what a server sends into packets.
type reader struct {
	r          io.Reader
	buf        []byte // what has been received and is not read is buf[start:end]
	start, end int
	sequence   byte // of the next packet

	mark         int // not after start: what is from there on is kept, for it may have to be read again
	markSequence byte
	spliced      bool // headers after mark were cut out
}

// hold lets go of what has been read: a rewind leads here.
func (in *reader) hold() { in.mark, in.markSequence, in.spliced = in.start, in.sequence, false }

// rewind undoes what has been read since hold, if that failed for want of time: it can be tried again with more. It
// reports whether it has.
func (in *reader) rewind(err error) bool {
	if in.spliced || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	in.start, in.sequence = in.mark, in.markSequence
	return true
}

func (in *reader) buffered() int { return in.end - in.start }

// packet returns the next packet's payload, which is not empty and valid until the next call.
func (in *reader) packet() (packet, error) {
	size, err := in.header(0)
	if err != nil {
		return nil, err
	}
	part := size
	for part == maxPayload {
		if part, err = in.header(headerSize + size); err != nil {
			return nil, err
		}
		if size += part; size > maxRow {
			return nil, fmt.Errorf("%w: a packet of more than %d bytes", ErrMalformed, maxRow)
		}
		in.cut(headerSize+size-part, headerSize)
	}
	if err := in.fill(headerSize + size); err != nil {
		return nil, err
	}
	end := in.start + headerSize + size
	p := packet(in.buf[in.start+headerSize : end : end])
	in.start = end
	if size == 0 {
		return nil, fmt.Errorf("%w: an empty packet", ErrMalformed)
	}
	return p, nil
}

// header reads the header at an offset from start and returns the size of what follows it. A packet out of turn is the
// answer to something else; but a server that hangs up says so out of turn.
func (in *reader) header(offset int) (size int, err error) {
	if err := in.fill(offset + headerSize); err != nil {
		return 0, err
	}
	h := in.buf[in.start+offset:]
	size = int(h[0]) | int(h[1])<<8 | int(h[2])<<16
	got, want := h[3], in.sequence
	in.sequence = got + 1
	if got == want {
		return size, nil
	}
	err = fmt.Errorf("%w: packet %d where %d was due", ErrMalformed, got, want)
	if offset > 0 || size == 0 || in.fill(headerSize+1) != nil || in.buf[in.start+headerSize] != markErr {
		return 0, err
	}
	if in.fill(headerSize+size) == nil {
		err = fmt.Errorf("%w: %w", err, refusal(in.buf[in.start+headerSize:in.start+headerSize+size]))
	}
	return 0, err
}

// cut removes n bytes at an offset from start, which have been received.
func (in *reader) cut(offset, n int) {
	at := in.start + offset
	copy(in.buf[at:], in.buf[at+n:in.end])
	in.end -= n
	in.spliced = true
}

// fill receives until n bytes from start are there. A server that hangs up is never in time: io.EOF would pass for the
// end of the rows.
func (in *reader) fill(n int) error {
	for in.end-in.start < n {
		in.makeRoom(n)
		got, err := in.r.Read(in.buf[in.end:])
		in.end += got
		if err != nil && in.end-in.start < n {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// makeRoom has the buffer take at least one byte more, towards n from start. It grows by what has come, not at a header's
// word.
func (in *reader) makeRoom(n int) {
	if in.mark == in.end {
		in.mark, in.start, in.end = 0, 0, 0
	}
	if in.start+n <= len(in.buf) {
		return
	}
	in.end = copy(in.buf, in.buf[in.mark:in.end])
	in.start -= in.mark
	in.mark = 0
	if in.end == len(in.buf) {
		grown := make([]byte, max(firstBytes, min(in.start+n, 2*len(in.buf))))
		copy(grown, in.buf)
		in.buf = grown
	}
}

// shrink drops a buffer that one large result has left. It reports whether there was one.
func (in *reader) shrink() bool {
	if len(in.buf) <= keepBytes || in.start != in.end {
		return false
	}
	in.buf, in.mark, in.start, in.end = nil, 0, 0, 0
	return true
}

// A packet is the payload of one, or what is left of it. Each of its methods cuts something off its front; it is not ok
// where the packet is too short for it.
type packet []byte

func (p packet) bytes(n int) (b []byte, rest packet, ok bool) {
	if n > len(p) {
		return nil, nil, false
	}
	return p[:n:n], p[n:], true
}

// maxShort is what length-encoded integers of one byte are less than.
const maxShort = 0xfb

// integer cuts a length-encoded integer.
func (p packet) integer() (n uint64, rest packet, ok bool) {
	if len(p) == 0 {
		return 0, nil, false
	}
	size := 0
	switch p[0] {
	case 0xfc:
		size = 2
	case 0xfd:
		size = 3
	case 0xfe:
		size = 8
	case 0xfb, 0xff:
		return 0, nil, false
	default: // below maxShort
		return uint64(p[0]), p[1:], true
	}
	b, rest, ok := p[1:].bytes(size)
	if !ok {
		return 0, nil, false
	}
	var wide [8]byte
	copy(wide[:], b)
	return binary.LittleEndian.Uint64(wide[:]), rest, true
}

// text cuts a length-encoded string.
func (p packet) text() (b []byte, rest packet, ok bool) {
	n, rest, ok := p.integer()
	if !ok || n > uint64(len(rest)) {
		return nil, nil, false
	}
	return rest.bytes(int(n))
}
