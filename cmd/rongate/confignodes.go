package main

import (
	"net"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"github.com/rongate/rongate/internal/yamldoc"
	"github.com/rongate/rongate/lookup"
)

const (
	// defaultResolve is as long as cluster DNS has its clients keep an answer, as a rule.
	defaultResolve = 5 * time.Second

	// maxNames bounds how many hosts the name service is asked for at once.
	maxNames = 64
)

// A nodeEntry is one item of nodes in the configuration: a node, or a DNS name whose addresses are nodes.
type nodeEntry struct {
	lookup.NodeConfig // of a DNS name too, which is one node, dialed by its name, for as long as it was never resolved

	host, port string // of a DNS name; else empty
	at         yamldoc.Pos
}

// readNodes reads where rongate runs and the nodes.
func (l *loader) readNodes(c *config, root *yamldoc.Map) {
	c.lookup.Zone = l.place(root.Optional("zone"), "RONGATE_ZONE")
	c.lookup.Region = l.place(root.Optional("region"), "RONGATE_REGION")
	c.resolve = root.Optional("resolve").Duration(defaultResolve, 100*time.Millisecond, time.Hour)
	seen := map[string]bool{}
	for _, item := range root.Required("nodes").List() {
		m := item.Map()
		n := l.readNode(m)
		n.Zone, n.Region = m.Optional("zone").Text(""), m.Optional("region").Text("")
		if seen[n.Address] && n.Address != "" {
			l.doc.Add(n.at, "is another node's address too; list each node once")
		}
		seen[n.Address] = true
		c.nodes = append(c.nodes, n)
	}
	if n := len(hostsOf(c.nodes)); n > maxNames {
		l.doc.Add(root.Required("nodes").At(), "has %d DNS names; list %d at most, or addresses", n, maxNames)
	}
}

// place reads a zone or region, which a variable may override.
func (l *loader) place(v yamldoc.Value, variable string) string {
	name := v.Text("")
	if value, _, ok := l.override(variable); ok {
		return value
	}
	return name
}

// readNode reads what an item says of where its nodes are.
func (l *loader) readNode(m *yamldoc.Map) nodeEntry {
	address, dns := m.Optional("address"), m.Optional("dns")
	switch {
	case l.written(dns) && address.Written():
		dns.Fail("stands beside address; an item is one node by its address, or all nodes that a DNS name leads to: leave " +
			"one of the two out")
	case dns.Written():
		return readName(dns)
	case !address.Written():
		m.Required("address") // says so
	}
	n := nodeEntry{at: address.At()}
	n.Address = m.Required("address").Text("")
	if host, port, err := net.SplitHostPort(n.Address); n.Address != "" && n.Address[0] != '/' &&
		(err != nil || host == "" || !isPort(port, 1)) {
		address.Fail(`must be host:port, such as "10.0.0.1:3306", or the path of a unix socket`)
	}
	return n
}

// readName reads a DNS name with the port that its addresses listen on.
func readName(v yamldoc.Value) nodeEntry {
	n := nodeEntry{at: v.At()}
	text := v.Text("")
	host, port, err := net.SplitHostPort(text)
	_, notAddress := netip.ParseAddr(host)
	switch {
	case text == "": // the mistake is recorded
	case err != nil || !isPort(port, 1) || notAddress != nil && !isHostName(host):
		v.Fail(`must be name:port, such as "mysqld.rondb.svc.cluster.local:3306"`)
	case notAddress == nil:
		v.Fail("%s is an address, which stands for one node; write address instead of dns", host)
	default:
		n.Address, n.host, n.port = text, host, port
	}
	return n
}

// isHostName tells names that a name service may know from slips: letters, digits, hyphens and underscores between dots,
// with a dot at the end where no search list is to be tried.
func isHostName(host string) bool {
	const most = 254
	return len(host) <= most && regexp.MustCompile(`^([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?$`).MatchString(host)
}

// hostsOf returns the DNS names of the entries, sorted, each once.
func hostsOf(entries []nodeEntry) []string {
	var hosts []string
	for _, e := range entries {
		if e.host != "" {
			hosts = append(hosts, e.host)
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// nodesOf returns the nodes that entries stand for while DNS names lead to these addresses, by host: in the entries' order,
// and each node once, as the first that leads to it says.
func nodesOf(entries []nodeEntry, addresses map[string][]netip.Addr) []lookup.NodeConfig {
	var nodes []lookup.NodeConfig
	seen := map[string]bool{}
	add := func(n lookup.NodeConfig) {
		if !seen[n.Address] {
			nodes = append(nodes, n)
		}
		seen[n.Address] = true
	}
	for _, e := range entries {
		found := addresses[e.host]
		for _, a := range found {
			n := e.NodeConfig
			n.Address = net.JoinHostPort(a.String(), e.port)
			add(n)
		}
		if len(found) == 0 {
			add(e.NodeConfig)
		}
	}
	return nodes
}
