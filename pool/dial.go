package pool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/rongate/rongate/pool/protocol"
)

// dialMySQL opens a session: socket, TLS, authentication and session variables, all bounded by the context.
func (p *Pool) dialMySQL(ctx context.Context) (_ session, err error) {
	s := &mysqlSession{counters: &p.statement}
	if s.statements, err = simplelru.NewLRU(p.cfg.Statements, s.evict); err != nil {
		return nil, fmt.Errorf("statement cache: %w", err)
	}
	cfg, err := p.driverConfig()
	if err != nil {
		return nil, err
	}
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		s.wire, err = dialWire(ctx, p.cfg.Dial, network, address)
		if err != nil {
			return nil, err // not s.wire: a nil *wire is not a nil net.Conn
		}
		return s.wire, nil
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			s.Abort()
			err = fmt.Errorf("%w: the server's answer makes no sense: %v", ErrBroken, r)
		}
	}()
	if s.conn, err = connector.Connect(ctx); err != nil {
		return nil, handshakeError(ctx, s.wire, err)
	}
	if p.cfg.TLS == nil && !p.cfg.DriverRows {
		capabilities, err := protocol.CapabilitiesOf(s.wire.response)
		if err != nil {
			s.broken = true
			s.Close()
			return nil, err
		}
		s.direct = protocol.New(s.wire, capabilities)
	}
	s.wire.response = nil
	return s, nil
}

// driverConfig is the driver's configuration but for the dial function.
func (p *Pool) driverConfig() (*mysql.Config, error) {
	password, err := p.cfg.Password()
	if err != nil {
		return nil, fmt.Errorf("password: %w", err)
	}
	cfg := mysql.NewConfig() // UTC, 64 MiB packets, native passwords, no clear-text passwords, no fallback from TLS
	cfg.Net, cfg.Addr = "tcp", p.cfg.Address
	if isSocketPath(p.cfg.Address) {
		cfg.Net = "unix"
	}
	cfg.User, cfg.Passwd = p.cfg.User, password
	cfg.TLS = p.cfg.TLS
	cfg.CheckConnLiveness = false // keep-alive pings see to that, off the request path
	cfg.Logger = driverLog{p.cfg.Log}
	cfg.ConnectionAttributes = "program_name:rongate"
	// The session does not depend on the server's defaults. An empty sql_mode has none of the modes that change what a
	// SELECT gives (PAD_CHAR_TO_FULL_LENGTH, EMPTY_STRING_IS_NULL, ANSI_QUOTES, …). Without autocommit the first read
	// would open a transaction, and all later ones see the past.
	cfg.Params = map[string]string{"time_zone": "'+00:00'", "sql_mode": "''", "autocommit": "1"}
	if err := cfg.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return nil, err
	}
	return cfg, nil
}

func handshakeError(ctx context.Context, w *wire, err error) error {
	if refusal := refusalIn(err); refusal != nil {
		return refusal
	}
	if w != nil && w.err != nil {
		err = w.err
	}
	// The socket's deadline is the context's, and either may be noticed first.
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ErrTimeout
	}
	return err
}

// driverLog passes the driver's messages on. They are about single connections, so what matters in them reaches the
// pool as errors too.
type driverLog struct{ log *slog.Logger }

func (d driverLog) Print(v ...any) {
	if d.log.Enabled(context.Background(), slog.LevelDebug) {
		d.log.Debug("MySQL driver", "message", fmt.Sprint(v...))
	}
}

// A wire is the socket under a session. It remembers the socket's own error, which the driver replaces by one that does
// not say what happened.
type wire struct {
	net.Conn
	unread []byte // the server's greeting, until the driver has read it
	err    error  // of the first Read or Write that failed

	greeted  bool   // the driver has answered the greeting
	response []byte // with this
}

func (w *wire) Read(b []byte) (int, error) {
	if len(w.unread) > 0 {
		n := copy(b, w.unread)
		w.unread = w.unread[n:]
		return n, nil
	}
	n, err := w.Conn.Read(b)
	w.note(err)
	return n, err
}

func (w *wire) Write(b []byte) (int, error) {
	if !w.greeted {
		w.greeted, w.response = true, bytes.Clone(b)
	}
	n, err := w.Conn.Write(b)
	w.note(err)
	return n, err
}

func (w *wire) note(err error) {
	if err != nil && w.err == nil {
		w.err = err
	}
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialWire connects and reads the server's greeting.
func dialWire(ctx context.Context, dial dialFunc, network, address string) (*wire, error) {
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		_ = conn.Close()
		return nil, err
	}
	// The driver watches the context only after the dial.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	greeting, err := readGreeting(conn)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("greeting: %w", err)
	}
	return &wire{Conn: conn, unread: greeting}, nil
}

const (
	packetHeader = 4
	maxGreeting  = 4096 // real ones have about a hundred bytes
	minRefusal   = 9    // marker, number, SQL state
	minGreeting  = 44   // after the version: connection id to the end of the scramble, as sent by every server since 4.1

	protocolVersion = 10
	refusalMarker   = 0xff
)

var errNoGreeting = errors.New("not a MySQL server's greeting; is this the port of another protocol?")

// readGreeting reads the first packet of a connection, complete with its header. The driver panics on a malformed one
// and leaves a goroutine behind, once per dial; and ports are mixed up more easily than anything else.
func readGreeting(r io.Reader) ([]byte, error) {
	packet := make([]byte, packetHeader, maxGreeting)
	if _, err := io.ReadFull(r, packet); err != nil {
		return nil, err
	}
	size := int(packet[0]) | int(packet[1])<<8 | int(packet[2])<<16
	if size == 0 || size > maxGreeting-packetHeader || packet[3] != 0 {
		return nil, errNoGreeting
	}
	packet = packet[:packetHeader+size]
	body := packet[packetHeader:]
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	switch body[0] {
	case refusalMarker:
		if len(body) < minRefusal {
			return nil, errNoGreeting
		}
	case protocolVersion:
		if end := bytes.IndexByte(body, 0); end < 0 || len(body)-(end+1) < minGreeting {
			return nil, errNoGreeting
		}
	default:
		return nil, errNoGreeting
	}
	return packet, nil
}
