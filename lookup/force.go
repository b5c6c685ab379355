package lookup

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A Force is what an operator has a node be, whatever is known of it.
type Force string

// The forces.
const (
	ForceNone    Force = "auto"    // what is known of the node decides
	ForceClosed  Force = "closed"  // used whenever it is connected, whatever its statements come to
	ForceOpen    Force = "open"    // not used, even where there is no other
	ForceDrained Force = "drained" // not used, and without connections once its statements have ended
)

// Forces are all forces.
func Forces() []Force { return []Force{ForceNone, ForceClosed, ForceOpen, ForceDrained} }

// Force has the nodes at an address be so until it is called again, through changes of the configuration too, but not
// longer than the Reader lives.
func (r *Reader) Force(address string, f Force) error {
	r.opening.Lock()
	defer r.opening.Unlock()
	if r.isClosed() {
		return errClosed
	}
	if !slices.Contains(Forces(), f) {
		return fmt.Errorf("lookup: no force %q", f)
	}
	emptied, found := r.put(address, f)
	if !found {
		return fmt.Errorf("lookup: no node at %s", address)
	}
	for _, conns := range emptied {
		r.wg.Go(func() {
			ctx, cancel := context.WithTimeout(r.background, retireTimeout)
			defer cancel()
			if err := conns.Close(ctx); err != nil {
				r.cfg.Log.Warn("node drained with statements running", "node", address, "error", err)
			}
		})
	}
	if f == ForceDrained {
		return nil
	}
	return r.open(r.present())
}

// put puts a force in place, and returns the connections that are to be closed for it.
func (r *Reader) put(address string, f Force) (emptied []Connections, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.nodes {
		if n.Address != address {
			continue
		}
		found = true
		n.force = f
		if f == ForceNone {
			n.breaker.Reset("left to itself by an operator")
		}
		if f == ForceDrained && n.conns != nil && !n.leaving { // those that leave are closed by what sees them off
			emptied = append(emptied, n.conns)
			n.conns = nil
		}
	}
	if found {
		if r.forces == nil {
			r.forces = map[string]Force{}
		}
		if r.forces[address] = f; f == ForceNone {
			delete(r.forces, address)
		}
		r.assess(time.Now())
		r.settle()
	}
	return emptied, found
}
