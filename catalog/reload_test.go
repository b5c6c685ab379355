package catalog

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rongate/rongate/internal/yamldoc"
)

// merchantsOnly reads one of the tables of the sound catalogue, in a view of its own.
const merchantsOnly = `featureStores:
  - name: payments
    featureGroups:
      - {name: merchant, version: 1}
    featureViews:
      - {name: merchants, version: 1, joins: [{group: merchant, version: 1}], features: [category]}
`

// TestReload takes up another file, from which on its tables are those that are looked after.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t)
		defer r.Close()
		if err := r.Reload(t.Context(), writeFile(t, merchantsOnly)); err != nil {
			t.Fatal(err)
		}
		if len(r.changes) != 1 || len(r.Current().Views) != 1 || r.Current().Views[0].Name != "merchants" {
			t.Fatalf("%d changes, views %v", len(r.changes), r.Current().Views)
		}
		read := len(r.server.since(0))
		r.Stale(account) // of the file of before
		r.Stale(merchant)
		r.server.alter(t, merchant, merchantWider)
		synctest.Wait()
		if calls := r.server.since(read); len(calls) != 1 || calls[0].tables != "merchant_1" || len(r.changes) != 2 {
			t.Errorf("read %v, %d changes", calls, len(r.changes))
		}
	})
}

// TestReloadFails: whatever is wrong with what is loaded, what was served before is served on and looked after.
func TestReloadFails(t *testing.T) {
	for name, test := range map[string]struct {
		file  string
		table string // the definition of the merchants' table meanwhile; empty: as it is
		away  error
		want  string
	}{
		"not YAML":               {file: "featureStores: [\n", want: "is not valid YAML"},
		"a mistake":              {file: strings.Replace(merchantsOnly, "group: merchant", "group: merchnt", 1), want: "merchnt"},
		"no such column":         {file: strings.Replace(merchantsOnly, "[category]", "[categories]", 1), want: "did you mean category"},
		"no such table":          {file: strings.ReplaceAll(merchantsOnly, "merchant,", "shop,"), want: "shop_1"},
		"the database is away":   {file: merchantsOnly, away: errors.New("no node answers"), want: "no node answers"},
		"a table that is broken": {file: merchantsOnly, table: merchantBroken, want: "there are merchant_id, amount"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := openRig(t)
				defer r.Close()
				if test.table != "" {
					r.server.alter(t, merchant, test.table)
				}
				r.server.fail(test.away)
				err := r.Reload(t.Context(), writeFile(t, test.file))
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want %s", err, test.want)
				}
				var mistakes yamldoc.Problems
				if errors.As(err, &mistakes) == (test.away != nil) {
					t.Errorf("a mistake of the file is not told from a database that is away: %v", err)
				}
				r.server.fail(nil)
				if r.Current() != r.first || len(r.changes) != 0 {
					t.Error("the snapshot changed")
				}
				r.server.alter(t, account, accountFloat)
				r.Stale(account)
				synctest.Wait()
				if got := r.featureType(t, "avg_amount"); got != "float" {
					t.Errorf("the tables of before are not looked after: the feature is %s", got)
				}
			})
		})
	}
}

// TestStaleDuringReload: a table that is altered when the reload has read it, as far as anybody knows, is read once more.
func TestStaleDuringReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t)
		defer r.Close()
		read := len(r.server.since(0))
		r.server.takes = time.Second
		path := writeFile(t, merchantsOnly)
		go func() {
			time.Sleep(time.Second / 2)
			r.Stale(merchant)
			r.Stale(account) // which the new file does not have
		}()
		if err := r.Reload(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if calls := r.server.since(read); len(calls) != 2 || calls[1].tables != "merchant_1" {
			t.Errorf("read %v, want merchant_1 twice", calls)
		}
	})
}

// TestReloadIsBounded: neither a database that hangs nor one that a refresh waits for holds a reload beyond its context.
func TestReloadIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t)
		defer r.Close()
		r.server.takes = time.Hour
		r.Stale(account)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := r.Reload(ctx, writeFile(t, merchantsOnly)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("behind a refresh: %v", err)
		}
		synctest.Wait()
		time.Sleep(defaultDescribeTimeout)
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Reload(ctx, writeFile(t, merchantsOnly)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("by itself: %v", err)
		}
		if d := time.Since(began); d > 20*time.Second {
			t.Errorf("took %v", d)
		}
	})
}
