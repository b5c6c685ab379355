package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/rongate/rongate/internal/frauddata"
)

const (
	maxInFlight   = 256             // requests; more wait, and their waiting counts
	answerTimeout = 5 * time.Second // beyond rongate's own deadline
)

// tally is what became of requests.
type tally struct {
	answers   int // in time or not, right or wrong
	latencies []time.Duration
	failed    map[string]int // by kind: a status, or what else was wrong with the answer
	wrong     int            // answers with a value that is not the row's
}

// traffic sends requests at their times, whatever becomes of those before, and checks every answer.
type traffic struct {
	url    string
	key    string // API key; empty: none is sent
	rate   int    // requests a second
	data   *frauddata.Data
	client *http.Client
	say    func(text string) // tells of answers that are wrong
	edited func() bool       // whether the catalogue is no longer the one that the data expects

	mu     sync.Mutex // guards what follows
	second tally      // since the last take
	total  tally      // since the beginning, without latencies
	spread spread     // of all latencies
}

func newTraffic(d *demo) *traffic {
	return &traffic{
		url: "http://" + d.gate.public, key: d.gate.key, rate: d.opts.Rate, data: d.data, say: d.screen.event, edited: d.edited,
		client: &http.Client{
			Timeout:   d.opts.Deadline + answerTimeout,
			Transport: &http.Transport{MaxIdleConnsPerHost: maxInFlight},
		},
		second: tally{failed: map[string]int{}}, total: tally{failed: map[string]int{}},
	}
}

// run sends until ctx ends, and returns when all answers are there.
func (t *traffic) run(ctx context.Context) {
	var flying sync.WaitGroup
	defer t.client.CloseIdleConnections()
	defer flying.Wait()
	slots := make(chan struct{}, maxInFlight)
	draw := newDraw(t.data)
	start := time.Now()
	for i := 1; ; i++ {
		intended := start.Add(time.Duration(i) * time.Second / time.Duration(t.rate))
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(intended)):
		}
		select {
		case <-ctx.Done():
			return
		case slots <- struct{}{}:
		}
		asked := draw.question()
		flying.Go(func() {
			failure, mistake := t.ask(asked)
			t.record(time.Since(intended), failure, mistake)
			<-slots
		})
	}
}

// ask sends one request. It returns how it failed, or what is wrong with its answer.
func (t *traffic) ask(asked question) (failure string, mistake error) {
	request, err := http.NewRequest(http.MethodPost, t.url+"/feature-vectors", bytes.NewReader(asked.body))
	if err != nil {
		return err.Error(), nil
	}
	request.Header.Set("Content-Type", "application/json")
	if t.key != "" {
		request.Header.Set("X-Api-Key", t.key)
	}
	response, err := t.client.Do(request)
	if err != nil {
		return "no answer", nil
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "cut short", nil
	}
	if response.StatusCode != http.StatusOK {
		return strconv.Itoa(response.StatusCode), nil
	}
	failure, mistake = check(t.data, asked, body, false)
	if mistake != nil && t.edited() {
		return check(t.data, asked, body, true)
	}
	return failure, mistake
}

func (t *traffic) record(latency time.Duration, failure string, mistake error) {
	t.mu.Lock()
	for _, tally := range []*tally{&t.second, &t.total} {
		tally.answers++
		if failure != "" {
			tally.failed[failure]++
		}
		if mistake != nil {
			tally.wrong++
		}
	}
	t.second.latencies = append(t.second.latencies, latency)
	t.spread.add(latency)
	first := mistake != nil && t.total.wrong == 1
	t.mu.Unlock()
	if first {
		t.say(fmt.Sprintf("the first wrong answer: %v", mistake))
	}
}

// take returns what happened since it was last called.
func (t *traffic) take() tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := t.second
	t.second = tally{failed: map[string]int{}}
	return taken
}

// sum returns what happened since the beginning, with two quantiles of the latency.
func (t *traffic) sum() (total tally, p50, p99 time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	total = t.total
	total.failed = maps.Clone(total.failed)
	return total, t.spread.quantile(0.5), t.spread.quantile(0.99)
}

// A question is one request and what its answer is checked against.
type question struct {
	body    []byte
	view    string
	single  bool
	entries []frauddata.Entry
	passed  string // what is passed for amount, as JSON; empty for nothing
}

// draw draws requests. Accounts are asked for as customers come: some of them again and again.
type draw struct {
	random   *rand.Rand
	accounts *rand.Zipf
	last     frauddata.Entry
}

func newDraw(data *frauddata.Data) *draw {
	d := &draw{random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), last: data.Last()}
	d.accounts = rand.NewZipf(d.random, 1.1, 20, d.last.Account-frauddata.First().Account)
	return d
}

// entry is an account with its card, mostly at the merchant where it is a regular customer.
func (d *draw) entry() frauddata.Entry {
	account := frauddata.First().Account + d.accounts.Uint64()
	e := frauddata.Entry{Account: account, Merchant: frauddata.RegularOf(account), Card: account}
	if d.random.IntN(4) == 0 {
		e.Merchant = 1 + d.random.Uint64N(d.last.Merchant)
	}
	return e
}

func (d *draw) question() question {
	switch n := d.random.IntN(20); {
	case n < 14:
		q := question{view: `"fraud","version":2`, single: true, entries: []frauddata.Entry{d.entry()}}
		if n%2 == 0 {
			q.passed = strconv.FormatFloat(float64(d.random.IntN(100_000))/100, 'f', -1, 64)
		}
		return q.written()
	case n < 16:
		q := question{view: `"fraud","version":2`}
		for range 10 + d.random.IntN(11) {
			q.entries = append(q.entries, d.entry())
		}
		return q.written()
	case n < 17:
		return question{
			view: `"merchant"`, single: true, entries: []frauddata.Entry{{Merchant: d.entry().Merchant}},
		}.written()
	default:
		views := []string{`"account"`, `"fraud","version":1`}
		return question{
			view: views[n%2], single: true, entries: []frauddata.Entry{{Account: d.entry().Account}},
		}.written()
	}
}

// about is the request that asks for one of the question's entries alone, to be read.
func (q question) about(e frauddata.Entry) []byte {
	return question{view: q.view, single: true, entries: []frauddata.Entry{e}, passed: q.passed}.written().body
}

// written returns the question with its body.
func (q question) written() question {
	b := append([]byte(`{"featureView":`), q.view...)
	if q.single {
		b = q.entries[0].AppendKeys(append(b, `,"entry":`...))
		if q.passed != "" {
			b = fmt.Appendf(b, `,"passedFeatures":{"amount":%s}`, q.passed)
		}
		q.body = append(b, '}')
		return q
	}
	b = append(b, `,"entries":[`...)
	for i, e := range q.entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.AppendKeys(b)
	}
	q.body = append(b, "]}"...)
	return q
}
