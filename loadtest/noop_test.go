package loadtest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// noopEnv has the test binary be a server that answers "ok" to everything, and says how many rounds of idle computing each
// request costs it beside.
const noopEnv = "RONGATE_LOADTEST_NOOP"

// serveNoop is that server. It says where it listens, and ends when its standard input does.
func serveNoop(rounds string) {
	n, err := strconv.Atoi(rounds)
	if err != nil {
		panic(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(ln.Addr())
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}()
	err = fasthttp.Serve(ln, func(ctx *fasthttp.RequestCtx) {
		ctx.Response.Header.SetBytesV(requestIDHeader, ctx.Request.Header.Peek(requestIDHeader))
		ctx.SetBodyString("ok")
		spin(n)
	})
	panic(err)
}

// spin computes for a while.
func spin(rounds int) {
	x := uint64(rounds)
	for range rounds {
		x = x*6364136223846793005 + 1
	}
	if x == 42 {
		fmt.Println(x)
	}
}

// noop starts the server as a process of its own.
func noop(t testing.TB, rounds int) (url string, process int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), noopEnv+"="+strconv.Itoa(rounds), "GOMAXPROCS=2")
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
	return "http://" + line[:len(line)-1], cmd.Process.Pid
}

// longEnv asks for the tests that take minutes, and want the machine for themselves.
const longEnv = "RONGATE_LOADTEST_LONG"

func long(t *testing.T) {
	t.Helper()
	if os.Getenv(longEnv) == "" {
		t.Skipf("takes minutes and the machine for itself; %s=1 asks for it", longEnv)
	}
}

// TestCompareFinds compares a server with itself, and with one that takes a tenth more CPU time a request.
func TestCompareFinds(t *testing.T) {
	long(t)
	const runs, rate = 20, 2000
	// What a request costs the server, and how many rounds of spin are a tenth of that.
	url, process := noop(t, 0)
	other, otherProcess := noop(t, 0)
	compare := func(b string, bProcess int) Ratio {
		c, err := Compare(t.Context(), Comparing{
			Config: Config{URL: url, Source: plain{}, Steps: []Step{{Rate: rate, Duration: 100 * time.Millisecond}}},
			B:      b, Pairs: 60, Process: [2]int{process, bProcess},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range c.Ratios {
			if r.What == "CPU a request" {
				return r
			}
		}
		t.Fatalf("CPU was not measured: %+v", c.Ratios)
		return Ratio{}
	}
	cost := compare(other, otherProcess).A
	began := time.Now()
	const many = 10_000_000
	spin(many)
	rounds := int(cost / 10 / (time.Since(began).Seconds() / many))
	slow, slowProcess := noop(t, rounds)
	held, narrow, found := 0, 0, 0
	for i := range runs {
		same, slower := compare(other, otherProcess), compare(slow, slowProcess)
		t.Logf("%2d: with itself %.3f (%.3f to %.3f), with a handicap %.3f (%.3f to %.3f)", i+1,
			same.Ratio, same.Low, same.High, slower.Ratio, slower.Low, slower.High)
		if same.Low <= 1 && same.High >= 1 {
			held++
		}
		if (same.High-same.Low)/2 <= 0.05 {
			narrow++
		}
		if slower.Low > 1 {
			found++
		}
	}
	t.Logf("%.1f us a request; of %d intervals %d hold 1, %d are within 5 %%; %d find the handicap", 1e6*cost, runs, held,
		narrow, found)
	if held < 17 || narrow < 17 || found < 18 {
		t.Error("too few")
	}
}
