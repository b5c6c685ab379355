package features

import (
	"bytes"
	"fmt"
	"time"

	"github.com/rongate/rongate/internal/frauddata"
)

// The routes that vectors are asked for by.
const (
	nativeRoute    = "/feature-vectors"
	rdrsRoute      = "/0.1.0/feature_store"
	rdrsBatchRoute = "/0.1.0/batch_feature_store"
)

// rdrsTail is what follows the entries and passed features in a request of the Hopsworks client.
const rdrsTail = `,"options":{"validatePassedFeatures":false,"includeDetailedStatus":false}}`

// route is where the request at hand goes.
func (a *asker) route() string {
	switch {
	case !a.rdrs:
		return nativeRoute
	case a.single:
		return rdrsRoute
	}
	return rdrsBatchRoute
}

// writeRDRS makes the request's body as the Hopsworks client does.
func (a *asker) writeRDRS(passes bool) {
	b := append(append(a.body[:0], a.view.rdrsHead...), `,"entries":`...)
	if a.single {
		b = append(a.entries[0].AppendKeys(b), `,"passedFeatures":`...)
		if passes {
			b = a.appendPassed(b, 0)
		} else {
			b = append(b, "null"...)
		}
		a.body = append(b, rdrsTail...)
		return
	}
	b = append(b, '[')
	for i, e := range a.entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.AppendKeys(b)
	}
	b = append(b, `],"passedFeatures":[`...)
	for i := range a.entries {
		if !passes {
			break
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = a.appendPassed(b, i)
	}
	a.body = append(append(b, ']'), rdrsTail...)
}

// expectRDRS makes the whole answer that the request has to have.
func (a *asker) expectRDRS(now time.Time) {
	a.statuses = a.statuses[:0]
	b := append(a.want[:0], `{"features":`...)
	if !a.single {
		b = append(b, '[')
	}
	for i, e := range a.entries {
		if i > 0 {
			b = append(b, ',')
		}
		var status frauddata.Status
		b, status, _ = a.view.appendVector(b, e, a.passed[i], now, false)
		a.statuses = append(a.statuses, status)
	}
	if !a.single {
		b = append(b, ']')
	}
	b = append(b, `,"metadata":null,"status":`...)
	if !a.single {
		b = append(b, '[')
	}
	for i, status := range a.statuses {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, a.quotedStatus(status)...)
	}
	if !a.single {
		b = append(b, ']')
	}
	a.want = append(b, `,"detailedStatus":null}`...)
}

// judgeRDRSHead finds the vectors of an answer, and compares what is said beside them and their statuses.
func (a *asker) judgeRDRSHead(p *answer) error {
	p.vector, p.vectors = p.features, p.features
	if p.features == nil || p.status == nil || p.store != nil || p.view != nil || p.version != nil {
		return fmt.Errorf("it is not laid out as that to %d entries", len(a.entries))
	}
	for _, c := range []struct {
		name string
		got  []byte
	}{{"metadata", p.metadata}, {"detailedStatus", p.detail}} {
		if !bytes.Equal(c.got, []byte("null")) {
			return fmt.Errorf("its %s is %s, not null", c.name, shortened(c.got))
		}
	}
	return nil
}

// quotedStatus is how a status is told. RDRS knows no expired rows.
func (a *asker) quotedStatus(s frauddata.Status) string {
	if a.rdrs && s == frauddata.Expired {
		s = frauddata.Missing
	}
	return quotedStatus(s)
}
