package bench

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/vectors"
)

// callers ask for one key at a time.
const callers = 64

// BenchmarkHotKey has 64 callers ask for one key at once, and reports how many statements that costs: the median of all
// rounds. One operation is a round.
func BenchmarkHotKey(b *testing.B) {
	for _, kind := range []testbed.Kind{testbed.KindMariaDB, testbed.KindNDB} {
		b.Run(string(kind), func(b *testing.B) {
			db := shared.Get(b, kind)
			t := table{name: "rows", features: 10, rows: keyCount}
			create(b, db, t)
			service := open(b, db, catalogue([]table{t}, []view{{"v", []table{t}, features(10)}}))
			var statements []uint64
			before := service.Stats().Lookup.Nodes[0].Statements
			for b.Loop() {
				atOnce(b, service, appendBody(nil, "v", draw(1, keyCount)))
				after := service.Stats().Lookup.Nodes[0].Statements
				statements, before = append(statements, after-before), after
			}
			slices.Sort(statements)
			b.ReportMetric(float64(statements[len(statements)/2]), "statements")
		})
	}
}

// atOnce has all callers send a request, and returns when they have their answers.
func atOnce(b *testing.B, service *vectors.Service, body []byte) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(callers)
	for range callers {
		done.Go(func() {
			r := &vectors.Request{Body: body, Access: everything{}}
			ready.Done()
			<-start
			r.Received = time.Now()
			if _, err := service.Append(nil, r); err != nil {
				b.Error(err)
			}
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}
