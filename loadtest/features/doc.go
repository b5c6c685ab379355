// Package features makes the requests of a load: for feature vectors, of keys that it knows, and for anything else from
// a template.
//
// A Source asks a gateway what feature views it has and judges every value of every vector by internal/frauddata, where
// the data is a function of the key. It makes what has to be answered to a request, byte by byte, and only an answer that
// is not just that is read, to say what is wrong with it. So an answer may be laid out otherwise, but a value that is
// written otherwise is wrong. A Template judges by a status and an expression, and knows nothing of what it asks.
//
// When requests are sent, and the failures of connections, are loadtest's matter; filling a database with the rows is
// frauddata's.
package features
