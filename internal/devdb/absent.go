package devdb

import "github.com/dolthub/go-mysql-server/sql"

// The engine asks every database for views before it creates a table, and for triggers before it changes one; there are
// none here.
var (
	_ sql.ViewDatabase    = (*database)(nil)
	_ sql.TriggerDatabase = (*database)(nil)
)

// CreateView implements sql.ViewDatabase.
func (d *database) CreateView(*sql.Context, string, string, string) error {
	return sql.ErrViewsNotSupported.New(d.name)
}

// DropView implements sql.ViewDatabase.
func (d *database) DropView(*sql.Context, string) error { return sql.ErrViewsNotSupported.New(d.name) }

// GetViewDefinition implements sql.ViewDatabase.
func (*database) GetViewDefinition(*sql.Context, string) (sql.ViewDefinition, bool, error) {
	return sql.ViewDefinition{}, false, nil
}

// AllViews implements sql.ViewDatabase.
func (*database) AllViews(*sql.Context) ([]sql.ViewDefinition, error) { return nil, nil }

// GetTriggers implements sql.TriggerDatabase.
func (*database) GetTriggers(*sql.Context) ([]sql.TriggerDefinition, error) { return nil, nil }

// CreateTrigger implements sql.TriggerDatabase.
func (d *database) CreateTrigger(*sql.Context, sql.TriggerDefinition) error {
	return sql.ErrTriggersNotSupported.New(d.name)
}

// DropTrigger implements sql.TriggerDatabase.
func (d *database) DropTrigger(*sql.Context, string) error {
	return sql.ErrTriggersNotSupported.New(d.name)
}
