package server

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/internal/yamldoc"
	"github.com/rongate/rongate/vectors"
)

// Keys are the API keys that are accepted. A key is looked up by its SHA-256, so that how long it takes tells nothing
// about the keys there are, and the file holds nothing that could be presented.
type Keys struct {
	byDigest map[[sha256.Size]byte]*access
	patterns []pattern // of all keys, in the order of the file
}

// LoadKeys reads a file of API keys:
//
//	keys:
//	  - name: fraud-model
//	    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//	    views: [payments/fraud, shared/*]
//
// An empty list lets nobody in. The error lists every mistake in it.
func LoadKeys(path string) (*Keys, error) {
	doc, err := yamldoc.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return readKeys(doc)
}

func readKeys(doc *yamldoc.Doc) (*Keys, error) {
	keys := &Keys{byDigest: map[[sha256.Size]byte]*access{}}
	names := map[string]bool{}
	list := doc.Root().Optional("keys") // an empty one is for nobody: the last key can be revoked
	switch {
	case !list.Written():
		list.Fail("is required; [] stands for no key at all")
	case !list.Present():
		list.Fail("is empty; list the keys, or write [] for none")
	}
	for _, item := range list.List() {
		m := item.Map()
		name := m.Required("name")
		if text := name.Text(""); names[text] && text != "" {
			name.Fail("is the name of another key too; names tell keys apart when one is to be revoked")
		} else {
			names[text] = true
		}
		keys.add(m.Required("sha256"), keys.readViews(m.Required("views")))
	}
	return keys, doc.Err()
}

func (k *Keys) add(value yamldoc.Value, a *access) {
	text := value.Text("")
	if text == "" {
		return
	}
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != sha256.Size {
		value.Fail("must be the SHA-256 of the key, as 64 hexadecimal digits; rongate key prints one")
		return
	}
	digest := [sha256.Size]byte(raw)
	if k.byDigest[digest] != nil {
		value.Fail("is another key's too; make a key for each caller")
		return
	}
	k.byDigest[digest] = a
}

func (k *Keys) readViews(value yamldoc.Value) *access {
	a := newAccess()
	for _, item := range value.List() {
		text := item.Text("")
		if text == "" {
			continue // the mistake is recorded
		}
		if err := CheckViews(text); err != nil {
			item.Fail("%v", err)
			continue
		}
		a.add(text)
		k.patterns = append(k.patterns, pattern{at: item.At(), text: text})
	}
	return a
}

// CheckViews says what is wrong with a pattern of the views that a key may read.
func CheckViews(pattern string) error {
	store, view, _ := strings.Cut(pattern, "/")
	switch {
	case pattern == "*":
		return nil
	case store == "" || view == "" || strings.Contains(store, "*") || strings.Contains(view, "/"):
		return errors.New(`must be a view such as "payments/fraud", all views of a feature store such as "payments/*", or "*"`)
	case view != "*" && strings.Contains(view, "*"):
		return fmt.Errorf(`names part of a view; give its full name, or "%s/*" for all views of the feature store`, store)
	}
	return nil
}

func newAccess() *access {
	return &access{stores: map[string]bool{}, views: map[ViewName]bool{}, names: map[string]bool{}}
}

// add gives the rights of a pattern that CheckViews has passed.
func (a *access) add(pattern string) {
	store, view, _ := strings.Cut(pattern, "/")
	switch {
	case pattern == "*":
		a.all = true
	case view == "*":
		a.stores[store] = true
	default:
		a.views[ViewName{store, view}] = true
		a.names[view] = true
	}
}

// An access is what one key may read.
type access struct {
	all    bool
	stores map[string]bool
	views  map[ViewName]bool
	names  map[string]bool // of views, whatever their store
}

// MayRead implements vectors.Access. Whoever may read a view may read what it joins, of other feature stores too.
func (a *access) MayRead(v *catalog.View) bool { return a.covers(v.Store, v.Name) }

// MayKnow implements vectors.Access.
func (a *access) MayKnow(store, view string) bool { return a.covers(store, view) }

// MayTell implements vectors.Access.
func (a *access) MayTell(store, view string) bool { return a.covers(store, view) }

// covers reports whether the key has rights to a view. An empty store stands for any that the key has rights in.
func (a *access) covers(store, view string) bool {
	if store == "" {
		return a.all || len(a.stores) > 0 || a.names[view]
	}
	return a.all || a.stores[store] || a.views[ViewName{store, view}]
}

// authenticate returns what the caller may read, or why it may not ask at all.
func (s *Server) authenticate(h *fasthttp.RequestHeader, received time.Time) (vectors.Access, *problem) {
	cfg := s.live.Load()
	if cfg.Keys == nil && cfg.Authenticate == nil {
		return s.everything, nil
	}
	key := h.Peek(apiKeyHeader)
	if cfg.Keys != nil && len(key) > 0 {
		if a, ok := cfg.Keys.byDigest[sha256.Sum256(key)]; ok {
			return a, nil
		}
	}
	if cfg.Authenticate == nil || len(key) == 0 {
		return nil, newProblem(Unauthenticated, "send a valid API key in the header X-API-Key")
	}
	a, err := cfg.Authenticate(key, received.Add(cfg.Deadline))
	if err != nil {
		return nil, problemOf(err)
	}
	return a, nil
}

// NewKey returns a fresh random API key of 43 characters, which stand for 256 bits, and the hexadecimal SHA-256 that a
// file of API keys lists it by. A key that a person makes up can be found by trying: only the digest's randomness keeps
// it from being turned back, so a key should have at least 32 characters, all random.
func NewKey() (key, digest string) {
	var raw [32]byte
	rand.Read(raw[:]) // never fails
	key = base64.RawURLEncoding.EncodeToString(raw[:])
	sum := sha256.Sum256([]byte(key))
	return key, hex.EncodeToString(sum[:])
}
