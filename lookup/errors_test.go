package lookup

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/rongate/rongate/breaker"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/internal/devdb"
	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/pool"
)

// A known error of a server's: its number, the NDB error inside, and what both call for.
type known struct {
	number uint16
	ndb    int
	what   string
	cause  cause
}

// knownErrors are those that are known to come, and some that look like others.
func knownErrors() []known {
	list := []known{
		{2006, 0, "Server has gone away", causeConnection},
		{2013, 0, "Lost connection to server during query", causeConnection},
		{4031, 0, "The client was disconnected by the server because of inactivity. See 4010", causeConnection},
		{1040, 0, "Too many connections", causeRefusal},
		{1053, 0, "Server shutdown in progress", causeRefusal},
		{1205, 0, "Lock wait timeout exceeded; try restarting transaction", causeLock},
		{1213, 0, "Deadlock found when trying to get lock; try restarting transaction", causeLock},
		{1054, 0, "Unknown column 'v' in 'field list'", causeDefinition},
		{1146, 0, "Table 'db.t_1' doesn't exist", causeDefinition},
		{1412, 0, "Table definition has changed, please retry transaction", causeDefinition},
		{1243, 0, "Unknown prepared statement handler (1) given to EXECUTE", causePrepare},
		{1615, 0, "Prepared statement needs to be re-prepared", causePrepare},
		{1064, 0, "You have an error in your SQL syntax", causeStatement},
		{1142, 0, "SELECT command denied to user", causeStatement},
		{1045, 0, "Access denied for user", causeStatement},
		{3988, 0, "Conversion from collation utf8mb4 into latin1 impossible for parameter", causeStatement},
		{1297, 9999, "temporary, and not known", causeTemporary},
		{1296, 9999, "permanent, and not known", causeStatement},
	}
	codes := map[cause][]int{
		causeCluster:    {157, 4009},
		causeDataNode:   {286, 1204, 4010, 4025, 4028, 4029, 4031, 4035, 270},
		causeOverload:   {218, 233, 245, 410, 1218, 1221, 4006},
		causeLock:       {266, 274, 296, 297},
		causeDefinition: {241, 284, 723},
	}
	for c, of := range codes {
		for _, code := range of {
			list = append(list, known{1296, code, "permanent", c}, known{1297, code, "temporary", c})
		}
	}
	return list
}

// message is what a server says: in English, and in other words around the number.
func (k known) message() string {
	if k.ndb == 0 {
		return k.what
	}
	forms := []string{
		"Got error %d '%s' from NDBCLUSTER", "Got temporary error %d '%s' from NDBCLUSTER", "Fehler %d '%s' von NDBCLUSTER",
	}
	return fmt.Sprintf(forms[rand.IntN(len(forms))], k.ndb, k.what+" 12 of 34")
}

// TestJudge: what each cause calls for.
func TestJudge(t *testing.T) {
	for c, want := range map[cause]judgement{
		causeNone:       {verdictFinal, breaker.Success, 0},
		causeStatement:  {verdictFinal, breaker.Excluded, 0},
		causeConnection: {verdictElsewhere, breaker.Failure, 2},
		causeRefusal:    {verdictElsewhere, breaker.Failure, 2},
		causeCluster:    {verdictElsewhere, breaker.Failure, 2},
		causeDataNode:   {verdictLater, breaker.Excluded, 2},
		causeOverload:   {verdictLater, breaker.Slow, 2},
		causeLock:       {verdictLater, breaker.Excluded, 1},
		causeTemporary:  {verdictLater, breaker.Excluded, 2},
		causeDefinition: {verdictStale, breaker.Excluded, 0},
		causePrepare:    {verdictElsewhere, breaker.Excluded, 1},
	} {
		if got := c.judgement(); got != want {
			t.Errorf("cause %d: %+v, want %+v", c, got, want)
		}
	}
}

// TestCauseOf: what does not come from a server, and what a server says on a connection that is lost.
func TestCauseOf(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want cause
	}{
		{"none", nil, causeNone},
		{"connection lost", fmt.Errorf("read: %w", pool.ErrBroken), causeConnection},
		{"no answer in time", pool.ErrTimeout, causeConnection},
		{"disconnected for being idle", errors.Join(pool.ErrBroken, &pool.ServerError{Number: 4031}), causeConnection},
		{"a number of a server's that is NDB's for something else", &pool.ServerError{Number: 4010}, causeStatement},
		{"result columns differ from the plan", fmt.Errorf("%w: column a", errDefinition), causeDefinition},
		{"rows too large", ErrTooLarge, causeStatement},
	} {
		if got := causeOf(test.err); got != test.want {
			t.Errorf("%s: cause %d, want %d", test.name, got, test.want)
		}
	}
	for _, k := range knownErrors() {
		if got := causeOf(fmt.Errorf("execute: %w", &pool.ServerError{Number: k.number, NDB: k.ndb})); got != k.cause {
			t.Errorf("%d (NDB %d): cause %d, want %d", k.number, k.ndb, got, k.cause)
		}
	}
}

// TestThousandErrors has a proxy answer statements with errors drawn from those that are known: each is taken for what it
// is, and the connection for sound.
func TestThousandErrors(t *testing.T) {
	db, err := devdb.Start(devdb.Config{Nodes: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	proxy, err := faultnet.New(faultnet.Config{Upstream: db.Addresses()[0]})
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	list := knownErrors()
	err = pool.Once(t.Context(), pool.Config{Address: proxy.Addr(), User: "u"}, func(c *pool.Conn) error {
		ask := func() error { return c.Select(time.Now().Add(time.Minute), "SELECT 1", nil, ignore{}) }
		for i := range 1000 {
			if i%100 == 0 {
				if err := proxy.Set(faultnet.Fault{}); err != nil {
					return err
				}
				if err := ask(); err != nil {
					return fmt.Errorf("without a fault: %w", err)
				}
			}
			k := list[rand.IntN(len(list))]
			fault := faultnet.Error{Number: k.number, State: "HY000", Message: k.message()}
			if err := proxy.Set(faultnet.Fault{Errors: 1, Error: fault}); err != nil {
				return err
			}
			if got := ask(); causeOf(got) != k.cause || c.Broken() {
				t.Errorf("%+v: %v, cause %d", fault, got, causeOf(got))
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// ignore takes any result.
type ignore struct{}

func (ignore) Columns([]pool.ResultColumn) error { return nil }

func (ignore) Row([]column.Value) error { return nil }
