package pool

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

// The packets of a server that speaks the protocol just well enough, without headers.

func greetingPacket() []byte { return greetingWith(deprecateEOF) }

const deprecateEOF = 1 << 24

// greetingWith offers a capability besides those that the driver cannot do without.
func greetingWith(capability uint32) []byte {
	const (
		longPassword     = 1
		protocol41       = 1 << 9
		secureConnection = 1 << 15
		pluginAuth       = 1 << 19
	)
	capabilities := longPassword | protocol41 | secureConnection | pluginAuth | capability
	p := append([]byte{protocolVersion}, "8.0.0-script\x00"...)
	p = binary.LittleEndian.AppendUint32(p, 7) // connection id
	p = append(p, "abcdefgh\x00"...)           // first part of the scramble
	p = binary.LittleEndian.AppendUint16(p, uint16(capabilities&0xffff))
	p = append(p, 45, 2, 0) // character set, status
	p = binary.LittleEndian.AppendUint16(p, uint16(capabilities>>16))
	p = append(p, 21)
	p = append(p, make([]byte, 10)...)
	p = append(p, "ijklmnopqrst\x00"...)
	return append(p, "mysql_native_password\x00"...)
}

var (
	okPacket  = []byte{0, 0, 0, 2, 0, 0, 0}
	endPacket = []byte{0xfe, 0, 0, 2, 0, 0, 0} // of a result
)

func errorPacket(number uint16, message string) []byte {
	p := []byte{refusalMarker, byte(number), byte(number >> 8)}
	return append(append(p, "#HY000"...), message...)
}

// preparedPacket answers a prepare without parameters.
func preparedPacket(columns int) []byte {
	return []byte{0, 1, 0, 0, 0, byte(columns), 0, 0, 0, 0, 0, 0}
}

func columnPacket(name string, typ byte) []byte {
	p := []byte("\x03def\x00\x00\x00")
	p = append(append(p, byte(len(name))), name...)
	p = append(p, 0, 12, 45, 0)
	p = append(p, 0xff, 0, 0, 0, typ, 0, 0, 0, 0, 0)
	return p
}

const (
	typeLongLong  = 8
	typeVarString = 253
)

// textRow is a binary row of VARCHAR cells.
func textRow(cells ...string) []byte {
	p := append([]byte{0}, make([]byte, (len(cells)+7+2)/8)...)
	for _, cell := range cells {
		p = append(append(p, byte(len(cell))), cell...)
	}
	return p
}

// framed gives packets their headers, numbered from first.
func framed(first byte, packets ...[]byte) []byte {
	var b []byte
	for i, p := range packets {
		b = append(b, byte(len(p)), byte(len(p)>>8), byte(len(p)>>16), first+byte(i))
		b = append(b, p...)
	}
	return b
}

// textResult is the whole answer to an execute, with one VARCHAR column for each cell of a row.
func textResult(columns int, rows ...[]byte) []byte {
	packets := [][]byte{{byte(columns)}}
	for i := range columns {
		packets = append(packets, columnPacket(string('a'+rune(i)), typeVarString))
	}
	return framed(1, append(append(packets, rows...), endPacket)...)
}

// handshakeScript is what a server says until a session is set up; one element is one turn.
func handshakeScript() [][]byte {
	ok := framed(1, okPacket)
	return [][]byte{framed(0, greetingPacket()), framed(2, okPacket), ok, ok}
}

// A scriptedServer says one element of its script at the start and after every packet of the client, and then hangs up.
type scriptedServer struct {
	script     [][]byte
	hold       bool // says nothing any more instead of hanging up
	driverRows bool // of the pool
}

func (s scriptedServer) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		for i, say := range s.script {
			if i > 0 && readClientPacket(server) != nil {
				return
			}
			if len(say) == 0 {
				continue
			}
			if _, err := server.Write(say); err != nil {
				return
			}
		}
		if s.hold {
			_, _ = io.Copy(io.Discard, server)
		}
	}()
	return client, nil
}

func readClientPacket(r io.Reader) error {
	var header [packetHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return err
	}
	size := int64(header[0]) | int64(header[1])<<8 | int64(header[2])<<16
	_, err := io.CopyN(io.Discard, r, size)
	return err
}

// config is that of a pool of one connection to the scripted server that leaves it alone.
func (s scriptedServer) config() Config {
	return Config{
		Address: "script:3306", User: "reader", Size: 1, Dial: s.dial, KeepAlive: never, Lifetime: never, IdleLimit: never,
		DrainGrace: time.Millisecond, DriverRows: s.driverRows,
	}
}

// scriptedSelect sets up a session with the script and runs one Select on it. The answers are to the prepare and the
// execute.
func scriptedSelect(t testing.TB, driverRows bool, sink Sink, answers ...[]byte) (c *Conn, err error) {
	t.Helper()
	return scriptedServer{script: slices.Concat(handshakeScript(), answers), driverRows: driverRows}.run(t, sink)
}

// bothWays runs a test with the rows read by the protocol package and by the driver.
func bothWays(t *testing.T, test func(t *testing.T, driverRows bool)) {
	t.Helper()
	t.Run("direct", func(t *testing.T) { test(t, false) })
	t.Run("driver", func(t *testing.T) { test(t, true) })
}

func (s scriptedServer) run(t testing.TB, sink Sink) (c *Conn, err error) {
	t.Helper()
	onceErr := Once(context.Background(), s.config(), func(conn *Conn) error {
		c = conn
		err = conn.Select(time.Now().Add(10*time.Second), "SELECT a FROM t", nil, sink)
		return nil
	})
	if onceErr != nil {
		t.Fatal(onceErr)
	}
	return c, err
}
