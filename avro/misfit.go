package avro

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrMisfit is what the errors of AppendJSON are of, for errors.Is, unless they are of column.ErrLimit: a datum is not of
// the type that was to render it. None of their texts contains anything of the datum's values.
var ErrMisfit = errors.New("the datum does not fit its Avro type")

// A misfit is where in a datum reading ended, and why. It is made only when it does, so that reading costs nothing for it.
type misfit struct {
	of   error  // ErrMisfit or column.ErrLimit
	what string // empty where of says all
	at   int    // bytes of the datum before the value that is meant
	path []byte // from the outermost step; see within
}

// maxPath bounds what a message repeats of a schema's names.
const maxPath = 200

// Error gives the place as a path of fields, items of arrays and entries of maps, the latter two counted from 0, such
// as visits[3].tags{0}.
func (m *misfit) Error() string {
	var b strings.Builder
	b.WriteString(m.of.Error() + ":")
	if path := strings.TrimPrefix(string(m.path), "."); len(path) > maxPath {
		b.WriteString(" " + path[:maxPath] + "...") // names are ASCII
	} else if path != "" {
		b.WriteString(" " + path)
	}
	fmt.Fprintf(&b, " at byte %d", m.at)
	if m.what != "" {
		b.WriteString(": " + m.what)
	}
	return b.String()
}

func (m *misfit) Unwrap() error { return m.of }

// inField, inItem and inEntry put a step in front of the path, while what found the misfit returns to what contains it.
func (m *misfit) inField(name string) *misfit { return m.within("." + name) }

func (m *misfit) inItem(i int) *misfit { return m.within("[" + strconv.Itoa(i) + "]") }

func (m *misfit) inEntry(i int) *misfit { return m.within("{" + strconv.Itoa(i) + "}") }

func (m *misfit) within(step string) *misfit {
	m.path = append([]byte(step), m.path...)
	return m
}
