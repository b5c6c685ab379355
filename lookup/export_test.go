package lookup

import (
	"time"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/pool"
)

// Race is whether the race detector watches.
const Race = poisonBlocks

// SetJitter replaces the source of random times.
func (r *Reader) SetJitter(jitter func(below time.Duration) time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.jitter = jitter
}

// Warm prepares a new connection.
func (r *Reader) Warm(c interface {
	Select(deadline time.Time, query string, args []column.Value, sink pool.Sink) error
	Forget(query string)
},
) error {
	return r.warm(c)
}
