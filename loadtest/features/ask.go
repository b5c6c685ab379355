package features

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/rongate/rongate/internal/frauddata"
)

// An asker asks for vectors over one connection. What it makes is its own until the next request.
type asker struct {
	source *Source
	random *rand.Rand
	rdrs   bool // by the API of RonDB's REST server

	view    *view // of the latest request, as is what follows
	single  bool
	entries []frauddata.Entry
	passed  []int64 // by entry, in hundredths; negative: nothing
	body    []byte

	want     []byte
	fresh    []byte // another vector that may be the right one
	statuses []frauddata.Status
}

// Ask draws a request.
func (a *asker) Ask(req *fasthttp.Request) {
	s := a.source
	a.view = s.views[pick(a.random, s.weights)]
	n := s.cfg.Sizes[pick(a.random, s.sizes)].draw(a.random)
	passes := s.cfg.Passed > 0 && a.view.passed >= 0 && a.random.Float64() < s.cfg.Passed
	a.single = n == 1
	a.entries, a.passed = a.entries[:0], a.passed[:0]
	for range n {
		a.entries = append(a.entries, a.view.draw(a.random, s.cfg.Keys.Missing))
		value := int64(-1)
		if passes {
			value = a.random.Int64N(100_000)
		}
		a.passed = append(a.passed, value)
	}
	a.write(passes)
	req.Header.SetMethod(fasthttp.MethodPost)
	req.Header.SetRequestURI(a.route())
	req.Header.SetContentType("application/json")
	if s.cfg.APIKey != "" {
		req.Header.Set(apiKeyHeader, s.cfg.APIKey)
	}
	req.SetBodyRaw(a.body)
}

// write makes the request's body.
func (a *asker) write(passes bool) {
	if a.rdrs {
		a.writeRDRS(passes)
		return
	}
	b := append(a.body[:0], a.view.head...)
	if a.single {
		b = a.entries[0].AppendKeys(append(b, `,"entry":`...))
		if passes {
			b = a.appendPassed(append(b, `,"passedFeatures":`...), 0)
		}
		a.body = append(b, a.view.tail...)
		return
	}
	b = append(b, `,"entries":[`...)
	for i, e := range a.entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.AppendKeys(b)
	}
	b = append(b, ']')
	if passes {
		b = append(b, `,"passedFeatures":[`...)
		for i := range a.entries {
			if i > 0 {
				b = append(b, ',')
			}
			b = a.appendPassed(b, i)
		}
		b = append(b, ']')
	}
	a.body = append(b, a.view.tail...)
}

func (a *asker) appendPassed(dst []byte, i int) []byte {
	dst = append(append(dst, '{'), a.view.features[a.view.passed].quoted...)
	return append(appendHundredths(append(dst, ':'), a.passed[i]), '}')
}

// appendHundredths appends a number as rongate renders a double: as short as can be.
func appendHundredths(dst []byte, n int64) []byte {
	dst = strconv.AppendInt(dst, n/100, 10)
	if n %= 100; n > 0 {
		dst = append(dst, '.', byte('0'+n/10))
		if n%10 > 0 {
			dst = append(dst, byte('0'+n%10))
		}
	}
	return dst
}

// Check compares the answer with what has to be answered.
func (a *asker) Check(resp *fasthttp.Response) (failure, detail string) {
	if resp.StatusCode() != fasthttp.StatusOK {
		return "", ""
	}
	now := time.Now()
	a.expect(now)
	if body := resp.Body(); !bytes.Equal(body, a.want) {
		return a.judge(body, now)
	}
	return "", ""
}

// expect makes the whole answer that the request has to have.
func (a *asker) expect(now time.Time) {
	if a.rdrs {
		a.expectRDRS(now)
		return
	}
	a.statuses = a.statuses[:0]
	b := append(a.want[:0], a.view.opening...)
	if a.single {
		b, status, _ := a.view.appendVector(append(b, `,"vector":`...), a.entries[0], a.passed[0], now, false)
		b = append(append(b, `,"status":`...), quotedStatus(status)...)
		a.want = append(b, '}')
		return
	}
	b = append(b, `,"vectors":[`...)
	for i, e := range a.entries {
		if i > 0 {
			b = append(b, ',')
		}
		var status frauddata.Status
		b, status, _ = a.view.appendVector(b, e, a.passed[i], now, false)
		a.statuses = append(a.statuses, status)
	}
	b = append(b, `],"status":[`...)
	for i, status := range a.statuses {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, quotedStatus(status)...)
	}
	a.want = append(b, `]}`...)
}

// appendVector appends the vector of an entry, and returns its status. If a row expires at about this time, either is
// right: unsure says so, and otherwise has the less likely one appended.
func (v *view) appendVector(
	dst []byte, e frauddata.Entry, passed int64, now time.Time, otherwise bool,
) (_ []byte, worst frauddata.Status, unsure bool) {
	var rows [maxGroups]uint64
	var statuses [maxGroups]frauddata.Status
	for i := range v.groups {
		g := &v.groups[i]
		row, found := g.Find(e)
		switch {
		case !found:
			statuses[i] = frauddata.Missing
		case g.ttl > 0:
			expired, about := g.expired(row, now)
			unsure = unsure || about
			if expired != (about && otherwise) {
				statuses[i] = frauddata.Expired
			}
		}
		rows[i] = row
		worst = max(worst, statuses[i])
	}
	dst = append(dst, '[')
	for i := range v.features {
		f := &v.features[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		switch {
		case i == v.passed && passed >= 0:
			dst = appendHundredths(dst, passed)
		case f.key:
			dst = f.AppendEcho(dst, e)
		case statuses[f.group] == frauddata.Complete:
			dst = f.AppendStored(dst, rows[f.group])
		default:
			dst = f.AppendInstead(dst)
		}
	}
	return append(dst, ']'), worst, unsure
}

// expired reports whether a row is older than its time to live, and whether it is so nearly as old that this cannot be
// told. A row without event time has expired.
func (g *group) expired(row uint64, now time.Time) (expired, about bool) {
	at, dated := g.EventTime(row)
	if !dated {
		return true, false
	}
	over := now.Sub(at) - g.ttl
	return over > 0, over.Abs() <= expiryMargin
}
