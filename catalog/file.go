package catalog

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/internal/yamldoc"
)

// maxName is the longest identifier that MySQL has, in characters.
const maxName = 64

// maxTTL keeps the age of a row within what milliseconds since the epoch can tell.
const maxTTL = 100 * 365 * 24 * time.Hour

// ParseFile reads a catalogue file. What is wrong with it comes as yamldoc.Problems.
func ParseFile(path string) (*Spec, error) {
	doc, err := yamldoc.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	return parse(doc)
}

// Parse reads the content of a catalogue file; file is its name in messages.
func Parse(file string, data []byte) (*Spec, error) {
	return parse(yamldoc.Parse(file, data))
}

func parse(doc *yamldoc.Doc) (*Spec, error) {
	s := &Spec{}
	for _, item := range doc.Root().Required("featureStores").List() {
		s.stores = append(s.stores, readStore(item.Map()))
	}
	s.check(&doc.Report)
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

func readStore(m *yamldoc.Map) *storeSpec {
	s := &storeSpec{name: readPathName(m.Required("name"))}
	s.database = readName(m.Optional("database"), s.name.text)
	for _, item := range m.Optional("featureGroups").List() {
		s.groups = append(s.groups, readGroup(item.Map(), s))
	}
	for _, item := range m.Optional("featureViews").List() {
		s.views = append(s.views, readView(item.Map(), s))
	}
	return s
}

func readGroup(m *yamldoc.Map, s *storeSpec) *groupSpec {
	g := &groupSpec{at: m.At(), store: s.name.text}
	g.name = readName(m.Required("name"), "")
	g.version = readVersion(m)
	table := readName(m.Optional("table"), g.label())
	g.table, g.tableAt = TableName{s.database.text, table.text}, table.at
	key := m.Optional("key")
	g.keyAt = key.At()
	g.key = readNames(key)
	g.eventTime = readName(m.Optional("eventTime"), "")
	ttl := m.Optional("ttl")
	g.ttl, g.ttlAt = ttl.Duration(0, time.Millisecond, maxTTL), ttl.At()
	for _, item := range m.Optional("features").List() {
		g.readFeature(item.Map())
	}
	return g
}

// readFeature reads what the table's definition does not tell of a column.
func (g *groupSpec) readFeature(m *yamldoc.Map) {
	column, kind := readName(m.Required("name"), ""), m.Required("type")
	switch kind.Text("") {
	case "": // reported
	case "boolean":
		g.booleans = append(g.booleans, column)
	case "complex":
		kind.Fail("complex features are not served yet; leave the feature out of every feature view")
	default:
		kind.Fail("must be boolean; all other types are taken from the table")
	}
}

func readView(m *yamldoc.Map, s *storeSpec) *viewSpec {
	v := &viewSpec{at: m.At(), store: s.name.text}
	v.name = readPathName(m.Required("name"))
	v.version = readVersion(m)
	v.hedging = ReadHedging(m.Optional("hedging"))
	for _, item := range m.Required("joins").List() {
		v.joins = append(v.joins, readJoin(item.Map(), s))
	}
	for _, item := range m.Required("features").List() {
		v.features = append(v.features, readFeature(item))
	}
	return v
}

func readJoin(m *yamldoc.Map, s *storeSpec) *joinSpec {
	j := &joinSpec{at: m.At()}
	j.store = readName(m.Optional("store"), s.name.text)
	j.name = readName(m.Required("group"), "")
	j.version = readVersion(m)
	j.prefix = readName(m.Optional("prefix"), "")
	for _, e := range m.Optional("keys").Map().Entries() {
		j.keys = append(j.keys, keySpec{column: word{e.At, e.Name}, servingKey: readName(e.Value, "")})
	}
	return j
}

// readFeature reads a feature's name, or a mapping that says more.
func readFeature(item yamldoc.Value) *featureSpec {
	switch {
	case item.IsText():
		return &featureSpec{name: readName(item, "")}
	case !item.IsMap():
		item.Fail("must be the name of a feature, or a mapping with name, group, label and default")
		return &featureSpec{name: word{at: item.At()}}
	}
	m := item.Map()
	f := &featureSpec{
		name:  readName(m.Required("name"), ""),
		group: readName(m.Optional("group"), ""),
		label: m.Optional("label").Bool(false),
	}
	value := m.Optional("default")
	f.value, f.valueAt = readLiteral(value), value.At()
	if f.label && value.Present() {
		value.Fail("a label is never served, so it takes no default; leave one of the two out")
	}
	return f
}

// readVersion reads the version of a group, a view or a join.
func readVersion(m *yamldoc.Map) int {
	return int(m.Required("version").Int(0, 1, math.MaxInt32))
}

func readNames(list yamldoc.Value) []word {
	var names []word
	for _, item := range list.List() {
		names = append(names, readName(item, ""))
	}
	return names
}

// readName reads the name of something that the database, a URL or an answer names it by.
func readName(v yamldoc.Value, def string) word {
	text := v.Text(def)
	switch {
	case !v.Present():
	case text == "" && def != "":
		v.Fail("is empty; give it a value, or leave it out for %s", def)
	case utf8.RuneCountInString(text) > maxName:
		v.Fail("is longer than %d characters", maxName)
	case strings.ContainsFunc(text, func(r rune) bool { return r == '`' || unicode.IsControl(r) }):
		v.Fail("has a backtick or a control character, which no name may have")
	case strings.TrimSpace(text) != text:
		v.Fail("begins or ends with a space, which no name may")
	}
	return word{v.At(), text}
}

// readPathName reads a name that URLs and the rights of API keys have as one part of a path.
func readPathName(v yamldoc.Value) word {
	w := readName(v, "")
	if strings.ContainsAny(w.text, "/*") {
		v.Fail("has a slash or an asterisk, which mean something else in URLs and in the rights of API keys")
	}
	return w
}

// jsonNumber is a number as JSON writes it: what columns take, and less than YAML does.
var jsonNumber = regexp.MustCompile(`^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$`)

// readLiteral reads a default as the value that a client would send in its place.
func readLiteral(v yamldoc.Value) column.Literal {
	s, ok := v.Scalar()
	switch {
	case !ok:
		return column.Literal{}
	case s.Kind == yamldoc.Bool && s.Text == "true":
		return column.Literal{Kind: column.LiteralTrue}
	case s.Kind == yamldoc.Bool:
		return column.Literal{Kind: column.LiteralFalse}
	case s.Kind == yamldoc.Text:
		return column.Literal{Kind: column.LiteralString, Text: []byte(s.Text)}
	case !jsonNumber.MatchString(s.Text):
		v.Fail("must be a number as JSON writes it, such as 12 or -0.5, not %s", s.Text)
		return column.Literal{}
	}
	return column.Literal{Kind: column.LiteralNumber, Text: []byte(s.Text)}
}
