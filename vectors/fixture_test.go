package vectors

import (
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/internal/fakenode"
	"github.com/rongate/rongate/lookup"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const fixtureCatalogue = `
featureStores:
  - name: payments
    featureGroups:
      - {name: account, version: 1, eventTime: updated, ttl: 1h}
      - {name: merchant, version: 1}
      - {name: wide, version: 1}
    featureViews:
      - name: fraud
        version: 1
        joins:
          - {group: account, version: 1}
          - {group: merchant, version: 1, prefix: m_, keys: {name: merchant}}
        features:
          - id
          - {name: amount, default: -1}
          - {name: country, default: XX}
          - big
          - m_name
          - {name: m_score, default: 0.5}
      - {name: twice, version: 1, joins: [{group: account, version: 1}], features: [amount]}
      - {name: twice, version: 2, joins: [{group: account, version: 1}], features: [amount]}
      - name: wide
        version: 1
        joins:
          - {group: wide, version: 1}
        features: [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19]
`

// now is the clock of the fixture, in Unix seconds.
const now = 1_800_000_000

// fixture is a Service over two fake nodes.
type fixture struct {
	t       testing.TB
	service *Service
	nodes   map[string]*fakenode.Node
}

func definitions() map[catalog.TableName]*catalog.Table {
	bigint := func(name string) column.Def {
		return column.Def{Name: name, DataType: "bigint", ColumnType: "bigint", NumericPrecision: 19}
	}
	varchar := func(name string, n int) column.Def {
		return column.Def{
			Name: name, DataType: "varchar", ColumnType: fmt.Sprintf("varchar(%d)", n), CharMaxLength: int64(n),
			Charset: "utf8mb4", Collation: "utf8mb4_bin",
		}
	}
	double := func(name string) column.Def {
		return column.Def{Name: name, DataType: "double", ColumnType: "double", Nullable: true, NumericPrecision: 22}
	}
	wide := []column.Def{bigint("id")}
	for i := range 20 {
		wide = append(wide, double(fmt.Sprintf("f%d", i)))
	}
	tables := map[catalog.TableName]*catalog.Table{}
	for _, t := range []*catalog.Table{
		{Name: catalog.TableName{Name: "account_1"}, PrimaryKey: []string{"id"}, Columns: []column.Def{
			bigint("id"), double("amount"), varchar("country", 2), bigint("big"), bigint("updated"),
		}},
		{Name: catalog.TableName{Name: "merchant_1"}, PrimaryKey: []string{"name"}, Columns: []column.Def{
			varchar("name", 20), double("score"),
		}},
		{Name: catalog.TableName{Name: "wide_1"}, PrimaryKey: []string{"id"}, Columns: wide},
	} {
		t.Name.Database = "payments"
		tables[t.Name] = t
	}
	return tables
}

// newFixture makes the Service. Account i in [1, 1000] exists unless i ends in 9, and has expired if it ends in 8; NULLs
// in those that end in 7. Merchants m1 and m2 exist.
func newFixture(t testing.TB) *fixture {
	t.Helper()
	spec, err := catalog.Parse("catalog.yaml", []byte(fixtureCatalogue))
	if err != nil {
		t.Fatal(err)
	}
	defs := definitions()
	snapshot, err := spec.Resolve(defs)
	if err != nil {
		t.Fatal(err)
	}
	tables := fakeTables(t, defs)
	nodes := map[string]*fakenode.Node{"a": {Tables: tables, Size: 8}, "b": {Tables: tables, Size: 8}}
	reader, err := lookup.Open(lookup.Config{
		Zone:    "z1",
		Nodes:   []lookup.NodeConfig{{Address: "a", Zone: "z1"}, {Address: "b", Zone: "z1"}},
		Connect: fakenode.Connect(nodes),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := reader.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		if n := reader.Stats().Blocks; n != 0 {
			t.Errorf("%d blocks were not released", n)
		}
	})
	service := New(Config{Now: func() time.Time { return time.Unix(now, 0) }}, reader)
	if err := service.Use(snapshot); err != nil {
		t.Fatal(err)
	}
	return &fixture{t: t, service: service, nodes: nodes}
}

func fakeTables(t testing.TB, defs map[catalog.TableName]*catalog.Table) map[string]*fakenode.Table {
	t.Helper()
	tables := map[string]*fakenode.Table{}
	for name, def := range defs {
		var columns []*column.Column
		for _, d := range def.Columns {
			c, err := column.New(d)
			if err != nil {
				t.Fatal(err)
			}
			columns = append(columns, c)
		}
		tables[name.Database+"."+name.Name] = fakenode.NewTable(1, columns...)
	}
	text := func(s string) column.Value { return column.BytesValue([]byte(s)) }
	for i := range int64(1001) {
		if i%10 == 9 || i == 0 {
			continue
		}
		amount, event := column.Float64Value(float64(i)/4), column.IntValue(now-60)
		switch i % 10 {
		case 7:
			amount = column.Null()
		case 8:
			event = column.IntValue(now - 7200)
		}
		tables["payments.account_1"].Put(column.IntValue(i), amount, text("SE"), column.IntValue(1<<60+i), event)
	}
	tables["payments.merchant_1"].Put(text("m1"), column.Float64Value(1.25))
	tables["payments.merchant_1"].Put(text("m2"), column.Null())
	for i := range int64(1000) {
		row := []column.Value{column.IntValue(i)}
		for f := range 20 {
			row = append(row, column.Float64Value(float64(i)*1.7+float64(f)/3))
		}
		tables["payments.wide_1"].Put(row...)
	}
	return tables
}

// everything may be read.
type everything struct{}

func (everything) MayRead(*catalog.View) bool { return true }

func (everything) MayKnow(string, string) bool { return true }
func (everything) MayTell(string, string) bool { return true }

func (f *fixture) request(body string) *Request {
	return &Request{Body: []byte(body), Received: time.Now(), Access: everything{}}
}

// answer is what a request gets: the body, or the error as "code field entry".
func (f *fixture) answer(body string) string {
	got, err := f.service.Append(nil, f.request(body))
	if err == nil {
		return string(got)
	}
	if len(got) != 0 {
		f.t.Errorf("an error and %q", got)
	}
	return fmt.Sprintf("%s %s %d", err.Code, err.Field, err.Entry)
}
