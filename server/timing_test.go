package server

import (
	"regexp"
	"testing"
	"time"

	"github.com/rongate/rongate/vectors"
)

func TestServerTiming(t *testing.T) {
	s := start(t, Config{}, &fakeService{
		append: func(dst []byte, req *vectors.Request) ([]byte, *vectors.Error) {
			if req.Timing == nil {
				return append(dst, `"nobody asks"`...), nil
			}
			req.Timing.Stages = [...]time.Duration{12 * time.Microsecond, 1500 * time.Microsecond, 7890}
			if string(req.Body) == "late" {
				req.Timing.Stages[vectors.StageEncode] = 0
				return dst, &vectors.Error{Code: vectors.DeadlineExceeded, Message: "late", Entry: -1}
			}
			return append(dst, `"asked"`...), nil
		},
	})
	want := func(resp response, status int, pattern string) {
		t.Helper()
		got := resp.header.Get("Server-Timing")
		if resp.status != status || !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("%d, Server-Timing %q; want %d, %s", resp.status, got, status, pattern)
		}
	}
	const path = "/feature-vectors"
	want(s.do("POST", path, "{}"), 200, `^$`)
	want(s.do("POST", path, "{}", "X-Server-Timing", "1"), 200,
		`^receive;dur=\d+\.\d{3}, decode;dur=0\.012, read;dur=1\.500, encode;dur=0\.008$`)
	want(s.do("POST", path, "late", "X-Server-Timing", "1"), 504,
		`^receive;dur=\d+\.\d{3}, decode;dur=0\.012, read;dur=1\.500, encode;dur=0\.000$`)
	if resp := s.do("POST", path, "{}"); resp.body != `"nobody asks"` {
		t.Errorf("a timing is left from another request: %s", resp.body)
	}
}
