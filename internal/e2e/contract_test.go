package e2e

import (
	"net/http"
	"testing"

	"github.com/rongate/rongate/contract"
	"github.com/rongate/rongate/internal/testbed"
)

// TestContract replays the golden request/response pairs.
func TestContract(t *testing.T) {
	cases, err := contract.Cases()
	if err != nil {
		t.Fatal(err)
	}
	onEach(t, func(t *testing.T, db testbed.Cluster) {
		g := startGateway(t, configFor(db))
		for _, c := range cases {
			if c.Only != "" && c.Only != string(db.Kind()) {
				continue
			}
			t.Run(c.Name, func(t *testing.T) {
				status, header, body := g.do(c.Method, c.Path, c.Header, c.Body)
				if got := string(contract.Compact(body)); status != c.Status || got != string(contract.Compact(c.WantBody)) {
					t.Errorf("%s\ngot  %d %s\nwant %d %s", c.Comment, status, got, c.Status, contract.Compact(c.WantBody))
				}
				for name, want := range c.WantHeader {
					if got := header.Get(name); got != want {
						t.Errorf("header %s: got %q, want %q", name, got, want)
					}
				}
				if c.Method == http.MethodPost && len(body) > 0 && body[len(body)-1] == '\n' {
					t.Error("the answer ends with a line break")
				}
			})
		}
	})
}
