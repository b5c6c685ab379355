package features

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/loadtest"
)

// hijack answers with so many copies of an answer and then no more.
func hijack(w http.ResponseWriter, answer string, copies int) bool {
	id := w.Header().Get("X-Request-Id")
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return true
	}
	defer conn.Close()
	text := fmt.Sprintf("HTTP/1.1 200 OK\r\nX-Request-Id: %s\r\nContent-Length: %d\r\n\r\n%s", id, len(answer), answer)
	if copies > 0 {
		_, _ = conn.Write([]byte(strings.Repeat(text, copies)))
		_, _ = conn.Read(make([]byte, 1)) // until the other side closes
	}
	return true
}

// swap exchanges the first vector of a batch with the first that differs, and the statuses likewise, or puts a copy of
// it there.
func swap(answer string, both bool) string {
	re := regexp.MustCompile(`^(.*"vectors":\[)(.*)(\],"status":\[)(.*)(\]\})$`)
	parts := re.FindStringSubmatch(answer)
	vectors, statuses := strings.SplitAfter(parts[2], "]"), strings.Split(parts[4], ",")
	for i := range vectors {
		vectors[i] = strings.TrimPrefix(vectors[i], ",")
	}
	vectors = vectors[:len(statuses)]
	for j := range vectors {
		if vectors[j] == vectors[0] {
			continue
		}
		if both {
			vectors[0], vectors[j] = vectors[j], vectors[0]
			statuses[0], statuses[j] = statuses[j], statuses[0]
		} else {
			vectors[j], statuses[j] = vectors[0], statuses[0]
		}
		break
	}
	return parts[1] + strings.Join(vectors, ",") + parts[3] + strings.Join(statuses, ",") + parts[5]
}

// TestPlanted has one answer of a run spoilt, each time in another way, and wants just that to be counted.
func TestPlanted(t *testing.T) {
	data := newData(t, time.Now())
	const spoilt = 70
	batches := []Size{{Low: 10, High: 10}}
	for _, tc := range []struct {
		name   string
		sizes  []Size
		kind   string
		detail string // a part of it
		spoil  func(d *double, q *question, answer *string, w http.ResponseWriter) (answered bool)
	}{
		{"a lost request", nil, loadtest.Lost, "closed", func(_ *double, _ *question, _ *string, w http.ResponseWriter) bool {
			return hijack(w, "", 0)
		}},
		{
			"a duplicated answer", nil, loadtest.Duplicate, "more than the answer",
			func(_ *double, _ *question, answer *string, w http.ResponseWriter) bool { return hijack(w, *answer, 2) },
		},
		{"another request's id", nil, loadtest.MixedUp, "answered as x", func(_ *double, _ *question, _ *string, w http.ResponseWriter) bool {
			w.Header().Set("X-Request-Id", "x")
			return false
		}},
		{"an answer to another request", nil, Wrong, "", func(d *double, q *question, answer *string, _ http.ResponseWriter) bool {
			other := *q
			e := entryOf(q.Entry)
			e.Account, e.Card = e.Account+1, e.Card+1
			other.Entry = e.AppendKeys(nil)
			*answer = d.answer(&other)
			return false
		}},
		{"an answer of another view", nil, Wrong, "its version is 1, not 2", func(d *double, q *question, answer *string, _ http.ResponseWriter) bool {
			other := *q
			other.Version = 1
			*answer = d.answer(&other)
			return false
		}},
		{"a status", nil, "503", "", func(_ *double, _ *question, _ *string, w http.ResponseWriter) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}},
		{"an ERROR", nil, Error, "the status is ERROR", func(_ *double, q *question, answer *string, _ http.ResponseWriter) bool {
			nulls := strings.TrimSuffix(strings.Repeat("null,", len(tenFeatures())), ",")
			*answer = regexp.MustCompile(`"vector":.*`).ReplaceAllString(*answer, `"vector":[`+nulls+`],"status":"ERROR"}`)
			return false
		}},
		{"an ERROR in a batch", batches, Error, "entry 9 of 10", func(_ *double, _ *question, answer *string, _ http.ResponseWriter) bool {
			*answer = regexp.MustCompile(`"[A-Z]+"\]}$`).ReplaceAllString(*answer, `"ERROR"]}`)
			return false
		}},
		{"a swapped pair", batches, Wrong, "it is the vector of entry", func(_ *double, _ *question, answer *string, _ http.ResponseWriter) bool {
			*answer = swap(*answer, true)
			return false
		}},
		{"a vector twice", batches, Wrong, "it is the vector of entry 0", func(_ *double, _ *question, answer *string, _ http.ResponseWriter) bool {
			*answer = swap(*answer, false)
			return false
		}},
		{"a vector too few", batches, Wrong, "9 vectors and 10 statuses", func(_ *double, _ *question, answer *string, _ http.ResponseWriter) bool {
			*answer = regexp.MustCompile(`,\[[^\]]*\]\],"status"`).ReplaceAllString(*answer, `],"status"`)
			return false
		}},
		{"another answer in a batch", batches, Wrong, "11 vectors and 11 statuses for 10 entries", func(_ *double, _ *question, answer *string, _ http.ResponseWriter) bool {
			*answer = strings.Replace(*answer, `],"status":[`, `,[1]],"status":["COMPLETE",`, 1)
			return false
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDouble(t, data)
			var loading atomic.Bool
			var n atomic.Int64
			d.spoil = func(_ int64, q *question, answer *string, w http.ResponseWriter) bool {
				return loading.Load() && n.Add(1) == spoilt && tc.spoil(d, q, answer, w)
			}
			url := d.start(t)
			source := open(t, url, Config{
				Data: data, Views: []View{{Name: "fraud", Version: 2}}, Features: tenFeatures(), Sizes: tc.sizes,
			})
			loading.Store(true)
			r := ask(t, url, source, 150)
			if r.Total.Failed[tc.kind] != 1 || r.Total.Failures() != 1 || !strings.Contains(r.Examples[tc.kind], tc.detail) {
				t.Errorf("%v\n%v", r.Total.Failed, r.Examples)
			}
		})
	}
}

// TestOneKeyIsWrong wants a value that is wrong for one key alone to be found each time that somebody asks for it.
func TestOneKeyIsWrong(t *testing.T) {
	data := newData(t, time.Now())
	d := newDouble(t, data)
	const view = "fraud"
	var ill, hits atomic.Uint64
	d.spoil = func(_ int64, q *question, answer *string, _ http.ResponseWriter) bool {
		for i, text := range append(q.Entries, q.Entry) {
			if text == nil || q.FeatureView != view {
				continue
			}
			account := entryOf(text).Account
			ill.CompareAndSwap(0, account)
			if account != ill.Load() {
				continue
			}
			country, _ := data.Feature("country")
			want, _ := country.AppendWant(nil, frauddata.Entry{Account: account})
			vectors := strings.SplitAfter(*answer, "],") // the first ends the list of features
			vectors[1+i] = strings.Replace(vectors[1+i], string(want), `"ZZ"`, 1)
			*answer = strings.Join(vectors, "")
			hits.Add(1)
			break
		}
		return false
	}
	url := d.start(t)
	source := open(t, url, Config{
		Data: data, Views: []View{{Name: view, Version: 1}}, Features: []string{"country", "avg_amount_7d"},
		Keys: Keys{Hot: 5, Share: 0.5}, Sizes: []Size{{Low: 1, High: 4}},
	})
	r := ask(t, url, source, 300)
	if r.Total.Failed[Wrong] != hits.Load() || r.Total.Failures() != hits.Load() || hits.Load() == 0 || hits.Load() == 300 {
		t.Errorf("%v of %d", r.Total.Failed, hits.Load())
	}
	if !strings.Contains(r.Examples[Wrong], `country is "ZZ", not "`) {
		t.Error(r.Examples)
	}
}
