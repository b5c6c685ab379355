package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// How long a table rests after it was read in vain: twice as long each time, between these bounds. The first keeps a
// table that fails every request from being read at the pace of the requests; the last is how long an altered table may
// go unnoticed once it is good again.
const (
	minRest = 100 * time.Millisecond
	maxRest = 5 * time.Second
)

// A refresher re-reads a catalogue file and its tables. All but the fields that mu guards belongs to the goroutine in run.
type refresher struct {
	describer Describer
	timeout   time.Duration
	period    time.Duration // of reading all tables unasked; negative: never
	log       *slog.Logger
	publish   func(*Snapshot)
	spec      *Spec
	snapshot  *Snapshot     // what spec was resolved to last
	wake      chan struct{} // holds one token once something is wanted
	reloads   chan reload

	mu     sync.Mutex                // guards what follows, and wanted of every tableState
	order  []TableName               // keys of tables, sorted
	tables map[TableName]*tableState // written by run alone, which so may read it without mu
}

// A reload asks for a catalogue file to be read, or for a Spec to be adopted.
type reload struct {
	ctx  context.Context
	path string
	spec *Spec      // nil: that of the file
	done chan error // has room for the answer
}

// A tableState is what is known of one table.
type tableState struct {
	wanted bool // to be read, now or when it has rested

	good   *Table // what the snapshot is made from; nil: it is not there, and what needs it is left out
	latest *Table // what was read last, if the catalogue does not fit it; else nil

	rest     time.Duration // after the last reading; 0: it was not in vain
	next     time.Time     // not to be read before
	reported string        // the last complaint, which is not repeated
}

// errAbsent is why a table cannot be served that information_schema does not show.
var errAbsent = errors.New("the table does not exist, or the user may not read it")

func newRefresher(cfg Config) *refresher {
	return &refresher{
		describer: cfg.Describer,
		timeout:   cfg.DescribeTimeout,
		period:    cfg.Refresh,
		log:       cfg.Log,
		wake:      make(chan struct{}, 1),
		reloads:   make(chan reload),
	}
}

// load reads a catalogue file, unless there is a spec, and the definitions of its tables. If all is well they are what the
// refresher works on from now on; else nothing changes.
func (r *refresher) load(ctx context.Context, path string, spec *Spec) (*Snapshot, error) {
	if spec == nil {
		var err error
		if spec, err = ParseFile(path); err != nil {
			return nil, err
		}
	}
	names := spec.Tables()
	described := map[TableName]*Table{}
	if spec.each {
		described = r.known(names)
	}
	if err := r.describe(ctx, path, described, names); err != nil {
		return nil, err
	}
	snapshot, err := spec.resolveAfter(r.snapshot, described)
	if err != nil {
		return nil, err
	}
	if suspects := spec.tablesOf(r.newlyUnserved(snapshot)); len(suspects) > 0 { // they may have been altered meanwhile
		for _, n := range suspects {
			delete(described, n)
		}
		if err := r.describe(ctx, path, described, suspects); err != nil {
			return nil, err
		}
		if snapshot, err = spec.resolveAfter(r.snapshot, described); err != nil {
			return nil, err
		}
	}
	r.take(spec, snapshot, names, described)
	return snapshot, nil
}

// known returns what is known of some tables.
func (r *refresher) known(names []TableName) map[TableName]*Table {
	known := map[TableName]*Table{}
	for _, n := range names {
		if t := r.tables[n]; t != nil && t.good != nil {
			known[n] = t.good
		}
	}
	return known
}

// describe adds to known what is not in it. path is that of the file, if there is one.
func (r *refresher) describe(ctx context.Context, path string, known map[TableName]*Table, names []TableName) error {
	var unknown []TableName
	for _, n := range names {
		if known[n] == nil {
			unknown = append(unknown, n)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	described, err := r.describer.Describe(ctx, unknown)
	if err != nil {
		return fmt.Errorf("describe the tables of catalogue %s: %w", path, err)
	}
	maps.Copy(known, described)
	return nil
}

// newlyUnserved returns what a snapshot leaves out that the one before did not, or for another reason.
func (r *refresher) newlyUnserved(s *Snapshot) []Unserved {
	if r.snapshot == nil {
		return nil // all tables were described just now
	}
	return slices.DeleteFunc(slices.Clone(s.Unserved), func(u Unserved) bool {
		return slices.Contains(r.snapshot.Unserved, u)
	})
}

// take makes a spec over some tables what the refresher works on.
func (r *refresher) take(spec *Spec, snapshot *Snapshot, names []TableName, described map[TableName]*Table) {
	tables := make(map[TableName]*tableState, len(names))
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range names {
		before := r.tables[n]
		// What was wanted meanwhile may have been altered since it was read.
		tables[n] = &tableState{good: described[n], wanted: before != nil && before.wanted}
		if described[n] == nil { // it may be made yet
			tables[n].wanted = true
			tables[n].lengthenRest(time.Now())
		}
	}
	r.spec, r.snapshot, r.order, r.tables = spec, snapshot, names, tables
}

// reload answers a Reload.
func (r *refresher) reload(q reload) {
	snapshot, err := r.load(q.ctx, q.path, q.spec)
	if err == nil {
		r.publish(snapshot)
	}
	q.done <- err
}

// stale marks a table as wanted. Tables that the catalogue does not have are ignored.
func (r *refresher) stale(table TableName) {
	r.mu.Lock()
	t := r.tables[table]
	wanted := t == nil || t.wanted
	if t != nil {
		t.wanted = true
	}
	r.mu.Unlock()
	if wanted {
		return
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run re-reads until ctx is done.
func (r *refresher) run(ctx context.Context) {
	round := r.nextRound()
	for ctx.Err() == nil {
		if !time.Now().Before(round) {
			r.want(r.order)
			round = r.nextRound()
		}
		due, wait := r.due(time.Now())
		if len(due) > 0 {
			r.refresh(ctx, due)
			continue
		}
		timer := time.NewTimer(min(wait, time.Until(round)))
		select {
		case <-ctx.Done():
		case <-r.wake:
		case q := <-r.reloads:
			r.reload(q)
		case <-timer.C:
		}
		timer.Stop()
	}
}

// nextRound is when all tables are read again.
func (r *refresher) nextRound() time.Time {
	if r.period < 0 {
		return time.Now().Add(time.Hour * 24 * 365)
	}
	tenth := r.period / 10
	return time.Now().Add(r.period - tenth + rand.N(2*tenth+1))
}

// want marks tables to be read.
func (r *refresher) want(tables []TableName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range tables {
		r.tables[n].wanted = true
	}
}

// due takes the tables that are to be read now, or tells how long until one is.
func (r *refresher) due(now time.Time) (due []TableName, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wait = time.Hour // any: wake ends it
	for _, n := range r.order {
		t := r.tables[n]
		switch rest := t.next.Sub(now); {
		case !t.wanted:
		case rest > 0:
			wait = min(wait, rest)
		default:
			t.wanted = false
			due = append(due, n)
		}
	}
	return due, wait
}

// refresh reads tables and publishes a Snapshot of all that the catalogue fits.
func (r *refresher) refresh(ctx context.Context, due []TableName) {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, r.timeout)
	described, err := r.describer.Describe(limited, due)
	cancel()
	if ctx.Err() != nil {
		return
	}
	for _, n := range due {
		t := r.tables[n]
		t.latest = nil
		switch table := described[n]; {
		case err != nil:
			r.retry(n, began, err)
		case table == nil:
			r.retry(n, began, errAbsent)
		case t.good != nil && table.equal(t.good):
			r.settle(n, began)
		default:
			t.latest = table
		}
	}
	r.adopt(due, began)
}

// adopt makes a Snapshot of the latest definitions: of all at once, since a change may span tables, else of each that
// fits by itself. Those that do not fit are tried again.
func (r *refresher) adopt(due []TableName, began time.Time) {
	var pending []TableName
	for _, n := range r.order {
		if r.tables[n].latest != nil {
			pending = append(pending, n)
		}
	}
	if len(pending) == 0 {
		return
	}
	snapshot, err := r.fit(pending...)
	if err != nil {
		for _, n := range pending {
			one, err := r.fit(n)
			switch {
			case err == nil:
				snapshot = one
			case slices.Contains(due, n): // the others rest already
				r.retry(n, began, err)
			}
		}
	}
	if snapshot != nil {
		r.publish(snapshot)
	}
}

// fit resolves the catalogue over the latest definition of some tables and the good one of the others. If that works,
// the latest are the good ones from now on.
func (r *refresher) fit(names ...TableName) (*Snapshot, error) {
	tables := make(map[TableName]*Table, len(r.order))
	for _, n := range r.order {
		tables[n] = r.tables[n].good
	}
	for _, n := range names {
		tables[n] = r.tables[n].latest
	}
	snapshot, err := r.spec.resolveAfter(r.snapshot, tables)
	if err == nil && r.spec.each {
		err = r.loses(snapshot)
	}
	if err != nil {
		return nil, err
	}
	r.snapshot = snapshot
	for _, n := range names {
		t := r.tables[n]
		t.good, t.latest = t.latest, nil
		t.rest, t.next, t.reported = 0, time.Time{}, ""
		r.log.Info("table was altered; its new definition is served", "table", n.String())
	}
	return snapshot, nil
}

// loses says which views a snapshot leaves out that are served now.
func (r *refresher) loses(s *Snapshot) error {
	for _, u := range r.newlyUnserved(s) {
		for _, v := range r.snapshot.Views {
			if v.Store == u.Store && v.Name == u.Name && v.Version == u.Version {
				return fmt.Errorf("feature view %s/%s version %d: %s", u.Store, u.Name, u.Version, u.Why)
			}
		}
	}
	return nil
}

// retry has a table read again later, and says why if it has not said so before.
func (r *refresher) retry(n TableName, began time.Time, why error) {
	t := r.tables[n]
	r.mu.Lock()
	t.wanted = true
	r.mu.Unlock()
	t.lengthenRest(began)
	if text := why.Error(); text != t.reported && t.good != nil {
		t.reported = text
		r.log.Warn("table cannot be served as it is now; its last good definition stays", "table", n.String(), "error", text)
	}
}

// settle notes that a table is what the snapshot says.
func (r *refresher) settle(n TableName, began time.Time) {
	t := r.tables[n]
	t.lengthenRest(began)
	if t.reported != "" {
		t.reported = ""
		r.log.Info("table is again as it is served", "table", n.String())
	}
}

// lengthenRest has the table rest after a reading in vain that began at some time. A table that was left alone for long
// starts anew.
func (t *tableState) lengthenRest(began time.Time) {
	if began.Sub(t.next) > maxRest {
		t.rest = 0
	}
	t.rest = min(max(2*t.rest, minRest), maxRest)
	t.next = time.Now().Add(t.rest)
}
