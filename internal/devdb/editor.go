package devdb

import (
	"errors"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
)

// An editor makes the changes of one statement, each at once, and can undo them. It belongs to one goroutine.
type editor struct {
	*table
	done []change
}

// change is one row before and after; nil where there was none.
type change struct{ before, after sql.Row }

var _ sql.TableEditor = (*editor)(nil)

// StatementBegin implements sql.EditOpenerCloser.
func (e *editor) StatementBegin(*sql.Context) { e.done = nil }

// StatementComplete implements sql.EditOpenerCloser.
func (e *editor) StatementComplete(*sql.Context) error {
	e.done = nil
	return nil
}

// DiscardChanges implements sql.EditOpenerCloser.
func (e *editor) DiscardChanges(_ *sql.Context, cause error) error {
	if ignored := (sql.IgnorableError{}); errors.As(cause, &ignored) {
		return nil
	}
	var errs []error
	for _, c := range slices.Backward(e.done) {
		errs = append(errs, e.undo(c))
	}
	e.done = nil
	return errors.Join(errs...)
}

func (e *editor) undo(c change) error {
	var err error
	switch {
	case c.before == nil:
		_, err = e.remove(e.def, c.after)
	case c.after == nil:
		_, err = e.insert(e.def, c.before)
	default:
		_, _, err = e.update(e.def, c.after, c.before)
	}
	return err
}

// Close implements sql.Closer.
func (*editor) Close(*sql.Context) error { return nil }

// Insert implements sql.RowInserter.
func (e *editor) Insert(_ *sql.Context, row sql.Row) error {
	row = slices.Clone(row)
	existing, err := e.insert(e.def, row)
	if err != nil {
		return err
	}
	if existing != nil {
		return sql.NewUniqueKeyErr(e.def.keyText(row), true, existing)
	}
	e.done = append(e.done, change{after: row})
	return nil
}

// Delete implements sql.RowDeleter.
func (e *editor) Delete(_ *sql.Context, row sql.Row) error {
	removed, err := e.remove(e.def, row)
	if err != nil {
		return err
	}
	if removed == nil {
		return sql.ErrDeleteRowNotFound.New()
	}
	e.done = append(e.done, change{before: removed})
	return nil
}

// Update implements sql.RowUpdater.
func (e *editor) Update(_ *sql.Context, before, after sql.Row) error {
	after = slices.Clone(after)
	replaced, existing, err := e.update(e.def, before, after)
	if err != nil {
		return err
	}
	if existing != nil {
		return sql.NewUniqueKeyErr(e.def.keyText(after), true, existing)
	}
	if replaced != nil { // else somebody has deleted it meanwhile
		e.done = append(e.done, change{before: replaced, after: after})
	}
	return nil
}
