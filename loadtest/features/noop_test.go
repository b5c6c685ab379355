package features

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/rongate/rongate/loadtest"
)

const (
	// noopEnv has the test binary be a server that gives the same answer to everything.
	noopEnv = "RONGATE_FEATURES_NOOP"

	// longEnv asks for the tests that want the machine for themselves.
	longEnv = "RONGATE_LOADTEST_LONG"
)

// serveNoop is that server. It says where it listens, and ends when its standard input does.
func serveNoop(answer string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("http://" + ln.Addr().String())
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}()
	panic(fasthttp.Serve(ln, func(ctx *fasthttp.RequestCtx) {
		ctx.Response.Header.SetBytesV("X-Request-Id", ctx.Request.Header.Peek("X-Request-Id"))
		ctx.SetBodyString(answer)
	}))
}

// noop starts the server as a process of its own.
func noop(t testing.TB, answer string) (url string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), noopEnv+"="+answer)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line[:len(line)-1]
}

// TestTwentyThousand asks for so many vectors of 46 features a second, and checks each, of a server that does nothing; the
// two have the machine's cores to share. There is one entry, so that there is one answer.
func TestTwentyThousand(t *testing.T) {
	if os.Getenv(longEnv) == "" {
		t.Skipf("wants the machine for itself; %s=1 asks for it", longEnv)
	}
	data := newData(t, time.Now())
	d := newDouble(t, data)
	source := open(t, d.start(t), Config{
		Data: data, Views: []View{{Name: "fraud", Version: 2}}, Keys: Keys{Hot: 1, Share: 1},
	})
	var req fasthttp.Request
	source.Asker(rand.New(rand.NewPCG(1, 1))).Ask(&req)
	var q question
	mustDecode(req.Body(), &q)
	const rate, seconds = 20_000, 20
	r, err := loadtest.Run(t.Context(), loadtest.Config{
		URL: noop(t, d.answer(&q)), Source: source, Steps: []loadtest.Step{{Rate: rate, Duration: seconds * time.Second}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d requests, %.2f %% late, %d failed; p50 %v, p99 %v, p99.9 %v", r.Total.Sent,
		100*float64(r.Total.Late)/float64(r.Total.Due), r.Total.Failures(),
		r.Total.Quantile(0.5), r.Total.Quantile(0.99), r.Total.Quantile(0.999))
	for _, w := range r.Windows {
		t.Logf("%v: %d due, %d late, p50 %v, p99 %v", w.Start, w.Due, w.Late, w.Quantile(0.5), w.Quantile(0.99))
	}
	if r.Void() || r.Total.Failures() > 0 || float64(r.Total.Sent) < rate*seconds*0.99 {
		t.Errorf("void: %t; failed: %v", r.Void(), r.Examples)
	}
}
