package bench

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/vectors"
)

// A dimension is something that there can be more or less of, while all else stays as it is: one entry, of a view of one
// group, of which it takes ten features, in a catalogue of one view.
type dimension struct {
	name, unit string // all of them, and one
	sizes      []int
	load       func(n int) load
}

// A load is what is asked for: entries of one of the views, drawn each time, with keys that are drawn too.
type load struct {
	tables  []table
	views   []view
	entries int
}

// BenchmarkCost measures how the cost of a request grows with what is asked for: the time of Service.Append, which waits
// for the server, and the CPU time of this process, which is rongate's. One request at a time; costplot draws it.
func BenchmarkCost(b *testing.B) {
	for _, d := range []dimension{
		{"entries", "entry", []int{1, 10, 100, 1000}, entriesLoad},
		{"features", "feature", []int{10, 50, 100, 500}, featuresLoad},
		{"groups", "group", []int{1, 5, 10, 20}, groupsLoad},
		{"views", "view", []int{1, 100, 5000}, viewsLoad},
	} {
		for _, n := range d.sizes {
			b.Run(fmt.Sprintf("%s=%d", d.name, n), func(b *testing.B) { cost(b, d, n) })
		}
	}
}

func entriesLoad(n int) load {
	t := table{name: "rows", features: 10, rows: keyCount}
	return load{[]table{t}, []view{{"v", []table{t}, features(10)}}, n}
}

// featuresLoad takes more or less of one wide table, so that nothing but the number of features differs.
func featuresLoad(n int) load {
	t := table{name: "wide", features: 500, rows: 1000}
	return load{[]table{t}, []view{{"v", []table{t}, features(n)}}, 1}
}

// groupsLoad reads a row of ten features from each of n tables by the same key.
func groupsLoad(n int) load {
	var tables []table
	for i := range n {
		tables = append(tables, table{name: fmt.Sprintf("group%d", i), features: 10, rows: 1000})
	}
	return load{tables, []view{{"v", tables, features(10)}}, 1}
}

// viewsLoad has n views over five tables. Each takes ten features of its own choice out of a table's forty, so that hardly
// any two can share a statement.
func viewsLoad(n int) load {
	l := load{entries: 1}
	for i := range 5 {
		l.tables = append(l.tables, table{name: fmt.Sprintf("shared%d", i), features: 40, rows: 1000})
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		t, all := l.tables[i%len(l.tables)], features(40)
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		l.views = append(l.views, view{fmt.Sprintf("v%d", i), []table{t}, all[:10]})
	}
	return l
}

// bodies are the requests of a load, enough of them that no row is always there already.
func (l *load) bodies() [][]byte {
	rows := l.tables[0].rows
	bodies := make([][]byte, max(100, len(l.views)))
	for i := range bodies {
		keys := make([]int64, 0, l.entries)
		for _, n := range rand.Perm(rows)[:l.entries] {
			keys = append(keys, int64(n)+1)
		}
		bodies[i] = appendBody(nil, l.views[i%len(l.views)].name, keys)
	}
	return bodies
}

// warmRequests is how many requests do not count. They take all connections into use.
const warmRequests = 10

func cost(b *testing.B, d dimension, n int) {
	db := shared.Get(b, testbed.KindMariaDB)
	l := d.load(n)
	create(b, db, l.tables...)
	service, bodies := open(b, db, catalogue(l.tables, l.views)), l.bodies()
	var answer []byte
	ask := func() {
		var err *vectors.Error
		answer, err = service.Append(answer[:0], &vectors.Request{
			Body: bodies[rand.IntN(len(bodies))], Received: time.Now(), Access: everything{},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for range warmRequests {
		ask()
	}
	if err := checkComplete(answer, l.entries); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		ask()
	}
	cpu := microseconds(cpuTime(b)-before) / float64(b.N)
	b.ReportMetric(cpu, "cpu-µs/op")
	if d.name != "views" { // a request asks for one, however many there are
		b.ReportMetric(microseconds(b.Elapsed())/float64(b.N*n), "µs/"+d.unit)
		b.ReportMetric(cpu/float64(n), "cpu-µs/"+d.unit)
	}
}
