package lookup

import "time"

// SetJitter replaces the source of random times.
func (r *Reader) SetJitter(jitter func(below time.Duration) time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.jitter = jitter
}
