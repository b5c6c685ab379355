package lookup

import (
	"errors"
	"fmt"
	"testing"

	"github.com/rongate/rongate/pool"
)

func TestClassify(t *testing.T) {
	server := func(number uint16, ndb int) error {
		return fmt.Errorf("execute: %w", &pool.ServerError{Number: number, NDB: ndb, Message: "m"})
	}
	for _, tc := range []struct {
		name string
		err  error
		want verdict
	}{
		{"connection lost", fmt.Errorf("read: %w", pool.ErrBroken), verdictElsewhere},
		{"socket deadline", pool.ErrTimeout, verdictElsewhere},
		{"disconnected for being idle", errors.Join(pool.ErrBroken, server(4031, 0)), verdictElsewhere},
		{"too many connections", server(1040, 0), verdictElsewhere},
		{"server shutdown in progress", server(1053, 0), verdictElsewhere},
		{"the API node lost the cluster", server(1296, 157), verdictElsewhere},
		{"cluster failure", server(1296, 4009), verdictElsewhere},
		{"unknown prepared statement", server(1243, 0), verdictElsewhere},
		{"node failure aborted the transaction", server(1297, 4010), verdictLater},
		{"node shutdown aborted the transaction", server(1297, 1204), verdictLater},
		{"out of operation records", server(1297, 233), verdictLater},
		{"lock wait timeout", server(1205, 0), verdictLater},
		{"deadlock", server(1213, 0), verdictLater},
		{"dropped column", server(1054, 0), verdictStale},
		{"dropped table", server(1146, 0), verdictStale},
		{"changed definition", server(1412, 0), verdictStale},
		{"old version of the table's schema", server(1296, 241), verdictStale},
		{"the same as a temporary error", server(1297, 241), verdictStale},
		{"result columns differ from the plan", fmt.Errorf("%w: column a", errDefinition), verdictStale},
		{"syntax", server(1064, 0), verdictFinal},
		{"no privilege", server(1142, 0), verdictFinal},
		{"text that the column cannot hold", server(3988, 0), verdictFinal},
		{"an NDB error that is not known", server(1296, 9999), verdictFinal},
		{"rows too large", ErrTooLarge, verdictFinal},
	} {
		if got := classify(tc.err); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.want)
		}
	}
}
