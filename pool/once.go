package pool

import (
	"context"
	"fmt"
)

// Once dials one connection outside any pool, without Config.Warm, runs f on it and closes it: for work off the request
// path, which should take no connection from it. f may call Select and Forget, nothing else, and bounds itself by the
// deadlines it gives; when ctx ends the connection is cut off. HandshakeTimeout bounds the dial.
func Once(ctx context.Context, cfg Config, f func(*Conn) error) error {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return fmt.Errorf("pool configuration: %w", err)
	}
	p := newPool(cfg)
	defer p.cancel()
	dial, cancel := context.WithTimeout(ctx, cfg.HandshakeTimeout)
	defer cancel()
	s, err := p.dialMySQL(dial)
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	defer s.Close()
	defer context.AfterFunc(ctx, s.Abort)()
	return f(newConn(p, s))
}
