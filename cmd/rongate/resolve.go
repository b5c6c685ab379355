package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// resolveTimeout bounds one question to the name service, retries and search list included.
	resolveTimeout = 2 * time.Second

	// maxAddresses bounds the nodes that one DNS name stands for: each costs connections and warm-ups.
	maxAddresses = 64
)

// A hostLookup asks the name service for the addresses of a host, as net.Resolver.LookupNetIP does.
type hostLookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// An answer is what the name service says of a host.
type answer struct {
	host      string
	addresses []netip.Addr // sorted, each once, at most maxAddresses; none: err says why
	leftOut   int          // beyond maxAddresses
	err       error
}

var errNoAddress = errors.New("the answer has no address")

// all resolves hosts at once.
func (ask hostLookup) all(ctx context.Context, hosts []string) []answer {
	answers := make([]answer, len(hosts))
	var asking sync.WaitGroup
	for i, host := range hosts {
		asking.Go(func() { answers[i] = ask.one(ctx, host) })
	}
	asking.Wait()
	return answers
}

// one resolves a host. A server that has addresses of both kinds is not to count twice, so it is IPv6 only where there is
// no IPv4; and what could not be found out about the one is no reason to take the other.
func (ask hostLookup) one(ctx context.Context, host string) answer {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	found, err := ask(ctx, "ip4", host)
	var refusal *net.DNSError
	if err == nil && len(found) == 0 || errors.As(err, &refusal) && refusal.IsNotFound {
		found, err = ask(ctx, "ip6", host)
	}
	if err == nil && len(found) == 0 {
		err = errNoAddress
	}
	if err != nil {
		return answer{host: host, err: err}
	}
	sorted := make([]netip.Addr, len(found))
	for i, a := range found {
		sorted[i] = a.Unmap()
	}
	slices.SortFunc(sorted, netip.Addr.Compare)
	sorted = slices.Compact(sorted)
	kept := sorted[:min(len(sorted), maxAddresses)]
	return answer{host: host, addresses: kept, leftOut: len(sorted) - len(kept)}
}
