package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/rongate/rongate/column"
)

// ErrMalformed is wrapped by the errors of answers that make no sense.
var ErrMalformed = errors.New("the server's answer makes no sense")

// An Error is what the server answered instead of what was asked for. It is the one error after which a connection can
// still be used.
type Error struct {
	Number  uint16
	Message string
}

// Error renders the number and the server's message, which may quote key values.
func (e *Error) Error() string { return fmt.Sprintf("server error %d: %s", e.Number, e.Message) }

// Capabilities are those results of the handshake that the rest of the conversation depends on.
type Capabilities struct {
	DeprecateEOF   bool // no packet ends a list of column definitions, and an OK packet ends the rows
	CachedMetadata bool // MariaDB: column definitions that have not changed are left out
}

// The bits of a client's capabilities, and of MariaDB's own ones, of which Capabilities are made.
const (
	clientMySQL         = 1 << 0 // of no meaning but that MariaDB's own capabilities are not there
	clientDeprecateEOF  = 1 << 24
	clientCacheMetadata = 1 << 4
)

// CapabilitiesOf reads them from the client's side of the handshake, which asks for nothing that the server does not
// have: the first packet that the client sends, with its header.
func CapabilitiesOf(response []byte) (Capabilities, error) {
	const flags, own = headerSize, headerSize + 28
	if len(response) < own+4 {
		return Capabilities{}, fmt.Errorf("%w: a handshake of %d bytes", ErrMalformed, len(response))
	}
	bits := binary.LittleEndian.Uint32(response[flags:])
	extended := binary.LittleEndian.Uint32(response[own:])
	return Capabilities{
		DeprecateEOF:   bits&clientDeprecateEOF != 0,
		CachedMetadata: bits&clientMySQL == 0 && extended&clientCacheMetadata != 0,
	}, nil
}

// A Conn is a connection on which nothing is under way: one goroutine's, which runs one statement after the other to the
// end of its rows. After an error that is no *Error it is of no more use.
type Conn struct {
	w    io.Writer
	in   reader
	out  []byte // the command at hand
	caps Capabilities

	values []column.Value // the row at hand
	text   []byte         // its dates and times
}

// New takes over a connection.
func New(rw io.ReadWriter, caps Capabilities) *Conn {
	return &Conn{w: rw, in: reader{r: rw}, caps: caps}
}

// Idle reports whether everything that was received has been asked for. What comes beyond is an answer to nothing, and
// the next answer would be taken for another.
func (c *Conn) Idle() bool { return c.in.buffered() == 0 }

// The commands.
const (
	commandPrepare byte = 0x16
	commandExecute byte = 0x17
	commandClose   byte = 0x19
)

// The first byte of an answer.
const (
	markOK   byte = 0x00
	markFile byte = 0xfb // the server wants a file
	markEnd  byte = 0xfe
	markErr  byte = 0xff
)

// begin starts a command in c.out.
func (c *Conn) begin(command byte) {
	c.in.sequence = 1
	c.in.hold()
	c.out = append(c.out[:0], 0, 0, 0, 0, command)
}

// send writes the command in c.out.
func (c *Conn) send() error {
	size := len(c.out) - headerSize
	if size >= maxPayload {
		return fmt.Errorf("a command of %d bytes is too long", size)
	}
	c.out[0], c.out[1], c.out[2] = byte(size), byte(size>>8), byte(size>>16)
	_, err := c.w.Write(c.out)
	if cap(c.out) > keepBytes {
		c.out = nil
	}
	return err
}

// answer reads a packet that may be an error.
func (c *Conn) answer() (packet, error) {
	p, err := c.in.packet()
	if err != nil {
		return nil, err
	}
	if p[0] == markErr {
		err := refusal(p)
		c.letGo()
		return nil, err
	}
	return p, nil
}

// letGo drops what a large result has left, at the end of an answer.
func (c *Conn) letGo() {
	if c.in.shrink() {
		clear(c.values[:cap(c.values)]) // which are in it
	}
}

// refusal is the error that a packet holds.
func refusal(p packet) error {
	const state = 6 // '#' and five characters
	if len(p) < 3 {
		return fmt.Errorf("%w: an error of %d bytes", ErrMalformed, len(p))
	}
	e := &Error{Number: binary.LittleEndian.Uint16(p[1:])}
	text := p[3:]
	if len(text) >= state && text[0] == '#' {
		text = text[state:]
	}
	e.Message = string(text)
	return e
}

// endOfRows reads the packet that ends a result.
func (c *Conn) endOfRows(p packet) error {
	c.letGo()
	if c.caps.DeprecateEOF {
		return c.done(p)
	}
	return c.ended(p)
}

// endOfList reads the packet that ends column definitions, where there is one.
func (c *Conn) endOfList() error {
	if c.caps.DeprecateEOF {
		return nil
	}
	p, err := c.answer()
	if err != nil {
		return err
	}
	if p[0] != markEnd {
		return fmt.Errorf("%w: no end of the column definitions", ErrMalformed)
	}
	return c.ended(p)
}

// done reads an OK packet: affected rows, last id, status, warnings.
func (c *Conn) done(p packet) error {
	rest, ok := p[1:], false
	for range 2 {
		if _, rest, ok = rest.integer(); !ok {
			return fmt.Errorf("%w: an OK of %d bytes", ErrMalformed, len(p))
		}
	}
	return c.checkStatus(rest)
}

// ended reads an EOF packet: warnings, status.
func (c *Conn) ended(p packet) error {
	_, rest, ok := p[1:].bytes(2)
	if !ok {
		return fmt.Errorf("%w: an EOF of %d bytes", ErrMalformed, len(p))
	}
	return c.checkStatus(rest)
}

// checkStatus refuses a status that announces another result.
func (c *Conn) checkStatus(p packet) error {
	const moreResults = 0x8
	status, _, ok := p.bytes(2)
	if !ok {
		return fmt.Errorf("%w: an end without status", ErrMalformed)
	}
	if binary.LittleEndian.Uint16(status)&moreResults != 0 {
		return fmt.Errorf("%w: a second result", ErrMalformed)
	}
	return nil
}
