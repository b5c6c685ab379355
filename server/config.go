package server

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/rongate/rongate/vectors"
)

// Config says what a Server accepts. A zero field means the default that its comment gives.
type Config struct {
	// Deadline is the longest that a request may take, from the end of its headers until its answer leaves; a caller
	// may ask for less. 500 ms.
	Deadline time.Duration

	// MaxConcurrent is how many requests are worked on at once. One more is refused with 429, at once: a queue would
	// only make it late. 256.
	MaxConcurrent int

	// MaxConnections is how many connections may be open on the public listener; one more is answered 429 and closed.
	// 16,384.
	MaxConnections int

	// MaxSendingBytes bounds the answers that are being written, all together: one more is replaced by 429. Clients that
	// read slowly would else hold memory without bound. 256 MiB.
	MaxSendingBytes int64

	// MaxBodyBytes bounds a request's body. 1 MiB.
	MaxBodyBytes int

	// MaxHeaderBytes bounds the request line and the headers together. Each connection has a buffer of this size. 8 KiB.
	MaxHeaderBytes int

	// ReadTimeout bounds the wait for the first request of a connection, and the time from the first byte of a request
	// to the end of its headers; the body must be there by the request's deadline. 5 s.
	ReadTimeout time.Duration

	// WriteTimeout bounds the sending of an answer. 5 s.
	WriteTimeout time.Duration

	// IdleTimeout is how long a connection is kept without a request. 90 s, longer than most load balancers keep theirs,
	// so that it is the caller that closes an idle connection: closed by the server, it may already carry a request.
	IdleTimeout time.Duration

	// DrainDelay is the time between /readyz turning false and the listener being closed, for load balancers to notice.
	// Requests are served meanwhile. None.
	DrainDelay time.Duration

	// Keys are the API keys that callers must present. With neither them nor Authenticate, everybody may read everything.
	Keys *Keys

	// Authenticate says what the holder of an API key may read that is none of Keys, by the deadline at the latest, or what is
	// wrong with it: Unauthenticated, say. Callers must present a key if there is either. Nil: there are no other keys.
	Authenticate func(key []byte, deadline time.Time) (vectors.Access, *vectors.Error)

	// Ready returns why no request can be answered, nil when some can. It is asked by /readyz. Always ready.
	Ready func() error

	// Force has the node at an address be used or not, whatever is known of it. It is asked by POST /nodes. Nobody can.
	Force func(address string, force vectors.Force) error

	// Reloads returns what became of the files that rongate reads again while it serves. It is asked by /metrics. Nothing
	// is told of them.
	Reloads func() ReloadStats

	// Metadata returns how things are with the metadata layer. It is asked by /metrics. Nothing is told where it is nil: the
	// catalogue is a file.
	Metadata func() MetadataStats

	// Version labels the metric rongate_build_info. "unknown".
	Version string

	// Log receives what an operator should know; nothing is logged for each request. Discarded.
	Log *slog.Logger
}

// ReloadStats are the attempts to put files of configuration in force, the first one included.
type ReloadStats struct {
	Accepted, Refused, Unavailable uint64    // Refused: with mistakes. Unavailable: the database could not be asked.
	Current                        bool      // the latest attempt was accepted
	AcceptedAt                     time.Time // the latest that was; zero: none
}

func (c Config) withDefaults() Config {
	setDefault(&c.Deadline, 500*time.Millisecond)
	setDefault(&c.MaxConcurrent, 1024)
	setDefault(&c.MaxConnections, 16384)
	setDefault(&c.MaxSendingBytes, 256<<20)
	setDefault(&c.MaxBodyBytes, 1<<20)
	setDefault(&c.MaxHeaderBytes, 8<<10)
	setDefault(&c.ReadTimeout, 5*time.Second)
	setDefault(&c.WriteTimeout, 5*time.Second)
	setDefault(&c.IdleTimeout, 90*time.Second)
	setDefault(&c.Version, "unknown")
	if c.Ready == nil {
		c.Ready = func() error { return nil }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c Config) validate() error {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"Deadline", c.Deadline},
		{"ReadTimeout", c.ReadTimeout},
		{"WriteTimeout", c.WriteTimeout},
		{"IdleTimeout", c.IdleTimeout},
	} {
		if d.value < time.Millisecond {
			return fmt.Errorf("%s is %v; it must be at least 1ms", d.name, d.value)
		}
	}
	for _, n := range []struct {
		name         string
		value, least int
	}{
		{"MaxConcurrent", c.MaxConcurrent, 1},
		{"MaxConnections", c.MaxConnections, 1},
		{"MaxBodyBytes", c.MaxBodyBytes, 1},
		{"MaxHeaderBytes", c.MaxHeaderBytes, 512},
	} {
		if n.value < n.least {
			return fmt.Errorf("%s is %d; it must be at least %d", n.name, n.value, n.least)
		}
	}
	if c.DrainDelay < 0 {
		return fmt.Errorf("DrainDelay is %v; it must not be negative", c.DrainDelay)
	}
	return nil
}
