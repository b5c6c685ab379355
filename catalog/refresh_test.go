package catalog

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

const (
	accountFloat = "payments.account_1(account_id)\n  account_id bigint\n  updated_at timestamp\n  avg_amount " +
		"float\n  amount double\n"
	accountBroken = "payments.account_1(account_id)\n  account_id bigint\n  updated_at timestamp\n  amount double\n"
	merchantWider = "payments.merchant_1(merchant_id)\n  merchant_id varchar(20) utf8mb4\n  category varchar(9) " +
		"utf8mb4\n  amount decimal(4,2)\n"
	merchantBroken = "payments.merchant_1(merchant_id)\n  merchant_id varchar(20) utf8mb4\n  amount decimal(4,2)\n"
)

func TestRedefinition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t)
		defer r.Close()
		r.server.alter(t, account, accountFloat)
		r.Stale(account)
		synctest.Wait()
		if len(r.changes) != 1 || r.changes[0] != r.Current() || r.Current() == r.first {
			t.Fatalf("%d changes", len(r.changes))
		}
		if got := r.featureType(t, "avg_amount"); got != "float" {
			t.Fatalf("the feature is %s", got)
		}
		time.Sleep(time.Hour)
		if got := r.server.since(1); len(got) != 1 || got[0].tables != "account_1" {
			t.Fatalf("read %v, want the one table once", got)
		}
		if r.log.count("altered", "payments.account_1") != 1 {
			t.Fatal("the change was not logged")
		}
	})
}

// TestRefreshUnasked: a change that no answer shows is found by the regular reading.
func TestRefreshUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRigWith(t, 0)
		defer r.Close()
		r.server.alter(t, account, accountFloat)
		time.Sleep(defaultRefresh - defaultRefresh/10 - time.Second)
		if r.Current() != r.first {
			t.Fatal("read before its time")
		}
		time.Sleep(2 * (defaultRefresh/10 + time.Second))
		altered := r.Current()
		if altered == r.first {
			t.Fatal("the change was not found")
		}
		time.Sleep(10 * defaultRefresh)
		if r.Current() != altered {
			t.Fatal("a new snapshot though nothing changed any more")
		}
	})
}

// TestOtherKey alters nothing but the order of a primary key.
func TestOtherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t)
		defer r.Close()
		r.server.alter(t, wallet, "payments.wallet_2(account_id, currency)\n  currency char(3) ascii\n"+
			"  account_id int\n  funds double\n")
		r.Stale(wallet)
		synctest.Wait()
		if len(r.changes) != 1 {
			t.Fatalf("%d changes", len(r.changes))
		}
	})
}

func TestTableIsAbsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t)
		defer r.Close()
		r.server.alter(t, account, "")
		r.Stale(account)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if r.Current() != r.first || len(r.changes) != 0 {
			t.Fatal("the snapshot changed")
		}
		var rests []time.Duration
		calls := r.server.since(1)
		for i := 1; i < len(calls); i++ {
			rests = append(rests, calls[i].at.Sub(calls[i-1].at))
		}
		want := []time.Duration{100, 200, 400, 800, 1600, 3200, 5000, 5000}
		for i := range want {
			if i >= len(rests) || rests[i] != want[i]*time.Millisecond {
				t.Fatalf("read after %v, want %v ms", rests, want)
			}
		}
		if n := r.log.count("does not exist"); n != 1 {
			t.Fatalf("logged %d times", n)
		}

		// Another table is served as altered meanwhile, at once, and does not hurry the absent one.
		r.server.alter(t, merchant, merchantWider)
		before := len(r.server.since(0))
		r.Stale(merchant)
		synctest.Wait()
		if got := r.featureType(t, "category"); got != "varchar(9)" || len(r.changes) != 1 {
			t.Fatalf("the feature is %s after %d changes", got, len(r.changes))
		}
		if calls := r.server.since(before); len(calls) != 1 || calls[0].tables != "merchant_1" {
			t.Fatalf("read %v", calls)
		}

		// The table is back.
		r.server.alter(t, account, accountFloat)
		time.Sleep(maxRest)
		synctest.Wait()
		if got := r.featureType(t, "avg_amount"); got != "float" || len(r.changes) != 2 {
			t.Fatalf("the feature is %s after %d changes", got, len(r.changes))
		}
		if got := r.featureType(t, "category"); got != "varchar(9)" {
			t.Fatalf("the other table lost its definition: %s", got)
		}
	})
}

func TestRedefinitionThatBreaksAView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t)
		defer r.Close()
		r.server.alter(t, account, accountBroken)
		r.Stale(account)
		time.Sleep(time.Minute)
		synctest.Wait()
		if r.Current() != r.first || len(r.changes) != 0 {
			t.Fatal("the snapshot changed")
		}
		if n := len(r.server.since(1)); n < 10 || n > 30 {
			t.Fatalf("read %d times in a minute", n)
		}
		if n := r.log.count("WARN", "c.yaml:14", "no joined feature group has it"); n != 1 {
			t.Fatalf("logged %d times", n)
		}

		// It breaks in another way, which is news.
		r.server.alter(t, account, "payments.account_1()\n  account_id bigint\n")
		time.Sleep(2 * maxRest)
		synctest.Wait()
		if n := r.log.count("WARN", "no primary key"); n != 1 {
			t.Fatalf("logged %d times", n)
		}

		// It is as it was: nothing to be told, and nothing more to be read.
		r.server.alter(t, account, soundTables)
		time.Sleep(2 * maxRest)
		synctest.Wait()
		before := len(r.server.since(0))
		time.Sleep(time.Hour)
		if r.Current() != r.first || len(r.server.since(before)) != 0 || r.log.count("again as it is served") != 1 {
			t.Fatal("the table was not left alone once it was mended")
		}
	})
}

// TestChangeOverTwoTables moves a feature's column from one table to another: neither definition fits without the
// other.
func TestChangeOverTwoTables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t)
		defer r.Close()
		r.server.alter(t, account, accountBroken)
		r.Stale(account)
		time.Sleep(10 * time.Second)
		r.server.alter(t, merchant, "payments.merchant_1(merchant_id)\n  merchant_id varchar(20) utf8mb4\n"+
			"  category varchar(3) utf8mb4\n  avg_amount decimal(8,2)\n")
		r.Stale(merchant)
		synctest.Wait()
		if got := r.featureType(t, "avg_amount"); got != "decimal(8,2)" || len(r.changes) != 1 {
			t.Fatalf("the feature is %s after %d changes", got, len(r.changes))
		}
	})
}

// TestOneOfTwoFits reads two tables at once, one of which breaks a view.
func TestOneOfTwoFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t)
		defer r.Close()
		r.server.alter(t, account, accountFloat)
		r.server.alter(t, merchant, merchantBroken)
		r.Stale(merchant)
		r.Stale(account)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := r.featureType(t, "avg_amount"); got != "float" || len(r.changes) != 1 {
			t.Fatalf("the feature is %s after %d changes", got, len(r.changes))
		}
		if got := r.featureType(t, "category"); got != "varchar(3)" {
			t.Fatalf("the broken table is served: %s", got)
		}
		// Read before the other table, it is told of again: the complaint lists columns of both.
		if n := r.log.count("WARN", "payments.merchant_1"); n < 1 || n > 2 || r.log.count("WARN", "payments.account_1") != 0 {
			t.Fatal("the wrong table was blamed")
		}
	})
}

// TestCallsAreCoalesced calls while the tables rest, so that no reading begins between two calls.
func TestCallsAreCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t)
		defer r.Close()
		r.Stale(account)
		synctest.Wait()
		r.Stale(merchant)
		synctest.Wait()
		before := len(r.server.since(0))
		r.server.alter(t, account, accountFloat)
		r.server.alter(t, merchant, merchantWider)
		for range 1000 {
			r.Stale(account)
			r.Stale(merchant)
			r.Stale(TableName{"payments", "unknown"})
		}
		time.Sleep(time.Hour)
		if calls := r.server.since(before); len(calls) != 1 || calls[0].tables != "account_1 merchant_1" {
			t.Fatalf("read %v, want both tables once", calls)
		}
		if r.featureType(t, "avg_amount") != "float" || r.featureType(t, "category") != "varchar(9)" {
			t.Fatal("not all was read")
		}
	})
}

func TestStaleDuringRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t)
		defer r.Close()
		r.server.takes = 50 * time.Millisecond
		r.server.alter(t, account, accountFloat)
		r.Stale(account)
		time.Sleep(10 * time.Millisecond) // the reading runs
		for range 1000 {
			r.Stale(account)
		}
		time.Sleep(time.Hour)
		if calls := r.server.since(1); len(calls) != 2 {
			t.Fatalf("read %v, want one reading more", calls)
		}
		if len(r.changes) != 1 {
			t.Fatalf("%d changes, of which all but one change nothing", len(r.changes))
		}
	})
}

// TestUnchangedTableRests complains of a sound table all the time.
func TestUnchangedTableRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t)
		defer r.Close()
		for range 30_000 {
			r.Stale(wallet)
			time.Sleep(time.Millisecond)
		}
		if n := len(r.server.since(1)); n < 8 || n > 12 {
			t.Fatalf("read %d times in 30 s", n)
		}
		if r.Current() != r.first {
			t.Fatal("the snapshot changed, and nothing else did")
		}

		// After a quiet while, it is read at once, and rests as short as ever.
		time.Sleep(time.Minute)
		before := len(r.server.since(0))
		r.Stale(wallet)
		synctest.Wait()
		r.Stale(wallet)
		time.Sleep(minRest)
		synctest.Wait()
		if calls := r.server.since(before); len(calls) != 2 || calls[1].at.Sub(calls[0].at) != minRest {
			t.Fatalf("read %v", calls)
		}
	})
}

func TestDatabaseIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t)
		defer r.Close()
		r.server.alter(t, account, accountFloat)
		r.server.fail(errors.New("no node answers"))
		r.Stale(account)
		time.Sleep(time.Minute)
		if r.Current() != r.first || r.log.count("WARN", "no node answers") != 1 {
			t.Fatal("the snapshot changed, or the log does not say once why not")
		}
		r.server.fail(nil)
		time.Sleep(maxRest)
		synctest.Wait()
		if got := r.featureType(t, "avg_amount"); got != "float" {
			t.Fatalf("the feature is %s", got)
		}
	})
}

// TestReadIsBounded has a reading that never ends.
func TestReadIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t)
		defer r.Close()
		r.server.takes = 365 * 24 * time.Hour
		r.Stale(account)
		time.Sleep(time.Minute)
		if n := len(r.server.since(1)); n < 4 || n > 6 {
			t.Fatalf("read %d times in a minute, at ten seconds each", n)
		}
		if r.log.count("WARN", "deadline") != 1 {
			t.Fatal("the log does not say once that it takes too long")
		}
	})
}
