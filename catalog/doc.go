// Package catalog knows which feature views there are and from which columns of which tables they are read. It turns a
// catalogue file and the tables' definitions into a Snapshot: immutable, every name resolved to an integer slot, so
// that no request looks a name of a table or column up.
//
// The way there has two steps. Parse reads a file into a Spec and finds the mistakes that the file alone shows; it
// needs no database. Resolve is pure: it checks a Spec against the tables, makes the columns and plans the Selects, and
// finds the rest of the mistakes, at their lines of the file all the same. Open does both, keeps the Snapshot up to date
// when a table is altered, and reads the file again when it is told to.
//
// A source other than a file has Define make the Spec of its definitions; then each view is judged by itself, and one that
// is mistaken is left out of the Snapshot, which says why. Replace adopts a Spec that follows another.
//
// It refuses to guess: a feature that two joins could give, a key that is not the table's primary key, or a default
// that the column could not hold is a mistake, and a catalogue with a mistake is not served. It reads no table itself:
// lookup describes them, through Describer. vectors serves what a Snapshot says.
package catalog
