package catalog

import (
	"slices"
	"strconv"
	"time"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/internal/yamldoc"
)

// A Spec is a catalogue as it was written, free of the mistakes that show without the tables. It is immutable. Every
// name keeps its place in the file, for the mistakes that Resolve finds.
type Spec struct {
	stores []*storeSpec
	each   bool // a view that is mistaken is left out, and no mistake of the whole

	groups map[*GroupDef]*groupSpec // what the definitions became, where there are some
	views  map[*ViewDef]*viewSpec
}

// A word is a name with its place; the text is empty where an optional one is absent.
type word struct {
	at   yamldoc.Pos
	text string
}

type storeSpec struct {
	name     word
	database word
	groups   []*groupSpec
	views    []*viewSpec
}

type groupSpec struct {
	at        yamldoc.Pos
	id        int64 // 0 in a file
	store     string
	name      word
	version   int
	table     TableName
	tableAt   yamldoc.Pos
	key       []word // empty: the primary key
	keyAt     yamldoc.Pos
	eventTime word
	ttl       time.Duration
	ttlAt     yamldoc.Pos
	booleans  []word                    // columns whose offline type is boolean
	complex   map[string]column.Decoder // of columns, nil in a file
	absent    *Table                    // what there would be if there were a table; nil: there is one
	unfit     error                     // what is wrong with it whatever the table
}

// label is how a view names the group.
func (g *groupSpec) label() string { return label(g.name.text, g.version) }

func label(name string, version int) string { return name + "_" + strconv.Itoa(version) }

type viewSpec struct {
	at       yamldoc.Pos
	store    string
	name     word
	version  int
	joins    []*joinSpec
	features []*featureSpec
	hedging  Hedging

	extraKeys []string // serving keys by which nothing is read
	otherKeys []string // their other names
	deleted   bool     // unfit since a feature group was deleted
	unfit     error    // what is wrong with it whatever the tables
}

type joinSpec struct {
	at      yamldoc.Pos
	store   word
	name    word
	version int
	prefix  word
	keys    []keySpec
	group   *groupSpec // never nil once the Spec is checked
}

func (j *joinSpec) label() string { return label(j.name.text, j.version) }

// A keySpec maps a key column to a serving key.
type keySpec struct {
	column     word
	servingKey word
	others     []string // nil in a file
}

type featureSpec struct {
	name    word
	group   word      // label of the group that has it; empty: there is only one
	join    *joinSpec // that it is of; nil: not said
	label   bool
	value   column.Literal // the default; LiteralNull: none
	valueAt yamldoc.Pos

	typeName string // how clients are told its type, if it is complex
	offline  string // its type in Hopsworks; empty in a file
}

// Tables returns the tables that the catalogue reads, each once, sorted.
func (s *Spec) Tables() []TableName {
	var names []TableName
	for _, store := range s.stores {
		for _, g := range store.groups {
			if g.absent == nil {
				names = append(names, g.table)
			}
		}
	}
	slices.SortFunc(names, TableName.compare)
	return slices.Compact(names)
}
