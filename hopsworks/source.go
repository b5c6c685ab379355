package hopsworks

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/rongate/rongate/pool"
)

// Config is what a Source needs. Nodes are required.
type Config struct {
	// Nodes are the API nodes (MySQL servers) that have the metadata, in the order in which they are tried: one connection
	// to one of them is held. User needs SELECT on the metadata tables.
	Nodes []pool.Config

	// Schema is the metadata's database. Default "hopsworks".
	Schema string

	// Poll, give or take a tenth, is how often it is looked whether there is something new: two numbers a table. Default
	// 500 ms, so that a view is served within a second.
	Poll time.Duration

	// Compare is how often feature groups and the list of views are read to find what numbers do not show: a time to live
	// that was altered, say. Default 10 s.
	Compare time.Duration

	// Reread is how often everything is read again. Default 5 min.
	Reread time.Duration

	// Snapshot is the path of the file that the last good metadata are kept in. Empty: they are not.
	Snapshot string

	// OnChange is given the metadata whenever they are others, and the first time. It is called by the Source's own
	// goroutine, one call at a time. An error has it called again, in a second or so: the metadata are not in force.
	OnChange func(context.Context, *Metadata) error

	Log *slog.Logger // nil: nothing is logged
}

const (
	defaultPoll    = 500 * time.Millisecond
	defaultCompare = 10 * time.Second
	defaultReread  = 5 * time.Minute

	// startPatience is how long the metadata layer may take at the start before the snapshot is served by.
	startPatience = 2 * time.Second

	// retryAfter is the pause after the metadata could not be read, or not be used.
	retryAfter = time.Second
)

// State is how things are with a Source.
type State struct {
	Live     bool      // the last poll was answered
	Err      error     // why it was not
	Since    time.Time // since when Live is what it is
	ReadAt   time.Time // when the metadata in force were known to be the latest; zero: there are none
	FromFile bool      // they are of the snapshot file, and nothing was read since
	SavedAt  time.Time // when the snapshot file was written
	SaveErr  error     // why it could not be; nil: it was
	Views    int
	Polls    uint64
	Changes  uint64
	Failures uint64
}

// A Source follows the metadata of a Hopsworks installation. Its methods may be called concurrently.
type Source struct {
	cfg   Config
	asker *asker
	stop  context.CancelFunc
	done  sync.WaitGroup

	mu    sync.Mutex
	state State

	// What follows belongs to the goroutine in follow.
	release  *release
	mark     mark
	current  *Metadata // what was read last
	used     *Metadata // what OnChange took last
	unused   string    // why it did not take the current ones, as it was told last
	unsaved  bool      // current is not in the snapshot file
	saved    time.Time // when that was written
	compared time.Time
	reread   time.Time
}

// Open begins to follow. It returns at once: OnChange is called with the metadata, or with those of the snapshot file
// while the metadata layer does not answer. Close must be called.
func Open(cfg Config) (*Source, error) {
	if len(cfg.Nodes) == 0 {
		return nil, errNoNodes
	}
	cfg.fill()
	ctx, stop := context.WithCancel(context.Background())
	s := &Source{cfg: cfg, asker: newAsker(cfg.Nodes), stop: stop}
	s.state.Since = time.Now()
	s.done.Go(func() { s.asker.run(ctx) })
	s.done.Go(func() { s.follow(ctx) })
	return s, nil
}

// Read reads the metadata once: for who looks whether they can be served by, and follows nothing.
func Read(ctx context.Context, cfg Config) (*Metadata, error) {
	if len(cfg.Nodes) == 0 {
		return nil, errNoNodes
	}
	cfg.fill()
	ctx, stop := context.WithCancel(ctx)
	a := newAsker(cfg.Nodes)
	var running sync.WaitGroup
	running.Go(func() { a.run(ctx) })
	defer running.Wait()
	defer stop()
	rel, err := discover(ctx, a, cfg.Schema)
	if err != nil {
		return nil, err
	}
	return read(ctx, a, rel, nil)
}

var errNoNodes = errors.New("hopsworks: there are no metadata nodes")

func (c *Config) fill() {
	if c.Schema == "" {
		c.Schema = "hopsworks"
	}
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{{&c.Poll, defaultPoll}, {&c.Compare, defaultCompare}, {&c.Reread, defaultReread}} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.OnChange == nil {
		c.OnChange = func(context.Context, *Metadata) error { return nil }
	}
}

// Close ends the following and waits until it has.
func (s *Source) Close() {
	s.stop()
	s.done.Wait()
}

// State tells how things are.
func (s *Source) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// follow polls until ctx ends.
func (s *Source) follow(ctx context.Context) {
	for ctx.Err() == nil {
		wait := jitter(s.cfg.Poll)
		err := s.lookSoon(ctx)
		if ctx.Err() != nil {
			break
		}
		s.tell(err)
		if err != nil {
			wait = jitter(max(retryAfter, s.cfg.Poll))
			s.fallBack(ctx)
		}
		if err := s.use(ctx); err != nil && ctx.Err() == nil {
			wait = jitter(max(retryAfter, s.cfg.Poll))
			if text := err.Error(); text != s.unused {
				s.cfg.Log.Warn("metadata cannot be put in force; it is tried again every second", "error", text)
				s.unused = text
			}
		}
		s.save(time.Now(), false)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	s.save(time.Now(), true)
}

// jitter is a time give or take a tenth, so that many gateways do not ask at once.
func jitter(d time.Duration) time.Duration { return d - d/10 + rand.N(d/5+1) }

// lookSoon is look, but that nobody waits for long while there is a snapshot to be served by.
func (s *Source) lookSoon(ctx context.Context) error {
	if s.current != nil || s.cfg.Snapshot == "" {
		return s.look(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	return s.look(ctx)
}

// look reads what is new, if anything is.
func (s *Source) look(ctx context.Context) error {
	now := time.Now()
	before := s.current
	if s.release == nil || now.After(s.reread) {
		rel, err := discover(ctx, s.asker, s.cfg.Schema)
		if err != nil {
			return err
		}
		s.release, before = rel, nil
	}
	mark, err := s.release.poll(ctx, s.asker)
	if err != nil {
		s.release = nil // it may have been upgraded
		return err
	}
	if before != nil && mark == s.mark && now.Before(s.compared) {
		return nil
	}
	next, err := read(ctx, s.asker, s.release, before)
	if err != nil {
		return err
	}
	next.share(s.current)
	if !next.equal(s.current) {
		s.current, s.unsaved = next, true
	}
	// The mark is of before the reading: what came meanwhile is read the next time.
	s.mark, s.compared = mark, now.Add(jitter(s.cfg.Compare))
	if before == nil {
		s.reread = now.Add(jitter(s.cfg.Reread))
	}
	return nil
}

// use gives the metadata to whoever serves from them.
func (s *Source) use(ctx context.Context) error {
	if s.current == nil || s.current == s.used {
		return nil
	}
	if err := s.cfg.OnChange(ctx, s.current); err != nil {
		return err
	}
	s.used, s.unused = s.current, ""
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Changes++
	s.state.Views = len(s.used.Views)
	return nil
}

// fallBack takes the metadata of the snapshot file, if there are none yet.
func (s *Source) fallBack(context.Context) {
	if s.current != nil || s.cfg.Snapshot == "" {
		return
	}
	m, at, err := loadSnapshot(s.cfg.Snapshot)
	if err != nil {
		s.cfg.Log.Warn("snapshot of the metadata cannot be used", "file", s.cfg.Snapshot, "error", err)
		return
	}
	s.current = m
	s.mu.Lock()
	s.state.FromFile, s.state.ReadAt, s.state.SavedAt = true, at, at
	s.mu.Unlock()
	s.cfg.Log.Warn("the metadata layer is away; serving by the snapshot", "file", s.cfg.Snapshot,
		"age", time.Since(at).Round(time.Second).String(), "featureViews", len(m.Views))
}

// save writes the snapshot file, if other metadata are in it: not more often than every saveEvery, but for the last time.
func (s *Source) save(now time.Time, last bool) {
	if s.cfg.Snapshot == "" || !s.unsaved || !last && now.Sub(s.saved) < saveEvery {
		return
	}
	s.unsaved, s.saved = false, now
	err := saveSnapshot(s.cfg.Snapshot, s.current, now)
	if err != nil {
		s.cfg.Log.Error("snapshot of the metadata cannot be written; a restart while the metadata layer is away would not serve",
			"file", s.cfg.Snapshot, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.SaveErr = err; err == nil {
		s.state.SavedAt = now
	}
}

// tell notes how a look has ended.
func (s *Source) tell(err error) {
	s.mu.Lock()
	st := &s.state
	st.Polls++
	now := time.Now()
	was, first := st.Live, st.Polls == 1
	st.Live, st.Err = err == nil, err
	if err == nil {
		st.ReadAt, st.FromFile = now, false
	} else {
		st.Failures++
	}
	if was != st.Live || first {
		st.Since = now
	}
	s.mu.Unlock()
	switch {
	case err != nil && (was || first):
		s.cfg.Log.Warn("the metadata layer does not answer; what is known is served on", "error", err)
	case err == nil && !was && !first:
		s.cfg.Log.Info("the metadata layer answers again")
	}
}

// share has m take the views of another over that are equal, so that equal tells them by their address alone.
func (m *Metadata) share(other *Metadata) {
	if other == nil {
		return
	}
	known := make(map[int64]*View, len(other.Views))
	for _, v := range other.Views {
		known[v.ID] = v
	}
	for i, v := range m.Views {
		if old := known[v.ID]; old != nil && old.equal(v) {
			m.Views[i] = old
		}
	}
}

func (v *View) equal(other *View) bool {
	return v == other || v.Store == other.Store && v.Name == other.Name && v.Version == other.Version &&
		slices.Equal(v.Joins, other.Joins) && slices.Equal(v.Features, other.Features) && slices.Equal(v.Keys, other.Keys)
}

// equal reports whether two Metadata that share their views say the same.
func (m *Metadata) equal(other *Metadata) bool {
	return other != nil && slices.Equal(m.Stores, other.Stores) && slices.Equal(m.Groups, other.Groups) &&
		slices.Equal(m.Views, other.Views) && slices.Equal(m.Schemas, other.Schemas) &&
		slices.EqualFunc(m.Shares, other.Shares, Share.equal)
}
