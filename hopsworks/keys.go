package hopsworks

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/rongate/rongate/pool"
)

// KeysConfig is what Keys needs. Nodes are required.
type KeysConfig struct {
	// Nodes are as in Config: one connection to one of them is held while keys are asked for. User needs SELECT on api_key,
	// api_key_scope, users and project_team, and on restricted_feature_group_access and restricted_feature_access, where
	// there are such tables.
	Nodes []pool.Config

	// Schema is the metadata's database. Default "hopsworks".
	Schema string

	// Refresh is how often the keys that are used are read again: how long one that is revoked goes on at most. One that does
	// not exist is believed not to for as long. Default 10 s.
	Refresh time.Duration

	// Keep is how long keys go on that cannot be read again, while the metadata layer is away. Default 24 h.
	Keep time.Duration

	// File is the path of the file that known keys are kept in, as salted digests, so that a restart while the metadata layer
	// is away does not lock anybody out. Empty: they are not.
	File string

	Log *slog.Logger // nil: nothing is logged
}

const (
	defaultRefresh = 10 * time.Second
	defaultKeep    = 24 * time.Hour

	// keyScope is the scope that a key needs to read features.
	keyScope = "FEATURESTORE"

	// maxKnown is how many keys that exist are remembered, those used last.
	maxKnown = 10_000
	// maxAbsent is how many prefixes without a key are remembered, apart from the keys: a flood of them evicts no key.
	maxAbsent = 20_000
	// maxWaiting is how many prefixes may wait to be looked up.
	maxWaiting = 1024
	// keysAtOnce is how many prefixes one statement asks for.
	keysAtOnce = 256
	// readGap is from one statement for unknown prefixes to the next at least: forty a second, 10,240 prefixes.
	readGap = 25 * time.Millisecond
	// staleWait is how long the holder of a known key waits for one that was not used for long to be read again.
	staleWait = 100 * time.Millisecond
	// keyPatience is how long a node may take over one statement: a caller waits.
	keyPatience = 500 * time.Millisecond

	maxPrefix = 45  // as the column has it
	maxSecret = 512 // bytes: five times what Hopsworks makes
)

// A Verdict is what becomes of an API key.
type Verdict int

// The verdicts.
const (
	KeyValid     Verdict = iota
	KeyUnknown           // there is no such key, or not with that secret, or its user's account is closed
	KeyExpired           // its time is over
	KeyUnscoped          // it is not for reading features
	KeyUnchecked         // nothing is known of it, and the metadata layer does not answer
	KeyDeferred          // too many unknown keys are being looked up
)

// verdicts is how many there are.
const verdicts = 6

// String is the verdict's name in metrics.
func (v Verdict) String() string {
	return [verdicts]string{"valid", "unknown", "expired", "unscoped", "unchecked", "deferred"}[v]
}

// KeysStats are counts since the start, and how things are.
type KeysStats struct {
	Checks [verdicts]uint64 // by Verdict
	Known  int              // keys that are remembered
	Absent int              // prefixes without a key that are
	Reads  uint64           // statements for keys
	Failed uint64           // readings that failed
	Live   bool             // the last reading was answered
}

// Keys checks the API keys of Hopsworks' users: prefix.secret, of which the metadata have the prefix and a salted SHA-256
// of the secret. What is known of a key is remembered and read again in the background, so that no request waits for the
// metadata layer but the first of a key. Its methods may be called concurrently.
type Keys struct {
	cfg    KeysConfig
	asker  *asker
	stop   context.CancelFunc
	done   sync.WaitGroup
	known  *lru.Cache[prefix, *key]
	absent *lru.Cache[prefix, time.Time] // until when that is believed

	sharing atomic.Pointer[sharing]
	uses    atomic.Uint64 // of Use
	away    atomic.Bool   // the last reading failed
	checks  [verdicts]atomic.Uint64
	reads   atomic.Uint64
	failed  atomic.Uint64

	timers sync.Pool // of *time.Timer that do not run

	mu      sync.Mutex
	waiting map[prefix]*batch // of those in queue, and the one that is being read
	queue   []*batch          // all but the last are full
	wake    chan struct{}     // has room for one: there is something in queue

	// What follows belongs to the goroutine in run.
	release *release
	reread  time.Time // when that is discovered again
	altered bool      // known keys are others than those in the file
	saved   time.Time // when they were written
}

// A prefix is the part of a key that it is found by, padded with zeros.
type prefix [maxPrefix]byte

// A key is one that exists.
type key struct {
	standing  atomic.Pointer[standing]
	confirmed atomic.Int64 // when it was read last, in nanoseconds of Unix time
	used      atomic.Bool  // since it was read last
	derived   atomic.Pointer[derived]
}

// A standing is what the metadata say of a key. It is immutable.
type standing struct {
	Digest  [sha256.Size]byte `json:"digest"` // of the secret and the salt
	Salt    []byte            `json:"salt"`
	Expires time.Time         `json:"expires,omitzero"` // zero: never
	Scoped  bool              `json:"scoped"`
	Closed  bool              `json:"closed,omitempty"` // the user's account is
	Members []member          `json:"members,omitempty"`
	Grants  []grant           `json:"grants,omitempty"`
}

// A derived is the rights by a standing and a sharing, of which it has the number: a key that is used no more must not keep
// an old one.
type derived struct {
	standing *standing
	sharing  uint64
	rights   *Rights
}

// A batch is prefixes that are looked up together.
type batch struct {
	names  []prefix
	done   chan struct{} // closed when they have been
	failed bool          // they could not be
}

// OpenKeys begins to check keys. Nobody has any rights before Use. Close must be called.
func OpenKeys(cfg KeysConfig) (*Keys, error) {
	if len(cfg.Nodes) == 0 {
		return nil, errNoNodes
	}
	cfg.fill()
	known, err := lru.New[prefix, *key](maxKnown)
	if err != nil {
		return nil, err
	}
	absent, err := lru.New[prefix, time.Time](maxAbsent)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	k := &Keys{
		cfg: cfg, asker: newAsker(cfg.Nodes), stop: stop, known: known, absent: absent,
		waiting: map[prefix]*batch{}, wake: make(chan struct{}, 1),
	}
	k.sharing.Store(newSharing(&Metadata{}))
	k.load()
	k.done.Go(func() { k.asker.run(ctx) })
	k.done.Go(func() { k.run(ctx) })
	return k, nil
}

func (c *KeysConfig) fill() {
	if c.Schema == "" {
		c.Schema = "hopsworks"
	}
	if c.Refresh == 0 {
		c.Refresh = defaultRefresh
	}
	if c.Keep == 0 {
		c.Keep = defaultKeep
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// Close ends the checking. Check must not be called after it.
func (k *Keys) Close() {
	k.stop()
	k.done.Wait()
}

// Use has rights follow from other metadata, from the next Check on.
func (k *Keys) Use(m *Metadata) {
	next := newSharing(m)
	next.number = k.uses.Add(1)
	k.sharing.Store(next)
}

// Stats tells how things are.
func (k *Keys) Stats() KeysStats {
	s := KeysStats{
		Known: k.known.Len(), Absent: k.absent.Len(), Reads: k.reads.Load(), Failed: k.failed.Load(), Live: !k.away.Load(),
	}
	for i := range s.Checks {
		s.Checks[i] = k.checks[i].Load()
	}
	return s
}

// Check returns what the holder of a key may read, or what is wrong with it. It waits only for a key of which nothing is
// known, or that was not used for long, and at most until the deadline.
func (k *Keys) Check(presented []byte, deadline time.Time) (*Rights, Verdict) {
	rights, verdict := k.check(presented, deadline)
	k.checks[verdict].Add(1)
	return rights, verdict
}

func (k *Keys) check(presented []byte, deadline time.Time) (*Rights, Verdict) {
	name, secret, ok := splitKey(presented)
	if !ok {
		return nil, KeyUnknown
	}
	now := time.Now()
	one, ok := k.known.Get(name)
	if ok && !k.away.Load() && one.age(now) > 2*k.cfg.Refresh {
		// It was not used, so that it was not read again. An attempt in vain does not lock it out.
		k.await(name, earlier(deadline, now.Add(staleWait)))
		one, ok = k.known.Get(name)
	}
	if ok {
		return k.judge(one, secret, now)
	}
	if until, ok := k.absent.Get(name); ok && now.Before(until) {
		return nil, KeyUnknown
	}
	if k.away.Load() {
		return nil, KeyUnchecked
	}
	if verdict := k.await(name, deadline); verdict != KeyValid {
		return nil, verdict
	}
	if one, ok := k.known.Get(name); ok {
		return k.judge(one, secret, now)
	}
	return nil, KeyUnknown
}

// judge holds a secret against a key.
func (k *Keys) judge(one *key, secret []byte, now time.Time) (*Rights, Verdict) {
	if !one.used.Load() {
		one.used.Store(true)
	}
	s := one.standing.Load()
	var room [maxSecret + 256]byte
	digest := sha256.Sum256(append(append(room[:0], secret...), s.Salt...))
	switch {
	case subtle.ConstantTimeCompare(digest[:], s.Digest[:]) != 1, s.Closed:
		return nil, KeyUnknown
	case !s.Expires.IsZero() && now.After(s.Expires):
		return nil, KeyExpired
	case !s.Scoped:
		return nil, KeyUnscoped
	case one.age(now) > k.cfg.Keep:
		return nil, KeyUnchecked
	}
	sh := k.sharing.Load()
	d := one.derived.Load()
	if d == nil || d.standing != s || d.sharing != sh.number {
		d = &derived{s, sh.number, sh.rights(s.Members, s.Grants)}
		one.derived.Store(d)
	}
	return d.rights, KeyValid
}

// age is how long ago the key was read.
func (one *key) age(now time.Time) time.Duration {
	return time.Duration(now.UnixNano() - one.confirmed.Load())
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// splitKey takes a presented key apart. What cannot be one is told without looking.
func splitKey(presented []byte) (name prefix, secret []byte, ok bool) {
	for i, c := range presented {
		switch {
		case c == '.':
			secret = presented[i+1:]
			return name, secret, i > 0 && len(secret) > 0 && len(secret) <= maxSecret
		case i == maxPrefix || c <= ' ' || c > '~':
			return name, nil, false
		}
		name[i] = c
	}
	return name, nil, false
}

// await has a prefix looked up, and returns KeyValid when it has been.
func (k *Keys) await(name prefix, until time.Time) Verdict {
	k.mu.Lock()
	b := k.waiting[name]
	if b == nil {
		if len(k.waiting) >= maxWaiting {
			k.mu.Unlock()
			return KeyDeferred
		}
		b = k.enqueueLocked(name)
	}
	k.mu.Unlock()
	if b.wait(k.timer(until), &k.timers) && !b.failed {
		return KeyValid
	}
	return KeyUnchecked
}

// enqueueLocked has a prefix be looked up with others.
func (k *Keys) enqueueLocked(name prefix) *batch {
	last := len(k.queue) - 1
	if last < 0 || len(k.queue[last].names) == keysAtOnce {
		k.queue = append(k.queue, &batch{done: make(chan struct{})})
		last++
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
	b := k.queue[last]
	b.names = append(b.names, name)
	k.waiting[name] = b
	return b
}

// timer returns one that ends at some time.
func (k *Keys) timer(until time.Time) *time.Timer {
	if t, ok := k.timers.Get().(*time.Timer); ok {
		t.Reset(time.Until(until))
		return t
	}
	return time.NewTimer(time.Until(until))
}

// wait waits for the batch to be done, or for the timer, which is for others then. It reports whether it is done.
func (b *batch) wait(t *time.Timer, spare *sync.Pool) (done bool) {
	select {
	case <-b.done:
		done = true
	case <-t.C:
	}
	t.Stop()
	spare.Put(t)
	return done
}
