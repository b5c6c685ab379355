package vectors

import (
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/lookup"
)

// Config bounds what a request may ask for.
type Config struct {
	// Deadline is the longest time a request may take, from the arrival of its headers. Default 500 ms.
	Deadline time.Duration

	// MaxEntries is how many entries a batch may have. Default 1000.
	MaxEntries int

	// MaxAnswerBytes is how large an answer may be. Default 8 MiB.
	MaxAnswerBytes int

	// NumericBooleans has the RDRS Forms answer 1 and 0 for true and false, as RonDB's REST server does.
	NumericBooleans bool

	// Now is the clock that ages and expiry are judged by. Default time.Now.
	Now func() time.Time
}

const (
	defaultDeadline       = 500 * time.Millisecond
	defaultMaxEntries     = 1000
	defaultMaxAnswerBytes = 8 << 20

	// maxScratchBytes bounds what a scratch keeps between requests: the few large batches do not make every scratch
	// large for good.
	maxScratchBytes = 1 << 20
)

func (c *Config) fill() {
	if c.Deadline == 0 {
		c.Deadline = defaultDeadline
	}
	if c.MaxEntries == 0 {
		c.MaxEntries = defaultMaxEntries
	}
	if c.MaxAnswerBytes == 0 {
		c.MaxAnswerBytes = defaultMaxAnswerBytes
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// Reader is what the Service reads through: a *lookup.Reader.
type Reader interface {
	Use(*catalog.Snapshot) ([]*lookup.Plan, error)
	Read(*lookup.Call, time.Time)
	Ready() bool
	Stats() lookup.Stats
}

// Access says what a caller may read.
type Access interface {
	// MayRead reports whether the caller may read a feature view.
	MayRead(view *catalog.View) bool

	// MayKnow reports whether the caller may be told that there is no view of a name that it may read. An empty store stands
	// for any. One who may not is refused the same way whether there is such a view or not.
	MayKnow(store, view string) bool

	// MayTell reports whether the caller may tell a view of a name that it may not read from one that there is not: the RDRS
	// Forms say more of a view than that it cannot be read.
	MayTell(store, view string) bool
}

// A Request asks for vectors.
type Request struct {
	Form     Form
	Body     []byte        // borrowed until Append returns
	Received time.Time     // when its headers had arrived: the deadline's start
	Timeout  time.Duration // the caller's own, from a header; 0: none
	Access   Access
	Timing   *Timing // filled by Append; nil: nobody asks
}

// A Service answers requests. Its methods may be called concurrently.
type Service struct {
	cfg     atomic.Pointer[Config]
	reader  Reader
	program atomic.Pointer[program]
	spare   sync.Pool // of *request
	counts  counts

	using sync.Mutex // held by Use: a program takes over the counters of the one before it
}

// New makes a Service. It answers with Unavailable until the first Use.
func New(cfg Config, reader Reader) *Service {
	s := &Service{reader: reader}
	s.Change(cfg)
	return s
}

// Change adopts other bounds, for the requests that begin from now on.
func (s *Service) Change(cfg Config) {
	cfg.fill()
	s.cfg.Store(&cfg)
}

// Use makes a snapshot the one that requests are answered from. Requests that have begun keep theirs.
func (s *Service) Use(snapshot *catalog.Snapshot) error {
	s.using.Lock()
	defer s.using.Unlock()
	plans, err := s.reader.Use(snapshot)
	if err != nil {
		return err
	}
	before := s.program.Load()
	p := compile(snapshot, plans, before)
	p.takeCounts(before, &s.counts.other)
	s.program.Store(p)
	return nil
}

// Ready reports whether requests can be answered: there is a catalogue, and a node that serves.
func (s *Service) Ready() bool { return s.program.Load() != nil && s.reader.Ready() }

// Append answers a request: it appends the body of the answer to dst and returns the result. On an error dst is returned
// as it was.
func (s *Service) Append(dst []byte, r *Request) ([]byte, *Error) {
	p := s.program.Load()
	if p == nil {
		err := errorf(Unavailable, "", "the catalogue is not loaded yet; try again later")
		s.counts.none.add(r.Received, err)
		return dst, err
	}
	q, _ := s.spare.Get().(*request)
	if q == nil {
		q = &request{}
	}
	defer s.recycle(q)

	answer, err := s.answer(dst, p, q, r)
	s.counts.add(q, r, err)
	return answer, err
}

// answer is the stages of a request, in order.
func (s *Service) answer(dst []byte, p *program, q *request, r *Request) ([]byte, *Error) {
	cfg := s.cfg.Load()
	r.Timing.start()
	q.form, q.numericBooleans = r.Form, cfg.NumericBooleans && r.Form != FormNative
	if err := q.decode(p, r, cfg.MaxEntries); err != nil {
		return dst, err
	}
	q.plan()
	r.Timing.end(StageDecode)
	q.call.Hedging = q.view.Hedging
	s.reader.Read(&q.call, deadline(cfg, r, &q.head.options))
	r.Timing.end(StageRead)
	if err := q.assemble(cfg.Now()); err != nil {
		return dst, err
	}
	answer, err := q.encode(dst, cfg.MaxAnswerBytes)
	if err != nil {
		return dst, err
	}
	r.Timing.end(StageEncode)
	return answer, nil
}

// deadline is when the answer must leave. Header and option only shorten the server's own.
func deadline(cfg *Config, r *Request, o *options) time.Time {
	limit := cfg.Deadline
	for _, own := range []time.Duration{r.Timeout, o.deadline} {
		if own > 0 {
			limit = min(limit, own)
		}
	}
	return r.Received.Add(limit)
}

// recycle releases what a request holds and keeps its scratch for the next, but nothing that it borrowed: neither the body
// nor the rows.
func (s *Service) recycle(q *request) {
	q.call.Release()
	clear(q.states)
	clear(q.literals)
	q.head, q.view, q.cursor.data = head{}, nil, nil
	if q.size() <= maxScratchBytes {
		s.spare.Put(q)
	}
}

// size is how many bytes a scratch keeps, but for the few that depend on the view alone.
func (q *request) size() int {
	bytes := cap(q.cursor.arena) + cap(q.fragments) + cap(q.status) + cap(q.broken) + q.call.Size() +
		cap(q.echoes)*int(unsafe.Sizeof(span{})) +
		cap(q.states)*int(unsafe.Sizeof(state{})) + cap(q.passed)*int(unsafe.Sizeof(passed{}))
	for i := range q.keys[:cap(q.keys)] {
		bytes += q.keys[:cap(q.keys)][i].Size()
	}
	return bytes
}

// request is the scratch of one request: everything between its body and its answer. Its slices are reused.
type request struct {
	form   Form
	view   *view
	head   head
	cursor cursor

	literals []column.Literal // the entry at hand, by serving key
	given    []bool           // which serving keys, or then which passed features, the entry at hand has
	entries  int
	keys     []lookup.Keys // by join

	passed    []passed // in the order of the entries
	fragments []byte   // their JSON

	projection []int     // the features to be answered, in order
	stretches  []stretch // of projection
	chosen     []bool    // by feature: in the projection
	joins      []int     // the joins to be read, in order
	place      []int     // by join that is read: its index in joins
	reads      []int     // by join and select of the join: the index of its read in call

	call   lookup.Call
	states []state // by entry and index in joins
	status []status
	over   []passed // by feature: what the entry at hand passes

	overrides bool // there is something in over

	// Of the RDRS Forms alone.
	numericBooleans bool
	tokens          []span // the entry at hand, by name: its values as they were sent
	echoes          []span // by entry and part of the joins' keys: what it was taken from; none: a part that is absent
	broken          []bool // by entry: nothing can be answered for it
}

// decode is the first stage: the body into a view, its keys, passed features and projection.
func (q *request) decode(p *program, r *Request, maxEntries int) *Error {
	if err := validate(r.Body); err != nil {
		return err
	}
	q.cursor = cursor{data: r.Body, arena: q.cursor.arena[:0]}
	q.broken = q.broken[:0]
	if q.form != FormNative {
		return q.decodeRDRS(p, r, maxEntries)
	}
	if err := q.cursor.decodeHead(&q.head); err != nil {
		return err
	}
	v, err := p.resolve(q.head.store, q.head.name, q.head.version, r.Access)
	if err != nil {
		return err
	}
	q.fit(v, len(v.ServingKeys))
	if err := q.decodeProjection(); err != nil {
		return err
	}
	if err := q.decodeEntries(maxEntries); err != nil {
		return err
	}
	if err := q.decodePassed(); err != nil {
		return err
	}
	return q.checkMaxAge()
}

// fit sizes the scratch for a view, whose keys are given under so many names.
func (q *request) fit(v *view, keyNames int) {
	q.view = v
	q.literals = resize(q.literals, keyNames)
	q.given = resize(q.given, max(keyNames, len(v.Features)))
	q.keys = resize(q.keys, len(v.Joins))
	q.place = resize(q.place, len(v.Joins))
	q.chosen = resize(q.chosen, len(v.Features))
	q.over = resize(q.over, len(v.Features))
	clear(q.over)
	q.overrides = false
}

// resize returns s with length n, its old elements kept as far as they go.
func resize[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s[:n]
	}
	return append(s[:cap(s)], make([]T, n-cap(s))...)
}

// checkMaxAge refuses an age bound on a group that has no event time to judge it by.
func (q *request) checkMaxAge() *Error {
	if q.head.options.maxAge < 0 {
		return nil
	}
	for _, f := range q.projection {
		g := q.view.Joins[q.view.Features[f].Join].Group
		if g.EventTime == nil {
			return errorf(NoEventTime, "options.maxAgeMs", "feature group %s has no event time", groupName(g))
		}
	}
	return nil
}

// plan is the second stage: which joins are read, and what of them. A join that gives no feature of the projection is
// not read.
func (q *request) plan() {
	q.joins, q.reads = q.joins[:0], q.reads[:0]
	q.cutStretches()
	for j := range q.view.Joins {
		if !q.needs(j) {
			continue
		}
		q.place[j] = len(q.joins)
		q.joins = append(q.joins, j)
		for _, plan := range q.view.plans[j] {
			q.reads = append(q.reads, q.call.Add(plan, &q.keys[j]))
		}
	}
}

func (q *request) needs(join int) bool {
	for _, f := range q.projection {
		if q.view.Features[f].Join == join {
			return true
		}
	}
	return false
}

// A stretch is the part of a projection from one feature up to another: features that follow one another in a row too, so
// that they can be copied as one. A key feature is one by itself.
type stretch struct{ from, to int }

// cutStretches cuts the projection.
func (q *request) cutStretches() {
	q.stretches = q.stretches[:0]
	for i, f := range q.projection {
		if i > 0 && follows(&q.view.Features[q.projection[i-1]], &q.view.Features[f]) {
			q.stretches[len(q.stretches)-1].to++
		} else {
			q.stretches = append(q.stretches, stretch{i, i + 1})
		}
	}
}

// follows reports whether b is what comes after a in a row.
func follows(a, b *catalog.Feature) bool {
	return a.Key < 0 && b.Key < 0 && a.Join == b.Join && a.Select == b.Select && a.Cell+1 == b.Cell
}
