package e2e

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/hopsdb"
	"github.com/rongate/rongate/internal/testbed"
)

// hopsworksCheck is where the client is.
const hopsworksCheck = "../../clients/hopsworks-check/hopsworks-check"

// TestHopsworksClient: what speaks as the Hopsworks client gets, over TLS, what the tables hold.
func TestHopsworksClient(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		if os.Getenv("RONGATE_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	for _, kind := range []testbed.Kind{testbed.KindMariaDB, testbed.KindNDB} {
		t.Run(string(kind), func(t *testing.T) {
			db := shared.Get(t, kind)
			in := newInstallation(hopsdb.Release5, "_client", db.Engine())
			in.rdrsViews()
			execute(t, db, strings.Join(in.Take(), ";\n"))
			p := newHopsworksProgram(t, db, in.Schema, "")
			p.start()
			p.await()
			c := &hopsClient{t: t, in: in, db: db, key: in.reader.Text}
			c.front(p.public)
			p.poll(func() bool { // the key is known
				_, err := c.run("labels", `{"account_id": 2}`)
				return err == nil
			})
			c.compare()
			c.refused()
			p.stop()
		})
	}
}

// hopsClient runs the client.
type hopsClient struct {
	t        *testing.T
	in       *installation
	db       testbed.Cluster
	key      string
	host, ca string
}

// front puts TLS in front of rongate, as an installation does.
func (c *hopsClient) front(public string) {
	target, err := url.Parse(public)
	if err != nil {
		c.t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	server := httptest.NewTLSServer(proxy)
	c.t.Cleanup(server.Close)
	c.host = server.Listener.Addr().String()
	c.ca = filepath.Join(c.t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(c.ca, block, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// run asks for entries of a view of the payments, and returns the lines that the client prints.
func (c *hopsClient) run(view string, entries ...string) (lines []string, err error) {
	host, port, _ := strings.Cut(c.host, ":")
	args := []string{
		hopsworksCheck, "--host", host, "--port", port, "--ca-certs", c.ca, "--api-key", c.key,
		"--store", "payments" + c.in.suffix + "_featurestore", "--view", view, "--detail",
	}
	for _, e := range entries {
		args = append(args, "--entry", c.in.filled(e))
	}
	cmd := exec.Command("python3", args...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, &complaint)
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n"), nil
}

// compare holds what the client decodes against the tables, which are read by SQL.
func (c *hopsClient) compare() {
	t := c.t
	t.Run("every type, missing rows, single and batch", func(t *testing.T) {
		c.t = t
		c.same("all", []string{`{"id": "a"}`, `{"id": "7"}`, `{"id": "none"}`}, []string{
			c.line("a"), c.line("7"),
			`{"features":{"bi":null,"bin":null,"bo":null,"da":null,"de":null,"dou":null,"fl":null,"i":null,"id":"none","si":null,` +
				`"st":null,"ti":null,"ts":null},"status":"MISSING"}`,
		})
	})
	t.Run("complex features", func(t *testing.T) {
		c.t = t
		c.same("complexes", []string{`{"id": 1}`, `{"id": 2}`}, []string{
			`{"features":{"m":{"x":7},"n":[null,{"a":-1,"b":""}],"s":{"a":null,"b":"q"},"u":true},"status":"COMPLETE"}`,
			`{"features":{"m":null,"n":null,"s":null,"u":null},"status":"MISSING"}`,
		})
		c.same("lists", []string{`{"account_id": 1}`, `{"account_id": 2}`, `{"account_id": 9}`}, []string{
			`{"features":{"list":[{"number":"1.5"},-2]},"status":"COMPLETE"}`, `{"features":{"list":null},"status":"COMPLETE"}`,
			`{"features":{"list":null},"status":"MISSING"}`,
		})
	})
	t.Run("two groups, one without a row", func(t *testing.T) {
		c.t = t
		c.same("mixed", []string{`{"account_id": {big}, "merchant_id": "m-1"}`, `{"account_id": 5, "merchant_id": "m-2"}`}, []string{
			`{"features":{"country":"SE","name":"Shop","risk":{"number":"0.5"},"small":-7},"status":"COMPLETE"}`,
			`{"features":{"country":null,"name":"Stall","risk":{"number":"1.5"},"small":null},"status":"MISSING"}`,
		})
	})
	c.t = t
}

// line is what the client has to print for a row of the table of every type, by what SQL says of it.
func (c *hopsClient) line(id string) string {
	c.t.Helper()
	const query = "SELECT id, bo, ti, si, i, bi, fl, dou, de, da, ts, st, HEX(bin) FROM `payments%s`.all_1 WHERE id = '%s'"
	rows, err := c.db.Query(c.t.Context(), fmt.Sprintf(query, c.in.suffix, id))
	if err != nil || len(rows) != 1 {
		c.t.Fatal(err, rows)
	}
	names := []string{"id", "bo", "ti", "si", "i", "bi", "fl", "dou", "de", "da", "ts", "st", "bin"}
	features := map[string]any{}
	for i, name := range names {
		text := rows[0][i].Text
		switch name {
		case "id", "st":
			features[name] = text
		case "bo":
			features[name] = text == "1"
		case "fl", "dou", "de":
			features[name] = printedNumber(text)
		case "da":
			features[name] = map[string]string{"date": text}
		case "ts":
			at := strings.TrimSuffix(strings.Replace(text, " ", "T", 1), ".000000") // Python writes no fraction that is 0
			features[name] = map[string]string{"datetime": at + "+00:00"}
		case "bin":
			features[name] = map[string]string{"bytes": strings.ToLower(text)}
		default:
			features[name] = json.Number(text)
		}
	}
	line, err := json.Marshal(map[string]any{"status": "COMPLETE", "features": features})
	if err != nil {
		c.t.Fatal(err)
	}
	return string(line)
}

// printedNumber is how the client prints a number: with all its digits, if it is no integer.
func printedNumber(text string) any {
	if text == "0" {
		return json.Number(text)
	}
	return map[string]string{"number": text}
}

// same asks for entries, and compares the lines but for the ids of groups.
func (c *hopsClient) same(view string, entries, want []string) {
	c.t.Helper()
	got, err := c.run(view, entries...)
	if err != nil {
		c.t.Fatal(err)
	}
	if len(got) != len(want) {
		c.t.Fatalf("%d lines for %d entries: %s", len(got), len(want), got)
	}
	for i := range want {
		var line map[string]any
		decoder := json.NewDecoder(strings.NewReader(got[i]))
		decoder.UseNumber()
		if err := decoder.Decode(&line); err != nil {
			c.t.Fatal(err, got[i])
		}
		if groups, ok := line["groups"].(map[string]any); !ok || len(groups) == 0 {
			c.t.Errorf("no groups: %s", got[i])
		}
		delete(line, "groups")
		sorted, err := json.Marshal(line)
		if err != nil {
			c.t.Fatal(err)
		}
		if string(sorted) != want[i] {
			c.t.Errorf("got  %s\nwant %s", sorted, want[i])
		}
	}
}

// refused: the client tells what the server says, and gives up on one that does not answer.
func (c *hopsClient) refused() {
	for view, want := range map[string]string{"none": "400", "ofbank": "401"} {
		if _, err := c.run(view, `{"id": 1}`); err == nil || !strings.Contains(err.Error(), "feature_store: "+want) {
			c.t.Errorf("%s: %v", view, err)
		}
	}
	key := c.key
	c.key = "0123456789abcdef.wrong"
	if _, err := c.run("labels", `{"account_id": 2}`); err == nil || !strings.Contains(err.Error(), "401") {
		c.t.Error(err)
	}
	c.key = key
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	defer silent.Close()
	c.host = silent.Addr().String()
	begun := time.Now()
	_, err = c.run("labels", `{"account_id": 2}`)
	if took := time.Since(begun); err == nil || !strings.Contains(err.Error(), "timed out") || took < 2*time.Second || took > 8*time.Second {
		c.t.Errorf("after %v: %v", took, err)
	}
}
