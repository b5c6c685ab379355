package features

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rongate/rongate/internal/frauddata"
)

const (
	eventTimeFeature = "updated_at"
	eventTimeLayout  = "2006-01-02 15:04:05.000"

	// Of so many rows the event time is asked for, and so many have to have one and to agree.
	datedAsked = 20
	datedWant  = 3
)

// dated returns the data with event times that are counted back from what those in the gateway's tables are: from the
// time at which they were loaded. Without a feature view that serves them the data remains as it is.
func dated(ctx context.Context, d *describer, data *frauddata.Data, views []viewDocument) (*frauddata.Data, error) {
	for i := range views {
		v, err := compile(&Config{Data: data, Features: []string{eventTimeFeature}}, &views[i])
		if err != nil {
			continue // others may serve it
		}
		if err := v.checkRows(ctx, d); err != nil {
			return nil, fmt.Errorf("%s: %w", v.name, err)
		}
		shift, err := v.shift(ctx, d)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.name, err)
		}
		cfg := data.Config()
		cfg.Now = cfg.Now.Add(shift)
		return frauddata.New(cfg)
	}
	return data, nil
}

// An eventTime is an answer to somebody who asks for one.
type eventTime struct {
	Vector []*string
	Status string
}

// ask asks for the event time of the row of that number.
func (v *view) ask(ctx context.Context, d *describer, number uint64) (answer eventTime, err error) {
	a := asker{view: v, single: true, entries: []frauddata.Entry{v.entry(number)}}
	a.write(false)
	if err := d.call(ctx, http.MethodPost, nativeRoute, a.body, &answer); err != nil {
		return answer, err
	}
	if len(answer.Vector) != 1 {
		return answer, fmt.Errorf("%d values for 1 feature", len(answer.Vector))
	}
	return answer, nil
}

// checkRows looks at the end of the table for whether it has as many rows as the data.
func (v *view) checkRows(ctx context.Context, d *describer) error {
	_, last := v.groups[0].Numbers()
	for n := last; n <= last+2; n++ { // one of the two after the last may be left out, but not both
		answer, err := v.ask(ctx, d, n)
		if err != nil {
			return err
		}
		if missing := answer.Status == frauddata.Missing.String(); missing != (n > last) {
			return fmt.Errorf("the tables were not loaded with as many rows: %d is %s", n, answer.Status)
		}
	}
	return nil
}

// shift is how much later than the data's the event times are that the gateway serves.
func (v *view) shift(ctx context.Context, d *describer) (time.Duration, error) {
	var shifts []time.Duration
	for _, n := range v.present.numbers[:min(datedAsked, len(v.present.numbers))] {
		answer, err := v.ask(ctx, d, uint64(n))
		if err != nil {
			return 0, err
		}
		if answer.Vector[0] == nil {
			continue // has expired
		}
		at, err := time.Parse(eventTimeLayout, *answer.Vector[0])
		if err != nil {
			return 0, err
		}
		row, _ := v.groups[0].Find(v.entry(uint64(n)))
		have, _ := v.groups[0].EventTime(row)
		if shifts = append(shifts, at.Sub(have)); len(shifts) == datedWant {
			break
		}
	}
	if len(shifts) < datedWant {
		return 0, errors.New("nearly all rows have expired or are missing: the tables hold other data, or have to be loaded anew")
	}
	for _, s := range shifts[1:] {
		if s != shifts[0] {
			return 0, errors.New("the rows were not loaded at the same time: the tables hold other data")
		}
	}
	return shifts[0], nil
}
