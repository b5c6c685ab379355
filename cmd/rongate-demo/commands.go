package main

import (
	"fmt"
	"net"
	"strings"
)

// A command is a request that people can copy, and what it shows.
type command struct {
	shows  string
	header string // beside the method's own; empty for none
	path   string
	body   string // empty for GET
}

// commands are answered with the same bytes wherever the demo runs; what event times have a part in is left out.
func commands() []command {
	return []command{
		{
			shows: "one vector",
			path:  "/feature-vectors",
			body: `{"featureView": "fraud", "version": 2,
 "entry": {"account_id": 4711, "merchant_id": "m-00093", "card_id": "c-04711"},
 "features": ["country", "avg_amount_7d", "balance", "brand", "pair_total"]}`,
		},
		{
			shows: "a batch: the first passes a feature, the second is expired, the third missing",
			path:  "/feature-vectors",
			body: `{"featureView": "fraud", "version": 1,
 "entries": [{"account_id": 4711}, {"account_id": 4713}, {"account_id": 4715}],
 "passedFeatures": [{"amount": 12.5}, null, null]}`,
		},
		{
			shows:  "a mistake, and what is said of it",
			header: "X-Request-Id: demo",
			path:   "/feature-vectors",
			body:   `{"featureView": "fraud", "version": 1, "entry": {"accuont_id": 4711}}`,
		},
		{
			shows: "what could be read, should a feature group fail, and how each group fared",
			path:  "/feature-vectors",
			body: `{"featureView": "fraud", "version": 2,
 "entry": {"merchant_id": "m-00093", "card_id": "c-04711"},
 "features": ["merchant_name", "credit_limit", "contactless", "pair_txn_count"],
 "options": {"partial": true, "detail": true, "types": true}}`,
		},
		{
			shows: "the API of RonDB's REST server, as Hopsworks clients use it",
			path:  "/0.1.0/batch_feature_store",
			body: `{"featureStoreName": "payments", "featureViewName": "fraud", "featureViewVersion": 1,
 "entries": [{"account_id": 4711}, {"account_id": "x"}, {"account_id": 4715}]}`,
		},
		{shows: "the feature views", path: "/feature-views"},
	}
}

// shell is what to type.
func (c command) shell(address, key string) string {
	text := "curl -s "
	if key != "" {
		text += "-H 'X-API-Key: " + key + "' "
	}
	if c.header != "" {
		text += "-H '" + c.header + "' "
	}
	text += address + c.path
	if c.body != "" {
		text += " -d '\n" + c.body + "'"
	}
	return text
}

// commandText is everything to be copied.
func (d *demo) commandText() string {
	var text strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&text, "\n# %s\n%s\n", c.shows, c.shell(d.gate.public, d.gate.key))
	}
	fmt.Fprintf(&text, "\n# metrics\ncurl -s %s/metrics\n\n# break a node, mend it, list them\n", d.gate.private)
	fmt.Fprintf(&text, "curl -X POST %s/nodes/2/kill\ncurl -X POST %s/nodes/2/revive\ncurl -s %s\n",
		d.control, d.control, d.control)
	fmt.Fprintf(&text, "\n# the database itself: what is changed there is served, and counts as wrong\n%s\n",
		d.db.mysql(d.db.nodes[0]))
	return text.String()
}

// mysql is the command that connects to a node.
func (db *database) mysql(n *node) string {
	host, port, _ := net.SplitHostPort(n.address)
	text := fmt.Sprintf("mysql -h %s -P %s -u %s", host, port, db.user)
	if db.password != "" {
		text += " -p" + db.password
	}
	return text + " payments"
}
