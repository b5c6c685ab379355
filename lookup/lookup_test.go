package lookup_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/internal/fakenode"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

func TestMain(m *testing.M) {
	flag.Bool("update", false, "rewrite the golden files")
	goleak.VerifyTestMain(m)
}

// fixture is a Reader over three fake nodes, two in the own zone, with two tables.
type fixture struct {
	t      testing.TB
	reader *lookup.Reader
	nodes  map[string]*fakenode.Node
	plans  []*lookup.Plan
	stale  atomic.Int64

	id, region, name *column.Column
}

const (
	accounts = iota // (id BIGINT) → balance BIGINT, updated BIGINT: the event time
	names           // (region INT, name VARCHAR(20) case-insensitive) → score DOUBLE
)

func mustColumn(t testing.TB, d column.Def) *column.Column {
	t.Helper()
	c, err := column.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newFixture(t testing.TB, change func(*lookup.Config, map[string]*fakenode.Node)) *fixture {
	t.Helper()
	bigint := func(name string) *column.Column {
		return mustColumn(t, column.Def{Name: name, DataType: "bigint", ColumnType: "bigint", NumericPrecision: 19})
	}
	id, balance, updated, region := bigint("id"), bigint("balance"), bigint("updated"), bigint("region")
	name := mustColumn(t, column.Def{
		Name: "name", DataType: "varchar", ColumnType: "varchar(20)", CharMaxLength: 20,
		Charset: "utf8mb4", Collation: "utf8mb4_general_ci",
	})
	score := mustColumn(t, column.Def{Name: "score", DataType: "double", ColumnType: "double", NumericPrecision: 22})

	first := fakenode.NewTable(1, id, balance, updated)
	for i := range int64(2000) {
		if i%10 != 9 {
			first.Put(column.IntValue(i), column.IntValue(i*7), column.IntValue(1_000_000+i))
		}
	}
	second := fakenode.NewTable(2, region, name, score)
	second.Put(column.IntValue(1), column.BytesValue([]byte("Key1")), column.Float64Value(0.5))
	second.Put(column.IntValue(1), column.BytesValue([]byte("Key2")), column.Float64Value(1.5))

	tables := map[string]*fakenode.Table{"db.accounts_1": first, "db.names_1": second}
	f := &fixture{t: t, nodes: map[string]*fakenode.Node{"a": {Tables: tables}, "b": {Tables: tables}, "far": {Tables: tables}}}
	cfg := lookup.Config{
		Zone:    "z1",
		Nodes:   []lookup.NodeConfig{{Address: "far", Zone: "z2"}, {Address: "a", Zone: "z1"}, {Address: "b", Zone: "z1"}},
		Connect: fakenode.Connect(f.nodes),
		OnStale: func(catalog.TableName) { f.stale.Add(1) },
	}
	if change != nil {
		change(&cfg, f.nodes)
	}
	reader, err := lookup.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := reader.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		if st := reader.Stats(); st.Blocks != 0 || st.LiveBytes != 0 {
			t.Errorf("%d blocks of %d bytes were not released", st.Blocks, st.LiveBytes)
		}
	})
	f.reader = reader
	snapshot := &catalog.Snapshot{Selects: []*catalog.Select{
		{
			EventTime: 1, Columns: []*column.Column{balance, updated},
			Group: &catalog.Group{Table: catalog.TableName{Database: "db", Name: "accounts_1"}, Key: []*column.Column{id}},
		},
		{
			EventTime: -1, Columns: []*column.Column{score},
			Group: &catalog.Group{Table: catalog.TableName{Database: "db", Name: "names_1"}, Key: []*column.Column{region, name}},
		},
	}}
	if f.plans, err = reader.Use(snapshot); err != nil {
		t.Fatal(err)
	}
	f.id, f.region, f.name = id, region, name
	return f
}

// accountKeys are the keys of table accounts; a negative id stands for an absent one.
func (f *fixture) accountKeys(ids ...int64) *lookup.Keys {
	f.t.Helper()
	k := &lookup.Keys{}
	k.Reset(1)
	for _, id := range ids {
		if id < 0 {
			k.AppendAbsent()
		} else if err := k.Append(f.id, number(id)); err != nil {
			f.t.Fatal(err)
		}
	}
	return k
}

// nameKeys are keys of table names, all in region 1.
func (f *fixture) nameKeys(names ...string) *lookup.Keys {
	f.t.Helper()
	k := &lookup.Keys{}
	k.Reset(2)
	for _, name := range names {
		err := errors.Join(k.Append(f.region, number(1)),
			k.Append(f.name, text(name)))
		if err != nil {
			f.t.Fatal(err)
		}
	}
	return k
}

func text(s string) column.Literal {
	return column.Literal{Kind: column.LiteralString, Text: []byte(s)}
}

func number(n int64) column.Literal {
	return column.Literal{Kind: column.LiteralNumber, Text: fmt.Append(nil, n)}
}

// read reads one table and renders each entry's row as its cells, "-" for missing, or the error.
func (f *fixture) read(plan int, keys *lookup.Keys, timeout time.Duration) []string {
	var call lookup.Call
	defer call.Release()
	i := call.Add(f.plans[plan], keys)
	f.reader.Read(&call, time.Now().Add(timeout))
	rows := make([]string, keys.Len())
	for entry := range rows {
		rows[entry] = f.row(plan, call.Read(i), entry)
	}
	return rows
}

func (f *fixture) row(plan int, rd *lookup.Read, entry int) string {
	switch row, found, err := rd.Row(entry); {
	case err != nil:
		return err.Error()
	case !found:
		return "-"
	case plan == names:
		return string(row.Cell(0))
	default:
		event, dated := row.EventTime()
		return fmt.Sprintf("%s %s %d %t", row.Cell(0), row.Cell(1), event, dated)
	}
}

// account is how read renders the row of an account.
func account(id int64) string {
	if id < 0 || id%10 == 9 || id >= 2000 {
		return "-"
	}
	return fmt.Sprintf("%d %d %d true", id*7, 1_000_000+id, (1_000_000+id)*1000)
}

func (f *fixture) expectAccounts(ids []int64, got []string) {
	f.t.Helper()
	for i, id := range ids {
		if got[i] != account(id) {
			f.t.Errorf("account %d: got %q, want %q", id, got[i], account(id))
		}
	}
}

// statements is how many statements each node has begun, by address, with their keys.
func (f *fixture) statements() (total, keys uint64, nodes map[string]uint64) {
	nodes = map[string]uint64{}
	for _, n := range f.reader.Stats().Nodes {
		total += n.Statements
		keys += n.Keys
		nodes[n.Address] = n.Statements
	}
	return total, keys, nodes
}

func TestReadAnswersEveryEntry(t *testing.T) {
	f := newFixture(t, nil)
	ids := []int64{3, 9, -1, 3, 1999, 5000, 0, 3}
	f.expectAccounts(ids, f.read(accounts, f.accountKeys(ids...), time.Second))
	if total, keys, nodes := f.statements(); total != 1 || keys != 5 || nodes["far"] != 0 {
		t.Errorf("got %d statements with %d keys on %v, want one with 5 in the own zone", total, keys, nodes)
	}
}

func TestReadOfNoKeys(t *testing.T) {
	f := newFixture(t, nil)
	f.expectAccounts([]int64{-1, -1}, f.read(accounts, f.accountKeys(-1, -1), time.Second))
	if total, _, _ := f.statements(); total != 0 {
		t.Errorf("%d statements for absent keys", total)
	}
}

func TestLargeBatchIsCutIntoStatements(t *testing.T) {
	f := newFixture(t, nil)
	var ids []int64
	for i := range int64(1000) {
		ids = append(ids, i*2, i)
	}
	f.expectAccounts(ids, f.read(accounts, f.accountKeys(ids...), time.Second))
	if total, keys, _ := f.statements(); total != 12 || keys != 1500 {
		t.Errorf("got %d statements with %d keys, want 12 with 1500", total, keys)
	}
}

func TestKeysAreMatchedByCollation(t *testing.T) {
	f := newFixture(t, nil)
	for _, tc := range []struct {
		names      []string
		want       []string
		statements uint64
	}{
		{[]string{"KEY1", "key1", "Key1", "key1  ", "Key2", "nope"}, []string{"0.5", "0.5", "0.5", "0.5", "1.5", "-"}, 1},
		{[]string{"nothing"}, []string{"-"}, 1},
		// Only the server knows what an accented letter equals: each such key is asked for alone.
		{[]string{"key1", "k\u00e9y2", "k\u00e9y1"}, []string{"0.5", "-", "-"}, 3},
	} {
		before, _, _ := f.statements()
		got := f.read(names, f.nameKeys(tc.names...), time.Second)
		after, _, _ := f.statements()
		if strings.Join(got, " ") != strings.Join(tc.want, " ") || after-before != tc.statements {
			t.Errorf("%q: got %q in %d statements, want %q in %d", tc.names, got, after-before, tc.want, tc.statements)
		}
	}
}

var (
	errBroken    = fmt.Errorf("%w: reset by peer", pool.ErrBroken)
	errTemporary = &pool.ServerError{Number: 1297, NDB: 4010, Message: "node failure caused abort of transaction"}
	errSyntax    = &pool.ServerError{Number: 1064, Message: "you have an error"}
	errNoTable   = &pool.ServerError{Number: 1146, Message: "no such table"}
)

func fails(err error) func(string, int, time.Time) error {
	return func(string, int, time.Time) error { return err }
}

func failsOnce(err error) func(string, int, time.Time) error {
	var done atomic.Bool
	return func(string, int, time.Time) error {
		if done.Swap(true) {
			return nil
		}
		return err
	}
}

func TestFailures(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(map[string]*fakenode.Node)
		want   string // the row, or what its error contains
		stale  int64
	}{
		{"one connection breaks", func(ns map[string]*fakenode.Node) {
			first := failsOnce(errBroken)
			ns["a"].OnSelect, ns["b"].OnSelect = first, first
		}, account(1), 0},
		{"the own zone breaks", func(ns map[string]*fakenode.Node) {
			ns["a"].OnSelect, ns["b"].OnSelect = fails(errBroken), fails(errBroken)
		}, account(1), 0},
		{"the own zone is down", func(ns map[string]*fakenode.Node) { ns["a"].SetDown(true); ns["b"].SetDown(true) }, account(1), 0},
		{"a transient state everywhere but in the other zone", func(ns map[string]*fakenode.Node) {
			ns["a"].OnSelect, ns["b"].OnSelect = fails(errTemporary), fails(errTemporary)
		}, account(1), 0},
		{"everything breaks", func(ns map[string]*fakenode.Node) {
			for _, n := range ns {
				n.OnSelect = fails(errBroken)
			}
		}, "broken", 0},
		{"everything is down", func(ns map[string]*fakenode.Node) {
			for _, n := range ns {
				n.SetDown(true)
			}
		}, lookup.ErrUnavailable.Error(), 0},
		{"a statement that fails anywhere", func(ns map[string]*fakenode.Node) {
			ns["a"].OnSelect, ns["b"].OnSelect = fails(errSyntax), fails(errSyntax)
		}, "1064", 0},
		{"the table is gone", func(ns map[string]*fakenode.Node) {
			ns["a"].OnSelect, ns["b"].OnSelect = fails(errNoTable), fails(errNoTable)
		}, "1146", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, nil)
				tc.change(f.nodes)
				got := f.read(accounts, f.accountKeys(1), time.Second)[0]
				if !strings.Contains(got, tc.want) {
					t.Errorf("got %q, want %q", got, tc.want)
				}
				if strings.HasPrefix(tc.name, "one connection") && f.reader.Stats().Retries != 1 {
					t.Errorf("%d second attempts", f.reader.Stats().Retries)
				}
				if stale := f.stale.Load(); stale != tc.stale {
					t.Errorf("told of a stale table %d times, want %d", stale, tc.stale)
				}
			})
		})
	}
}

// TestFailedPieceHoldsUpNoQueue: a piece that failed on one node and waits for another does not keep the pieces behind it
// from the first.
func TestFailedPieceHoldsUpNoQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
			cfg.Nodes = cfg.Nodes[1:]
			nodes["a"].Size, nodes["b"].Size = 1, 1
			nodes["b"].OnSelect = func(string, int, time.Time) error { time.Sleep(10 * time.Second); return nil }
			broken := failsOnce(errBroken)
			nodes["a"].OnSelect = func(query string, keys int, deadline time.Time) error {
				time.Sleep(10 * time.Millisecond)
				return broken(query, keys, deadline)
			}
		})
		var all sync.WaitGroup
		took := make([]time.Duration, 5)
		for i := range took {
			if i == 2 {
				time.Sleep(15 * time.Millisecond) // the first has failed on a and waits for b, at the head of the queue
			}
			all.Go(func() {
				start := time.Now()
				f.read(accounts, f.accountKeys(1), 2*time.Second)
				took[i] = time.Since(start)
			})
			synctest.Wait()
		}
		all.Wait()
		quick := 0
		for _, d := range took {
			if d < 30*time.Millisecond {
				quick++
			}
		}
		if quick != 3 { // all but the one on b and the one that waits for b, which are rescued
			t.Errorf("answered after %v", took)
		}
		time.Sleep(10 * time.Second)
	})
}

// TestDetachFreesTheQueue: when the last connection of a zone is detached, what waits for the zone goes to another.
func TestDetachFreesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
			cfg.Nodes = cfg.Nodes[:2]
			nodes["a"].Size = 1
			nodes["a"].OnSelect = func(string, int, time.Time) error { time.Sleep(5 * time.Second); return nil }
		})
		var all sync.WaitGroup
		var first, second string
		start, took := time.Now(), time.Duration(0)
		all.Go(func() { first = f.read(accounts, f.accountKeys(1), 20*time.Millisecond)[0] })
		time.Sleep(10 * time.Millisecond)
		all.Go(func() {
			second = f.read(accounts, f.accountKeys(2), time.Second)[0]
			took = time.Since(start)
		})
		all.Wait()
		if first != lookup.ErrDeadline.Error() || second != account(2) || took != 20*time.Millisecond {
			t.Errorf("got %q, then %q after %v", first, second, took)
		}
		time.Sleep(5 * time.Second)
	})
}

// TestSecondRoundAtTheDeadline: keys that the first round left undecided and the second could not read are errors; the
// others are answered, while the statements of the second round still run.
func TestSecondRoundAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		for _, n := range f.nodes {
			n.OnSelect = func(_ string, keys int, _ time.Time) error {
				if keys == 1 {
					time.Sleep(time.Second)
				}
				return nil
			}
		}
		var call lookup.Call
		rd := call.Add(f.plans[names], f.nameKeys("key1", "k\u00e9y2", "k\u00e9y1"))
		f.reader.Read(&call, time.Now().Add(20*time.Millisecond))
		late := lookup.ErrDeadline.Error()
		for entry, want := range []string{"0.5", late, late} {
			if got := f.row(names, call.Read(rd), entry); got != want {
				t.Errorf("entry %d: got %q, want %q", entry, got, want)
			}
		}
		time.Sleep(time.Second) // nothing orders what was read above and what the late statements write
		synctest.Wait()
		call.Release()
	})
}

// TestMissingKeysCostNothingMore: where no row came back, no key can be equal to one.
func TestMissingKeysCostNothingMore(t *testing.T) {
	f := newFixture(t, nil)
	f.read(names, f.nameKeys("\u00e9", "\u00e8", "\u00ea"), time.Second)
	if total, _, _ := f.statements(); total != 1 {
		t.Errorf("%d statements", total)
	}
}

// TestUseKeepsPlans: a select that reads the same as one of the snapshot before has its plan, whatever has changed around it.
func TestUseKeepsPlans(t *testing.T) {
	f := newFixture(t, nil)
	number := func(name, kind string, precision int) *column.Column {
		return mustColumn(t, column.Def{Name: name, DataType: kind, ColumnType: kind, NumericPrecision: precision})
	}
	reads := func(eventTime int, columns ...*column.Column) *catalog.Select {
		return &catalog.Select{EventTime: eventTime, Columns: columns, Group: &catalog.Group{
			Table: catalog.TableName{Database: "db", Name: "accounts_1"}, Key: []*column.Column{number("id", "bigint", 19)},
		}}
	}
	balance, updated := number("balance", "bigint", 19), number("updated", "bigint", 19)
	boolean := *balance
	boolean.Boolean = true
	plans, err := f.reader.Use(&catalog.Snapshot{Selects: []*catalog.Select{
		reads(-1, balance), reads(1, balance, updated), reads(1, number("balance", "int", 10), updated), reads(-1, balance, updated),
		reads(1, &boolean, updated),
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true, false, false, false} {
		if kept := plans[i] == f.plans[accounts]; kept != want {
			t.Errorf("select %d has the plan of before: %t", i, kept)
		}
	}
}

// TestUseAfterClose: a closed reader dials nothing.
func TestUseAfterClose(t *testing.T) {
	f := newFixture(t, nil)
	if err := f.reader.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.reader.Use(&catalog.Snapshot{}); err == nil {
		t.Error("a closed reader is in use")
	}
}

// TestOneNodeOnly: with nowhere else to go, the same node gets the second attempt.
func TestOneNodeOnly(t *testing.T) {
	first := true
	f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
		cfg.Nodes = cfg.Nodes[1:2]
		nodes["a"].OnSelect = func(string, int, time.Time) error {
			if first {
				first = false
				return errBroken
			}
			return nil
		}
	})
	f.expectAccounts([]int64{1}, f.read(accounts, f.accountKeys(1), time.Second))
}

func TestChangedColumnIsAnError(t *testing.T) {
	f := newFixture(t, nil)
	changed := mustColumn(t, column.Def{Name: "balance", DataType: "int", ColumnType: "int", NumericPrecision: 10})
	updated := mustColumn(t, column.Def{Name: "updated", DataType: "bigint", ColumnType: "bigint", NumericPrecision: 19})
	table := fakenode.NewTable(1, f.id, changed, updated)
	table.Put(column.IntValue(1), column.IntValue(2), column.IntValue(3))
	for _, n := range f.nodes {
		n.Tables = map[string]*fakenode.Table{"db.accounts_1": table}
	}
	got := f.read(accounts, f.accountKeys(1, 2), time.Second)
	for _, row := range got {
		if !strings.Contains(row, "table definition changed") || !strings.Contains(row, "balance") {
			t.Errorf("got %q", row)
		}
	}
	if f.stale.Load() != 1 {
		t.Errorf("told of a stale table %d times", f.stale.Load())
	}
	if n := f.nodes["a"].Forgets() + f.nodes["b"].Forgets(); n != 1 {
		t.Errorf("%d prepared statements were dropped, want the one", n)
	}
}

// TestWarmupsAreEachNodesOwn: a node that stalls while it is warmed takes no other's place.
func TestWarmupsAreEachNodesOwn(t *testing.T) {
	seen := map[chan struct{}]bool{}
	f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
		connect := fakenode.Connect(nodes)
		cfg.Pool.Warmups = make(chan struct{}, 2)
		cfg.Connect = func(c pool.Config) (lookup.Connections, error) {
			seen[c.Warmups] = true
			if cap(c.Warmups) != 2 {
				t.Errorf("room for %d", cap(c.Warmups))
			}
			return connect(c)
		}
	})
	if len(seen) != len(f.nodes) {
		t.Errorf("%d nodes share %d places", len(f.nodes), len(seen))
	}
}

func TestDeadlineDetaches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		for _, n := range f.nodes {
			n.OnSelect = func(string, int, time.Time) error { time.Sleep(time.Second); return nil }
		}
		start := time.Now()
		got := f.read(accounts, f.accountKeys(1), 20*time.Millisecond)[0]
		if took := time.Since(start); got != lookup.ErrDeadline.Error() || took != 20*time.Millisecond {
			t.Errorf("got %q after %v", got, took)
		}
		synctest.Wait()
		if f.nodes["a"].Detaches()+f.nodes["b"].Detaches() != 1 {
			t.Error("the statement that nobody waits for was not detached")
		}
		if b := f.reader.Stats().Blocks; b != 1 {
			t.Errorf("%d blocks while the statement runs, want its own", b)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if st := f.reader.Stats(); st.Blocks != 0 || st.Abandoned != 1 {
			t.Errorf("after the statement ended: %d blocks, %d abandoned", st.Blocks, st.Abandoned)
		}
	})
}

// TestQueue: look-ups that find no free connection wait in order, plans take turns, a full queue refuses, and a caller
// whose time is up leaves no trace.
func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
			cfg.Nodes, cfg.MaxQueued = cfg.Nodes[1:2], 4
			nodes["a"].Size = 1
			nodes["a"].OnSelect = func(query string, _ int, _ time.Time) error {
				time.Sleep(10 * time.Millisecond)
				order = append(order, strings.Split(strings.Split(query, "FROM `db`.`")[1], "_1`")[0])
				return nil
			}
		})
		results := make([]string, 6)
		var all sync.WaitGroup
		ask := func(i, plan int, keys *lookup.Keys, timeout time.Duration) {
			all.Go(func() { results[i] = f.read(plan, keys, timeout)[0] })
			synctest.Wait()
		}
		ask(0, accounts, f.accountKeys(1), time.Second) // runs at once
		ask(1, accounts, f.accountKeys(2), time.Second)
		ask(2, accounts, f.accountKeys(3), 5*time.Millisecond) // gives up while it waits
		ask(3, names, f.nameKeys("key1"), time.Second)
		ask(4, accounts, f.accountKeys(4), time.Second)
		ask(5, accounts, f.accountKeys(5), time.Second) // one too many
		all.Wait()
		want := []string{account(1), account(2), lookup.ErrDeadline.Error(), "0.5", account(4), lookup.ErrOverloaded.Error()}
		for i := range want {
			if results[i] != want[i] {
				t.Errorf("look-up %d: got %q, want %q", i, results[i], want[i])
			}
		}
		if got := strings.Join(order, " "); got != "accounts accounts names" {
			t.Errorf("served in the order %s", got)
		}
		if st := f.reader.Stats(); st.Queued != 0 || st.Refused != 1 {
			t.Errorf("left %d queued, refused %d", st.Queued, st.Refused)
		}
	})
}

// TestQueueMovesWhenItsZoneIsGone: what waits for the own zone goes to another when the own zone goes down.
func TestQueueMovesWhenItsZoneIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
			cfg.Nodes = cfg.Nodes[:2]
			nodes["a"].Size = 1
			nodes["a"].OnSelect = func(string, int, time.Time) error { time.Sleep(time.Second); return nil }
		})
		var all sync.WaitGroup
		var first, second string
		all.Go(func() { first = f.read(accounts, f.accountKeys(1), 2*time.Second)[0] })
		synctest.Wait()
		all.Go(func() { second = f.read(accounts, f.accountKeys(2), 2*time.Second)[0] })
		synctest.Wait()
		start := time.Now()
		f.nodes["a"].SetDown(true)
		synctest.Wait()
		if second != account(2) || time.Since(start) != 0 {
			t.Errorf("got %q after %v", second, time.Since(start))
		}
		all.Wait()
		if first != account(1) {
			t.Errorf("the running statement was lost: %q", first)
		}
	})
}

// TestBusyNode: while the connections of the only node are taken by what nobody waits for any more, look-ups wait for it,
// and are served when it is done; when it is gone they are told at once.
func TestBusyNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
			cfg.Nodes = cfg.Nodes[1:2]
			nodes["a"].Size = 1
			nodes["a"].OnSelect = func(string, int, time.Time) error { time.Sleep(time.Second); return nil }
		})
		a := f.nodes["a"]
		if got := f.read(accounts, f.accountKeys(1), 300*time.Millisecond)[0]; got != lookup.ErrDeadline.Error() {
			t.Fatalf("got %q", got)
		}
		if a.Up() || a.Detaches() != 1 {
			t.Fatalf("up %t, %d detached", a.Up(), a.Detaches())
		}
		start := time.Now()
		if got := f.read(accounts, f.accountKeys(2), 5*time.Second)[0]; got != account(2) {
			t.Errorf("got %q", got)
		}
		if waited := time.Since(start); waited != 1700*time.Millisecond { // 700 ms for the connection
			t.Errorf("answered after %v", waited)
		}
		f.read(accounts, f.accountKeys(1), 300*time.Millisecond)
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if got := f.read(accounts, f.accountKeys(1), 5*time.Second)[0]; got != lookup.ErrUnavailable.Error() {
				t.Errorf("without a node: %q", got)
			}
		})
		synctest.Wait()
		a.SetDown(true)
		start = time.Now()
		waiting.Wait()
		if waited := time.Since(start); waited != 0 {
			t.Errorf("told after %v", waited)
		}
		time.Sleep(time.Second) // the statement ends
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
			cfg.Nodes = cfg.Nodes[1:2]
			nodes["a"].Size = 1
			nodes["a"].OnSelect = func(string, int, time.Time) error { time.Sleep(time.Second); return nil }
		})
		var all sync.WaitGroup
		results := make([]string, 2)
		for i := range results {
			all.Go(func() { results[i] = f.read(accounts, f.accountKeys(1), 5*time.Second)[0] })
			synctest.Wait()
		}
		if err := f.reader.Close(t.Context()); err != nil {
			t.Error(err)
		}
		all.Wait()
		if results[0] != account(1) || results[1] != lookup.ErrUnavailable.Error() {
			t.Errorf("got %q", results)
		}
		if got := f.read(accounts, f.accountKeys(1), time.Second)[0]; got != lookup.ErrUnavailable.Error() {
			t.Errorf("a read after Close: %q", got)
		}
	})
}

func TestTooLarge(t *testing.T) {
	f := newFixture(t, func(cfg *lookup.Config, _ map[string]*fakenode.Node) { cfg.MaxBlockBytes = 20 })
	got := f.read(accounts, f.accountKeys(1, 2, 3), time.Second)
	if got[0] != lookup.ErrTooLarge.Error() {
		t.Errorf("got %q", got)
	}
}

// TestLiveBytes: while callers hold on to more than the bound, reads are refused; once they let go, served again.
func TestLiveBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(cfg *lookup.Config, _ map[string]*fakenode.Node) { cfg.MaxLiveBytes = 20 })
		var held lookup.Call
		held.Add(f.plans[accounts], f.accountKeys(1, 2, 3))
		f.reader.Read(&held, time.Now().Add(time.Second))
		if got := f.read(accounts, f.accountKeys(1), time.Second)[0]; got != lookup.ErrOverloaded.Error() {
			t.Errorf("while the bytes are held: %q", got)
		}
		held.Release()
		synctest.Wait() // the goroutine that ran the statement drops its reference after the call has its own
		f.expectAccounts([]int64{1}, f.read(accounts, f.accountKeys(1), time.Second))
		synctest.Wait()
		if n := f.reader.Stats().LiveBytes; n != 0 {
			t.Errorf("%d bytes still counted", n)
		}
	})
}

// TestStress runs many callers over nodes that fail, stall and come and go. Every answer is right or an error, every
// block comes back. Under the race detector freed blocks are overwritten, so that a block freed early shows as a wrong
// answer.
func TestStress(t *testing.T) {
	f := newFixture(t, func(_ *lookup.Config, nodes map[string]*fakenode.Node) {
		for _, n := range nodes {
			n.OnSelect = func(string, int, time.Time) error {
				switch rand.N(20) {
				case 0:
					return errBroken
				case 1:
					return errTemporary
				case 2:
					time.Sleep(rand.N(5 * time.Millisecond))
				}
				return nil
			}
		}
	})
	var all sync.WaitGroup
	var right, failed atomic.Int64
	for range 16 {
		all.Go(func() {
			for range 300 {
				ids := make([]int64, 1+rand.N(300))
				for i := range ids {
					ids[i] = rand.N(int64(2100))
				}
				for i, got := range f.read(accounts, f.accountKeys(ids...), rand.N(10*time.Millisecond)) {
					switch {
					case got == account(ids[i]):
						right.Add(1)
					case strings.Contains(got, "true") || got == "-":
						t.Errorf("account %d: got %q", ids[i], got)
					default:
						failed.Add(1)
					}
				}
			}
		})
	}
	all.Go(func() {
		for range 50 {
			n := f.nodes[[]string{"a", "b", "far"}[rand.N(3)]]
			n.SetDown(true)
			time.Sleep(time.Millisecond)
			n.SetDown(false)
		}
	})
	all.Wait()
	if right.Load() == 0 {
		t.Error("nothing was read")
	}
	t.Logf("%d right, %d failed", right.Load(), failed.Load())
}
