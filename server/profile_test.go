package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestRecordingIsOnWhileAskedFor: the first caller turns it on, the last one off, and who asks for no seconds neither.
func TestRecordingIsOnWhileAskedFor(t *testing.T) {
	var rates []int
	p := &recording{set: func(rate int) { rates = append(rates, rate) }, rate: 7}
	nested := func(inner http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			inner(w, r)
			rates = append(rates, -1)
		}
	}
	ask := func(path string, handler http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			p.during(handler)(w, httptest.NewRequest("GET", path, nil))
		}
	}
	nothing := func(http.ResponseWriter, *http.Request) {}
	ask("/?seconds=2", nested(ask("/?seconds=1", nested(ask("/", nothing)))))(nil, nil)
	ask("/?seconds=1", nothing)(nil, nil)
	ask("/", nothing)(nil, nil)
	if want := []int{7, -1, -1, 0, 7, 0}; !slices.Equal(rates, want) {
		t.Errorf("rates were set to %v; want %v", rates, want)
	}
}

// TestMutexAndBlockProfiles: profiles of some seconds have what happened in them, without anybody's having turned
// anything on, and leave it off.
func TestMutexAndBlockProfiles(t *testing.T) {
	r := start(t, Config{}, &fakeService{})
	ctx, quarrelled := context.WithCancel(t.Context())
	var background sync.WaitGroup
	background.Go(func() { quarrel(ctx) })
	var asking sync.WaitGroup
	for _, profile := range []string{"mutex", "block"} {
		asking.Go(func() {
			got := r.send(r.health, "GET", "/debug/pprof/"+profile+"?seconds=1", "")
			if text := unzipped(t, got.body); got.status != 200 || !strings.Contains(text, "server.quarrel") {
				t.Errorf("%s: %d; nobody waited in it", profile, got.status)
			}
		})
	}
	asking.Wait()
	quarrelled()
	background.Wait()
	if fraction := runtime.SetMutexProfileFraction(-1); fraction != 0 {
		t.Errorf("one contention in %d is still recorded", fraction)
	}
	for _, path := range []string{"mutex?seconds=0", "block?seconds=x"} {
		if got := r.send(r.health, "GET", "/debug/pprof/"+path, ""); got.status != 400 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	if got := r.send(r.health, "GET", "/debug/pprof/mutex?debug=1", ""); got.status != 200 {
		t.Errorf("what was recorded so far: %d", got.status)
	}
}

// TestRecordingEndsWithItsCaller: one that goes away early leaves nothing on.
func TestRecordingEndsWithItsCaller(t *testing.T) {
	r := start(t, Config{}, &fakeService{})
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+r.health+"/debug/pprof/mutex?seconds=60", nil)
	if err != nil {
		t.Fatal(err)
	}
	var asking sync.WaitGroup
	asking.Go(func() {
		if resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req); err == nil {
			resp.Body.Close()
			t.Errorf("answered with %d", resp.StatusCode)
		}
	})
	awaitFraction(t, mutexFraction)
	leave()
	asking.Wait()
	awaitFraction(t, 0)
}

func awaitFraction(t *testing.T, want int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); runtime.SetMutexProfileFraction(-1) != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("one contention in %d is recorded; want %d", runtime.SetMutexProfileFraction(-1), want)
		}
	}
}

// quarrel has two goroutines wait for one lock, again and again.
func quarrel(ctx context.Context) {
	var mu sync.Mutex
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			for ctx.Err() == nil {
				mu.Lock()
				time.Sleep(time.Millisecond)
				mu.Unlock()
			}
		})
	}
	both.Wait()
}

func unzipped(t *testing.T, body string) string {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader([]byte(body)))
	if err != nil {
		t.Errorf("%v: %.100q", err, body)
		return ""
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}
