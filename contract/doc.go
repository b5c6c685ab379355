// Package contract is what rongate promises its clients: the API as an OpenAPI document, and golden pairs of requests
// and responses with the tables and the catalogue that they are answered from. It refuses to know how the promise is
// kept: it imports nothing of rongate. The server serves OpenAPI; tests of whole servers run Cases over the tables of
// Schema and the views of Catalog, with the clock standing at Now.
//
// # Cases
//
// A case is a file cases/NNN-name.txt:
//
//	# What the case shows.
//	# only: ndb
//	POST /feature-vectors
//	Content-Type: application/json
//
//	{"featureView": "fraud", "version": 2, "entry": {"account_id": 4711}}
//	----
//	200
//	Content-Type: application/json
//
//	{"featureStore":"payments","featureView":"fraud","version":2,"features":["avg_amount_7d","country"],…}
//
// The comment comes first; "only" names the one database, ndb or mariadb, that the case holds on. The request's body is
// sent as it stands, without the line break before the dashes. The response must have the status, the headers listed,
// and the body, byte for byte but for the whitespace between JSON tokens: Compact removes it. A response body of the
// form @file stands for a file of this package.
package contract
