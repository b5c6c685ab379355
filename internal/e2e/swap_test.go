package e2e

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/rongate/rongate/internal/hopsdb"
	"github.com/rongate/rongate/internal/testbed"
)

// BenchmarkSwap is what a catalogue of many feature views costs those who ask while it changes: the latency of requests for
// one of them, in turn while another is added every second, and while one is added to an installation that rongate does not
// know. RONGATE_VIEWS is how many there are, 500 if nothing is said.
func BenchmarkSwap(b *testing.B) {
	db := shared.Get(b, testbed.KindMariaDB)
	views, err := strconv.Atoi(cmp.Or(os.Getenv("RONGATE_VIEWS"), "500"))
	if err != nil {
		b.Fatal(err)
	}
	box := hopsdb.New("hopsworks_swap", hopsdb.Release5, db.Engine())
	project := box.Project("swap")
	group := project.Group(hopsdb.Group{Name: "asked", Version: 1, Columns: columns("id int!", "v int")}, "1, 10")
	project.View("asked", 1, hopsdb.Join{Group: group, Features: []string{"v"}})
	project.Many(views, 20)
	other := hopsdb.New("hopsworks_unswapped", hopsdb.Release5, db.Engine())
	stranger := other.Project("unswapped")
	unseen := stranger.Group(hopsdb.Group{Name: "asked", Version: 1, Columns: columns("id int!", "v int")}, "1, 10")
	for part := range slices.Chunk(append(box.Take(), other.Take()...), 50) {
		execute(b, db, strings.Join(part, ";\n"))
	}
	p := newHopsworksProgram(b, db, box.Schema, "apiKeys: {check: false}")
	p.start()
	defer p.stop()
	p.await()
	const round = 5 * time.Second
	var quiet, changing []time.Duration
	added := 0
	add := func(box *hopsdb.Box, project *hopsdb.Project, group *hopsdb.Group) func() {
		return func() {
			added++
			project.View(fmt.Sprintf("added%d", added), 1, hopsdb.Join{Group: group, Features: []string{"v"}})
			execute(b, db, strings.Join(box.Take(), ";\n"))
		}
	}
	for b.Loop() {
		quiet = append(quiet, p.ask(b, round, add(other, stranger, unseen))...)
		changing = append(changing, p.ask(b, round, add(box, project, group))...)
	}
	p.poll(func() bool {
		_, code := p.vector("", fmt.Sprintf("swap/added%d/1", added), `{"id": 1}`)
		return code == http.StatusOK
	})
	for _, q := range []struct {
		name string
		q    float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}} {
		before, meanwhile := quantileOf(quiet, q.q), quantileOf(changing, q.q)
		b.ReportMetric(float64(before.Microseconds()), q.name+"-quiet-µs")
		b.ReportMetric(float64(meanwhile.Microseconds()), q.name+"-changing-µs")
	}
}

func quantileOf(list []time.Duration, q float64) time.Duration {
	slices.Sort(list)
	return list[int(q*float64(len(list)-1))]
}

// ask asks 500 times a second, and calls beside once a second. It returns the latencies, from when requests were due.
func (p *program) ask(b *testing.B, length time.Duration, beside func()) (latencies []time.Duration) {
	const callers, rate = 20, 500
	address := strings.TrimPrefix(p.public, "http://")
	begun := time.Now()
	var asking sync.WaitGroup
	var mu sync.Mutex
	for i := range callers {
		asking.Go(func() {
			client := &fasthttp.HostClient{
				Addr: address, MaxConns: 4, MaxIdleConnDuration: 50 * time.Millisecond,
				Dial: func(address string) (net.Conn, error) { return net.Dial("tcp", address) },
			}
			request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
			request.SetRequestURI(p.public + "/feature-vectors")
			request.Header.SetMethod(http.MethodPost)
			request.SetBodyString(`{"featureStore": "swap", "featureView": "asked", "entry": {"id": 1}}`)
			const gap = callers * time.Second / rate
			var own []time.Duration
			for n := 0; ; n++ {
				due := begun.Add(time.Duration(n)*gap + time.Duration(i)*gap/callers)
				if due.Sub(begun) > length {
					break
				}
				time.Sleep(time.Until(due))
				if err := client.Do(request, response); err != nil || response.StatusCode() != http.StatusOK {
					b.Errorf("%v: %d: %s", err, response.StatusCode(), response.Body())
					break
				}
				own = append(own, time.Since(due))
			}
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, own...)
		})
	}
	for next := begun.Add(time.Second); next.Sub(begun) < length; next = next.Add(time.Second) {
		time.Sleep(time.Until(next))
		beside()
	}
	asking.Wait()
	return latencies
}
