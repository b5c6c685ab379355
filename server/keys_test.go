package server

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/yamldoc"
	"github.com/rongate/rongate/vectors"
)

const (
	fraudKey  = "fraud-key-fraud-key-fraud-key-12"
	sharedKey = "shared-key-shared-key-shared-key"
	adminKey  = "admin-key-admin-key-admin-key-123"
)

func digestOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func threeKeys() string {
	return "keys:\n" +
		"  - {name: fraud, sha256: " + digestOf(fraudKey) + ", views: [payments/fraud, payments/refunds]}\n" +
		"  - {name: shared, sha256: \"" + strings.ToUpper(digestOf(sharedKey)) + "\", views: [shared/*]}\n" +
		"  - {name: admin, sha256: " + digestOf(adminKey) + ", views: [\"*\"]}\n"
}

func TestAccess(t *testing.T) {
	keys := keysOf(t, threeKeys())
	for _, test := range []struct {
		key, store, view string
		want             bool
	}{
		{fraudKey, "payments", "fraud", true},
		{fraudKey, "payments", "refunds", true},
		{fraudKey, "payments", "frau", false},
		{fraudKey, "payments", "Fraud", false},
		{fraudKey, "shared", "fraud", false},
		{fraudKey, "payments/fraud", "", false},
		{fraudKey, "", "fraud", true},
		{fraudKey, "", "other", false},
		{sharedKey, "shared", "anything", true},
		{sharedKey, "share", "anything", false},
		{sharedKey, "", "anything", true},
		{sharedKey, "payments", "fraud", false},
		{adminKey, "payments", "fraud", true},
		{adminKey, "", "x", true},
	} {
		a := keys.byDigest[sha256.Sum256([]byte(test.key))]
		if a == nil {
			t.Fatalf("key %s is not known", test.key)
		}
		if got := a.covers(test.store, test.view); got != test.want {
			t.Errorf("%s reads %s/%s: %t", test.key, test.store, test.view, got)
		}
	}
}

func TestAuthentication(t *testing.T) {
	asked := 0
	s := start(t, Config{Keys: keysOf(t, threeKeys())}, &fakeService{
		append: func(dst []byte, req *vectors.Request) ([]byte, *vectors.Error) {
			asked++
			if !req.Access.MayKnow("payments", "fraud") {
				return dst, &vectors.Error{Code: vectors.Forbidden, Entry: -1, Message: "not yours"}
			}
			return append(dst, fakeAnswer...), nil
		},
	})
	refused := func(resp response) {
		t.Helper()
		p := resp.problem(t)
		if resp.status != 401 || p.Code != Unauthenticated || resp.header.Get("WWW-Authenticate") == "" {
			t.Errorf("got %d %s", resp.status, resp.body)
		}
	}
	for _, key := range []string{"", "wrong", digestOf(fraudKey), fraudKey + "x", fraudKey[:31]} {
		refused(s.do("POST", "/feature-vectors", "{}", "X-API-Key", key))
		refused(s.do("POST", "/feature-vectors", "not even JSON", "X-API-Key", key))
		refused(s.do("GET", "/feature-views", "", "X-API-Key", key))
		refused(s.do("GET", "/feature-views/fraud/3", "", "X-API-Key", key))
		refused(s.do("GET", "/nowhere", "", "X-API-Key", key))
		refused(s.do("DELETE", "/feature-views", "", "X-API-Key", key))
	}
	refused(s.do("POST", "/feature-vectors", strings.Repeat("x", 2<<20)))
	if asked != 0 {
		t.Errorf("%d requests without a key reached the service", asked)
	}
	if resp := s.do("GET", "/openapi.json", ""); resp.status != 200 {
		t.Errorf("the contract is for everybody; got %d", resp.status)
	}
	if resp := s.do("POST", "/feature-vectors", "{}", "X-API-Key", fraudKey); resp.status != 200 {
		t.Errorf("with a key: got %d %s", resp.status, resp.body)
	}
	if resp := s.do("POST", "/feature-vectors", "{}", "X-API-Key", sharedKey); resp.status != 403 {
		t.Errorf("with another's key: got %d %s", resp.status, resp.body)
	}
	if resp := s.do("GET", "/feature-views", "", "X-API-Key", sharedKey); resp.body != `{"featureViews":[]}` {
		t.Errorf("views of another: %s", resp.body)
	}
}

// TestUnauthenticatedBodyStaysUnread sends headers that announce a body, and none of it.
func TestUnauthenticatedBodyStaysUnread(t *testing.T) {
	s := start(t, Config{Keys: keysOf(t, threeKeys())}, &fakeService{})
	for _, framing := range []string{"Content-Length: 1000000", "Transfer-Encoding: chunked"} {
		c := s.dial()
		c.write("POST /feature-vectors HTTP/1.1\r\nHost: x\r\n" + framing + "\r\n\r\n")
		if framing[0] == 'T' {
			c.write("f4240\r\n")
		}
		if resp := c.response(); resp.status != 401 || !resp.closes {
			t.Errorf("%s: got %d, connection closing %t", framing, resp.status, resp.closes)
		}
		c.wantClosed()
	}
}

// TestOtherKeys: keys that are none of the file's are somebody else's to judge, until the request's deadline.
func TestOtherKeys(t *testing.T) {
	const deadline = 3 * time.Second
	var asked atomic.Int64
	s := start(t, Config{
		Keys: keysOf(t, threeKeys()), Deadline: deadline,
		Authenticate: func(key []byte, until time.Time) (vectors.Access, *vectors.Error) {
			asked.Add(1)
			if left := time.Until(until); left <= 0 || left > deadline {
				t.Errorf("there are %v left", left)
			}
			switch string(key) {
			case "a.good":
				return &access{all: true}, nil
			case "a.busy":
				return nil, &vectors.Error{Code: vectors.Overloaded, Entry: -1, Message: "busy"}
			}
			return nil, &vectors.Error{Code: Unauthenticated, Entry: -1, Message: "who is that?"}
		},
	}, &fakeService{})
	for key, want := range map[string]int{"a.good": 200, "a.busy": 429, "a.bad": 401, fraudKey: 200, "": 401} {
		before := asked.Load()
		if resp := s.do("GET", "/feature-views", "", "X-API-Key", key); resp.status != want {
			t.Errorf("%q: got %d %s", key, resp.status, resp.body)
		}
		if own := key == fraudKey || key == ""; own != (asked.Load() == before) {
			t.Errorf("%q: asked %d times", key, asked.Load()-before)
		}
	}
	for key, body := range map[string]string{"a.bad": "a small body", "a.good": "{}"} { // it is read, and the connection kept
		c := s.dial()
		for range 2 {
			c.write(fmt.Sprintf("POST /feature-vectors HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: %d\r\n\r\n%s",
				key, len(body), body))
			if resp := c.response(); resp.closes || (resp.status == 401) != (key == "a.bad") {
				t.Errorf("%s: got %d, connection closing %t", key, resp.status, resp.closes)
			}
		}
	}
}

// TestKeyCheckedTooLate: a key that cannot be checked before the body, which is left then, and can be right after. The request
// has no body any more, which must not be held against its caller.
func TestKeyCheckedTooLate(t *testing.T) {
	var asked atomic.Int64
	s := start(t, Config{Authenticate: func([]byte, time.Time) (vectors.Access, *vectors.Error) {
		if asked.Add(1) == 1 {
			return nil, &vectors.Error{Code: vectors.Overloaded, Entry: -1, Message: "busy"}
		}
		return &access{all: true}, nil
	}}, &fakeService{})
	body := strings.Repeat(" ", smallBody) + "{}"
	c := s.dial()
	c.write(fmt.Sprintf("POST /feature-vectors HTTP/1.1\r\nHost: x\r\nX-API-Key: a.b\r\nContent-Length: %d\r\n\r\n%s",
		len(body), body))
	if resp := c.response(); resp.status != 503 || !resp.closes || !strings.Contains(resp.body, "send the request again") {
		t.Errorf("got %d %s, connection closing %t", resp.status, resp.body, resp.closes)
	}
	if asked.Load() != 2 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func TestKeyFileMistakes(t *testing.T) {
	const text = `keys:
  - {name: a, sha256: 12ab, views: [payments/fraud]}
  - {name: a, sha256: "zz", views: []}
  - {sha256: 5E884898DA28047151D0E56F8DC6292773603D0D6AABBDD62A11EF721D1542D8, views: [payments, "*/fraud", payments/fr*]}
  - {name: b, sha256: 5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8, views: [a/b/c, /x, y/]}
  - {name: c, sha256: 15e0, view: [x/y]}
`
	_, err := readKeys(yamldoc.Parse("keys.yaml", []byte(text)))
	if err == nil {
		t.Fatal("no mistake found")
	}
	for _, want := range []string{
		"keys.yaml:2: keys[0].sha256: must be the SHA-256",
		"keys.yaml:3: keys[1].name: is the name of another key",
		"keys.yaml:3: keys[1].sha256: must be the SHA-256",
		"keys.yaml:3: keys[1].views: is empty",
		"keys.yaml:4: keys[2].name: is required",
		`keys.yaml:4: keys[2].views[0]: must be a view such as`,
		`keys.yaml:4: keys[2].views[1]: must be a view such as`,
		"keys.yaml:4: keys[2].views[2]: names part of a view",
		"keys.yaml:5: keys[3].sha256: is another key's too",
		"keys.yaml:5: keys[3].views[0]: must be a view",
		"keys.yaml:5: keys[3].views[1]: must be a view",
		"keys.yaml:5: keys[3].views[2]: must be a view",
		"keys.yaml:6: keys[4].sha256: must be text",
		"keys.yaml:6: keys[4].views: is required",
		"keys.yaml:6: keys[4].view: unknown field",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not reported: %s", want)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
}

// TestNoKeys: an empty list lets nobody in, so that the last key can be revoked; one that is not there is a mistake.
func TestNoKeys(t *testing.T) {
	keys, err := readKeys(yamldoc.Parse("keys.yaml", []byte("keys: []\n")))
	if err != nil || len(keys.byDigest) != 0 {
		t.Errorf("%v, %v", keys, err)
	}
	for text, want := range map[string]string{
		"keys:\n": "keys.yaml:1: keys: is empty", "{}\n": "keys.yaml:1: keys: is required", "key: []\n": "keys: is required",
	} {
		if _, err := readKeys(yamldoc.Parse("keys.yaml", []byte(text))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestNewKey(t *testing.T) {
	key, digest := NewKey()
	if other, _ := NewKey(); len(key) != 43 || key == other {
		t.Errorf("keys %q and %q", key, other)
	}
	path := filepath.Join(t.TempDir(), "keys.yaml")
	line := "keys: [{name: a, sha256: \"" + digest + "\", views: [\"*\"]}]"
	if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := LoadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	if keys.byDigest[sha256.Sum256([]byte(key))] == nil {
		t.Error("a new key is not found under its own digest")
	}
}
