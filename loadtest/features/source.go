package features

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/loadtest"
)

// Config says what a Source asks for.
type Config struct {
	// Data is what the gateway's tables hold: as many rows as they were loaded with. What its event times are counted back
	// from is read from the rows, if the gateway has a feature view that serves them.
	Data *frauddata.Data

	Views    []View   // default: all of the gateway's that the data knows all about, each as often as the others
	Features []string // a projection, in this order: those of them that a view has; default: all features
	Keys     Keys     // which entries are asked for; default: all, each as often as the others
	Sizes    []Size   // how many entries a request has; default: one
	Passed   float64  // share of the requests that pass a feature; of views that have one of type double
	RDRS     bool     // asks by the API of RonDB's REST server; then Features must be empty, and batches may be partial
	Partial  bool     // has the gateway answer, with the status ERROR, what it could read of a vector
	APIKey   string
}

// A View is a feature view to be asked for.
type View struct {
	Name    string
	Version int     // 0: any that there is, if there is only one
	Weight  float64 // how often, compared with the other views; 0: 1
}

// The kinds of failures that are found in answers.
const (
	Wrong = "wrong" // an answer that is not the one to this request, or has a value that is not the row's
	Error = "ERROR" // a vector of which a feature group could not be read
)

// A Source asks a gateway for the vectors of its feature views, and knows what has to be answered.
type Source struct {
	// Skipped says of each of the gateway's feature views that is not asked for why not.
	Skipped []string

	cfg     Config
	views   []*view
	weights []float64
	sizes   []float64 // weights of cfg.Sizes
}

// Open reads what feature views a gateway has. The URL is one that loadtest.Config takes.
func Open(ctx context.Context, url string, cfg Config) (*Source, error) {
	if cfg.Data == nil {
		return nil, errors.New("features: no data to judge answers by")
	}
	if err := cfg.Keys.check(); err != nil {
		return nil, fmt.Errorf("features: %w", err)
	}
	if cfg.Passed < 0 || cfg.Passed > 1 {
		return nil, fmt.Errorf("features: a share of %v with passed features; it must be from 0 to 1", cfg.Passed)
	}
	if cfg.RDRS && (len(cfg.Features) > 0 || cfg.Partial) {
		return nil, errors.New("features: RonDB's REST server can be asked neither for some features alone nor for partial ones")
	}
	if len(cfg.Sizes) == 0 {
		cfg.Sizes = []Size{{Low: 1, High: 1}}
	}
	for _, v := range cfg.Views {
		if err := checkWeight(v.Weight); err != nil {
			return nil, fmt.Errorf("features: %s: %w", v.Name, err)
		}
	}
	s := &Source{cfg: cfg}
	for _, size := range cfg.Sizes {
		if err := size.check(); err != nil {
			return nil, fmt.Errorf("features: %w", err)
		}
		s.sizes = append(s.sizes, weightOf(size.Weight))
	}
	d, err := newDescriber(url, cfg.APIKey)
	if err != nil {
		return nil, fmt.Errorf("features: %w", err)
	}
	defer d.close()
	documents, err := d.views(ctx)
	if err != nil {
		return nil, fmt.Errorf("features: read the gateway's feature views: %w", err)
	}
	if s.cfg.Data, err = dated(ctx, d, cfg.Data, documents); err != nil {
		return nil, fmt.Errorf("features: read when the rows were loaded: %w", err)
	}
	if err := s.choose(documents); err != nil {
		return nil, fmt.Errorf("features: %w", err)
	}
	return s, nil
}

// choose compiles the feature views that are asked for.
func (s *Source) choose(documents []viewDocument) error {
	for i := range documents {
		d := &documents[i]
		wanted := len(s.cfg.Views) == 0
		weight := 1.0
		for _, v := range s.cfg.Views {
			if v.Name == d.FeatureView && (v.Version == 0 || v.Version == d.Version) {
				wanted, weight = true, weightOf(v.Weight)
			}
		}
		if !wanted {
			s.Skipped = append(s.Skipped, fmt.Sprintf("%s: not asked for", d.viewName))
			continue
		}
		v, err := compile(&s.cfg, d)
		if err != nil && len(s.cfg.Views) > 0 {
			return fmt.Errorf("%s: %w", d.viewName, err)
		}
		if err != nil {
			s.Skipped = append(s.Skipped, fmt.Sprintf("%s: %v", d.viewName, err))
			continue
		}
		s.views, s.weights = append(s.views, v), append(s.weights, weight)
	}
	return s.found()
}

// found checks that each of the feature views that were named is there, once.
func (s *Source) found() error {
	if len(s.views) == 0 {
		return fmt.Errorf("the gateway has no feature view to ask for: %s", strings.Join(append(s.Skipped, "that is all"), "; "))
	}
	for _, v := range s.cfg.Views {
		var versions []string
		for _, have := range s.views {
			if have.name.FeatureView == v.Name && (v.Version == 0 || have.name.Version == v.Version) {
				versions = append(versions, have.name.String())
			}
		}
		switch len(versions) {
		case 1:
		case 0:
			return fmt.Errorf("the gateway has no feature view %s", viewName{FeatureView: v.Name, Version: v.Version})
		default:
			return fmt.Errorf("the gateway has %s; name one", strings.Join(versions, ", "))
		}
	}
	for _, f := range s.cfg.Features {
		if !slices.ContainsFunc(s.views, func(v *view) bool { return v.has(f) }) {
			return fmt.Errorf("no feature view that is asked for has the feature %s", f)
		}
	}
	return nil
}

// Views lists the feature views that are asked for, with their versions.
func (s *Source) Views() []string {
	var names []string
	for _, v := range s.views {
		names = append(names, v.name.String())
	}
	return names
}

// Asker makes what asks for one connection.
func (s *Source) Asker(random *rand.Rand) loadtest.Asker {
	return &asker{source: s, random: random, rdrs: s.cfg.RDRS}
}
