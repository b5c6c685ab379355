// Package hopsdb makes a Hopsworks installation for tests: the metadata tables, and the feature tables that they speak of,
// on any MySQL server that it is given.
//
// A Box collects statements: what was added since the last Take is what Take returns, so that feature views can be added
// and deleted while rongate serves. Rows get the ids that an AUTO_INCREMENT would have given them. The tables are ours, with
// the columns that serving reads and their types in two releases of Hopsworks; foreign keys are left out, as nothing reads
// them, but for the indexes that they bring.
package hopsdb
