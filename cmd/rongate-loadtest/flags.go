package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/loadtest"
	"github.com/rongate/rongate/loadtest/features"
)

// loadFlags say how requests are sent.
type loadFlags struct {
	Rate        float64       `default:"100" help:"Requests a second."`
	Duration    time.Duration `default:"30s" help:"How long."`
	Steps       string        `placeholder:"RATE:TIME,…" help:"${flagsSteps}"`
	Arrivals    string        `default:"poisson" enum:"poisson,constant" help:"${flagsArrivals}"`
	MaxInFlight int           `default:"10000" help:"Requests in flight at most; beyond it they are late, and say so."`
	Timeout     time.Duration `default:"10s" help:"How long to wait for an answer."`
	Seed        uint64        `help:"Of everything that is drawn (default: another each time)."`
}

func (f *loadFlags) config(url string) (loadtest.Config, error) {
	c := loadtest.Config{
		URL: url, Arrivals: loadtest.Poisson, MaxInFlight: f.MaxInFlight, Timeout: f.Timeout, Seed: f.Seed,
		Steps: []loadtest.Step{{Rate: f.Rate, Duration: f.Duration}},
	}
	if f.Arrivals == "constant" {
		c.Arrivals = loadtest.Constant
	}
	if f.Steps == "" {
		return c, nil
	}
	c.Steps = nil
	for text := range strings.SplitSeq(f.Steps, ",") {
		rate, duration, ok := strings.Cut(text, ":")
		r, err := strconv.ParseFloat(rate, 64)
		d, err2 := time.ParseDuration(duration)
		if !ok || err != nil || err2 != nil {
			return c, fmt.Errorf("--steps: %q is no step; write such as 100:10s,200:10s", text)
		}
		c.Steps = append(c.Steps, loadtest.Step{Rate: r, Duration: d})
	}
	return c, nil
}

// sourceFlags say what is asked for.
type sourceFlags struct {
	Views    []string `placeholder:"NAME/VERSION:WEIGHT" help:"${flagsViews}"`
	Features []string `placeholder:"NAME" help:"Only these features, of the views that have them."`
	Keys     string   `default:"uniform" placeholder:"KIND" help:"${flagsKeys}"`
	Missing  float64  `default:"0.02" help:"Share of entries without a row."`
	Batch    string   `default:"1" placeholder:"N:WEIGHT,…" help:"${flagsBatch}"`
	Passed   float64  `help:"Share of requests that pass a feature."`
	Partial  bool     `help:"Ask for partial answers."`
	API      string   `default:"native" enum:"native,rdrs" help:"${flagsAPI}"`
	APIKey   string   `name:"api-key" env:"RONGATE_API_KEY" placeholder:"KEY" help:"${flagsAPIKey}"`
	Rows     int      `default:"100000" help:"Rows that the data was loaded with; 100000 in the demo."`
}

func (f *sourceFlags) config() (c features.Config, err error) {
	c = features.Config{
		Features: f.Features, Passed: f.Passed, Partial: f.Partial, APIKey: f.APIKey, RDRS: f.API == "rdrs",
	}
	if c.Data, err = frauddata.New(frauddata.Config{Rows: f.Rows}); err != nil {
		return c, err
	}
	for _, text := range f.Views {
		v, err := parseView(text)
		if err != nil {
			return c, err
		}
		c.Views = append(c.Views, v)
	}
	if c.Keys, err = parseKeys(f.Keys); err != nil {
		return c, err
	}
	c.Keys.Missing = f.Missing
	c.Sizes, err = parseSizes(f.Batch)
	return c, err
}

func parseView(text string) (v features.View, err error) {
	name, weight, weighted := strings.Cut(text, ":")
	if weighted {
		if v.Weight, err = strconv.ParseFloat(weight, 64); err != nil {
			return v, fmt.Errorf("--views: %q has no weight; write such as fraud/2:3", text)
		}
	}
	name, version, versioned := strings.Cut(name, "/")
	if versioned {
		if v.Version, err = strconv.Atoi(version); err != nil {
			return v, fmt.Errorf("--views: %q has no version; write such as fraud/2", text)
		}
	}
	v.Name = name
	return v, nil
}

func parseKeys(text string) (k features.Keys, err error) {
	kind, rest, _ := strings.Cut(text, ":")
	bad := fmt.Errorf("--keys: %q is not understood; write uniform, zipf:1.1 or hot:100:0.9", text)
	switch kind {
	case "uniform":
		if rest != "" {
			return k, bad
		}
	case "zipf":
		if k.Zipf, err = strconv.ParseFloat(rest, 64); err != nil {
			return k, bad
		}
	case "hot":
		n, share, _ := strings.Cut(rest, ":")
		var err2 error
		k.Hot, err = strconv.Atoi(n)
		if k.Share, err2 = strconv.ParseFloat(share, 64); err != nil || err2 != nil {
			return k, bad
		}
	default:
		return k, bad
	}
	return k, nil
}

func parseSizes(text string) (sizes []features.Size, err error) {
	for part := range strings.SplitSeq(text, ",") {
		var s features.Size
		bad := fmt.Errorf("--batch: %q is not understood; write such as 10, or 1:80,10:15,50-100:5", part)
		span, weight, weighted := strings.Cut(part, ":")
		if weighted {
			if s.Weight, err = strconv.ParseFloat(weight, 64); err != nil {
				return nil, bad
			}
		}
		low, high, ranged := strings.Cut(span, "-")
		if s.Low, err = strconv.Atoi(low); err != nil {
			return nil, bad
		}
		s.High = s.Low
		if ranged {
			if s.High, err = strconv.Atoi(high); err != nil {
				return nil, bad
			}
		}
		sizes = append(sizes, s)
	}
	return sizes, nil
}
