package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/internal/yamldoc"
	"github.com/rongate/rongate/loadtest"
	"github.com/rongate/rongate/loadtest/features"
)

const (
	maxLength   = time.Hour
	maxRepeats  = 99
	defaultRows = 20_000
)

// ReadFile reads a scenario. The error lists every mistake.
func ReadFile(path string) (File, error) {
	doc, err := yamldoc.ReadFile(path)
	if err != nil {
		return File{}, err
	}
	return read(doc)
}

// Parse reads a scenario; name is the file's in messages.
func Parse(name string, data []byte) (File, error) { return read(yamldoc.Parse(name, data)) }

func read(doc *yamldoc.Doc) (File, error) {
	root := doc.Root()
	f := File{
		Name: root.Required("name").Text(""), About: root.Required("about").Text(""),
		Gateway: root.Optional("gateway").Text(""),
	}
	f.Repeats = int(root.Optional("repeats").Int(1, 1, maxRepeats))
	f.Database = readDatabase(root.Required("database").Map())
	f.Load = readLoad(root.Required("load").Map())
	for _, item := range root.Optional("actions").List() {
		f.Actions = append(f.Actions, f.readAction(item)...)
	}
	if !slices.IsSortedFunc(f.Actions, func(a, b Action) int { return int(a.At - b.At) }) {
		root.Optional("actions").Fail("are not in the order of time")
	}
	healthy := root.Optional("healthy")
	if healthy.Present() {
		f.Healthy = f.readRange(healthy.Map(), healthy)
		for _, a := range f.Actions {
			if a.At >= f.Healthy.From && a.At < f.Healthy.To+f.Load.Window {
				healthy.Fail("has to end a window before %s at %v: requests count in the window in which they were due", &a, a.At)
				break
			}
		}
	}
	for _, item := range root.Required("expect").List() {
		f.Expect = append(f.Expect, f.readAssertion(item, healthy.Present()))
	}
	return f, doc.Err()
}

func readDatabase(m *yamldoc.Map) Database {
	mariaDB, ndb := string(testbed.KindMariaDB), string(testbed.KindNDB)
	d := Database{
		Kind: testbed.Kind(m.Required("kind").OneOf(mariaDB, mariaDB, ndb)),
		Rows: int(m.Optional("rows").Int(defaultRows, frauddata.MinRows, frauddata.MaxRows)),
	}
	d.Proxies = m.Optional("proxies").Bool(d.Kind == testbed.KindMariaDB)
	for _, zone := range m.Required("zones").List() {
		d.Zones = append(d.Zones, zone.Text(""))
	}
	return d
}

func readLoad(m *yamldoc.Map) Load {
	l := Load{
		Window:  m.Optional("window").Duration(time.Second, 100*time.Millisecond, time.Minute),
		Timeout: m.Optional("timeout").Duration(10*time.Second, time.Millisecond, time.Minute),
	}
	if m.Optional("arrivals").OneOf("poisson", "poisson", "constant") == "constant" {
		l.Arrivals = loadtest.Constant
	}
	l.RDRS = m.Optional("api").OneOf("native", "native", "rdrs") == "rdrs"
	for _, item := range m.Optional("views").List() {
		m := item.Map()
		l.Views = append(l.Views, features.View{
			Name: m.Required("name").Text(""), Version: int(m.Optional("version").Int(0, 1, 1<<30)),
			Weight: m.Optional("weight").Float(0, 0.001, 1000),
		})
	}
	l.Missing = m.Optional("missing").Float(0.02, 0, 1)
	capacity := m.Optional("capacity").Map()
	l.Capacity = Capacity{
		Callers:  int(capacity.Optional("callers").Int(32, 1, 10_000)),
		Duration: capacity.Optional("duration").Duration(2*time.Second, 100*time.Millisecond, time.Minute),
	}
	steps := m.Required("steps")
	for _, item := range steps.List() {
		m := item.Map()
		rate, fraction := m.Optional("rate"), m.Optional("fraction")
		l.Steps = append(l.Steps, Step{
			Name: m.Optional("name").Text(""), Rate: rate.Float(0, 1, 1e6), Fraction: fraction.Float(0, 0.01, 10),
			Duration: m.Required("duration").Duration(0, l.Window, maxLength),
		})
		if rate.Present() == fraction.Present() {
			item.Fail("has to have a rate or a fraction of the capacity, one of the two")
		}
	}
	if l.Length() > maxLength {
		steps.Fail("take %v together; at most %v", l.Length(), maxLength)
	}
	return l
}

// targets lists what actions may be done to.
func (d *Database) targets() []string {
	all := []string{gatewayName}
	for i := range d.Zones {
		all = append(all, nodeName(i))
	}
	if d.Kind == testbed.KindNDB {
		return append(all, dataNodeName(0), dataNodeName(1), "management")
	}
	return append(all, "server")
}

// gatewayName is what actions call the gateway.
const gatewayName = "gateway"

func nodeName(i int) string     { return "node" + strconv.Itoa(i+1) }
func dataNodeName(i int) string { return "data" + strconv.Itoa(i+1) }

func (d *Database) isNode(name string) bool {
	for i := range d.Zones {
		if name == nodeName(i) {
			return true
		}
	}
	return false
}

// length is how long the load is, or could be at most if that is not known for its mistakes.
func (f *File) length() time.Duration {
	if length := f.Load.Length(); length > 0 {
		return length
	}
	return maxLength
}

// readRange reads from and to, which are whole windows of the load.
func (f *File) readRange(m *yamldoc.Map, at yamldoc.Value) Range {
	length := f.length()
	from, to := m.Optional("from"), m.Optional("to")
	r := Range{From: from.Duration(0, 0, length), To: to.Duration(length, 0, length)}
	for _, bound := range []struct {
		yamldoc.Value
		is time.Duration
	}{{from, r.From}, {to, r.To}} {
		if bound.is%f.Load.Window != 0 {
			bound.Fail("is not between two windows of %v", f.Load.Window)
		}
	}
	if r.From >= r.To {
		at.Fail("goes from %v to %v, which is nothing", r.From, r.To)
	}
	return r
}

func figures() []Figure {
	return []Figure{
		Failed, FailedShare, P50, P99, P999, Longest, Unavailable, NodeShare, ZoneShare, NodeLoad, StatementsPerRequest,
		RetryShare, Metric, Live, Eject, Readmit, Ready, Unready,
	}
}

func (f *File) readAssertion(item yamldoc.Value, hasHealthy bool) Assertion {
	m := item.Map()
	var words []string
	for _, figure := range figures() {
		words = append(words, string(figure))
	}
	a := Assertion{Figure: Figure(m.Required("figure").OneOf("", words...))}
	if a.Figure == "" {
		m.Entries() // what they would have to be is not known
		return a
	}
	f.readSubject(m, &a)
	if a.Figure.isWait() {
		after := m.Required("after")
		a.After = after.Duration(0, 0, maxLength)
		if !slices.ContainsFunc(f.Actions, func(x Action) bool { return x.At == a.After }) {
			after.Fail("is the time of no action")
		}
	} else {
		a.Range = f.readRange(m, item)
		every := m.Optional("every")
		if a.Every = every.Duration(0, f.Load.Window, maxLength); a.Every%f.Load.Window != 0 {
			every.Fail("is not a number of windows of %v", f.Load.Window)
		}
	}
	a.Least, a.Most = f.readBound(m, &a, "least", hasHealthy), f.readBound(m, &a, "most", hasHealthy)
	if a.Least == nil && a.Most == nil {
		item.Fail("says neither least nor most, and so nothing")
	}
	return a
}

// readSubject reads what the figure is of.
func (f *File) readSubject(m *yamldoc.Map, a *Assertion) {
	switch a.Figure {
	case Failed, FailedShare:
		for _, kind := range m.Optional("except").OneOrMore() {
			a.Except = append(a.Except, kind.Text(""))
		}
	case NodeShare, Eject, Readmit:
		a.Node = f.readNode(m.Required("node"))
	case ZoneShare:
		a.Zone = m.Required("zone").OneOf("", f.Database.Zones...)
	case NodeLoad:
		own := ""
		if len(f.Database.Zones) > 0 {
			own = f.Database.Zones[0]
		}
		a.Zone = m.Optional("zone").OneOf(own, f.Database.Zones...)
	case Metric:
		name := m.Required("name")
		if a.Name = name.Text(""); a.Name != "" && !strings.HasSuffix(a.Name, "_total") {
			name.Fail("is no counter: those end in _total")
		}
		if node := m.Optional("node"); node.Present() {
			a.Node = f.readNode(node)
		}
	}
}

func (f *File) readNode(v yamldoc.Value) string {
	name := v.Text(nodeName(0))
	if !f.Database.isNode(name) {
		v.Fail("is none of the nodes; they are %s to %s", nodeName(0), nodeName(len(f.Database.Zones)-1))
		return ""
	}
	return name
}

// times is in every multiple: "1.3 x healthy", "1.3 x healthy + 2ms", "0.2 x 5s..10s".
const times = " x "

func (f *File) readBound(m *yamldoc.Map, a *Assertion, name string, hasHealthy bool) *Bound {
	v := m.Optional(name)
	if !v.Present() {
		return nil
	}
	if v.IsText() && strings.Contains(v.Text(""), times) {
		b, ok := parseMultiple(v.Text(""))
		switch {
		case !ok:
			v.Fail(`must be such as "1.3 x healthy", "1.3 x healthy + 2ms" or "1.3 x 5s..10s"`)
		case b.Of.From%f.Load.Window != 0 || b.Of.To%f.Load.Window != 0 || b.Of.To > f.length():
			v.Fail("compares with %v..%v, which does not begin and end between two windows of %v of the load",
				b.Of.From, b.Of.To, f.Load.Window)
		case a.Figure.isWait():
			v.Fail("is of a figure that is not there when all is well; give a duration")
		case b.Plus > 0 && !a.Figure.isTime():
			v.Fail("adds a duration to a figure that is none")
		case !hasHealthy && b.Of == (Range{}):
			v.Fail("needs a healthy stretch; say which that is")
		}
		return &b
	}
	if a.Figure.isTime() {
		return &Bound{Value: v.Duration(0, 0, maxLength).Seconds()}
	}
	return &Bound{Value: v.Float(0, 0, 1e12)}
}

func parseMultiple(text string) (b Bound, ok bool) {
	factor, rest, _ := strings.Cut(text, times)
	stretch, plus, hasPlus := strings.Cut(rest, " + ")
	b.TimesHealthy = true
	var err error
	if stretch != "healthy" {
		from, to, _ := strings.Cut(stretch, "..")
		if b.Of.From, err = yamldoc.ParseDuration(from); err != nil {
			return b, false
		}
		if b.Of.To, err = yamldoc.ParseDuration(to); err != nil || b.Of.From >= b.Of.To {
			return b, false
		}
	}
	if b.Value, err = strconv.ParseFloat(factor, 64); err != nil || !(b.Value > 0) || b.Value > 1e6 {
		return b, false
	}
	if !hasPlus {
		return b, true
	}
	if b.Plus, err = yamldoc.ParseDuration(plus); err != nil || b.Plus > maxLength {
		return b, false
	}
	return b, true
}

// isWait says that the figure counts from an action.
func (f Figure) isWait() bool { return f == Eject || f == Readmit || f == Ready || f == Unready }

// isLatency says that the figure is of what requests took.
func (f Figure) isLatency() bool {
	return slices.Contains([]Figure{P50, P99, P999, Longest, Unavailable}, f)
}

func (f Figure) isTime() bool { return f.isWait() || f.isLatency() }

// isShare says that the figure is from 0 to 1.
func (f Figure) isShare() bool {
	return f == FailedShare || f == NodeShare || f == ZoneShare || f == RetryShare || f == Live
}

// format writes a value of the figure for people.
func (f Figure) format(v float64) string {
	switch {
	case f.isTime():
		d := time.Duration(v * float64(time.Second))
		if d < 10*time.Millisecond {
			return d.Round(time.Microsecond).String()
		}
		return d.Round(100 * time.Microsecond).String()
	case f.isShare():
		return fmt.Sprintf("%.4g %%", 100*v)
	case f == Failed, f == Metric:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprintf("%.4g", v)
}
