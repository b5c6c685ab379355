package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

// TestReach explains each way in which a node is not reached. Those of a real server are in TestCheckPlanted.
func TestReach(t *testing.T) {
	refusal := func(number uint16) error { return &pool.ServerError{Number: number, Message: "no"} }
	old := &x509.Certificate{NotAfter: time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)}
	for _, test := range []struct {
		err         error
		state, want string
	}{
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "refused", "start the server, or mend the address"},
		{pool.ErrTimeout, "timeout", "let it through the firewall"},
		{syscall.ETIMEDOUT, "timeout", "let it through the firewall"},
		{syscall.EHOSTUNREACH, "unreachable", "mend the address or the network"},
		{&net.DNSError{Err: "no such host", Name: "db"}, "no host", "(lookup db: no such host); mend the address"},
		{fs.ErrNotExist, "no access", "mend the path or its permissions"},
		{io.EOF, "closed", "closes the connection at once"},
		{syscall.ECONNRESET, "closed", "closes the connection at once"},
		{errors.New("odd"), "failed", "cannot be connected to: handshake: odd"},
		{refusal(1045), "denied", "denies access: no; mend database.user"},
		{refusal(1698), "denied", "denies access: no; mend database.user"},
		{refusal(1130), "denied", "denies this machine: no; create the user for this host"},
		{refusal(3159), "wants TLS", "add database.tls"},
		{refusal(1040), "full", "max_connections"},
		{refusal(1226), "full", "let the user have more connections"},
		{refusal(1524), "denied", "use caching_sha2_password"},
		{refusal(1), "failed", "server error 1: no"},
		{x509.CertificateInvalidError{Cert: old, Reason: x509.Expired}, "certificate", "to 2020-01-02 03:04 only"},
		{x509.HostnameError{Certificate: old, Host: "db"}, "certificate", "another name (none), not for db"},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, "certificate", "database.tls.ca"},
		{&tls.CertificateVerificationError{Err: errors.New("odd")}, "certificate", "cannot be trusted"},
		{tls.AlertError(42), "TLS", "see database.tls.cert"},
		{tls.RecordHeaderError{Msg: "odd"}, "TLS", "breaks the TLS handshake off"},
	} {
		state, why := reach(fmt.Errorf("handshake: %w", test.err), pool.Config{})
		if state != test.state || !strings.Contains(why, test.want) {
			t.Errorf("%v: %s, %s", test.err, state, why)
		}
	}
}

// judged is what a judge finds, a line each.
func judged(judge func(*findings)) string {
	var f findings
	judge(&f)
	var b bytes.Buffer
	f.print(&b)
	return b.String()
}

func TestJudgeNode(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	expires := func(in time.Duration) *tls.ConnectionState {
		return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{NotAfter: now.Add(in)}}}
	}
	for _, test := range []struct {
		report lookup.NodeReport
		want   string // the beginning of the one finding; empty: none
	}{
		{lookup.NodeReport{Clock: time.Second, TLS: expires(31 * 24 * time.Hour)}, ""},
		{lookup.NodeReport{Clock: -time.Second}, ""},
		{lookup.NodeReport{Clock: 90 * time.Second}, "WARNING  node h:1: its clock is 1m30s ahead of this machine's; "},
		{lookup.NodeReport{Clock: -1100 * time.Millisecond}, "WARNING  node h:1: its clock is 1.1s behind this machine's; "},
		{lookup.NodeReport{ClockErr: io.EOF}, "WARNING  node h:1: does not tell the time: EOF; "},
		{lookup.NodeReport{LimitsErr: io.EOF}, "WARNING  node h:1: does not tell its limits: EOF; "},
		{
			lookup.NodeReport{TLS: expires(29 * 24 * time.Hour)},
			"WARNING  node h:1: its certificate ends on 2026-01-31 03:04, in 29 days; ",
		},
		{lookup.NodeReport{TLS: expires(time.Hour)}, "WARNING  node h:1: its certificate ends on 2026-01-02 04:04, in 1 hour; "},
		{
			lookup.NodeReport{Handshake: 3 * time.Second},
			"TROUBLE  node h:1: its handshake takes 3s, longer than connections.handshakeTimeout (2s)",
		},
		{lookup.NodeReport{Err: context.DeadlineExceeded}, "TROUBLE  node h:1: has not answered everything within 10s; "},
		{
			lookup.NodeReport{
				Err: context.DeadlineExceeded, Snapshot: &catalog.Snapshot{Selects: make([]*catalog.Select, 3)},
				Selects: make([]lookup.SelectReport, 2),
			},
			"TROUBLE  node h:1: has not answered everything within 10s (2 of 3 reads done); ",
		},
		{lookup.NodeReport{Err: io.EOF}, "TROUBLE  node h:1: could not be asked for all: EOF; "},
	} {
		test.report.Address = "h:1"
		got := judged(func(f *findings) { judgeNode(f, &test.report, 2*time.Second, now) })
		if (test.want == "") != (got == "") || !strings.HasPrefix(got, test.want) || strings.Count(got, "\n") > 1 {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestSums(t *testing.T) {
	limits := lookup.Limits{MaxConnections: 512, MaxPreparedStatements: 16382}
	ofUser := limits
	ofUser.MaxUserConnections = 100
	type verdict struct {
		words string
		level level
		found bool
	}
	for _, test := range []struct {
		gateways, prepared int
		cfg                pool.Config
		limits             lookup.Limits
		want               []verdict
	}{
		{1, 20, pool.Config{}, limits, []verdict{
			{"1 gateway x 2 connections = 2 of 512 (max_connections), at most 5", note, false},
			{"1 gateway x 2 connections x 2 prepared statements = 4 of 16382 (max_prepared_stmt_count), at most 100", note, false},
		}},
		{200, 0, pool.Config{}, limits, []verdict{
			{"200 gateways x 2 connections = 400 of 512 (max_connections), at most 1000", warning, true},
		}},
		{300, 0, pool.Config{}, limits, []verdict{
			{"300 gateways x 2 connections = 600 of 512 (max_connections), at most 1500", trouble, true},
		}},
		{100, 1000, pool.Config{Size: 1, MaxDetached: 2, Statements: 50}, ofUser, []verdict{
			{"100 gateways x 1 connection = 100 of 512 (max_connections), at most 400", note, false},
			{"100 gateways x 1 connection = 100 of 100 (max_user_connections), at most 400", warning, true},
			{
				"100 gateways x 1 connection x 50 prepared statements = 5000 of 16382 (max_prepared_stmt_count), at most 20000",
				warning, true,
			},
		}},
		{128, 0, pool.Config{Size: 1}, limits, []verdict{
			{"128 gateways x 1 connection = 128 of 512 (max_connections), at most 384", note, false},
		}},
		{411, 0, pool.Config{Size: 1, MaxDetached: -1}, limits, []verdict{
			{"411 gateways x 1 connection = 411 of 512 (max_connections), at most 822", warning, true},
		}},
		{256, 0, pool.Config{Size: 1, MaxDetached: -1}, limits, []verdict{
			{"256 gateways x 1 connection = 256 of 512 (max_connections), at most 512", note, false},
		}},
	} {
		var got []verdict
		for _, s := range demandOf(test.gateways, test.cfg, test.prepared/10, test.prepared).sums(test.limits) {
			l, found := s.judge()
			got = append(got, verdict{s.words, l, found})
		}
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("got  %v\nwant %v", got, test.want)
		}
	}
}

func TestJudgeRead(t *testing.T) {
	byKey := lookup.Access{Type: "const", Key: "PRIMARY"}
	scan := lookup.Access{Type: "ALL", Rows: 50}
	few, many := scan, lookup.Access{Type: "index", Key: "other", Rows: 200, ByWay: true}
	few.ByWay = true
	const about = "  feature group payments/t_1: "
	for _, test := range []struct {
		report lookup.SelectReport
		want   string
	}{
		{lookup.SelectReport{One: byKey, Several: byKey}, ""},
		{lookup.SelectReport{One: byKey, Several: few}, ""},
		{lookup.SelectReport{One: byKey, Several: scan}, "TROUBLE" + about + "the statement for several keys does not use the " +
			"primary key (EXPLAIN: type ALL, key -, 50 rows); run ANALYZE TABLE `db`.`t`"},
		{lookup.SelectReport{One: many, Several: byKey}, "TROUBLE" + about + "the statement for one key does not use the " +
			"primary key (EXPLAIN: type index, key other, 200 rows); "},
		{lookup.SelectReport{AccessErr: io.EOF}, "WARNING  the server does not EXPLAIN statements: EOF; see"},
		{lookup.SelectReport{Err: pool.ErrTimeout}, "TROUBLE" + about + "table db.t does not answer in time; "},
		{lookup.SelectReport{Err: io.EOF, AccessErr: io.EOF}, "TROUBLE" + about + "table db.t cannot be read: EOF; "},
		{
			lookup.SelectReport{Err: &pool.ServerError{Number: 1143, Message: "no"}},
			"TROUBLE" + about + "no; GRANT SELECT ON `db`.`t` TO me",
		},
		{
			lookup.SelectReport{One: lookup.Access{Type: "ref", Key: "PRIMARY"}, Several: byKey, Err: errors.New("two rows")},
			"TROUBLE" + about + "the primary key of table db.t has columns that the user does not see; GRANT SELECT ON `db`.`t` ",
		},
	} {
		test.report.Select = &catalog.Select{Group: &catalog.Group{
			Store: "payments", Name: "t", Version: 1, Table: catalog.TableName{Database: "db", Name: "t"},
		}}
		got := judged(func(f *findings) { judgeRead(f, "h:1", test.report, "me") })
		if (test.want == "") != (got == "") || !strings.HasPrefix(got, test.want) || strings.Count(got, "\n") > 1 {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// TestIndex tells the primary key from another index, and either from a scan.
func TestIndex(t *testing.T) {
	one, several := lookup.Access{Type: "const", Key: "PRIMARY"}, lookup.Access{Type: "range", Key: "PRIMARY"}
	other, scan := lookup.Access{Type: "range", Key: "wide", ByWay: true}, lookup.Access{Type: "index", Key: "PRIMARY"}
	few := scan
	few.ByWay = true
	for _, test := range []struct {
		accesses []lookup.Access
		want     string
		fewRows  bool
	}{
		{nil, "", false},
		{[]lookup.Access{{Extra: "no matching row in const table"}}, "", false},
		{[]lookup.Access{one, several, one, several}, "PRIMARY (const, range)", false},
		{[]lookup.Access{one, other, one, other}, "PRIMARY (const), wide (range)", false},
		{[]lookup.Access{other}, "wide (range)", false},
		{[]lookup.Access{one, scan}, "scan", false},
		{[]lookup.Access{one, few}, "scan", true},
	} {
		var s groupSummary
		for _, a := range test.accesses {
			s.addAccess(a)
		}
		if got := s.index(); got != test.want || s.fewRows != test.fewRows {
			t.Errorf("%v: got %q, %t", test.accesses, got, s.fewRows)
		}
	}
}

// TestJudgeTogether holds three nodes against one another: two agree, the third has another definition of one table; and
// a table of an engine that the nodes do not share is noted.
func TestJudgeTogether(t *testing.T) {
	a, b := catalog.TableName{Database: "db", Name: "a"}, catalog.TableName{Database: "db", Name: "b"}
	table := func(columnType string) *catalog.Table {
		return &catalog.Table{PrimaryKey: []string{"id"}, Columns: []column.Def{{Name: "id", ColumnType: columnType}}}
	}
	type tables = map[catalog.TableName]*catalog.Table
	reports := []*lookup.NodeReport{
		{NodeConfig: lookup.NodeConfig{Address: "h:1"}, Tables: tables{a: table("int"), b: table("int")}},
		{NodeConfig: lookup.NodeConfig{Address: "h:2"}},
		{NodeConfig: lookup.NodeConfig{Address: "h:3"}, Tables: tables{a: table("int"), b: table("bigint")}},
	}
	got := judged(func(f *findings) { judgeAgreement(f, reports) })
	if got != "TROUBLE  table db.b: nodes h:1 and h:3 disagree: column id is int not null and bigint not null; point both at "+
		"one cluster, or finish the ALTER TABLE\n" {
		t.Errorf("got %s", got)
	}
	reports[0].Engines = map[catalog.TableName]string{a: "ndbcluster", b: "InnoDB"}
	got = judged(func(f *findings) { judgeEngines(f, reports[0]) })
	const want = "NOTE     table db.b: its engine is InnoDB while others are ndbcluster, "
	if !strings.HasPrefix(got, want) || strings.Count(got, "\n") > 1 {
		t.Errorf("got %s", got)
	}
	reports[0].Engines[a] = "InnoDB"
	if got = judged(func(f *findings) { judgeEngines(f, reports[0]) }); got != "" {
		t.Errorf("without NDB: %s", got)
	}
}

func TestDifference(t *testing.T) {
	first := &catalog.Table{PrimaryKey: []string{"a", "b"}, Columns: []column.Def{{Name: "a"}, {Name: "b"}}}
	for _, test := range []struct {
		other *catalog.Table
		want  string
	}{
		{&catalog.Table{PrimaryKey: []string{"a", "b"}, Columns: []column.Def{{Name: "b"}, {Name: "a"}}}, ""},
		{&catalog.Table{PrimaryKey: []string{"b", "a"}}, "the primary key is (a, b) and (b, a)"},
		{&catalog.Table{PrimaryKey: []string{"a", "b"}, Columns: first.Columns[:1]}, "the second has no column b"},
		{
			&catalog.Table{PrimaryKey: []string{"a", "b"}, Columns: append([]column.Def{{Name: "c"}}, first.Columns...)},
			"the first has no column c",
		},
		{
			&catalog.Table{PrimaryKey: []string{"a", "b"}, Columns: []column.Def{
				{Name: "a", ColumnType: "char(2)", Collation: "ascii_bin", Nullable: true}, {Name: "b"},
			}},
			"column a is  not null and char(2) ascii_bin",
		},
	} {
		if got := difference(first, test.other); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// TestFindings merges what several nodes have, and sums up.
func TestFindings(t *testing.T) {
	f := findings{asked: 4, reached: 3}
	f.add(note, "n")
	for _, node := range []string{"a", "b", "c", "d", "a"} {
		f.addOn(node, trouble, "on all")
	}
	for _, node := range []string{"a", "b", "c"} {
		f.addOn(node, warning, "on those reached")
	}
	f.addOn("a", warning, "on two")
	f.addOn("b", warning, "on two")
	f.addOn("b", trouble, "on one")
	var b bytes.Buffer
	f.print(&b)
	const want = `TROUBLE  on all (on every node)
TROUBLE  on one (on node b)
WARNING  on those reached (on every node that was reached)
WARNING  on two (on nodes a, b)
NOTE     n
`
	if b.String() != want || f.verdict(false) != "check: 2 troubles, 2 warnings" {
		t.Errorf("got %s%s", b.String(), f.verdict(false))
	}
}

// TestTellWaiting says nothing within a second, and leaves nothing on the screen.
func TestTellWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen buffer
		stop := tellWaiting(&screen, func() []string { return []string{"h:1", "h:2"} })
		time.Sleep(999 * time.Millisecond)
		synctest.Wait()
		if got := screen.String(); got != "" {
			t.Errorf("too early: %q", got)
		}
		time.Sleep(1002 * time.Millisecond)
		synctest.Wait()
		stop()
		const line = "\r\x1b[Kwaiting for h:1, h:2 "
		if got := screen.String(); got != line+"(1s of 10s)"+line+"(2s of 10s)\r\x1b[K" {
			t.Errorf("got %q", got)
		}
	})
}

func TestClockState(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "<1ms", 900 * time.Microsecond: "<1ms", -20 * time.Millisecond: "-20ms", 3 * time.Second: "+3s",
	} {
		if got := clockState(d); got != want {
			t.Errorf("%v: %s", d, got)
		}
	}
}
