// Package column knows one column's type: which values a client may send for it, how a key of it is written down so
// that equal keys are equal bytes, how its collation matches a returned key to the one that was asked for, and how a
// stored value looks as JSON. It is a package of its own because the catalogue's defaults, the reader's keys and
// cells, and the request's passed features and key echoes must agree on all of this to the byte.
//
// It refuses what it cannot answer for: types that have no JSON form here (GEOMETRY, VECTOR), client values that the
// column could not store unchanged, and wire values that are not of the column's type, which mean that the table was
// altered. Values are taken apart by hand rather than through time, math/big or interfaces: all of it runs once a
// cell, and none of it allocates.
//
// It imports no other package of rongate. catalog makes columns; pool fills in and binds Values; lookup writes keys,
// matches them and renders cells; vectors checks what clients send.
package column
