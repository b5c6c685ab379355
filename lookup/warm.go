package lookup

import (
	"errors"
	"fmt"
	"time"

	"github.com/rongate/rongate/pool"
)

// warm prepares a new connection for what it will be asked: each plan's statement for one key, executed for a key that
// no row has, so that the server opens the tables and the first caller finds everything in place. A table that cannot be
// read fails its own reads; the others need the connection. One that stalled a warm-up, for being locked say, is passed
// over for as long as the server answers for any other.
func (r *Reader) warm(c selector) error {
	plans := *r.plans.Load()
	answered := false
	var stalled []*Plan
	for _, p := range plans[:min(len(plans), maxWarm)] {
		if r.troubles.hasStalled(p.sel.Group.Table) {
			stalled = append(stalled, p)
			continue
		}
		if err := r.warmPlan(c, p); err != nil {
			return err
		}
		answered = true
	}
	if answered {
		return nil
	}
	for _, p := range stalled {
		if err := r.warmPlan(c, p); err != nil {
			return err
		}
	}
	return nil
}

// warmPlan executes a plan's statement. Its error is one of the connection or the node.
func (r *Reader) warmPlan(c selector, p *Plan) error {
	table := p.sel.Group.Table
	err := p.warm(c)
	if errors.Is(err, pool.ErrTimeout) {
		r.troubles.stall(table)
	}
	switch judge(err).verdict {
	case verdictElsewhere, verdictLater:
		return fmt.Errorf("warm up %s: %w", table.Name, err)
	case verdictStale:
		r.cfg.OnStale(table)
	case verdictFinal:
		if err != nil {
			r.complain(table, err)
		}
	}
	return nil
}

// maxWarm bounds the statements that a new connection prepares before it serves: beyond it they are prepared when they
// are first asked for. Half of pool's default statement cache.
const maxWarm = 32

// warm executes the plan's statement for one key.
func (p *Plan) warm(c selector) error { return p.read(c, time.Now().Add(time.Second)) }

// read executes the plan's statement for a key that no row has.
func (p *Plan) read(c selector, deadline time.Time) error {
	s := &statement{}
	s.reset(p, defaultMaxBlockBytes)
	key, err := p.emptyKey()
	if err != nil {
		return err
	}
	s.add(key)
	s.deadline = deadline
	return s.execute(c, &block{width: len(p.sel.Columns)})
}

var _ pool.Sink = (*statement)(nil)
