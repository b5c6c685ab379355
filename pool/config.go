package pool

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"
)

// Config describes a pool. Address and User are required; every other zero value means the default given beside it.
type Config struct {
	// Address is "host:port", or the path of a unix socket, which begins with "/".
	Address string
	User    string
	// Password is asked at every dial, because files with passwords are rotated. Nil means an empty password.
	Password func() (string, error)
	// TLS makes every connection over TCP encrypted, verified as it says (ServerName defaults to the host of Address);
	// a server without TLS is then refused. Nil means plain text.
	TLS *tls.Config

	// Size is the number of connections, each running one statement at a time. While one is replaced and while
	// statements are detached there are more: at most Size + MaxDetached + 1, which the server's connection limit has
	// to allow for. Default DefaultSize.
	Size int
	// MaxDetached bounds the detached connections: a statement beyond it keeps its slot, so that a stalled node stops
	// taking work. Default Size; negative means that nothing can be detached.
	MaxDetached int

	// HandshakeTimeout bounds dialing, TLS, authentication and session setup as one, and a keep-alive ping. Default 1 s.
	HandshakeTimeout time.Duration
	// Warm runs on every new connection before anybody can lease it; its error discards the connection. It may call
	// Select and Forget, nothing else. Nil means nothing to warm.
	Warm func(*Conn) error
	// WarmTimeout bounds all of Warm, whatever deadlines its statements ask for. Default 5 s.
	WarmTimeout time.Duration
	// Warmups is filled by one element for as long as a connection runs Warm, to bound how much warming goes on at once;
	// handshakes do not take part. Pools that share one hold each other up: a node that stalls while it is warmed keeps its
	// place for as long. Nil means no bound.
	Warmups chan struct{}

	// Lifetime, give or take a tenth, is the age at which a connection is replaced. Default 1 h; negative means never.
	Lifetime time.Duration
	// IdleLimit, give or take a tenth, is how long a connection may go without any exchange, pings included, before it
	// is replaced: firewalls and servers drop silent connections silently. It matters only where KeepAlive is longer or
	// off. Default 5 min; negative means never.
	IdleLimit time.Duration
	// KeepAlive is the silence after which a free connection is pinged, so that a dead node is noticed while nobody asks
	// it. Default 1 s; negative means never.
	KeepAlive time.Duration

	// Statements is how many prepared statements a connection keeps. Default 64. The server's limit of 16,382 is for
	// all connections of all its clients.
	Statements int
	// DriverRows has the driver run the statements and read their rows, as a yardstick. It does so on encrypted connections
	// in any case: the driver does not give away what it encrypts with.
	DriverRows bool
	// DrainGrace is how long past its deadline a statement's connection may take to receive the rest of its answer
	// before the socket is given up. Default 1 s.
	DrainGrace time.Duration

	// Changed is called when a connection became free, or was given up, by anything but Release and Discard: by dialing
	// or after a ping. It is called on a goroutine of the pool, without locks, and never from inside a method of Pool or
	// Conn. Nil means nobody waits.
	Changed func()

	// Log gets changes of state, and the driver's own messages at debug level. Nil discards them.
	Log *slog.Logger
	// Dial replaces the plain network dial. It must heed its context. Nil means net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// DefaultSize is how many connections a node has: 200 gateways of two leave room in a server's 512.
const DefaultSize = 2

// withDefaults fills in the zero values.
func (c Config) withDefaults() Config {
	setInt(&c.Size, DefaultSize)
	setInt(&c.MaxDetached, c.Size)
	setInt(&c.Statements, 64)
	setDuration(&c.HandshakeTimeout, time.Second)
	setDuration(&c.WarmTimeout, 5*time.Second)
	setDuration(&c.Lifetime, time.Hour)
	setDuration(&c.IdleLimit, 5*time.Minute)
	setDuration(&c.KeepAlive, time.Second)
	setDuration(&c.DrainGrace, time.Second)
	if c.Password == nil {
		c.Password = func() (string, error) { return "", nil }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	return c
}

func setInt(n *int, fallback int) {
	if *n == 0 {
		*n = fallback
	}
}

func setDuration(d *time.Duration, fallback time.Duration) {
	if *d == 0 {
		*d = fallback
	}
}

// check reports every mistake at once. It expects the defaults filled in.
func (c Config) check() error {
	var errs []error
	if err := checkAddress(c.Address); err != nil {
		errs = append(errs, err)
	}
	if c.User == "" {
		errs = append(errs, errors.New("user: must be given"))
	}
	if c.TLS != nil && isSocketPath(c.Address) {
		errs = append(errs, errors.New("tls: a unix socket has no host name to verify; leave TLS out"))
	}
	for _, bound := range []struct {
		name  string
		value int64
	}{
		{"size", int64(c.Size)},
		{"statements", int64(c.Statements)},
		{"handshakeTimeout", int64(c.HandshakeTimeout)},
		{"warmTimeout", int64(c.WarmTimeout)},
		{"drainGrace", int64(c.DrainGrace)},
	} {
		if bound.value < 0 {
			errs = append(errs, fmt.Errorf("%s: must not be negative", bound.name))
		}
	}
	return errors.Join(errs...)
}

func checkAddress(address string) error {
	if isSocketPath(address) {
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || port == "" {
		return fmt.Errorf("address %q: must be host:port or the path of a unix socket", address)
	}
	return nil
}

func isSocketPath(address string) bool { return strings.HasPrefix(address, "/") }
