package main

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/goccy/go-json"
)

// node is what the private listener says of one.
type node struct {
	Address, Zone, State, Why, Force string
	Pool                             struct{ Open int }
}

// nodes returns what the private listener says of all nodes.
func (s *served) nodes() []node {
	s.t.Helper()
	_, body := s.get(s.health + "/nodes")
	var document struct{ Nodes []node }
	if err := json.Unmarshal([]byte(body), &document); err != nil {
		s.t.Fatalf("%v: %s", err, body)
	}
	return document.Nodes
}

// force has a node be so, and returns what is said of it then.
func (s *served) force(address, force string) (n node) {
	s.t.Helper()
	query := url.Values{"node": {address}, "force": {force}}
	status, body := s.read(http.NewRequest("POST", s.health+"/nodes?"+query.Encode(), nil))
	if err := json.Unmarshal([]byte(body), &n); err != nil || status != 200 || n.Address != address || n.Force != force {
		s.t.Fatalf("%s of %s: %d %s", force, address, status, body)
	}
	return n
}

// TestForce takes each node out by an operator's word, while requests go on, and the last one too; and has them back.
func TestForce(t *testing.T) {
	dir, _ := reloadFolder(t)
	s := serveFolder(t, dir)
	s.ready()
	nodes := s.nodes()
	for i, n := range nodes {
		if status, body := s.post(request); status != 200 {
			t.Errorf("with %d of %d nodes out: %d %s", i, len(nodes), status, body)
		}
		force := []string{"drained", "open"}[i%2]
		if got := s.force(n.Address, force); got.State != "forced" || got.Why == "" {
			t.Errorf("%s is %s: %s", n.Address, got.State, got.Why)
		}
		series := fmt.Sprintf(`rongate_node_state{node=%q,state="forced",zone=%q}`, n.Address, n.Zone)
		if v := s.metric(series); v != 1 {
			t.Errorf("%s is %v", series, v)
		}
		s.wait("without connections", func() bool { return force != "drained" || s.nodes()[i].Pool.Open == 0 })
	}
	if status, body := s.get(s.health + "/readyz"); status != 503 {
		t.Errorf("ready without nodes: %d %s", status, body)
	}
	if status, body := s.post(request); status != 503 && status != 504 {
		t.Errorf("without nodes: %d %s", status, body)
	}
	for i, n := range nodes {
		s.force(n.Address, []string{"auto", "closed"}[i%2])
	}
	s.wait("serving on all nodes", func() bool {
		for _, n := range s.nodes() {
			if n.State != "serving" {
				return false
			}
		}
		return true
	})
	s.ready()
	if status, body := s.post(request); status != 200 {
		t.Errorf("with all nodes back: %d %s", status, body)
	}
	s.terminate()
}
