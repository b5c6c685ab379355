package frauddata

import (
	"cmp"
	_ "embed" // for the catalogue
	"fmt"
	"iter"
	"strings"
	"time"
)

// Database is the feature store, and the database that holds its tables.
const Database = "payments"

//go:embed catalog.yaml
var catalogYAML []byte

// Catalog is the catalogue over the tables.
func Catalog() []byte { return catalogYAML }

// Numbers begin here, so that the smallest data set has the accounts and cards that examples speak of: 4711, which has
// everything, 4713, which is expired, and 4715, which is missing.
const firstNumber = 4001

// What Config.Rows may ask for: from what examples speak of, to what leaves room for card numbers in CHAR(8).
const (
	MinRows = 5000
	MaxRows = 3_000_000
)

// A Config describes a data set.
type Config struct {
	Rows int       // of all groups together, MinRows to MaxRows; default 100,000
	Now  time.Time // what event times are counted back from; default the time of the call
	Bare bool      // null stands for a row that there is not, whatever Catalog says: other sources have no defaults
}

// Data is one data set. It does not change.
type Data struct {
	cfg      Config
	groups   []*Group
	features map[string]Feature
	last     Entry
}

// New makes a data set. It holds no rows; they are computed when they are asked for.
func New(cfg Config) (*Data, error) {
	cfg.Rows = cmp.Or(cfg.Rows, 100_000)
	rows := cfg.Rows
	if rows < MinRows || rows > MaxRows {
		return nil, fmt.Errorf("frauddata: %d rows; it takes %d to %d", rows, MinRows, MaxRows)
	}
	if cfg.Now.IsZero() {
		cfg.Now = time.Now()
	}
	d := &Data{cfg: cfg, features: make(map[string]Feature)}
	accounts := d.add("account_stats_1", byAccount, firstNumber, rows*4/10, 41, accountColumns(cfg.Now.UTC()))
	accounts.dated = true
	merchants := d.add("merchant_stats_1", byMerchant, 1, rows/10, 43, merchantColumns())
	cards := d.add("card_profile_1", byCard, firstNumber, rows*3/20, 37, cardColumns())
	pairs := d.add("account_merchant_1", byPair, firstNumber, rows/5, 29, pairColumns())
	rest := rows - accounts.count - merchants.count - cards.count - pairs.count
	d.add("account_device_1", byAccount, firstNumber, rest, 31, deviceColumns())
	d.last = Entry{Account: accounts.last, Merchant: merchants.last, Card: cards.last}
	return d, nil
}

// add adds a group whose rows are numbered from first, every gap-th number being left out.
func (d *Data) add(table string, by by, first uint64, count int, gap uint64, columns []column) *Group {
	g := &Group{table: table, by: by, first: first, count: count, gap: gap, columns: columns}
	g.last = first
	for n := 0; ; g.last++ {
		if g.last%gap != 0 {
			n++
		}
		if n == count {
			break
		}
	}
	d.groups = append(d.groups, g)
	for i := range columns {
		c := &columns[i]
		c.seed = seed(c.name)
		if d.cfg.Bare {
			c.instead = ""
		}
		if _, known := d.features[c.name]; !known || !c.key {
			d.features[c.name] = Feature{group: g, column: i}
		}
	}
	return g
}

// Config is what the data set was made from, defaults filled in.
func (d *Data) Config() Config { return d.cfg }

// Groups lists the feature groups.
func (d *Data) Groups() []*Group { return d.groups }

// Last is the entry with the greatest numbers that there are rows for. The least is First.
func (d *Data) Last() Entry { return d.last }

// First is the entry with the least numbers.
func First() Entry { return Entry{Account: firstNumber, Merchant: 1, Card: firstNumber} }

// by is which of an entry's numbers finds a group's row.
type by uint8

const (
	byAccount by = iota
	byMerchant
	byCard
	byPair // the account's, where the merchant is its regular one
)

// A Group is one feature group.
type Group struct {
	table       string
	by          by     // what tells its rows apart
	first, last uint64 // numbers of rows
	gap         uint64 // there is no row for its multiples
	count       int
	dated       bool // rows have an event time, and some have expired
	columns     []column
}

// A column is its definition and its values.
type column struct {
	name  string
	sql   string    // the type
	seed  uint64    // of its bits
	key   bool      // part of the primary key
	value valueFunc // bits are 64 random ones, the same for the same row
	// instead is what the catalogue wants served where there is no row, as JSON; null if empty.
	instead string
}

// Table is its name.
func (g *Group) Table() string { return g.table }

// Key names the columns of its primary key.
func (g *Group) Key() (names []string) {
	for _, c := range g.columns {
		if c.key {
			names = append(names, c.name)
		}
	}
	return names
}

// A Column is one of a group's table.
type Column struct {
	Name, SQL string // SQL is the type
	Key       bool   // part of the primary key
}

// Columns are those of its table, in order.
func (g *Group) Columns() (columns []Column) {
	for _, c := range g.columns {
		columns = append(columns, Column{c.name, c.sql, c.key})
	}
	return columns
}

// Count is how many rows it has.
func (g *Group) Count() int { return g.count }

// Create is the statement that makes its table. keyOptions follow the primary key, engine the definition.
func (g *Group) Create(engine, keyOptions string) string {
	var sql strings.Builder
	fmt.Fprintf(&sql, "CREATE TABLE %s.%s (\n", Database, g.table)
	for _, c := range g.columns {
		fmt.Fprintf(&sql, "  %s %s,\n", c.name, c.sql)
	}
	fmt.Fprintf(&sql, "  PRIMARY KEY (%s) %s) %s", strings.Join(g.Key(), ", "), keyOptions, engine)
	return sql.String()
}

// Rows yields every row, in the order of the table's columns: nil, bool, int64, uint64, float32, float64, Decimal,
// []byte, or string, which is also what dates and times are (in UTC). A row is its receiver's.
func (g *Group) Rows() iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for n := g.first; n <= g.last; n++ {
			if g.has(n) && !yield(g.row(n)) {
				return
			}
		}
	}
}

func (g *Group) has(n uint64) bool { return n >= g.first && n <= g.last && n%g.gap != 0 }

func (g *Group) row(n uint64) []any {
	row := make([]any, len(g.columns))
	for i := range row {
		row[i] = g.cell(n, i).value()
	}
	return row
}

func (g *Group) cell(n uint64, i int) cell {
	c := &g.columns[i]
	return c.value(n, bits(n, c.seed))
}

// bits are random ones that depend on the row's number and the column's name: FNV-1a of both, mixed as SplitMix64 does.
func bits(n, seed uint64) uint64 {
	h := (seed ^ n) * fnvPrime
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

const (
	fnvBasis = 14695981039346656037
	fnvPrime = 1099511628211
)

func seed(name string) uint64 {
	h := uint64(fnvBasis)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * fnvPrime
	}
	return h
}
