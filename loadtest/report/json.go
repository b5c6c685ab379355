package report

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/goccy/go-json"

	"github.com/rongate/rongate/loadtest"
)

// What follows is the file's form. Names are never changed, only added. Those that end in Us are microseconds, At and
// Start from the start of the load on. What is null is not known.
type (
	jsonReport struct {
		Format     int               `json:"format"` // 1
		Title      string            `json:"title"`
		Command    []string          `json:"command"`
		Versions   map[string]string `json:"versions"`
		Machine    jsonMachine       `json:"machine"`
		Started    *time.Time        `json:"started"`
		Stopped    string            `json:"stopped"` // why the run ended before its end
		Passed     bool              `json:"passed"`  // no verdict failed
		Void       bool              `json:"void"`    // a load is
		Loads      []jsonLoad        `json:"loads"`
		Events     []jsonEvent       `json:"events"`
		Series     []jsonSeries      `json:"series"`
		Verdicts   []jsonVerdict     `json:"verdicts"`
		Comparison []jsonComparison  `json:"comparison"`
	}
	jsonMachine struct {
		CPU         string `json:"cpu"`
		Cores       int    `json:"cores"`
		MemoryBytes int64  `json:"memoryBytes"`
		OS          string `json:"os"`
	}
	jsonLoad struct {
		Name     string       `json:"name"`
		URL      string       `json:"url"`
		Callers  int          `json:"callers"` // of a closed loop; 0: an open one
		Steps    []jsonStep   `json:"steps"`
		Started  *time.Time   `json:"started"`
		LengthUs int64        `json:"lengthUs"`
		Void     string       `json:"void"` // why
		Rates    jsonRates    `json:"rates"`
		Requests jsonRequests `json:"requests"`

		Latency     *jsonLatency `json:"latency"`         // from when requests were due
		FromSent    *jsonLatency `json:"latencyFromSent"` // from when they were sent
		Lateness    *jsonLatency `json:"lateness"`        // of sending
		Curve       []jsonPoint  `json:"curve"`
		FromSentAll []jsonPoint  `json:"curveFromSent"`
		WindowUs    int64        `json:"windowUs"`
		Windows     []jsonWindow `json:"windows"`

		Examples map[string]string `json:"examples"` // of failures, by kind
	}
	jsonStep struct {
		Name       string  `json:"name"`
		Rate       float64 `json:"ratePerSecond"`
		DurationUs int64   `json:"durationUs"`
	}
	jsonRates struct {
		Asked    float64 `json:"askedPerSecond"`
		Sent     float64 `json:"sentPerSecond"`
		Answered float64 `json:"answeredPerSecond"`
	}
	jsonRequests struct {
		Due      uint64            `json:"due"`
		Sent     uint64            `json:"sent"`
		Late     uint64            `json:"late"`
		Answered uint64            `json:"answered"`
		Failed   uint64            `json:"failed"`
		ByKind   map[string]uint64 `json:"failedByKind"`
	}
	jsonLatency struct {
		Count int64   `json:"count"`
		Mean  float64 `json:"meanUs"`
		Min   int64   `json:"minUs"`
		P50   int64   `json:"p50Us"`
		P90   int64   `json:"p90Us"`
		P99   int64   `json:"p99Us"`
		P999  int64   `json:"p999Us"`
		P9999 int64   `json:"p9999Us"`
		Max   int64   `json:"maxUs"`
	}
	jsonPoint struct {
		Quantile float64 `json:"quantile"` // 0 to 1
		Us       int64   `json:"us"`
		Count    int64   `json:"count"` // of requests that took no longer
	}
	jsonWindow struct {
		StartUs int64        `json:"startUs"`
		Asked   float64      `json:"asked"` // requests, by the steps
		Latency *jsonLatency `json:"latency"`
		jsonRequests
	}
	jsonEvent struct {
		AtUs int64  `json:"atUs"`
		What string `json:"what"`
	}
	jsonSeries struct {
		Group  string      `json:"group"`
		Name   string      `json:"name"`
		Unit   string      `json:"unit"`
		Points []jsonValue `json:"points"`
	}
	jsonValue struct {
		StartUs int64    `json:"startUs"`
		Value   *float64 `json:"value"`
	}
	jsonVerdict struct {
		What   string `json:"what"`
		Want   string `json:"want"`
		Got    string `json:"got"`
		Passed bool   `json:"passed"`
	}
	jsonComparison struct {
		What  string   `json:"what"`
		Unit  string   `json:"unit"`
		A     *float64 `json:"a"`
		B     *float64 `json:"b"`
		Ratio *float64 `json:"ratio"` // B to A
		Low   *float64 `json:"low"`   // of the interval of 95 % confidence
		High  *float64 `json:"high"`
	}
)

// WriteJSON writes everything that the page shows, so that its plots can be drawn again and figures be compared.
func WriteJSON(w io.Writer, r *Report) error {
	out := jsonReport{
		Format: 1, Title: r.Title, Command: list[string](len(r.Command)), Versions: r.Versions, Started: moment(r.Started),
		Machine: jsonMachine{CPU: r.Machine.CPU, Cores: r.Machine.Cores, MemoryBytes: r.Machine.Memory, OS: r.Machine.OS},
		Stopped: r.Stopped, Passed: r.Passed(), Void: len(r.voids()) > 0,
		Loads: list[jsonLoad](len(r.Loads)), Events: list[jsonEvent](len(r.Events)), Series: list[jsonSeries](len(r.Series)),
		Verdicts: list[jsonVerdict](len(r.Verdicts)), Comparison: list[jsonComparison](len(r.Comparison)),
	}
	out.Command = append(out.Command, r.Command...)
	for i := range r.Loads {
		out.Loads = append(out.Loads, r.Loads[i].json(i))
	}
	for _, e := range r.Events {
		out.Events = append(out.Events, jsonEvent{AtUs: e.At.Microseconds(), What: e.What})
	}
	for _, s := range r.Series {
		series := jsonSeries{Group: s.Group, Name: s.Name, Unit: s.Unit, Points: list[jsonValue](len(s.Start))}
		for i := range min(len(s.Start), len(s.Value)) {
			series.Points = append(series.Points, jsonValue{StartUs: s.Start[i].Microseconds(), Value: known(s.Value[i])})
		}
		out.Series = append(out.Series, series)
	}
	for _, v := range r.Verdicts {
		out.Verdicts = append(out.Verdicts, jsonVerdict(v))
	}
	for _, c := range r.Comparison {
		out.Comparison = append(out.Comparison, jsonComparison{
			What: c.What, Unit: c.Unit, A: known(c.A), B: known(c.B), Ratio: known(c.Ratio), Low: known(c.Low), High: known(c.High),
		})
	}
	text, err := json.MarshalIndent(&out, "", " ")
	if err != nil {
		return fmt.Errorf("report: encoding: %w", err)
	}
	if _, err := w.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("report: writing JSON: %w", err)
	}
	return nil
}

func (l *Load) json(index int) jsonLoad {
	out := jsonLoad{
		Name: l.name(index), URL: l.URL, Callers: l.Closed,
		Steps: list[jsonStep](len(l.Steps)), Windows: []jsonWindow{}, Curve: []jsonPoint{}, FromSentAll: []jsonPoint{},
	}
	for _, s := range l.Steps {
		out.Steps = append(out.Steps, jsonStep{Name: s.Name, Rate: s.Rate, DurationUs: s.Duration.Microseconds()})
	}
	result := l.Result
	if result == nil {
		return out
	}
	out.Started, out.LengthUs, out.Void = moment(result.Started), result.Length.Microseconds(), whyVoid(result)
	out.Rates = jsonRates{
		Asked: l.rate(l.asked(0, result.Length)), Sent: l.rate(float64(result.Total.Sent)),
		Answered: l.rate(float64(result.Total.Answered)),
	}
	out.Requests, out.Examples = requests(&result.Total), result.Examples
	out.Latency, out.FromSent = latencies(result.Total.Latency), latencies(result.Service)
	out.Lateness = latencies(result.Lateness)
	out.Curve, out.FromSentAll = curve(result.Total.Latency), curve(result.Service)
	width := l.window()
	out.WindowUs = width.Microseconds()
	for i := range result.Windows {
		w := &result.Windows[i]
		out.Windows = append(out.Windows, jsonWindow{
			StartUs: w.Start.Microseconds(), Asked: l.asked(w.Start, w.Start+width), Latency: latencies(w.Latency),
			jsonRequests: requests(&w.Count),
		})
	}
	return out
}

func requests(c *loadtest.Count) jsonRequests {
	return jsonRequests{
		Due: c.Due, Sent: c.Sent, Late: c.Late, Answered: c.Answered, Failed: c.Failures(), ByKind: c.Failed,
	}
}

// latencies returns nil where there are none.
func latencies(h *hdrhistogram.Histogram) *jsonLatency {
	if h == nil || h.TotalCount() == 0 {
		return nil
	}
	v := h.ValueAtPercentilesSlice([]float64{50, 90, 99, 99.9, 99.99})
	return &jsonLatency{
		Count: h.TotalCount(), Mean: math.Round(10*h.Mean()) / 10, Min: h.Min(), Max: h.Max(),
		P50: v[0], P90: v[1], P99: v[2], P999: v[3], P9999: v[4],
	}
}

// curveTicks is how many points a curve has for each halving of what lies beyond it.
const curveTicks = 5

// curve returns the points of a histogram's percentile curve, the last of which is its maximum.
func curve(h *hdrhistogram.Histogram) []jsonPoint {
	points := []jsonPoint{}
	if h == nil || h.TotalCount() == 0 {
		return points
	}
	for _, b := range h.CumulativeDistributionWithTicks(curveTicks) {
		points = append(points, jsonPoint{Quantile: b.Quantile / 100, Us: b.ValueAt, Count: b.Count})
	}
	return points
}

// list returns an empty list that has room; unlike nil it is [] in JSON.
func list[T any](room int) []T { return make([]T, 0, room) }

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// known returns nil for what JSON has no number for.
func known(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
