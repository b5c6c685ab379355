package main

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rongate/rongate/lookup"
)

// A nodeSet is which nodes are read from: those that the configuration lists, and those that its DNS names lead to now. A
// reload and an answer of the name service both change it, each on top of what the other has left behind.
type nodeSet struct {
	ask    hostLookup
	random func() float64                                   // from 0 to 1; but in tests, rand.Float64
	change func(cfg lookup.Config, redial bool) (err error) // lookup.Reader.Change
	log    *slog.Logger
	woken  chan struct{} // by a reload, which may have changed the interval

	// mu guards what follows. It is held while the reader is told, so that it is told in order; nothing that the reader
	// calls takes it.
	mu        sync.Mutex
	cfg       *config
	addresses map[string][]netip.Addr // of every DNS name of cfg, as last known; none: never resolved
	failing   map[string]bool         // names that did not resolve at the last time
	nodes     []lookup.NodeConfig     // what the reader was told
}

// newNodeSet begins with the nodes of a configuration whose DNS names are not resolved, as the reader has them.
func newNodeSet(
	cfg *config, ask hostLookup, change func(cfg lookup.Config, redial bool) error, log *slog.Logger,
) *nodeSet {
	s := &nodeSet{
		ask: ask, random: rand.Float64, change: change, log: log, woken: make(chan struct{}, 1),
		cfg: cfg, addresses: map[string][]netip.Addr{}, failing: map[string]bool{}, nodes: cfg.lookup.Nodes,
	}
	for _, host := range hostsOf(cfg.nodes) {
		s.addresses[host] = nil
	}
	return s
}

// follow resolves the DNS names time and again until ctx ends.
func (s *nodeSet) follow(ctx context.Context) {
	for {
		pause := time.NewTimer(s.pause())
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-s.woken:
			pause.Stop()
		case <-pause.C:
			s.refresh(ctx)
		}
	}
}

// pause is the interval, up to a tenth more or less so that many gateways do not ask at the same time.
func (s *nodeSet) pause() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	const jitter = 0.1
	return time.Duration(float64(s.cfg.resolve) * (1 - jitter + 2*jitter*s.random()))
}

// refresh resolves the DNS names once, within resolveTimeout.
func (s *nodeSet) refresh(ctx context.Context) {
	s.mu.Lock()
	hosts := slices.Sorted(maps.Keys(s.addresses))
	s.mu.Unlock()
	answers := s.ask.all(ctx, hosts)
	if ctx.Err() != nil {
		return // they are about nothing but that
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(answers)
	if slices.Equal(nodesOf(s.cfg.nodes, s.addresses), s.nodes) {
		return
	}
	if err := s.apply(s.cfg, false); err != nil {
		s.log.Error("the nodes that DNS names lead to are not read from", "error", err)
	}
}

// adopt puts the nodes of a configuration in force, and all else that the reader takes from it. DNS names that were not
// resolved yet are before, within resolveTimeout; those that were have the addresses that are known.
func (s *nodeSet) adopt(ctx context.Context, cfg *config, redial bool) error {
	answers := s.ask.all(ctx, s.unresolved(cfg))
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.forget()
	for _, a := range answers {
		if _, known := s.addresses[a.host]; !known {
			s.addresses[a.host] = nil
		}
	}
	if ctx.Err() == nil {
		s.note(answers)
	}
	if err := s.apply(cfg, redial); err != nil {
		return err
	}
	select {
	case s.woken <- struct{}{}:
	default:
	}
	return nil
}

// unresolved returns the DNS names of a configuration whose addresses are not known.
func (s *nodeSet) unresolved(cfg *config) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(hostsOf(cfg.nodes), func(host string) bool { return len(s.addresses[host]) > 0 })
}

// apply tells the reader of the nodes of a configuration. mu is held.
func (s *nodeSet) apply(cfg *config, redial bool) error {
	next := cfg.lookup
	next.Nodes = nodesOf(cfg.nodes, s.addresses)
	if err := s.change(next, redial); err != nil {
		return err
	}
	s.cfg, s.nodes = cfg, next.Nodes
	return nil
}

// forget drops the DNS names that the configuration in force does not have. mu is held.
func (s *nodeSet) forget() {
	hosts := hostsOf(s.cfg.nodes)
	gone := func(host string) bool { return !slices.Contains(hosts, host) }
	maps.DeleteFunc(s.addresses, func(host string, _ []netip.Addr) bool { return gone(host) })
	maps.DeleteFunc(s.failing, func(host string, _ bool) bool { return gone(host) })
}

// note takes answers in: one without an address leaves what was known, and is told when it is the first in a row. mu is
// held.
func (s *nodeSet) note(answers []answer) {
	for _, a := range answers {
		before, known := s.addresses[a.host]
		switch {
		case !known: // a reload has taken the name out meanwhile
			continue
		case a.err != nil && !s.failing[a.host]:
			s.log.Warn("DNS name does not resolve; its nodes stay as they were", "name", a.host, "nodes", list(before),
				"error", a.err)
		case a.err == nil && !slices.Equal(a.addresses, before):
			s.log.Info("DNS name resolved", "name", a.host, "nodes", list(a.addresses), "before", list(before))
			if a.leftOut > 0 {
				s.log.Warn("DNS name has more addresses than it may have nodes", "name", a.host, "leftOut", a.leftOut)
			}
		case a.err == nil && s.failing[a.host]:
			s.log.Info("DNS name resolves again, to what it did before", "name", a.host, "nodes", list(before))
		}
		s.failing[a.host] = a.err != nil
		if a.err == nil {
			s.addresses[a.host] = a.addresses
		}
	}
}

// list writes addresses for the log.
func list(addresses []netip.Addr) string {
	words := make([]string, len(addresses))
	for i, a := range addresses {
		words[i] = a.String()
	}
	return strings.Join(words, ",")
}
