//go:build !race

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/vectors"
)

// TestAllocations holds requests to a budget on real servers: one that does not depend on how many keys, rows and cells there
// are. What there is may be a keep-alive's, or the runtime's own.
func TestAllocations(t *testing.T) {
	const budget = 2
	for _, kind := range []testbed.Kind{testbed.KindMariaDB, testbed.KindNDB} {
		t.Run(string(kind), func(t *testing.T) {
			db := shared.Get(t, kind)
			l := groupsLoad(5)
			create(t, db, l.tables...)
			service := open(t, db, catalogue(l.tables, l.views))
			for _, entries := range []int{1, 10, 100, 1000} {
				keys := draw(entries, 1000)
				r := &vectors.Request{Body: appendBody(nil, "v", keys), Access: everything{}}
				var dst []byte
				run := func() {
					r.Received = time.Now()
					var err *vectors.Error
					if dst, err = service.Append(dst[:0], r); err != nil {
						t.Fatal(err)
					}
				}
				for range 20 { // statements are prepared, buffers grow
					run()
				}
				what := fmt.Sprintf("%d entries of 50 features over 5 groups", entries)
				if got := testing.AllocsPerRun(50, run); got > budget {
					t.Errorf("%s: %v allocations", what, got)
				} else {
					t.Logf("%s: %v allocations", what, got)
				}
			}
		})
	}
}
