package lookup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rongate/rongate/breaker"
	"github.com/rongate/rongate/pool"
)

// handoverGrace is how long nodes that join may take to be up before those that leave go without them: a dial and a
// warm-up of pool's default length, and a try in vain before.
const handoverGrace = 10 * time.Second

// retireTimeout bounds what a node that has left still does. Its statements end within their deadline and grace.
const retireTimeout = time.Minute

// node is one API node as the Reader sees it. Reader.mu guards it, but for access, template, id and counts.
type node struct {
	NodeConfig
	access   pool.Config // how it is connected to
	template int         // the Reader.template that access is
	id       int         // no other node has it at the same time
	tier     int
	conns    Connections // nil until the first Use; written under Reader.opening too
	counts   *nodeCounts // shared by the nodes that follow one another at an address
	health

	awaited  bool // others stay for it: it has not taken over from them yet
	leaving  bool // serves until those that stay are up
	followed bool // leaving, and another node at the same address stays: only its connections are made anew
	gone     bool // serves no more
}

// The tiers: the own zone, the other ones of the region, and those of other regions. A tier may be empty.
const (
	tierOwn = iota
	tierOthers
	tierFar
	tierCount
)

// tierOf is where a node belongs.
func (r *Reader) tierOf(n *node) int {
	switch {
	case n.Region != r.cfg.Region:
		return tierFar
	case n.Zone != r.cfg.Zone:
		return tierOthers
	}
	return tierOwn
}

// admit makes the nodes of a configuration: those that are there already and are to be reached in the same way stay as
// they are. Only under opening, and without side effects but for numbers.
func (r *Reader) admit(cfg *Config, template int) []*node {
	present := r.present()
	var next []*node
	for _, nc := range cfg.Nodes {
		n := &node{
			NodeConfig: nc, access: nc.accessBy(cfg.Pool), template: template, id: freeID(present, next), counts: &nodeCounts{},
			health: newHealth(cfg.Breaker, time.Now()),
		}
		if f, ok := r.forces[nc.Address]; ok {
			n.force = f
		}
		for _, old := range present {
			if old.Address != nc.Address {
				continue
			}
			n.counts = old.counts
			if old.template == template && old.ServerName == nc.ServerName {
				n = old
				break
			}
		}
		next = append(next, n)
	}
	return next
}

// freeID returns the least number that no node has.
func freeID(lists ...[]*node) int {
	for id := 0; ; id++ {
		if !slices.ContainsFunc(slices.Concat(lists...), func(n *node) bool { return n.id == id }) {
			return id
		}
	}
}

// present is a copy of the nodes that serve or may.
func (r *Reader) present() []*node {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.nodes)
}

// Change adopts the zone, the nodes, the connections and the bounds of cfg; OnStale, Log and Connect stay as they were.
// Reads go on meanwhile. redial says that cfg.Pool is not what the nodes are connected by now, so that they are dialed
// anew. Nodes that leave, or that are dialed anew, serve until those that stay are up: all of them, with all of their
// connections, or one of them when ten seconds have passed. So a change that leads to nodes that cannot be reached takes
// nothing away from those that can.
func (r *Reader) Change(cfg Config, redial bool) error {
	r.opening.Lock()
	defer r.opening.Unlock()
	if r.isClosed() {
		return errClosed
	}
	if err := cfg.fill(); err != nil {
		return err
	}
	template := r.template
	if redial {
		template++
	}
	next := r.admit(&cfg, template)
	if err := r.open(next); err != nil {
		return err
	}
	r.template = template
	leaving, followed := apart(r.adopt(cfg, next))
	if len(leaving) > 0 {
		r.cfg.Log.Info("nodes leave once the others serve", "nodes", addresses(leaving))
	}
	if len(followed) > 0 {
		r.cfg.Log.Info("nodes are connected to anew; the old connections serve until then", "nodes", addresses(followed))
	}
	r.changed()
	return nil
}

// adopt puts a configuration and its nodes in force, and returns the nodes that leave for it.
func (r *Reader) adopt(cfg Config, next []*node) (leaving []*node) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cfg.Zone, r.cfg.Region, r.cfg.Nodes, r.cfg.Pool = cfg.Zone, cfg.Region, cfg.Nodes, cfg.Pool
	if r.cfg.Breaker != cfg.Breaker {
		r.cfg.Breaker = cfg.Breaker
		for _, n := range next {
			n.breaker = breaker.New(cfg.Breaker)
		}
	}
	r.cfg.MaxQueued, r.cfg.MaxBlockBytes, r.cfg.MaxLiveBytes = cfg.MaxQueued, cfg.MaxBlockBytes, cfg.MaxLiveBytes
	r.cfg.Unmerged, r.cfg.Hedging = cfg.Unmerged, cfg.Hedging
	return r.replace(next)
}

// open makes the connections of the nodes that have none, once there is something to warm them with. It changes nothing
// if it fails.
func (r *Reader) open(nodes []*node) error {
	if r.plans.Load() == nil {
		return nil
	}
	opened := make([]Connections, len(nodes))
	for i, n := range nodes {
		if n.conns != nil || n.force == ForceDrained {
			continue
		}
		var err error
		if opened[i], err = r.connect(n); err != nil {
			for _, conns := range opened[:i] {
				if conns != nil {
					_ = conns.Close(context.Background()) // nothing is leased
				}
			}
			return fmt.Errorf("node %s: %w", n.Address, err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, n := range nodes {
		if opened[i] != nil {
			n.conns = opened[i]
		}
	}
	return nil
}

// replace makes next the nodes; those of before that are not among them leave, and are returned. Those that were to take
// over from others and are not up go at once: nobody could do with them. Reader.mu is held.
func (r *Reader) replace(next []*node) (leaving []*node) {
	var failed []*node
	for _, n := range r.nodes {
		switch {
		case n.conns == nil || slices.Contains(next, n):
		case n.awaited && !n.up():
			r.depart(n)
			failed = append(failed, n)
		default:
			n.leaving = true
			n.followed = slices.ContainsFunc(next, func(o *node) bool { return o.Address == n.Address })
			leaving = append(leaving, n)
		}
	}
	for i, n := range next {
		n.Zone, n.Region = r.cfg.Nodes[i].Zone, r.cfg.Nodes[i].Region
		n.leaving, n.followed = false, false
		n.awaited = len(leaving) > 0 && (n.awaited || !slices.Contains(r.nodes, n))
	}
	r.arrange(slices.Concat(next, leaving))
	if r.handover != nil {
		r.handover.Stop()
		r.handover = nil
	}
	if len(leaving) > 0 {
		r.changedAt, r.stranded = time.Now(), false
		r.handover = time.AfterFunc(handoverGrace, r.changed)
	}
	if len(failed) > 0 {
		r.wg.Go(func() { r.dismiss(failed) })
	}
	return leaving
}

// arrange puts nodes into their tiers. Reader.mu is held.
func (r *Reader) arrange(nodes []*node) {
	r.nodes = nodes
	for t := range r.tiers {
		r.tiers[t].nodes = nil
	}
	for _, n := range nodes {
		n.tier = r.tierOf(n)
		t := &r.tiers[n.tier]
		t.nodes = append(t.nodes, n)
	}
	r.afford()
	r.assess(time.Now())
}

// retire lets the leaving nodes go if the others can do without them. Reader.mu is held, hence the goroutines: a log may
// block.
func (r *Reader) retire() {
	if r.handover == nil || r.closed {
		return
	}
	inTime := time.Since(r.changedAt) < handoverGrace
	var staying, leaving []*node
	up, wanted := 0, 0
	for _, n := range r.nodes {
		if n.leaving {
			leaving = append(leaving, n)
			continue
		}
		staying = append(staying, n)
		if n.off() {
			continue // by an operator's word: nobody waits for it
		}
		wanted++
		if n.up() && (!inTime || n.complete()) {
			up++
		}
	}
	switch {
	case up == 0 && !inTime && !r.stranded:
		r.stranded = true
		r.wg.Go(func() {
			r.cfg.Log.Warn("none of the nodes is up that are to replace others; those serve on",
				"nodes", addresses(staying), "leaving", addresses(leaving))
		})
		return
	case up == 0, up < wanted && inTime:
		return
	}
	r.handover.Stop()
	r.handover = nil
	r.arrange(staying)
	for _, n := range staying {
		n.awaited = false
	}
	for _, n := range leaving {
		r.depart(n)
	}
	r.wg.Go(func() { r.dismiss(leaving) })
}

// depart has a node serve no more. What runs on it is looked after until it ends.
func (r *Reader) depart(n *node) {
	n.gone = true
	if len(n.running) > 0 {
		r.left = append(r.left, n)
	}
}

// working yields the nodes that have statements running, or may: those there are, and those that have left.
func (r *Reader) working(yield func(*node) bool) {
	for _, n := range r.nodes {
		if !yield(n) {
			return
		}
	}
	for _, n := range r.left {
		if !yield(n) {
			return
		}
	}
}

// complete reports whether a node has all of its connections.
func (n *node) complete() bool {
	s := n.conns.Stats()
	return s.Open-s.Detached >= s.Size
}

// dismiss closes the connections of nodes that have left.
func (r *Reader) dismiss(nodes []*node) {
	leaving, followed := apart(nodes)
	if len(leaving) > 0 {
		r.cfg.Log.Info("nodes have left", "nodes", addresses(leaving))
	}
	if len(followed) > 0 {
		r.cfg.Log.Info("nodes are served by new connections", "nodes", addresses(followed))
	}
	var closing sync.WaitGroup
	for _, n := range nodes {
		closing.Go(func() { r.closeNode(n) })
	}
	closing.Wait()
}

// closeNode waits for the statements of a node that has left.
func (r *Reader) closeNode(n *node) {
	ctx, cancel := context.WithTimeout(r.background, retireTimeout)
	defer cancel()
	if err := n.conns.Close(ctx); err != nil {
		r.cfg.Log.Warn("node left with statements running", "address", n.Address, "error", err)
	}
}

// apart tells the nodes that leave from those of which only the connections do.
func apart(nodes []*node) (leaving, followed []*node) {
	for _, n := range nodes {
		if n.followed {
			followed = append(followed, n)
		} else {
			leaving = append(leaving, n)
		}
	}
	return leaving, followed
}

// addresses lists nodes, each once.
func addresses(nodes []*node) string {
	var list []string
	for _, n := range nodes {
		if !slices.Contains(list, n.Address) {
			list = append(list, n.Address)
		}
	}
	return strings.Join(list, ",")
}

var errClosed = errors.New("lookup: the reader is closed")
