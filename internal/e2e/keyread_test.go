package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rongate/rongate/internal/testbed"
)

const keyReadSchema = `SET NAMES utf8mb4; CREATE DATABASE IF NOT EXISTS rongate_keys; USE rongate_keys;
DROP TABLE IF EXISTS one_1; DROP TABLE IF EXISTS two_1; DROP TABLE IF EXISTS texts_1; DROP TABLE IF EXISTS kinds_1;
CREATE TABLE one_1 (id BIGINT PRIMARY KEY, v INT) ENGINE;
CREATE TABLE two_1 (a INT, b VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, v INT, PRIMARY KEY (a, b)) ENGINE;
CREATE TABLE texts_1 (k1 VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci, k2 VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci,
  k3 CHAR(10) CHARACTER SET ascii COLLATE ascii_general_ci, v INT, PRIMARY KEY (k1, k2, k3)) ENGINE;
CREATE TABLE kinds_1 (i INT, u BIGINT UNSIGNED, d DECIMAL(10,2), day DATE, at DATETIME(3), ts TIMESTAMP(3) NOT NULL DEFAULT '2020-01-01 00:00:00',
  b BINARY(4), vb VARBINARY(8), v INT, PRIMARY KEY (i, u, d, day, at, ts, b, vb)) ENGINE;
INSERT INTO texts_1 VALUES ('Key1', 'Key1', 'Key1', 1), ('', '', '', 2);
INSERT INTO kinds_1 VALUES (1, 2, 3.5, '2026-01-31', '2026-01-31 12:00:00.5', '2026-01-31 12:00:00.25', X'01', X'02', 1);
`

const keyReadCatalogue = `
featureStores:
  - name: rongate_keys
    featureGroups: [{name: one, version: 1}, {name: two, version: 1}, {name: texts, version: 1}, {name: kinds, version: 1}]
    featureViews:
      - {name: one, version: 1, joins: [{group: one, version: 1}], features: [v]}
      - {name: two, version: 1, joins: [{group: two, version: 1}], features: [v]}
      - {name: both, version: 1, joins: [{group: one, version: 1, prefix: one_}, {group: two, version: 1, prefix: two_}], features: [one_v, two_v]}
      - {name: texts, version: 1, joins: [{group: texts, version: 1}], features: [v]}
      - {name: kinds, version: 1, joins: [{group: kinds, version: 1}], features: [v]}
`

// keyReads is a gateway over the tables of keyReadSchema, 300 rows in the first two, and the counters of its cluster.
type keyReads struct {
	*gateway
	db testbed.Cluster
}

func startKeyReads(t *testing.T, db testbed.Cluster) *keyReads {
	t.Helper()
	fillKeyReads(t, db)
	cfg := configFor(db)
	cfg.catalogue = writeCatalogue(t, keyReadCatalogue)
	return &keyReads{gateway: startGateway(t, cfg), db: db}
}

func fillKeyReads(t *testing.T, db testbed.Cluster) {
	t.Helper()
	var script strings.Builder
	script.WriteString(strings.ReplaceAll(keyReadSchema, ") ENGINE;", ") "+db.Engine()+";"))
	for i := range 300 {
		fmt.Fprintf(&script, "INSERT INTO one_1 VALUES (%d, %d); INSERT INTO two_1 VALUES (%d, 'key%d', %d);\n", i, i*3, i, i, i*5)
	}
	execute(t, db, script.String())
}

// counters sums the counters of all nodes.
func (k *keyReads) counters() map[string]int64 {
	k.t.Helper()
	sum := map[string]int64{}
	for _, n := range k.db.Nodes() {
		counters, err := n.Counters(k.t.Context())
		if err != nil {
			k.t.Fatal(err)
		}
		for name, value := range counters {
			sum[name] += value
		}
	}
	return sum
}

// expectReads compares what the cluster has done since before with what it should have.
func (k *keyReads) expectReads(before map[string]int64, keys, roundTrips int64) {
	k.t.Helper()
	after := k.counters()
	delta := func(name string) int64 { return after[name] - before[name] }
	if got := delta("Ndb_api_pk_op_count"); keys >= 0 && got != keys {
		k.t.Errorf("%d keys were read, want %d", got, keys)
	}
	if got := delta("Ndb_api_wait_exec_complete_count"); roundTrips >= 0 && got != roundTrips {
		k.t.Errorf("%d round trips to the data nodes, want %d", got, roundTrips)
	}
	for _, scan := range []string{"Ndb_api_table_scan_count", "Ndb_api_range_scan_count"} {
		if got := delta(scan); got != 0 {
			k.t.Errorf("%s grew by %d", scan, got)
		}
	}
}

// TestOneRoundTripPerGroup: a hundred keys cost one batch of key reads a feature group.
func TestOneRoundTripPerGroup(t *testing.T) {
	k := startKeyReads(t, database(t, testbed.KindNDB))
	var one, two, both []string
	for i := range 100 {
		one = append(one, fmt.Sprintf(`{"id":%d}`, i))
		two = append(two, fmt.Sprintf(`{"a":%d,"b":"KEY%d"}`, i, i))
		both = append(both, fmt.Sprintf(`{"id":%d,"a":%d,"b":"key%d"}`, i, i, i))
	}
	for _, tc := range []struct {
		view             string
		entries          []string
		last             string
		keys, roundTrips int64
	}{
		{"one", one, "[297]", 100, 1},
		{"two", two, "[495]", 100, 1},
		{"both", both, "[297,495]", 200, 2},
		{"one", one[:1], "[0]", 1, 1},
	} {
		before := k.counters()
		status, body := k.post(fmt.Sprintf(`{"featureView":%q,"entries":[%s]}`, tc.view, strings.Join(tc.entries, ",")))
		if status != http.StatusOK || !strings.Contains(body, tc.last+`],"status"`) || strings.Count(body, "COMPLETE") != len(tc.entries) {
			t.Errorf("%s: %d %s", tc.view, status, body)
		}
		k.expectReads(before, tc.keys, tc.roundTrips)
	}
}

// TestThousandEntries: a batch of the largest size, with duplicates and missing rows, in one answer and in order.
func TestThousandEntries(t *testing.T) {
	onEach(t, func(t *testing.T, db testbed.Cluster) {
		k := startKeyReads(t, db)
		var entries, vectors, status []string
		for i := range 1000 {
			n := i * 7 % 400 // 300 to 399 are missing
			entries = append(entries, fmt.Sprintf(`{"id":%d,"a":%d,"b":"key%d"}`, n, n, n))
			if n < 300 {
				vectors, status = append(vectors, fmt.Sprintf("[%d,%d]", n*3, n*5)), append(status, `"COMPLETE"`)
			} else {
				vectors, status = append(vectors, "[null,null]"), append(status, `"MISSING"`)
			}
		}
		code, body := k.post(`{"featureView":"both","entries":[` + strings.Join(entries, ",") + `]}`)
		want := `{"featureStore":"rongate_keys","featureView":"both","version":1,"features":["one_v","two_v"],"vectors":[` +
			strings.Join(vectors, ",") + `],"status":[` + strings.Join(status, ",") + `]}`
		if code != http.StatusOK || body != want {
			t.Errorf("%d %.300s, want %.300s", code, body, want)
		}
	})
}

// TestWideDecimalKeys: keys that a double cannot tell apart are told apart, alone and in a batch.
func TestWideDecimalKeys(t *testing.T) {
	onEach(t, func(t *testing.T, db testbed.Cluster) {
		execute(t, db, strings.ReplaceAll(`CREATE DATABASE IF NOT EXISTS rongate_wide; USE rongate_wide;
			DROP TABLE IF EXISTS one_1; CREATE TABLE one_1 (d DECIMAL(30,2) PRIMARY KEY, v INT) ENGINE;
			DROP TABLE IF EXISTS two_1; CREATE TABLE two_1 (a INT, d DECIMAL(20,0), v INT, PRIMARY KEY (a, d)) ENGINE;
			INSERT INTO one_1 VALUES (1234567890123456789012345678.01, 1), (1234567890123456789012345678.03, 3);
			INSERT INTO two_1 VALUES (1, 12345678901234567891, 1), (1, 12345678901234567893, 3);`, " ENGINE;", " "+db.Engine()+";"))
		cfg := configFor(db)
		cfg.catalogue = writeCatalogue(t, `
featureStores:
  - name: rongate_wide
    featureGroups: [{name: one, version: 1}, {name: two, version: 1}]
    featureViews:
      - {name: one, version: 1, joins: [{group: one, version: 1}], features: [v]}
      - {name: two, version: 1, joins: [{group: two, version: 1}], features: [v]}
`)
		g := startGateway(t, cfg)
		for view, keys := range map[string][]string{
			"one": {`{"d":1234567890123456789012345678.01}`, `{"d":1234567890123456789012345678.02}`, `{"d":1234567890123456789012345678.03}`},
			"two": {`{"a":1,"d":12345678901234567891}`, `{"a":1,"d":12345678901234567892}`, `{"a":1,"d":12345678901234567893}`},
		} {
			for i, want := range []string{`[1],"status":"COMPLETE"`, `[null],"status":"MISSING"`, `[3],"status":"COMPLETE"`} {
				if _, body := g.post(fmt.Sprintf(`{"featureView":%q,"entry":%s}`, view, keys[i])); !strings.Contains(body, want) {
					t.Errorf("%s: %s, want %s", keys[i], body, want)
				}
			}
			_, body := g.post(fmt.Sprintf(`{"featureView":%q,"entries":[%s]}`, view, strings.Join(keys, ",")))
			if !strings.HasSuffix(body, `"vectors":[[1],[null],[3]],"status":["COMPLETE","MISSING","COMPLETE"]}`) {
				t.Errorf("%s in a batch: %s", view, body)
			}
		}
	})
}

// hostileKeys are entries that try to have a statement scan, fail, or find a row that is not asked for: by view, each with
// the answer it must get. 400 is a refusal; M, C are MISSING and COMPLETE.
func hostileKeys() []struct{ view, entry, want string } {
	longText := strings.Repeat("x", 4000)
	return []struct{ view, entry, want string }{
		{"one", `{"id":"1 OR 1=1"}`, "400"},
		{"one", `{"id":1.0}`, "400"},
		{"one", `{"id":1e0}`, "400"},
		{"one", `{"id":"1e0"}`, "400"},
		{"one", `{"id":"0x1"}`, "400"},
		{"one", `{"id":true}`, "400"},
		{"one", `{"id":[1]}`, "400"},
		{"one", `{"id":{"$gt":0}}`, "400"},
		{"one", `{"id":9223372036854775808}`, "400"},
		{"one", `{"id":-9223372036854775809}`, "400"},
		{"one", `{"id":9223372036854775807}`, "M"},
		{"one", `{"id":-9223372036854775808}`, "M"},
		{"one", `{"id":""}`, "400"},
		{"one", `{"id":" 1"}`, "400"},
		{"one", `{"id":"1 "}`, "400"},
		{"one", `{"id":"+1"}`, "400"},
		{"one", `{"id":"-0"}`, "400"},
		{"one", `{"id":"1\u0000"}`, "400"},
		{"one", `{"id":"１"}`, "400"},
		{"one", `{"id":null}`, "M"},
		{"one", `{}`, "M"},
		{"one", `{"id":99999999999999999999999999999999999999999999}`, "400"},
		{"two", `{"a":1,"b":1}`, "400"},
		{"two", `{"a":"1","b":"key1"}`, "C"},
		{"two", `{"a":1,"b":"key1'; DROP TABLE one_1; --"}`, "400"},
		{"two", `{"a":1,"b":"' OR ''='"}`, "M"},
		{"two", `{"a":1,"b":"key%"}`, "M"},
		{"two", `{"a":1,"b":"KEY1"}`, "C"},
		{"two", `{"a":1,"b":"key1   "}`, "C"},
		{"two", `{"a":1,"b":"key1\u0000"}`, "M"},
		{"two", `{"a":1,"b":"k\u00e9y1"}`, "C"},
		{"two", `{"a":1,"b":"key１"}`, "M"},
		{"two", `{"a":1,"b":"😀"}`, "M"},
		{"two", `{"a":1,"b":""}`, "M"},
		{"two", `{"a":1,"b":"` + longText + `"}`, "400"},
		{"two", `{"a":2147483648,"b":"key1"}`, "400"},
		{"two", `{"a":1,"b":"\ud800"}`, "400"},
		{"two", `{"a":1}`, "M"},
		{"two", `{"a":1,"b":null}`, "M"},
		{"two", `{"a":1,"b":"\u200b\ufeff\u0000"}`, "M"},
		{"two", `{"a":1,"b":"\\' OR 1=1"}`, "M"},
		{"two", `{"a":1,"b":["key1"]}`, "400"},
		{"texts", `{"k1":"日","k2":"Key1","k3":"Key1"}`, "400"},
		{"texts", `{"k1":"Key1","k2":"日","k3":"Key1"}`, "M"},
		{"texts", `{"k1":"Key1","k2":"Key1","k3":"é"}`, "400"},
		{"texts", `{"k1":"kéy1","k2":"key1","k3":"KEY1"}`, "C"},
		{"texts", `{"k1":"","k2":"","k3":""}`, "C"},
		{"texts", `{"k1":"€","k2":"ß","k3":"?"}`, "M"},
		{"texts", `{"k1":"Key1 ","k2":"KEY1  ","k3":"key1   "}`, "C"},
		{"texts", `{"k1":"?","k2":"\ufffd","k3":"\u007f"}`, "M"},
		{"texts", `{"k1":1,"k2":2,"k3":3}`, "400"},
		{"kinds", kindsKey(`"day":"2026-02-30"`), "400"},
		{"kinds", kindsKey(`"day":"0000-00-00"`), "400"},
		{"kinds", kindsKey(`"day":"2026-13-01"`), "400"},
		{"kinds", kindsKey(`"day":""`), "400"},
		{"kinds", kindsKey(`"day":20260131`), "400"},
		{"kinds", kindsKey(`"day":"2026-1-31"`), "400"},
		{"kinds", kindsKey(`"at":"2026-01-31T12:00:00"`), "400"},
		{"kinds", kindsKey(`"at":"2026-01-31 25:00:00"`), "400"},
		{"kinds", kindsKey(`"ts":"1969-12-31 23:59:59"`), "400"},
		{"kinds", kindsKey(`"ts":"2039-01-01 00:00:00"`), "400"},
		{"kinds", kindsKey(`"d":3.505`), "400"},
		{"kinds", kindsKey(`"d":"3.5"`), "C"},
		{"kinds", kindsKey(`"d":123456789`), "400"},
		{"kinds", kindsKey(`"u":-1`), "400"},
		{"kinds", kindsKey(`"u":18446744073709551615`), "M"},
		{"kinds", kindsKey(`"u":18446744073709551616`), "400"},
		{"kinds", kindsKey(`"b":"/w=="`), "M"},
		{"kinds", kindsKey(`"b":"AQAAAAA="`), "400"},
		{"kinds", kindsKey(`"b":"%%%"`), "400"},
		{"kinds", kindsKey(`"vb":"/wD+"`), "M"},
		{"kinds", kindsKey(`"vb":""`), "M"},
		{"kinds", kindsKey(`"vb":"Ag"`), "400"},
		{"kinds", kindsKey(`"i":1`), "C"},
	}
}

// kindsKey is the key of the one row of kinds, one part replaced.
func kindsKey(part string) string {
	name, _, _ := strings.Cut(part, ":")
	parts := []string{
		`"i":1`, `"u":2`, `"d":3.5`, `"day":"2026-01-31"`, `"at":"2026-01-31 12:00:00.5"`, `"ts":"2026-01-31 12:00:00.25"`, `"b":"AQ=="`, `"vb":"Ag=="`,
	}
	for i := range parts {
		if strings.HasPrefix(parts[i], name+":") {
			parts[i] = part
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// TestHostileKeys: whatever keys a request has, alone or among good ones, it is refused or costs key reads only.
func TestHostileKeys(t *testing.T) {
	onEach(t, func(t *testing.T, db testbed.Cluster) {
		k := startKeyReads(t, db)
		good := map[string]string{"one": `{"id":7}`, "two": `{"a":7,"b":"key7"}`, "texts": `{"k1":"key1","k2":"key1","k3":"key1"}`, "kinds": kindsKey(`"i":1`)}
		before := k.counters()
		keys := hostileKeys()
		if len(keys) < 60 {
			t.Errorf("only %d hostile keys", len(keys))
		}
		want := map[string]string{"400": "", "M": "MISSING", "C": "COMPLETE"}
		for _, h := range keys {
			status, body := k.post(fmt.Sprintf(`{"featureView":%q,"entry":%s}`, h.view, h.entry))
			if h.want == "400" && status != http.StatusBadRequest || h.want != "400" && !strings.Contains(body, `"status":"`+want[h.want]+`"`) {
				t.Errorf("%s %.100s: %d %s, want %s", h.view, h.entry, status, body, h.want)
			}
			status, body = k.post(fmt.Sprintf(`{"featureView":%q,"entries":[%s,%s,%s]}`, h.view, good[h.view], h.entry, good[h.view]))
			if h.want == "400" && status != http.StatusBadRequest ||
				h.want != "400" && !strings.Contains(body, fmt.Sprintf(`"status":["COMPLETE",%q,"COMPLETE"]`, want[h.want])) {
				t.Errorf("%s %.100s in a batch: %d %s, want %s", h.view, h.entry, status, body, h.want)
			}
		}
		if db.Kind() == testbed.KindNDB {
			k.expectReads(before, -1, -1)
		}
	})
}
