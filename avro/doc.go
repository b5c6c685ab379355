// Package avro renders complex features as JSON. Hopsworks keeps arrays, maps, structs and unions in binary columns, each
// cell one Avro datum without a header, laid out by the type that the field of the column's name has in the record schema
// of the feature group. Parse reads such a schema once; a Type then renders datums from any number of goroutines.
//
// Schemas are read by a library, because names, namespaces and references have many rules and are read seldom. Datums
// are read here, straight from their bytes into JSON, because that is done once a cell of every row: no Go value is made
// of them, and none of it allocates, but for maps with very many keys.
//
// It refuses what would have to be guessed: a datum that its type does not describe to the last byte, text that is not
// UTF-8, a map with a key twice, a date outside of the years 0000 to 9999. Counts and lengths in a datum are never
// believed before the bytes that they promise are there, so what a datum costs is bounded by its length and by the limit
// that the caller sets. Schemas are bounded too: in bytes, in types and in depth.
//
// Scalars look as package column renders the cells of plain columns, by the same code where it has any. It imports no
// other package of rongate.
package avro
