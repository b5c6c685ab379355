package lookup

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/pool"
)

// tinyServer has a table of one integer column, its key.
type tinyServer struct {
	rowsConn
	keys    []int64
	hidden  bool     // from reads by key
	how     []string // type and key that EXPLAIN shows; none: it fails
	forced  []string // the same where the primary key is forced
	queries []string
}

func (s *tinyServer) Select(_ time.Time, query string, args []column.Value, sink pool.Sink) error {
	s.queries = append(s.queries, query)
	how := s.how
	if strings.Contains(query, "`t` FORCE INDEX (PRIMARY) WHERE ") {
		how = s.forced
	}
	switch {
	case strings.HasPrefix(query, "EXPLAIN ") && how == nil:
		return errors.New("cannot explain")
	case strings.HasPrefix(query, "EXPLAIN "):
		return s.explain(how, sink)
	}
	for _, key := range s.keys {
		asked := func(v column.Value) bool { i, ok := v.Int(); return ok && i == key }
		if strings.Contains(query, " WHERE ") && (s.hidden || !slices.ContainsFunc(args, asked)) {
			continue
		}
		if err := sink.Row([]column.Value{column.IntValue(key)}); err != nil {
			return err
		}
	}
	return nil
}

func (s *tinyServer) explain(how []string, sink pool.Sink) error {
	err := sink.Columns([]pool.ResultColumn{{Name: "id"}, {Name: "type"}, {Name: "rows"}, {Name: "key"}, {Name: "Extra"}})
	if err != nil {
		return err
	}
	return sink.Row([]column.Value{
		column.IntValue(1), column.BytesValue([]byte(how[0])), column.IntValue(3), column.BytesValue([]byte(how[1])),
		column.Null(),
	})
}

func tinyPlan(t *testing.T) *Plan {
	t.Helper()
	id, err := column.New(column.Def{Name: "id", DataType: "int", ColumnType: "int"})
	if err != nil {
		t.Fatal(err)
	}
	group := &catalog.Group{Table: catalog.TableName{Database: "db", Name: "t"}, Key: []*column.Column{id}}
	return compile(&catalog.Select{Group: group, EventTime: -1}, 0)
}

// TestReadOne reads what there is by the statements that serve it, and explains them.
func TestReadOne(t *testing.T) {
	byKey, scan := []string{"range", "PRIMARY"}, []string{"ALL", ""}
	shown := Access{Type: "range", Key: "PRIMARY", Rows: 3}
	for _, test := range []struct {
		name   string
		server tinyServer
		rows   int
		err    error
		access Access // of several; the zero Access: it is not known
	}{
		{"two rows", tinyServer{keys: []int64{7, 8}, how: byKey}, 2, nil, shown},
		{"one row", tinyServer{keys: []int64{7}, how: byKey}, 1, nil, shown},
		{"the key that is tried unasked", tinyServer{keys: []int64{0}, how: byKey}, 1, nil, shown},
		{"no row", tinyServer{how: byKey}, 0, nil, shown},
		{"a row that its key does not find", tinyServer{keys: []int64{7}, how: byKey, hidden: true}, 0, errLost, shown},
		{"no EXPLAIN", tinyServer{keys: []int64{7}}, 1, nil, Access{}},
		{
			"a scan by choice",
			tinyServer{keys: []int64{7}, how: scan, forced: byKey},
			1, nil,
			Access{Type: "ALL", Rows: 3, ByWay: true},
		},
		{
			"a scan of the primary key's index by choice",
			tinyServer{keys: []int64{7}, how: []string{"index", "PRIMARY"}, forced: []string{"index", "PRIMARY"}},
			1, nil,
			Access{Type: "index", Key: "PRIMARY", Rows: 3, ByWay: true},
		},
		{"a scan", tinyServer{keys: []int64{7}, how: scan, forced: scan}, 1, nil, Access{Type: "ALL", Rows: 3}},
	} {
		r := readOne(&test.server, tinyPlan(t))
		if !errors.Is(r.Err, test.err) || (r.Err == nil) != (test.err == nil) || r.Rows != test.rows ||
			r.Several != test.access || (r.AccessErr == nil) != (test.access != Access{}) {
			t.Errorf("%s: %+v", test.name, r)
		}
		if got := strings.Join(test.server.queries, "\n"); !strings.Contains(got, "SELECT `id` FROM `db`.`t` LIMIT 2") ||
			!strings.Contains(got, "\nSELECT `id` FROM `db`.`t` WHERE `id` = ?") {
			t.Errorf("%s: asked\n%s", test.name, got)
		}
	}
}

func TestByKey(t *testing.T) {
	for a, want := range map[Access]bool{
		{Type: "const", Key: "PRIMARY"}:                                true,
		{Type: "eq_ref", Key: "PRIMARY"}:                               true,
		{Type: "ref", Key: "PRIMARY"}:                                  true,
		{Type: "range", Key: "PRIMARY"}:                                true,
		{Type: "index", Key: "PRIMARY"}:                                false,
		{Type: "range", Key: "other"}:                                  false,
		{Type: "ALL"}:                                                  false,
		{Extra: "Impossible WHERE noticed after reading const tables"}: true,
		{Extra: "no matching row in const table"}:                      true,
		{Extra: "Impossible WHERE"}:                                    false,
	} {
		if a.ByKey() != want {
			t.Errorf("%+v: %t", a, !want)
		}
	}
}

func TestPreparedStatements(t *testing.T) {
	small := tinyPlan(t).sel
	large := *small
	large.Large = true
	if n := PreparedStatements(&catalog.Snapshot{Selects: []*catalog.Select{small, &large}}); n != 8+5 {
		t.Errorf("%d statements", n) // for 1, 2, 4 … 128 keys, and for 1 … 16
	}
}
