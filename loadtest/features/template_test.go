package features

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/rongate/rongate/internal/frauddata"
)

// TestTemplate drives a server that is no gateway.
func TestTemplate(t *testing.T) {
	data := newData(t, time.Now())
	var mu sync.Mutex
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprintf("%s %s %s %s %s", r.Method, r.URL, r.Header.Get("X-Trace"), r.Header.Get("Content-Type"), body))
		w.WriteHeader(http.StatusCreated)
		if len(seen) == 40 {
			_, _ = io.WriteString(w, "nothing like it")
		} else {
			fmt.Fprintf(w, "took %d ms", len(seen))
		}
	}))
	t.Cleanup(server.Close)
	source, err := NewTemplate(TemplateConfig{
		Path: "/v1/{{merchant}}?n={{n}}", Headers: []Header{{"X-Trace", "t-{{ uuid }}"}},
		Body: `{"ids":[{{account}}],"card":"{{card}}"}`, Data: data, Status: 201, Match: `^took \d+ ms$`,
	})
	if err != nil {
		t.Fatal(err)
	}
	r := ask(t, server.URL, source, 100)
	if r.Total.Failed[Wrong] != 1 || r.Total.Failures() != 1 || !strings.Contains(r.Examples[Wrong], "POST /v1/m-") ||
		!strings.HasSuffix(r.Examples[Wrong], ": nothing like it") {
		t.Errorf("%v %v", r.Total.Failed, r.Examples)
	}
	re := regexp.MustCompile(`^POST /v1/(m-\d{5})\?n=(\d+) t-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12} ` +
		`application/json \{"ids":\[(\d+)\],"card":"(c-\d{5})"\}$`)
	var numbers []string
	for _, request := range seen {
		found := re.FindStringSubmatch(request)
		if found == nil {
			t.Fatal(request)
		}
		var account, number uint64
		_, _ = fmt.Sscan(found[3], &account)
		_, _ = fmt.Sscan(found[2], &number)
		if found[1] != frauddata.MerchantID(frauddata.RegularOf(account)) || found[4] != frauddata.CardID(account) {
			t.Fatalf("the keys are not one entry's: %s", request)
		}
		for _, g := range data.Groups() {
			e := frauddata.Entry{Account: account, Merchant: frauddata.RegularOf(account), Card: account}
			if _, found := g.Find(e); !found {
				t.Fatalf("%s has no row of %v", g.Table(), e)
			}
		}
		if number == 0 || number > 200 { // some are prepared and never sent
			t.Errorf("request %d", number)
		}
		numbers = append(numbers, found[2])
	}
	slices.Sort(numbers)
	if len(slices.Compact(numbers)) != 100 {
		t.Error("numbers come twice")
	}
}

func TestPlainTemplate(t *testing.T) {
	source, err := NewTemplate(TemplateConfig{})
	if err != nil {
		t.Fatal(err)
	}
	a := source.Asker(rand.New(rand.NewPCG(1, 2)))
	var req fasthttp.Request
	a.Ask(&req)
	if string(req.Header.Method()) != "GET" || string(req.Header.RequestURI()) != "/" || len(req.Body()) > 0 {
		t.Error(req.String())
	}
	var resp fasthttp.Response
	resp.SetBodyString("anything")
	if failure, _ := a.Check(&resp); failure != "" {
		t.Error(failure)
	}
	resp.SetStatusCode(404)
	if failure, detail := a.Check(&resp); failure != "404" || !strings.Contains(detail, "anything") {
		t.Error(failure, detail)
	}
}

func TestTemplateMistakes(t *testing.T) {
	data := newData(t, time.Now())
	for want, cfg := range map[string]TemplateConfig{
		`does not begin with /`:                     {Path: "v1"},
		`the path: {{client}} is no placeholder`:    {Path: "/{{client}}"},
		`the body: {{account is no placeholder`:     {Body: "{{account"},
		`the header A: {{}} is no placeholder`:      {Headers: []Header{{"A", "{{}}"}}},
		`what answers have to match: error parsing`: {Match: "("},
		`no data that the keys are of`:              {Path: "/{{account}}"},
		`an exponent of -1`:                         {Path: "/{{account}}", Data: data, Keys: Keys{Zipf: -1}},
	} {
		if _, err := NewTemplate(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}
