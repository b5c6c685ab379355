package lookup_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rongate/rongate/internal/fakenode"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

// A crowd is look-ups that come one after the other while the only connection is busy.
type crowd struct {
	*fixture
	log     []string        // for each statement that has begun, how many keys it is for
	left    []time.Duration // and how long it had
	fails   atomic.Pointer[func(keys int) error]
	results sync.WaitGroup
}

// newCrowd makes one with a statement under way, which takes 10 ms as each does.
func newCrowd(t *testing.T, change func(*lookup.Config)) *crowd {
	t.Helper()
	c := &crowd{}
	c.failBy(func(int) error { return nil })
	c.fixture = newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
		cfg.Nodes = cfg.Nodes[1:2]
		if change != nil {
			change(cfg)
		}
		nodes["a"].Size = 1
		nodes["a"].OnSelect = func(query string, keys int, deadline time.Time) error {
			c.left = append(c.left, time.Until(deadline))
			what := strings.TrimPrefix(strings.Split(query, "_1`")[0], strings.Split(query, "`db`.`")[0]+"`db`.`")
			c.log = append(c.log, fmt.Sprintf("%s %d", what, keys))
			time.Sleep(10 * time.Millisecond)
			return (*c.fails.Load())(keys)
		}
	})
	c.expect(accounts, time.Second, 1)
	c.log = nil
	return c
}

// failBy has statements end with these errors.
func (c *crowd) failBy(f func(keys int) error) { c.fails.Store(&f) }

// expect asks for accounts, and wants what they hold.
func (c *crowd) expect(plan int, timeout time.Duration, ids ...int64) {
	c.results.Go(func() { c.expectAccounts(ids, c.read(plan, c.accountKeys(ids...), timeout)) })
	synctest.Wait()
}

// want waits for the answers and compares which statements there were.
func (c *crowd) want(statements ...string) {
	c.t.Helper()
	c.results.Wait()
	synctest.Wait()
	if !slices.Equal(c.log, statements) {
		c.t.Errorf("statements: %q, want %q", c.log, statements)
	}
}

func TestMerge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, nil)
		c.expect(accounts, time.Second, 5)
		c.expect(accounts, time.Second, 9, 5, 7) // of which one has no row and one is asked for already
		c.expect(accounts, time.Second, 7, 5)
		c.expect(accounts, time.Second, 12)
		c.want("accounts 4")
		if st := c.reader.Stats(); st.Merged != 3 || st.Shared != 3 {
			t.Errorf("%d merged, %d keys shared", st.Merged, st.Shared)
		}
	})
}

func TestUnmerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, func(cfg *lookup.Config) { cfg.Unmerged = true })
		for id := range int64(3) {
			c.expect(accounts, time.Second, id)
		}
		c.want("accounts 1", "accounts 1", "accounts 1")
	})
}

// TestMergeOneKey: so many reads of one key are one, once the connection is free.
func TestMergeOneKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, nil)
		for range 63 {
			c.expect(accounts, time.Second, 1)
		}
		c.want("accounts 1")
	})
}

// TestMergeFull: a statement holds as many distinct keys as it may, and the look-ups that do not fit go into the next.
func TestMergeFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, nil)
		ids := func(from, n int64) (ids []int64) {
			for i := range n {
				ids = append(ids, from+i)
			}
			return ids
		}
		for i := range int64(6) {
			c.expect(accounts, time.Second, ids(25*i, 25)...) // five make 125
		}
		c.expect(accounts, time.Second, ids(10, 30)...) // all of them are there, but it comes after one that did not fit
		c.want("accounts 128", "accounts 64")           // as they are padded
	})
}

// TestMergeLanes: the pieces of a batch and single vectors are served in turn, and singles fill what room batches leave.
func TestMergeLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, nil)
		batch := make([]int64, 3*128+100)
		for i := range batch {
			batch[i] = int64(i)
		}
		c.expect(accounts, time.Second, batch...)
		begin := time.Now()
		c.results.Go(func() {
			c.expectAccounts([]int64{1000}, c.read(accounts, c.accountKeys(1000), time.Second))
			if took := time.Since(begin); took > 35*time.Millisecond { // the one that runs, one of the batch, its own
				t.Errorf("a single vector took %v", took)
			}
		})
		c.want("accounts 1", "accounts 128", "accounts 128", "accounts 128", "accounts 128")

		c.log = nil
		c.expect(accounts, time.Second, 1)
		c.expect(accounts, time.Second, batch[:100]...)
		for id := range int64(20) {
			c.expect(accounts, time.Second, 1500+id)
		}
		c.want("accounts 1", "accounts 128")
	})
}

// TestMergeTurns: however many single vectors come, a batch gets every second statement.
func TestMergeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, nil)
		batch := make([]int64, 2*128)
		for i := range batch {
			batch[i] = int64(i)
		}
		c.expect(accounts, time.Second, batch...)
		time.Sleep(5 * time.Millisecond) // so that they come while statements run, not as they end
		for id := range int64(4) {
			c.expect(accounts, time.Second, 1000+id)
			time.Sleep(10 * time.Millisecond)
		}
		c.want("accounts 1", "accounts 128", "accounts 2", "accounts 128", "accounts 1")
	})
}

// TestMergeBound: the keys that a statement is given are bounded, though it asks for them once.
func TestMergeBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, nil)
		ids := make([]int64, 128)
		for i := range ids {
			ids[i] = int64(i)
		}
		for range 20 {
			c.expect(accounts, time.Second, ids...)
		}
		c.want("accounts 128", "accounts 128")
		if st := c.reader.Stats(); st.Merged != 18 || st.Shared != 18*128 {
			t.Errorf("%d merged, %d keys shared", st.Merged, st.Shared)
		}
	})
}

// TestMergeDeadlines: each waiter has its own deadline, and what one leaves behind the others still get.
func TestMergeDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, nil)
		short := func(timeout time.Duration, id int64) {
			c.results.Go(func() {
				begin := time.Now()
				if got := c.read(accounts, c.accountKeys(id), timeout)[0]; got != lookup.ErrDeadline.Error() {
					t.Errorf("account %d: %s", id, got)
				}
				if took := time.Since(begin); took != timeout {
					t.Errorf("account %d: after %v", id, took)
				}
			})
			synctest.Wait()
		}
		short(5*time.Millisecond, 2) // while it waits
		short(15*time.Millisecond, 3)
		c.expect(accounts, time.Second, 4)
		c.expect(accounts, time.Second, 3)
		short(15*time.Millisecond, 4)
		c.want("accounts 2")
		if left := c.left[len(c.left)-1]; left != 990*time.Millisecond {
			t.Errorf("the statement has %v, not as long as the last of its callers waits", left)
		}
		if st := c.reader.Stats(); st.Abandoned != 3 || c.nodes["a"].Detaches() != 0 {
			t.Errorf("%d abandoned, %d detached", st.Abandoned, c.nodes["a"].Detaches())
		}
		c.log = nil
		c.expect(accounts, time.Second, 1)
		short(15*time.Millisecond, 3)
		short(15*time.Millisecond, 4)
		c.want("accounts 1", "accounts 2")
		if n := c.nodes["a"].Detaches(); n != 1 {
			t.Errorf("%d detached, though nobody waits", n)
		}
	})
}

// TestMergeFails: look-ups that share a statement that fails on its data are each given the answer they would have had
// alone. One that fails for another reason is repeated as it was.
func TestMergeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, nil)
		c.failBy(func(keys int) error {
			if keys > 1 {
				return errSyntax
			}
			return nil
		})
		for id := range int64(3) {
			c.expect(accounts, time.Second, id)
		}
		c.want("accounts 4", "accounts 1", "accounts 1", "accounts 1")

		c.log = nil
		failed := false
		c.failBy(func(keys int) error {
			if keys > 1 && !failed {
				failed = true
				return errTemporary
			}
			return nil
		})
		c.expect(accounts, time.Second, 1)
		for id := range int64(3) {
			c.expect(accounts, time.Second, id)
		}
		c.want("accounts 1", "accounts 4", "accounts 1", "accounts 2") // after the pause the first finds the connection free
	})
}

// TestMergeTooLarge: what was too large to be read in one is read in smaller parts from then on, until they turn out to be
// small enough.
func TestMergeTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, func(cfg *lookup.Config) { cfg.MaxBlockBytes = 5 * len("700,1000100,") }) // five rows
		nine := func() {
			c.log = nil
			for id := range int64(9) {
				c.expect(accounts, time.Second, 100+id)
			}
		}
		nine() // together: a statement is under way
		c.want(append([]string{"accounts 16"}, slices.Repeat([]string{"accounts 1"}, 9)...)...)
		nine()
		c.want("accounts 1", "accounts 4", "accounts 4")
	})
}

// TestMergeUndecided: keys that only the server can compare share no statement with those of others, which they would leave
// undecided.
func TestMergeUndecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, nil)
		got := make([][]string, 3)
		for i, keys := range []*lookup.Keys{c.nameKeys("key1"), c.nameKeys("KEY2", "k\u00e9y"), c.nameKeys("\u00e4")} {
			c.results.Go(func() { got[i] = c.read(names, keys, time.Second) })
			synctest.Wait()
		}
		c.want("names 1", "names 2", "names 1", "names 1")
		if fmt.Sprint(got) != "[[0.5] [1.5 -] [-]]" {
			t.Error(got)
		}
	})
}

// TestMergeASCII: keys that ASCII rules decide are read together, and each caller has the row that answers its own.
func TestMergeASCII(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, nil)
		got := make([][]string, 4)
		for i, name := range []string{"key1", "KEY1", "Key2", "key3"} {
			c.results.Go(func() { got[i] = c.read(names, c.nameKeys(name), time.Second) })
			synctest.Wait()
		}
		c.want("names 4")
		if fmt.Sprint(got) != "[[0.5] [0.5] [1.5] [-]]" {
			t.Error(got)
		}
		c.log = nil
		c.expect(accounts, time.Second, 1)
		for _, region := range []int64{200, 255, 60_000} { // numbers have no character, whatever their bytes are
			k := &lookup.Keys{}
			k.Reset(2)
			if err := errors.Join(k.Append(c.region, number(region)), k.Append(c.name, text("key1"))); err != nil {
				t.Fatal(err)
			}
			c.results.Go(func() { c.read(names, k, time.Second) })
			synctest.Wait()
		}
		c.want("accounts 1", "names 4")
	})
}

// askFailing asks for accounts as expect does, and wants an error.
func (c *crowd) askFailing(want error, ids ...int64) {
	c.results.Go(func() {
		for i, got := range c.read(accounts, c.accountKeys(ids...), time.Second) {
			if got != want.Error() {
				c.t.Errorf("account %d: %s", ids[i], got)
			}
		}
	})
	synctest.Wait()
}

// TestMergeFailsForAll: those who have asked for all that a statement did have their answer when it fails.
func TestMergeFailsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, nil)
		c.results.Wait()
		c.failBy(func(int) error { return errSyntax })
		for range 20 {
			c.askFailing(errSyntax, 5)
		}
		c.want("accounts 1", "accounts 1") // the first one goes at once
	})
}

// TestMergeBreaks: what breaks a connection may be another's data, so the last attempt is everybody's own.
func TestMergeBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, nil)
		c.failBy(func(keys int) error {
			if keys > 1 {
				return &pool.ServerError{Number: 1040} // repeated at once, and there is but one node
			}
			return nil
		})
		for id := range int64(3) {
			c.expect(accounts, time.Second, id)
		}
		c.want("accounts 4", "accounts 4", "accounts 1", "accounts 1", "accounts 1")
	})
}

// TestMergeFullQueue: look-ups that were in a statement that failed are not refused because others have come since.
func TestMergeFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, func(cfg *lookup.Config) { cfg.MaxQueued = 4 })
		failed := false
		c.failBy(func(keys int) error {
			if keys > 1 && !failed {
				failed = true
				return errSyntax
			}
			return nil
		})
		for id := range int64(4) {
			c.expect(accounts, time.Second, id)
		}
		time.Sleep(11 * time.Millisecond) // they are on their way
		for id := range int64(4) {
			c.expect(accounts, time.Second, 10+id)
		}
		c.results.Wait()
		if st := c.reader.Stats(); st.Refused != 0 || !failed {
			t.Errorf("%d refused", st.Refused)
		}
	})
}

// TestMergeStress has many look-ups of all sizes, with deadlines that they often miss, share few connections that fail now
// and then. Every answer that is none of the errors is the row's, and no block is left.
func TestMergeStress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(_ *lookup.Config, nodes map[string]*fakenode.Node) {
			for _, n := range nodes {
				n.Size = 1
				n.OnSelect = func(_ string, keys int, _ time.Time) error {
					time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
					switch rand.IntN(40) {
					case 0:
						return errTemporary
					case 1:
						return errSyntax
					case 2:
						time.Sleep(20 * time.Millisecond)
					}
					return nil
				}
			}
		})
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				for range 100 {
					f.askAnything()
				}
			})
		}
		all.Wait()
		st := f.reader.Stats()
		t.Logf("%d merged, %d keys shared, %d abandoned, %d retried", st.Merged, st.Shared, st.Abandoned, st.Retries)
		if st.Merged == 0 || st.Shared == 0 || st.Abandoned == 0 || st.Queued != 0 {
			t.Errorf("%+v", st)
		}
		time.Sleep(time.Second) // what was detached ends
	})
}

// askAnything reads some accounts, and tells what is neither theirs nor an error.
func (f *fixture) askAnything() {
	ids := make([]int64, 1+rand.IntN(4))
	if rand.IntN(20) == 0 {
		ids = make([]int64, 1+rand.IntN(400))
	}
	for i := range ids {
		ids[i] = rand.Int64N(300)
	}
	known := []string{lookup.ErrDeadline.Error(), lookup.ErrOverloaded.Error(), errTemporary.Error(), errSyntax.Error()}
	for i, got := range f.read(accounts, f.accountKeys(ids...), time.Duration(1+rand.IntN(50))*time.Millisecond) {
		if got != account(ids[i]) && !slices.Contains(known, got) {
			f.t.Errorf("account %d: %s", ids[i], got)
		}
	}
}
