package devdb

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/dolthub/go-mysql-server/sql"
)

// databases are all that there are, by name in lower case. It implements sql.DatabaseProvider.
type databases struct {
	mu     sync.RWMutex
	byName map[string]*database
}

var _ sql.CollatedDatabaseProvider = (*databases)(nil)

func newDatabases() *databases { return &databases{byName: make(map[string]*database)} }

func (ds *databases) find(name string) (*database, error) {
	ds.mu.RLock()
	defer ds.mu.RUnlock()
	d := ds.byName[strings.ToLower(name)]
	if d == nil {
		return nil, sql.ErrDatabaseNotFound.New(name)
	}
	return d, nil
}

// Database implements sql.DatabaseProvider.
func (ds *databases) Database(_ *sql.Context, name string) (sql.Database, error) {
	d, err := ds.find(name)
	if err != nil {
		return nil, err // not d: a nil *database is not a nil sql.Database
	}
	return d, nil
}

// HasDatabase implements sql.DatabaseProvider.
func (ds *databases) HasDatabase(_ *sql.Context, name string) bool {
	_, err := ds.find(name)
	return err == nil
}

// AllDatabases implements sql.DatabaseProvider.
func (ds *databases) AllDatabases(*sql.Context) []sql.Database {
	ds.mu.RLock()
	defer ds.mu.RUnlock()
	all := make([]sql.Database, 0, len(ds.byName))
	for _, name := range slices.Sorted(maps.Keys(ds.byName)) {
		all = append(all, ds.byName[name])
	}
	return all
}

// CreateDatabase implements sql.MutableDatabaseProvider.
func (ds *databases) CreateDatabase(ctx *sql.Context, name string) error {
	return ds.CreateCollatedDatabase(ctx, name, sql.Collation_Default)
}

// CreateCollatedDatabase implements sql.CollatedDatabaseProvider. Where the statement names no collation the engine gives
// its own default, a binary one; MySQL's is in its place.
func (ds *databases) CreateCollatedDatabase(_ *sql.Context, name string, collation sql.CollationID) error {
	if collation == sql.Collation_Default {
		collation = sql.Collation_utf8mb4_0900_ai_ci
	}
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.byName[strings.ToLower(name)] != nil {
		return sql.ErrDatabaseExists.New(name)
	}
	ds.byName[strings.ToLower(name)] = &database{name: name, collation: collation, tables: make(map[string]*store)}
	return nil
}

// DropDatabase implements sql.MutableDatabaseProvider.
func (ds *databases) DropDatabase(_ *sql.Context, name string) error {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	delete(ds.byName, strings.ToLower(name))
	return nil
}

// fraction returns how many digits of a second a column of dates and times has; 0 where it is none, or unknown.
func (ds *databases) fraction(databaseName, tableName, columnName string) uint32 {
	d, err := ds.find(databaseName)
	if err != nil {
		return 0
	}
	t, ok, _ := d.GetTableInsensitive(nil, tableName)
	if !ok {
		return 0
	}
	schema := t.Schema()
	if i := schema.IndexOfColName(columnName); i >= 0 {
		if dated, ok := schema[i].Type.(sql.DatetimeType); ok {
			return uint32(dated.Precision())
		}
	}
	return 0
}

// A database holds tables, by name in lower case.
type database struct {
	name string

	mu        sync.RWMutex
	collation sql.CollationID // of new tables
	tables    map[string]*store
}

var (
	_ sql.TableCreator     = (*database)(nil)
	_ sql.TableDropper     = (*database)(nil)
	_ sql.TableRenamer     = (*database)(nil)
	_ sql.CollatedDatabase = (*database)(nil)
)

// Name implements sql.Database.
func (d *database) Name() string { return d.name }

// GetTableInsensitive implements sql.Database.
func (d *database) GetTableInsensitive(_ *sql.Context, name string) (sql.Table, bool, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	s := d.tables[strings.ToLower(name)]
	if s == nil {
		return nil, false, nil
	}
	return s.table(), true, nil
}

// GetTableNames implements sql.Database.
func (d *database) GetTableNames(*sql.Context) ([]string, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	names := make([]string, 0, len(d.tables))
	for _, s := range d.tables {
		names = append(names, s.table().Name())
	}
	slices.Sort(names)
	return names, nil
}

// CreateTable implements sql.TableCreator.
func (d *database) CreateTable(
	_ *sql.Context, name string, schema sql.PrimaryKeySchema, collation sql.CollationID, comment string,
) error {
	def, err := newDefinition(d.name, name, schema, collation, comment)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tables[strings.ToLower(name)] != nil {
		return sql.ErrTableAlreadyExists.New(name)
	}
	d.tables[strings.ToLower(name)] = newStore(def)
	return nil
}

// DropTable implements sql.TableDropper.
func (d *database) DropTable(_ *sql.Context, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tables[strings.ToLower(name)] == nil {
		return sql.ErrTableNotFound.New(name)
	}
	delete(d.tables, strings.ToLower(name))
	return nil
}

// RenameTable implements sql.TableRenamer.
func (d *database) RenameTable(_ *sql.Context, from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.tables[strings.ToLower(from)]
	if s == nil {
		return sql.ErrTableNotFound.New(from)
	}
	if d.tables[strings.ToLower(to)] != nil {
		return sql.ErrTableAlreadyExists.New(to)
	}
	if err := s.rename(to); err != nil {
		return err
	}
	delete(d.tables, strings.ToLower(from))
	d.tables[strings.ToLower(to)] = s
	return nil
}

// GetCollation implements sql.CollatedDatabase.
func (d *database) GetCollation(*sql.Context) sql.CollationID {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.collation
}

// SetCollation implements sql.CollatedDatabase.
func (d *database) SetCollation(_ *sql.Context, collation sql.CollationID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.collation = collation
	return nil
}
