package e2e

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/rongate/rongate/internal/hopsdb"
	"github.com/rongate/rongate/internal/testbed"
)

// echoEnv has the test binary be an HTTP server that echoes bodies, at the address in it: the least that an answer costs.
const echoEnv = "RONGATE_E2E_ECHO"

// echo serves until the process is killed, if it is to.
func echo() {
	if address := os.Getenv(echoEnv); address != "" {
		err := fasthttp.ListenAndServe(address, func(ctx *fasthttp.RequestCtx) { ctx.SetBody(ctx.Request.Body()) })
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// BenchmarkRejection is what an API key costs that somebody has made up, another one for each request: CPU against an echo of
// the same request, in turn, both at 10,000 requests a second, and statements for the metadata layer. A good key is used
// all the while.
func BenchmarkRejection(b *testing.B) {
	db := shared.Get(b, testbed.KindMariaDB)
	c := newCompany(hopsdb.Release5, "_reject", db.Engine())
	execute(b, db, strings.Join(c.Take(), ";\n"))
	p := newHopsworksProgram(b, db, c.Schema, "")
	p.start()
	defer p.stop()
	p.key = c.keys["shopper"].Text
	p.poll(func() bool {
		_, code := p.vector(c.suffix, "shop/own/1", `{"id": 1}`)
		return code == http.StatusOK
	})
	address := freeAddress(b)
	server := exec.CommandContext(b.Context(), os.Args[0])
	server.Env = append(os.Environ(), echoEnv+"="+address)
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	awaitAddress(b, address)

	body := []byte(fmt.Sprintf(`{"featureStore": "shop%s", "featureView": "own", "entry": {"id": 1}}`, c.suffix))
	var echoed, rejected time.Duration
	var requests, statements float64
	for b.Loop() {
		for _, one := range []struct {
			address string
			pid     int
			want    int
			into    *time.Duration
		}{
			{address, server.Process.Pid, http.StatusOK, &echoed},
			{strings.TrimPrefix(p.public, "http://"), p.cmd.Process.Pid, http.StatusUnauthorized, &rejected},
		} {
			reads := p.metric(b, "rongate_metadata_key_reads_total")
			before := cpuOf(b, one.pid)
			sent := flood(b, one.address, body, one.want, func() {
				if got, code := p.vector(c.suffix, "shop/own/1", `{"id": 1}`); code != http.StatusOK {
					b.Errorf("the good key: %d: %s", code, got)
				}
			})
			*one.into += cpuOf(b, one.pid) - before
			if one.want == http.StatusUnauthorized {
				requests += float64(sent)
				statements += p.metric(b, "rongate_metadata_key_reads_total") - reads
			}
		}
	}
	b.ReportMetric(float64(rejected.Microseconds())/requests, "cpu-µs/rejection")
	b.ReportMetric(float64(rejected)/float64(echoed), "×echo")
	b.ReportMetric(statements/requests, "statements/rejection")
	b.ReportMetric(requests/float64(b.N)/floodFor.Seconds(), "rejections/s")
}

const (
	floodFor         = 2 * time.Second
	floodRate        = 10_000 // requests a second, all connections together
	floodConnections = 400    // each waits for its answer: statements for unknown keys are 25 ms apart
)

// flood sends requests with made-up keys, and calls beside ten times a second meanwhile. Answers have to have the code.
func flood(b *testing.B, address string, body []byte, want int, beside func()) (sent int64) {
	var flooding sync.WaitGroup
	var count atomic.Int64
	begun := time.Now()
	round := begun.UnixNano()
	for i := range floodConnections {
		flooding.Go(func() {
			client := &fasthttp.HostClient{
				Addr: address, MaxConns: 4, MaxIdleConnDuration: 50 * time.Millisecond, // its goroutine ends soon after
				Dial: func(address string) (net.Conn, error) { return net.Dial("tcp", address) },
			}
			defer client.CloseIdleConnections()
			request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
			request.SetRequestURI("http://" + address + "/feature-vectors")
			request.Header.SetMethod(http.MethodPost)
			request.Header.SetContentType("application/json")
			request.SetBody(body)
			const gap = floodConnections * time.Second / floodRate
			for n := 0; ; n++ {
				due := begun.Add(time.Duration(n)*gap + time.Duration(i)*gap/floodConnections)
				if due.Sub(begun) > floodFor {
					return
				}
				time.Sleep(time.Until(due))
				request.Header.Set("X-API-Key", fmt.Sprintf("%x%04x%06x.0123456789abcdef", round, i, n))
				if err := client.Do(request, response); err != nil || response.StatusCode() != want {
					b.Errorf("%v: %d: %s", err, response.StatusCode(), response.Body())
					return
				}
				count.Add(1)
			}
		})
	}
	for time.Since(begun) < floodFor {
		beside()
		time.Sleep(100 * time.Millisecond)
	}
	flooding.Wait()
	return count.Load()
}

// cpuOf is what the threads of a process have used.
func cpuOf(b *testing.B, pid int) (sum time.Duration) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		b.Skip("the CPU time of processes is not told here")
	}
	for _, t := range threads {
		text, _ := os.ReadFile(t) // a thread may have ended
		first, _, _ := strings.Cut(string(text), " ")
		ns, _ := strconv.ParseInt(cmp.Or(first, "0"), 10, 64)
		sum += time.Duration(ns)
	}
	return sum
}

func awaitAddress(b *testing.B, address string) {
	for limit := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(limit) {
			b.Fatal(err)
		}
	}
}
