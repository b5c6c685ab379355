package features

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/loadtest"
)

// TemplateConfig is a request to any HTTP server, and what is wanted of the answer.
//
// In the path, the headers' values and the body {{account}} stands for an account's number, {{merchant}} and {{card}} for
// the keys of the merchant where it is a regular customer and of its card, {{n}} for the number of the request, from 1 on,
// and {{uuid}} for 128 random bits as a UUID.
type TemplateConfig struct {
	Method  string   // default: POST if there is a body, else GET
	Path    string   // default: /
	Headers []Header // and, if there is a body, Content-Type: application/json, unless one is given
	Body    string

	Data *frauddata.Data // that keys are of; only a request that holds none does without
	Keys Keys

	Status int    // default: 200
	Match  string // a regular expression that the answer's body has to match; default: any body is right
}

// A Header is one header of a request.
type Header struct{ Name, Value string }

// A Template makes requests to any HTTP server.
type Template struct {
	method  string
	path    text
	headers []filledHeader
	body    text
	entries *view // of the keys; nil without
	missing float64
	status  int
	match   *regexp.Regexp
	n       atomic.Uint64
}

type filledHeader struct {
	name  string
	value text
}

// A text is constant parts, each but the last followed by what its placeholder stands for.
type text []part

type part struct {
	constant    string
	placeholder placeholder
}

type placeholder uint8

const (
	nothing placeholder = iota
	account
	merchant
	card
	sequence
	uuid
)

// NewTemplate checks a request.
func NewTemplate(cfg TemplateConfig) (*Template, error) {
	t := &Template{method: cfg.Method, status: cfg.Status, missing: cfg.Keys.Missing}
	if t.status == 0 {
		t.status = fasthttp.StatusOK
	}
	if t.method == "" {
		t.method = fasthttp.MethodGet
		if cfg.Body != "" {
			t.method = fasthttp.MethodPost
		}
	}
	if cfg.Path == "" {
		cfg.Path = "/"
	}
	typed := slices.ContainsFunc(cfg.Headers, func(h Header) bool { return strings.EqualFold(h.Name, "Content-Type") })
	if cfg.Body != "" && !typed {
		cfg.Headers = append(slices.Clip(cfg.Headers), Header{"Content-Type", "application/json"})
	}
	if !strings.HasPrefix(cfg.Path, "/") {
		return nil, fmt.Errorf("features: the path %q does not begin with /", cfg.Path)
	}
	var err error
	if t.path, err = parse(cfg.Path); err != nil {
		return nil, fmt.Errorf("features: the path: %w", err)
	}
	if t.body, err = parse(cfg.Body); err != nil {
		return nil, fmt.Errorf("features: the body: %w", err)
	}
	for _, h := range cfg.Headers {
		value, err := parse(h.Value)
		if err != nil {
			return nil, fmt.Errorf("features: the header %s: %w", h.Name, err)
		}
		t.headers = append(t.headers, filledHeader{h.Name, value})
	}
	if cfg.Match != "" {
		if t.match, err = regexp.Compile(cfg.Match); err != nil {
			return nil, fmt.Errorf("features: what answers have to match: %w", err)
		}
	}
	if t.entries, err = t.keys(&cfg); err != nil {
		return nil, fmt.Errorf("features: %w", err)
	}
	return t, nil
}

// parse splits a text at its placeholders.
func parse(template string) (text, error) {
	names := map[string]placeholder{"account": account, "merchant": merchant, "card": card, "n": sequence, "uuid": uuid}
	var t text
	for {
		before, rest, found := strings.Cut(template, "{{")
		if !found {
			return append(t, part{constant: template}), nil
		}
		name, after, ended := strings.Cut(rest, "}}")
		p, known := names[strings.TrimSpace(name)]
		if !ended || !known {
			return nil, fmt.Errorf("{{%s is no placeholder; there are {{account}}, {{merchant}}, {{card}}, {{n}} and {{uuid}}",
				shortened([]byte(rest)))
		}
		t, template = append(t, part{before, p}), after
	}
}

// keys enumerates the entries of which the template asks for keys: those with a row in every group that is found by them.
func (t *Template) keys(cfg *TemplateConfig) (*view, error) {
	if err := cfg.Keys.check(); err != nil {
		return nil, err
	}
	v := &view{}
	var used []string
	for _, p := range slices.Concat(append([]text{t.path, t.body}, t.values()...)...) {
		switch p.placeholder {
		case account:
			v.keys.account, used = true, append(used, "account_id")
		case merchant:
			v.keys.merchant, used = true, append(used, "merchant_id")
		case card:
			v.keys.card, used = true, append(used, "card_id")
		}
	}
	if used == nil {
		return nil, nil
	}
	if cfg.Data == nil {
		return nil, errors.New("no data that the keys are of")
	}
	for _, g := range cfg.Data.Groups() {
		if !slices.ContainsFunc(g.Key(), func(name string) bool { return !slices.Contains(used, name) }) {
			v.groups = append(v.groups, group{Group: g})
		}
	}
	return v, v.enumerate(cfg.Data, &cfg.Keys)
}

func (t *Template) values() (values []text) {
	for _, h := range t.headers {
		values = append(values, h.value)
	}
	return values
}

// Asker makes what asks over one connection.
func (t *Template) Asker(random *rand.Rand) loadtest.Asker {
	return &templateAsker{template: t, random: random}
}

type templateAsker struct {
	template *Template
	random   *rand.Rand

	entry      frauddata.Entry
	n          uint64
	path, body []byte
	value      []byte // of a header; fasthttp copies it
}

// Ask fills the template in.
func (a *templateAsker) Ask(req *fasthttp.Request) {
	t := a.template
	a.n = t.n.Add(1)
	if t.entries != nil {
		a.entry = t.entries.draw(a.random, t.missing)
	}
	a.path, a.body = a.fill(a.path[:0], t.path), a.fill(a.body[:0], t.body)
	req.Header.SetMethod(t.method)
	req.Header.SetRequestURIBytes(a.path)
	for _, h := range t.headers {
		a.value = a.fill(a.value[:0], h.value)
		req.Header.SetBytesV(h.name, a.value)
	}
	if len(a.body) > 0 {
		req.SetBodyRaw(a.body)
	}
}

func (a *templateAsker) fill(dst []byte, t text) []byte {
	for _, p := range t {
		dst = append(dst, p.constant...)
		switch p.placeholder {
		case account:
			dst = strconv.AppendUint(dst, a.entry.Account, 10)
		case merchant:
			dst = frauddata.AppendMerchantID(dst, a.entry.Merchant)
		case card:
			dst = frauddata.AppendCardID(dst, a.entry.Card)
		case sequence:
			dst = strconv.AppendUint(dst, a.n, 10)
		case uuid:
			dst = appendUUID(dst, a.random.Uint64(), a.random.Uint64())
		}
	}
	return dst
}

// appendUUID appends a random UUID: version 4, variant 10.
func appendUUID(dst []byte, high, low uint64) []byte {
	const digits = "0123456789abcdef"
	high, low = high&^0xf000|0x4000, low&^(3<<62)|2<<62
	for i := range 32 {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			dst = append(dst, '-')
		}
		half := high
		if i >= 16 {
			half = low
		}
		dst = append(dst, digits[half>>(60-4*(i%16))&0xf])
	}
	return dst
}

// Check wants the status, and the expression to match.
func (a *templateAsker) Check(resp *fasthttp.Response) (failure, detail string) {
	t := a.template
	switch status := resp.StatusCode(); {
	case status != t.status:
		return strconv.Itoa(status), a.about(resp)
	case t.match != nil && !t.match.Match(resp.Body()):
		return Wrong, a.about(resp)
	}
	resp.SetStatusCode(fasthttp.StatusOK) // which is what a right answer has for the engine
	return "", ""
}

func (a *templateAsker) about(resp *fasthttp.Response) string {
	return fmt.Sprintf("%s %s %s: %s", a.template.method, a.path, shortened(a.body), shortened(resp.Body()))
}
