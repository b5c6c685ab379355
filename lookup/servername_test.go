package lookup_test

import (
	"crypto/tls"
	"fmt"
	"testing"

	"github.com/rongate/rongate/internal/fakenode"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

// TestServerName: a node's own name is verified unless one is given for all, and a node of which another name is to be
// verified is connected to anew.
func TestServerName(t *testing.T) {
	var dialed []string
	cfg := lookup.Config{
		Nodes: []lookup.NodeConfig{{Address: "a:1", ServerName: "db"}, {Address: "b:1"}},
		Pool:  pool.Config{User: "u", TLS: &tls.Config{}},
		Connect: func(pc pool.Config) (lookup.Connections, error) {
			name := "plain"
			if pc.TLS != nil {
				name = pc.TLS.ServerName
			}
			dialed = append(dialed, pc.Address+"="+name)
			return fakenode.Connect(map[string]*fakenode.Node{pc.Address: {}})(pc)
		},
	}
	f := newFixture(t, func(own *lookup.Config, _ map[string]*fakenode.Node) {
		own.Nodes, own.Pool, own.Connect = cfg.Nodes, cfg.Pool, cfg.Connect
	})
	change := func(redial bool, want string) {
		t.Helper()
		dialed = nil
		if err := f.reader.Change(cfg, redial); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(dialed); got != want {
			t.Errorf("dialed %s, want %s", got, want)
		}
	}
	if got := fmt.Sprint(dialed); got != "[a:1=db b:1=]" {
		t.Errorf("dialed %s", got)
	}
	change(false, "[]")
	cfg.Nodes = []lookup.NodeConfig{{Address: "a:1", ServerName: "other"}, {Address: "b:1"}}
	change(false, "[a:1=other]")
	cfg.Pool.TLS = &tls.Config{ServerName: "all"}
	change(true, "[a:1=all b:1=all]")
	cfg.Pool.TLS = nil
	change(true, "[a:1=plain b:1=plain]")
}
