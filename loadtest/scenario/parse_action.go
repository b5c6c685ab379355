package scenario

import (
	"fmt"
	"slices"
	"time"

	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/internal/yamldoc"
)

// MySQL's numbers for what the data nodes say; the number that they have for it is in the message.
const (
	erGetError     = 1296
	erGetTemporary = 1297
)

func verbs() []Verb {
	return []Verb{
		Pause, Resume, Kill, Stop, Start, Restart, Configure,
		Delay, BlackHole, Trickle, Reset, Stragglers, NoGreeting, Refuse, Errors, ResetAfter, Down, Clear,
	}
}

func (v Verb) isFault() bool {
	return v != "" && !slices.Contains([]Verb{Pause, Resume, Kill, Stop, Start, Restart, Configure}, v)
}

// readAction reads an action, which is one on each of what it is done to.
func (f *File) readAction(item yamldoc.Value) []Action {
	m := item.Map()
	a := Action{At: m.Required("at").Duration(f.length()-1, 0, f.length()-1)}
	var words []string
	for _, verb := range verbs() {
		words = append(words, string(verb))
	}
	do := m.Required("do")
	a.Do = Verb(do.OneOf("", words...))
	var actions []Action
	for _, name := range f.readTargets(item, m) {
		a.To = name
		if hasProxy := f.Database.isNode(name) && f.Database.Proxies; a.Do.isFault() && !hasProxy {
			do.Fail("takes a node with a proxy; %s has none, see database.proxies", name)
		}
		actions = append(actions, a)
	}
	fault, text := readFault(m, do, a.Do), ""
	if a.Do == Configure {
		text = m.Required("text").Text("")
	}
	for i := range actions {
		actions[i].Fault, actions[i].Text = fault, text
		if a.Do == Configure && actions[i].To != gatewayName {
			do.Fail("takes the gateway, and not %s", actions[i].To)
		}
	}
	return actions
}

// readTargets reads what an action is done to: one or several, or the nodes of a zone.
func (f *File) readTargets(item yamldoc.Value, m *yamldoc.Map) (names []string) {
	to, zone := m.Optional("to"), m.Optional("zone")
	if to.Present() == zone.Present() {
		item.Fail("has to say what it is done to, by to or by zone")
	}
	if to.Present() {
		for _, one := range to.OneOrMore() {
			if name := one.OneOf("", f.Database.targets()...); name != "" {
				names = append(names, name)
			}
		}
	}
	if lost := zone.OneOf("", f.Database.Zones...); lost != "" {
		for i, zone := range f.Database.Zones {
			if zone == lost {
				names = append(names, nodeName(i))
			}
		}
	}
	return names
}

// readFault reads what the proxies do, for verbs that have them do something.
func readFault(m *yamldoc.Map, do yamldoc.Value, verb Verb) (fault faultnet.Fault) {
	switch verb {
	case Delay:
		up, down := m.Optional("up"), m.Optional("down")
		fault.DelayUp = up.Duration(0, time.Microsecond, time.Minute)
		fault.DelayDown = down.Duration(0, time.Microsecond, time.Minute)
		if !up.Present() && !down.Present() {
			do.Fail("takes up, down or both")
		}
	case BlackHole:
		fault.BlackHole = true
	case Trickle:
		fault.Trickle = int(m.Required("bytes").Int(0, 1, 1<<20))
		fault.TrickleEvery = m.Required("every").Duration(0, time.Microsecond, time.Minute)
	case Stragglers:
		fault.Stragglers = m.Required("fraction").Float(0, 0, 1)
		fault.StragglerDelay = m.Required("delay").Duration(0, time.Microsecond, time.Minute)
	case NoGreeting:
		fault.NoGreeting = true
	case Refuse:
		fault.Refusal = readError(m, do)
	case Errors:
		fault.Error, fault.Errors = readError(m, do), m.Optional("fraction").Float(1, 0, 1)
		fault.Times = readTimes(m)
	case ResetAfter:
		fault.ResetAfter, fault.Times = int(m.Required("bytes").Int(0, 1, 1<<30)), readTimes(m)
	case Down:
		fault.Refuse = true
	}
	return fault
}

// readTimes is how often something happens; 0: always.
func readTimes(m *yamldoc.Map) int { return int(m.Optional("times").Int(0, 1, 1<<30)) }

// readError reads what a server says: its number and text, or in the place of the text the number of an NDB error.
func readError(m *yamldoc.Map, do yamldoc.Value) faultnet.Error {
	e := faultnet.Error{Number: uint16(m.Required("number").Int(0, 1, 1<<16-1))}
	state, message, ndb := m.Optional("state"), m.Optional("message"), m.Optional("ndb")
	if e.State = state.Text(""); state.IsText() && len(e.State) != 5 {
		state.Fail("has to have five characters")
	}
	e.Message = message.Text("")
	if message.Present() == ndb.Present() {
		do.Fail("takes message or ndb, one of the two")
	}
	if !ndb.Present() {
		return e
	}
	what := map[uint16]string{erGetError: "error", erGetTemporary: "temporary error"}[e.Number]
	if what == "" {
		ndb.Fail("is of an error %d or %d", erGetError, erGetTemporary)
	}
	e.Message = fmt.Sprintf("Got %s %d 'Unknown error code' from NDBCLUSTER", what, ndb.Int(0, 1, 1<<20))
	return e
}
