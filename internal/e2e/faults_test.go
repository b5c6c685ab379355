package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/testbed"
)

// A trickle sends requests at a steady rate while a test breaks things, and keeps every answer.
type trickle struct {
	g       *gateway
	stop    chan struct{}
	workers sync.WaitGroup

	mu      sync.Mutex
	answers []answer
}

type answer struct {
	at     time.Time // when the request was sent
	took   time.Duration
	status int
	body   string
}

// startTrickle sends the request that next gives for each number, from several workers, each every interval.
func startTrickle(g *gateway, workers int, interval time.Duration, next func(i int) string) *trickle {
	tr := &trickle{g: g, stop: make(chan struct{})}
	for w := range workers {
		tr.workers.Go(func() {
			ticker := time.NewTicker(interval)
			defer ticker.Stop()
			for i := w; ; i += workers {
				select {
				case <-tr.stop:
					return
				case <-ticker.C:
				}
				sent := time.Now()
				status, body := g.post(next(i))
				tr.mu.Lock()
				tr.answers = append(tr.answers, answer{sent, time.Since(sent), status, body})
				tr.mu.Unlock()
			}
		})
	}
	return tr
}

// await waits until an answer to a request sent from now on satisfies ok.
func (tr *trickle) await(ok func(answer) bool) {
	tr.g.t.Helper()
	tr.mu.Lock()
	seen := len(tr.answers)
	tr.mu.Unlock()
	from := time.Now()
	for end := from.Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		tr.mu.Lock()
		found := slices.ContainsFunc(tr.answers[seen:], func(a answer) bool { return a.at.After(from) && ok(a) })
		tr.mu.Unlock()
		if found {
			return
		}
	}
	tr.g.t.Fatal("the answer that the test waits for did not come")
}

// end stops the trickle and returns all answers.
func (tr *trickle) end() []answer {
	close(tr.stop)
	tr.workers.Wait()
	return tr.answers
}

// expectNoneFailed checks that every answer is right, and that there were enough of them to mean something.
func expectNoneFailed(t *testing.T, answers []answer, right func(body string) bool) {
	t.Helper()
	failed, slowest := 0, time.Duration(0)
	for _, a := range answers {
		slowest = max(slowest, a.took)
		if a.status != http.StatusOK || !right(a.body) {
			if failed++; failed <= 5 {
				t.Errorf("after %v: %d %s", a.took, a.status, a.body)
			}
		}
	}
	t.Logf("%d requests, %d failed, slowest %v", len(answers), failed, slowest)
	if len(answers) < 100 {
		t.Errorf("only %d requests", len(answers))
	}
}

// patience is the deadline of requests while things break: how fast a fault is got over is for benchmarks to say, on a
// machine that does nothing else. These tests say that nothing is lost. The slowest answer is logged.
const patience = 3 * time.Second

// startFaultTrickle asks for account i mod 300 and its like, 100 requests a second.
func startFaultTrickle(t *testing.T, db testbed.Cluster) (*gateway, *trickle, func(string) bool) {
	t.Helper()
	fillKeyReads(t, db)
	cfg := configFor(db)
	cfg.vectors.Deadline = patience
	cfg.catalogue = writeCatalogue(t, keyReadCatalogue)
	g := startGateway(t, cfg)
	tr := startTrickle(g, 4, 40*time.Millisecond, func(i int) string {
		n := i % 300
		return fmt.Sprintf(`{"featureView":"both","entries":[{"id":%d,"a":%d,"b":"key%d"},{"id":1,"a":2,"b":"key2"}]}`, n, n, n)
	})
	right := func(body string) bool {
		_, rest, _ := strings.Cut(body, `"vectors":[[`)
		vectors, status, _ := strings.Cut(rest, `]],"status":`)
		first, second, _ := strings.Cut(vectors, "],[")
		var one, two int
		n, err := fmt.Sscanf(first, "%d,%d", &one, &two)
		return n == 2 && err == nil && one*5 == two*3 && second == "3,10" && status == `["COMPLETE","COMPLETE"]}`
	}
	return g, tr, right
}

// TestNodeKilled: an API node is killed and comes back under a trickle of requests, and nobody notices.
func TestNodeKilled(t *testing.T) {
	onEach(t, func(t *testing.T, db testbed.Cluster) {
		g, tr, right := startFaultTrickle(t, db)
		time.Sleep(500 * time.Millisecond)
		for _, i := range []int{0, 2} { // one of the own zone, then one of the other
			n := db.Nodes()[i]
			if err := n.Kill(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if err := n.Restart(context.Background()); err != nil {
				t.Fatal(err)
			}
			g.waitForNodes(len(db.Nodes()))
		}
		time.Sleep(500 * time.Millisecond)
		expectNoneFailed(t, tr.end(), right)
	})
}

// TestDataNodeKilled: each data node in turn is killed and comes back. What was in flight through the API nodes of its
// location domain fails there and is answered by a second attempt.
func TestDataNodeKilled(t *testing.T) {
	db, ok := database(t, testbed.KindNDB).(*testbed.NDB)
	if !ok {
		t.Fatal("not an NDB cluster")
	}
	_, tr, right := startFaultTrickle(t, db)
	for _, d := range db.DataNodes() {
		time.Sleep(500 * time.Millisecond)
		if err := d.Kill(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := d.Restart(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(500 * time.Millisecond)
	expectNoneFailed(t, tr.end(), right)
}

// TestTableRedefined alters, drops and re-creates a table under a trickle of requests. No answer is wrong at any time:
// requests fail until the new definition is planned, then they are right again.
func TestTableRedefined(t *testing.T) {
	onEach(t, func(t *testing.T, db testbed.Cluster) {
		table := func(columns, row string) string {
			return "DROP TABLE IF EXISTS rongate_alter.t_1; CREATE TABLE rongate_alter.t_1 (id INT PRIMARY KEY, " + columns + ") " + db.Engine() +
				"; INSERT INTO rongate_alter.t_1 VALUES " + row + ";"
		}
		execute(t, db, "SET NAMES utf8mb4; CREATE DATABASE IF NOT EXISTS rongate_alter; "+table("v INT, w VARCHAR(10)", "(1, 7, 'seven')"))
		cfg := configFor(db)
		cfg.catalogue = writeCatalogue(t, `
featureStores:
  - name: rongate_alter
    featureGroups: [{name: t, version: 1}]
    featureViews:
      - {name: t, version: 1, joins: [{group: t, version: 1}], features: [v, w]}
`)
		g := startGateway(t, cfg)
		tr := startTrickle(g, 3, 5*time.Millisecond, func(int) string { return `{"featureView":"t","entry":{"id":1},"options":{"types":true}}` })
		steps := []struct {
			script, want string // the answer once the change is planned
			failing      bool   // the definition does not fit the view: no answer is right
		}{
			{"", `"types":["int","varchar(10)"],"vector":[7,"seven"],"status":"COMPLETE"}`, false},
			{"ALTER TABLE rongate_alter.t_1 MODIFY v VARCHAR(20)", `"types":["varchar(20)","varchar(10)"],"vector":["7","seven"],"status":"COMPLETE"}`, false},
			{"ALTER TABLE rongate_alter.t_1 DROP COLUMN v", "", true},
			{"ALTER TABLE rongate_alter.t_1 ADD COLUMN v DECIMAL(5,2)", `"types":["decimal(5,2)","varchar(10)"],"vector":[null,"seven"],"status":"COMPLETE"}`, false},
			{"DROP TABLE rongate_alter.t_1", "", true},
			{table("w VARCHAR(10), v DATETIME(3)", "(1, 'new', '2026-01-02 03:04:05.678')"), `"types":["datetime(3)","varchar(10)"],"vector":["2026-01-02 03:04:05.678","new"],"status":"COMPLETE"}`, false},
			{table("w BIGINT UNSIGNED, v INT", "(1, 18446744073709551615, -1)"), `"types":["int","bigint unsigned"],"vector":[-1,18446744073709551615],"status":"COMPLETE"}`, false},
		}
		begun, done := make([]time.Time, len(steps)), make([]time.Time, len(steps))
		for i, step := range steps {
			begun[i] = time.Now()
			if step.script != "" {
				execute(t, db, step.script)
			}
			done[i] = time.Now()
			tr.await(func(a answer) bool {
				return step.failing && a.status == http.StatusServiceUnavailable || !step.failing && strings.HasSuffix(a.body, step.want)
			})
		}
		counts := map[string]int{}
		for _, a := range tr.end() {
			_, result, _ := strings.Cut(a.body, `"features":["v","w"],`)
			// The table was, while the request was under way, what some step left that was not undone before and had begun.
			right := a.status == http.StatusServiceUnavailable
			for i, step := range steps {
				undone := i+1 < len(steps) && done[i+1].Before(a.at)
				right = right || !undone && begun[i].Before(a.at.Add(a.took)) && !step.failing && result == step.want
			}
			if a.status == http.StatusServiceUnavailable {
				result = "503"
			} else if strings.HasSuffix(result, `"vector":[null,null],"status":"MISSING"}`) { // between CREATE and INSERT
				result, right = "MISSING", true
			}
			if !right {
				t.Errorf("a wrong answer: %d %s", a.status, a.body)
			}
			counts[result]++
		}
		t.Log(counts)
	})
}
