package features

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/rongate/rongate/internal/frauddata"
)

// An answer is the parts of one. What is absent is nil.
type answer struct {
	store, view, version, features, vector, vectors, status, metadata, detail []byte
}

// read cuts an answer into its parts. Nothing but those may be there, each once.
func (p *answer) read(body []byte) error {
	s := scanner{text: body}
	if !s.take('{') {
		return fmt.Errorf("it is no JSON object")
	}
	for first := true; !s.take('}'); first = false {
		if !first && !s.take(',') {
			return fmt.Errorf("it is no JSON from byte %d on", s.at)
		}
		name := s.value()
		part := p.part(string(name))
		switch {
		case part == nil:
			return fmt.Errorf("it has %s, which was not asked for", shortened(name))
		case *part != nil:
			return fmt.Errorf("it has %s twice", name)
		case !s.take(':'):
			return fmt.Errorf("it is no JSON from byte %d on", s.at)
		}
		if *part = s.value(); len(*part) == 0 {
			return fmt.Errorf("it is no JSON from byte %d on", s.at)
		}
	}
	if !s.ended() {
		return fmt.Errorf("something follows it at byte %d", s.at)
	}
	return nil
}

func (p *answer) part(name string) *[]byte {
	switch name {
	case `"featureStore"`:
		return &p.store
	case `"featureView"`:
		return &p.view
	case `"version"`:
		return &p.version
	case `"features"`:
		return &p.features
	case `"vector"`:
		return &p.vector
	case `"vectors"`:
		return &p.vectors
	case `"status"`:
		return &p.status
	case `"metadata"`:
		return &p.metadata
	case `"detailedStatus"`:
		return &p.detail
	}
	return nil
}

// judge says what is wrong with an answer that is not byte by byte what it has to be; nothing if it only says the same
// in another layout, or an entry's row expired at about the time that it was read.
func (a *asker) judge(body []byte, now time.Time) (failure, detail string) {
	var p answer
	err := p.read(body)
	switch {
	case err != nil:
	case a.rdrs:
		err = a.judgeRDRSHead(&p)
	default:
		err = a.judgeHead(&p)
	}
	if err != nil {
		return Wrong, fmt.Sprintf("%s: %v: %s", shortened(a.body), err, shortened(body))
	}
	if a.single {
		return a.judgeVector(0, p.vector, p.status, now)
	}
	vectors, statuses := newList(p.vectors), newList(p.status)
	switch v, s := vectors.count(), statuses.count(); {
	case v < 0 || s < 0:
		return Wrong, fmt.Sprintf("%s: its vectors or statuses are no list: %s", shortened(a.body), shortened(body))
	case v != len(a.entries) || s != v:
		return Wrong, fmt.Sprintf("%s: %d vectors and %d statuses for %d entries: %s",
			shortened(a.body), v, s, len(a.entries), shortened(body))
	}
	for i := range a.entries {
		found, said := a.judgeVector(i, vectors.next(), statuses.next(), now)
		if failure == "" || found == Wrong { // which is worse than an ERROR
			failure, detail = found, said
		}
		if failure == Wrong {
			break
		}
	}
	return failure, detail
}

// judgeHead compares what an answer says before its vectors.
func (a *asker) judgeHead(p *answer) error {
	v := a.view
	for _, c := range []struct {
		name      string
		got, want []byte
	}{
		{"featureStore", p.store, v.quoted.store},
		{"featureView", p.view, v.quoted.view},
		{"version", p.version, v.quoted.version},
	} {
		if !bytes.Equal(c.got, c.want) {
			return fmt.Errorf("its %s is %s, not %s", c.name, shortened(c.got), c.want)
		}
	}
	features := newList(p.features)
	for i := range v.features {
		if got := features.next(); !bytes.Equal(got, v.features[i].quoted) {
			return fmt.Errorf("its feature %d is %s, not %s", i, shortened(got), v.features[i].quoted)
		}
	}
	features.next()
	switch {
	case !features.ended || features.bad:
		return fmt.Errorf("it has more than %d features", len(v.features))
	case p.metadata != nil || p.detail != nil:
		return errors.New("it has what only RonDB's REST server answers with")
	case (p.vector != nil) != a.single || (p.vectors != nil) == a.single || p.status == nil:
		return fmt.Errorf("it is not laid out as that to %d entries", len(a.entries))
	}
	return nil
}

// judgeVector compares one entry's vector and status.
func (a *asker) judgeVector(i int, vector, status []byte, now time.Time) (failure, detail string) {
	if string(status) == `"ERROR"` {
		if a.rdrs && string(vector) == "null" {
			return Error, a.about(i) + "the status is ERROR"
		}
		if mistake := a.mistake(i, vector, nil, now, false); mistake != "" {
			return Wrong, a.about(i) + mistake
		}
		return Error, a.about(i) + "the status is ERROR"
	}
	mistake := a.mistake(i, vector, status, now, false)
	if mistake == "" || a.mistake(i, vector, status, now, true) == "" {
		return "", ""
	}
	for j := range a.entries {
		if j != i && a.entries[j] != a.entries[i] && a.mistake(j, vector, status, now, false) == "" {
			return Wrong, fmt.Sprintf("%s%s; it is the vector of entry %d", a.about(i), mistake, j)
		}
	}
	return Wrong, a.about(i) + mistake
}

// about names an entry, for people.
func (a *asker) about(i int) string {
	return fmt.Sprintf("%s, entry %d of %d, %s: ", a.view.name, i, len(a.entries), a.entries[i].AppendKeys(nil))
}

// mistake says in what a vector and its status are not those of an entry; nothing if they are. Without a status any value
// may also be null, as those are that could not be read.
func (a *asker) mistake(i int, vector, status []byte, now time.Time, otherwise bool) string {
	var want frauddata.Status
	a.fresh, want, _ = a.view.appendVector(a.fresh[:0], a.entries[i], a.passed[i], now, otherwise)
	gots, wants := newList(vector), newList(a.fresh)
	for f := range a.view.features {
		got, want := gots.next(), wants.next()
		switch {
		case bytes.Equal(got, want) || status == nil && string(got) == "null":
		case got == nil:
			return fmt.Sprintf("%d values, not %d", f, len(a.view.features))
		default:
			return fmt.Sprintf("%s is %s, not %s", a.view.features[f].name, shortened(got), shortened(want))
		}
	}
	gots.next()
	switch {
	case !gots.ended || gots.bad:
		return fmt.Sprintf("more than %d values", len(a.view.features))
	case status != nil && string(status) != a.quotedStatus(want):
		return fmt.Sprintf("the status is %s, not %s", shortened(status), a.quotedStatus(want))
	}
	return ""
}

func quotedStatus(s frauddata.Status) string {
	return [...]string{`"COMPLETE"`, `"MISSING"`, `"EXPIRED"`}[s]
}
