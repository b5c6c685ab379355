package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

// TestDescribeBeyondStalledNode: a node that lets clients in and then says nothing leaves time to ask the next one, and
// keeps nobody who gives up.
func TestDescribeBeyondStalledNode(t *testing.T) {
	db := database(t, testbed.KindMariaDB)
	stalled, sound := db.Nodes()[0], db.Nodes()[1]
	reader, err := lookup.Open(lookup.Config{
		Nodes: []lookup.NodeConfig{{Address: stalled.Address}, {Address: sound.Address}},
		Pool:  pool.Config{User: testbed.User},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := stalled.Proxy.Set(faultnet.Fault{StallAfter: 300}); err != nil {
		t.Fatal(err)
	}
	table := catalog.TableName{Database: "rongate_payments", Name: "account_stats_1"}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // what a re-reading has
	defer cancel()
	found, err := reader.Describe(ctx, []catalog.TableName{table})
	if err != nil || found[table] == nil {
		t.Errorf("found %v, %v", found, err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := reader.Describe(ctx, []catalog.TableName{table}); err == nil || time.Since(start) > 1500*time.Millisecond {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}
