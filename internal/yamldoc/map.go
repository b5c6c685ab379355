package yamldoc

import (
	"go.yaml.in/yaml/v3"
)

// A Map is one mapping of a file. A Map that is absent from the file has no fields and reports none as missing.
type Map struct {
	doc    *Doc
	at     Pos
	absent bool
	fields []field
	asked  []string // known fields, in the order they were asked for
}

// A field is one line of a mapping.
type field struct {
	name  string
	at    Pos
	value *yaml.Node
	asked bool
}

// An Entry is one field of a mapping whose names are not known beforehand.
type Entry struct {
	Name  string
	At    Pos // of the name
	Value Value
}

// At is where the mapping starts.
func (m *Map) At() Pos { return m.at }

// Required returns a field that must be there with a value.
func (m *Map) Required(name string) Value {
	v := m.take(name)
	v.required = true
	if v.node == nil && !m.absent {
		m.doc.Add(v.at, "is required")
	}
	return v
}

// Optional returns a field that may be absent, or null, which is the same.
func (m *Map) Optional(name string) Value { return m.take(name) }

// Entries returns all fields in the order of the file. None of them counts as unknown after that.
func (m *Map) Entries() []Entry {
	entries := make([]Entry, len(m.fields))
	for i := range m.fields {
		f := &m.fields[i]
		f.asked = true
		entries[i] = Entry{Name: f.name, At: f.at, Value: Value{doc: m.doc, at: f.at, node: f.value, required: true}}
	}
	return entries
}

// take returns a field's Value, whose place is the mapping's own line if the field is not there.
func (m *Map) take(name string) Value {
	m.asked = append(m.asked, name)
	for i := range m.fields {
		if f := &m.fields[i]; f.name == name {
			f.asked = true
			return Value{doc: m.doc, at: f.at, node: f.value}
		}
	}
	return Value{doc: m.doc, at: m.child(name, m.at.Line)}
}

// child is the place of a field.
func (m *Map) child(name string, line int) Pos {
	at := Pos{File: m.at.File, Line: line, Field: name}
	if m.at.Field != "" {
		at.Field = m.at.Field + "." + name
	}
	return at
}

// newMap opens a mapping and reports the names that are no text or come twice.
func newMap(d *Doc, at Pos, node *yaml.Node) *Map {
	m := &Map{doc: d, at: at}
	first := make(map[string]int, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.ShortTag() != tagText {
			d.Add(Pos{File: at.File, Line: key.Line, Field: at.Field}, "the name of a field must be text, not %s",
				describe(key))
			continue
		}
		place := m.child(key.Value, key.Line)
		if line, twice := first[key.Value]; twice {
			d.Add(place, "is there twice; it is on line %d too", line)
			continue
		}
		first[key.Value] = key.Line
		m.fields = append(m.fields, field{name: key.Value, at: place, value: value})
	}
	d.maps = append(d.maps, m)
	return m
}

// reportUnknown reports the fields that were never asked for.
func (m *Map) reportUnknown() {
	for _, f := range m.fields {
		if !f.asked {
			m.doc.Add(f.at, "unknown field; %s", Suggest(f.name, m.asked))
		}
	}
}
