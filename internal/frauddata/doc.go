// Package frauddata is a card-fraud feature store for demonstrations and load: five feature groups with every kind of
// column, the catalogue over them, and rows that are a function of their key, so that whoever reads a feature can tell
// whether it is the right one without asking the database.
//
// It knows tables, rows, the statements that make them, and what a gateway has to answer for them. It connects to
// neither databases nor gateways: callers run the statements and send the requests.
package frauddata
