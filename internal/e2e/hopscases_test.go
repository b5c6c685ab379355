package e2e

import (
	"fmt"
	"strings"

	"github.com/rongate/rongate/internal/hopsdb"
)

// moreViews adds what moreCases ask for.
func (c *installation) moreViews() {
	p := c.payments
	one := func(g *hopsdb.Group, features ...string) hopsdb.Join {
		return hopsdb.Join{Group: g, Features: features}
	}
	accounts2 := p.Group(hopsdb.Group{Name: "accounts", Version: 2, Columns: columns("account_id bigint!", "country string")},
		"2, 'NO'")
	undecided := p.Group(hopsdb.Group{
		Name: "undecided", Version: 1, Undecided: true, Columns: columns("account_id bigint!", "v int"),
	}, "2, 5")
	kinds := p.Group(hopsdb.Group{Name: "kinds", Version: 1, Columns: columns("id string!", "f float", "t tinyint",
		"u bigint/bigint unsigned", "d decimal(38,10)", "s string/varchar(100) CHARACTER SET utf8mb4",
		"at timestamp/timestamp(6)")},
		`'a/b "ö"', 0.1, -128, 18446744073709551615, 1234567890123456789012345678.0123456789, 'ö "\n', '2026-01-02 03:04:05.000001'`,
		`'2026-01-02', 1e30, 127, 0, 0, '', NULL`)
	days := p.Group(hopsdb.Group{Name: "days", Version: 1, Columns: columns("day date!", "id bigint!", "v int")},
		"'2026-02-28', -9007199254740993, 1")
	ttl := func(name string, g hopsdb.Group) *hopsdb.Group {
		g.Name, g.Version, g.Columns = name, 1, columns("id int!", "v int", "at timestamp")
		return p.Group(g, "2, 20, '2020-01-01 00:00:00'")
	}
	late := ttl("late", hopsdb.Group{EventTime: "at", TTL: 60})
	off := ttl("ttloff", hopsdb.Group{EventTime: "at", TTL: 60, TTLOff: true})
	timeless := ttl("timeless", hopsdb.Group{TTL: 60})
	long := strings.Repeat("l", 63-len("_1"))
	named := p.Group(hopsdb.Group{Name: long, Version: 1, Columns: columns("id int!", strings.Repeat("c", 63)+" int")}, "1, 6")
	c.complexViews()

	p.View("second", 1, one(accounts2, "country"))
	p.View("bothversions", 1, one(c.accounts, "country"), hopsdb.Join{
		Group: accounts2, Prefix: "new_", Features: []string{"country"}, On: map[string]string{"account_id": "account_id"},
	})
	p.View("undecided", 1, one(undecided, "v"))
	p.View("kinds", 1, one(kinds, "f", "t", "u", "d", "s", "at"))
	p.View("days", 1, one(days, "v", "id", "day"))
	p.View("mixed", 1, one(c.accounts, "country@2", "small@0"), hopsdb.Join{
		Group: c.merchant, Features: []string{"risk@1", "name@3"},
	})
	p.View("unsaid", 1, one(c.accounts, "~country"), hopsdb.Join{Group: c.merchant, Features: []string{"~name"}})
	p.View("late", 1, one(c.clients, "age"), hopsdb.Join{
		Group: late, Features: []string{"v"}, On: map[string]string{"id": "id"},
	})
	p.View("ttloff", 1, one(off, "v"))
	p.View("timeless", 1, one(timeless, "v"))
	p.View(strings.Repeat("v", 63), 1, one(named, strings.Repeat("c", 63)))
	p.View("helpersonly", 1, one(c.accounts, "+country", "*small"))
	p.View("middle", 1, one(c.accounts, "small", "-fraud", "country", "-balance", "score"))
	p.View("goneLabel", 1, one(c.accounts, "country"), hopsdb.Join{
		Group: c.merchant, Features: []string{"-name"}, Deleted: true,
	})
	p.View("twokeys", 1, hopsdb.Join{Group: c.accounts, Features: []string{"small"}, Keys: []hopsdb.Key{
		{Column: "account_id", Prefix: "first_", Required: true}, {Column: "account_id", Prefix: "second_", Required: true},
	}})
	p.View("halfjoined", 1, one(c.accounts, "country"), hopsdb.Join{
		Group: c.pairs, Prefix: "p_", Features: []string{"n"}, On: map[string]string{"account_id": "account_id"},
	})
	p.View("onekey", 1, one(c.accounts, "small"), hopsdb.Join{
		Group: undecided, Features: []string{"v"}, On: map[string]string{"account_id": "account_id"},
	})
	c.people.View("versions", 1, one(c.clients, "age"))
}

// complexViews adds those of complex features of every kind, and of another project's.
func (c *installation) complexViews() {
	field := func(name, kind string) string { return fmt.Sprintf(`{"name": %q, "type": ["null", %s]}`, name, kind) }
	record := func(fields ...string) string {
		return `{"type": "record", "name": "r", "fields": [` + strings.Join(fields, ", ") + `]}`
	}
	inner := `{"type": "record", "name": "s", "fields": [{"name": "a", "type": ["null", "int"]}, {"name": "b", "type": "string"}]}`
	kinds := c.payments.Group(hopsdb.Group{
		Name: "complexes", Version: 1, Schemas: []string{record(field("id", `"long"`),
			field("m", `{"type": "map", "values": "long"}`), field("s", inner),
			field("n", `{"type": "array", "items": ["null", "s"]}`), field("u", `"string", "boolean"`))},
		Columns: columns("id bigint!", "m MAP<string,bigint>/varbinary(100)", "s struct<a:int,b:string>/blob", "n ARRAY<struct<a:int,b:string>>/varbinary(100)",
			"u uniontype<string,boolean>"),
	},
		// A map of x to 7; {a: null, b: "q"}; a list of null and {a: -1, b: ""}; the second branch, true.
		"1, x'020202780e00', x'02000271', x'0204000202010000', x'0401'")
	c.payments.View("complexes", 1, hopsdb.Join{Group: kinds, Features: []string{"m", "s", "n", "u"}})
	shared := c.people.Group(hopsdb.Group{
		Name: "complexes", Version: 1, Schemas: []string{record(field("id", `"long"`), field("m", `{"type": "array", "items": "string"}`))},
		Columns: columns("id bigint!", "m array<string>"),
	}, "1, x'0202027800'")
	c.payments.View("sharedcomplex", 1, hopsdb.Join{Group: shared, Features: []string{"m"}})
}

// moreCases are more of servedCases.
func moreCases() []servedCase {
	const five = hopsdb.Release5
	big := `{"account_id": 9007199254740993}`
	odd := strings.Repeat("c", 63)
	return []servedCase{
		{
			"the table is the group's and its version's", "payments/second/1", `{"account_id": 2}`,
			`{"features":["country"],"vector":["NO"],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"two versions of a group are two groups", "payments/bothversions/1", `{"account_id": 2}`,
			`{"features":["country","new_country"],"vector":[null,"NO"],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"one key may read two groups", "payments/onekey/1", `{"account_id": 2}`,
			`{"features":["small","v"],"vector":[null,5],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"online_enabled that is NULL is yes", "payments/undecided/1", `{"account_id": 2}`,
			`{"features":["v"],"vector":[5],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"numbers are exact", "payments/kinds/1", `{"id": "a/b \"ö\""}`, `{"features":["f","t","u","d","s","at"],"vector":[0.1,-128,` +
				`18446744073709551615,1234567890123456789012345678.0123456789,"ö \"\n","2026-01-02 03:04:05.000001"],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"zero and the empty string are values", "payments/kinds/1", `{"id": "2026-01-02"}`,
			`{"features":["f","t","u","d","s","at"],"vector":[1e+30,127,0,0.0000000000,"",null],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"keys are dates and negative numbers too", "payments/days/1", `{"id": -9007199254740993, "day": "2026-02-28"}`,
			`{"features":["v","id","day"],"vector":[1,-9007199254740993,"2026-02-28"],"status":"COMPLETE"}`, 0, 0,
		},
		{"a key of the wrong type", "payments/days/1", `{"id": "one", "day": "2026-02-28"}`, "", 400, 0},
		{"a key that there is not in the calendar", "payments/days/1", `{"id": 1, "day": "2026-02-30"}`, "", 400, 0},
		{
			"the order is that of idx across groups", "payments/mixed/1", `{"account_id": 9007199254740993, "merchant_id": "m-1"}`,
			`{"features":["small","risk","country","name"],"vector":[-7,0.5,"SE","Shop"],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"a feature without a join is of its group's", "payments/unsaid/1", `{"account_id": 9007199254740993, "merchant_id": "m-2"}`,
			`{"features":["country","name"],"vector":["SE","Stall"],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"one group may be expired beside others", "payments/late/1", `{"id": 2}`,
			`{"features":["age","v"],"vector":[32,null],"status":"EXPIRED"}`, 0, five,
		},
		{
			"a time to live that is not in force", "payments/ttloff/1", `{"id": 2}`,
			`{"features":["v"],"vector":[20],"status":"COMPLETE"}`, 0, five,
		},
		{
			"a time to live without an event time", "payments/timeless/1", `{"id": 2}`,
			`{"features":["v"],"vector":[20],"status":"COMPLETE"}`, 0, five,
		},
		{
			"names may have 63 characters", "payments/" + strings.Repeat("v", 63) + "/1", `{"id": 1}`,
			`{"features":["` + odd + `"],"vector":[6],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"a view may be of helper columns alone", "payments/helpersonly/1", big,
			`{"features":["country","small"],"vector":["SE",-7],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"labels leave no gap", "payments/middle/1", big,
			`{"features":["small","country","score"],"vector":[-7,"SE",0.1],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"a deleted group of labels alone does not matter", "payments/goneLabel/1", big,
			`{"features":["country"],"vector":["SE"],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"of two serving keys for a column the first counts", "payments/twokeys/1", `{"first_account_id": 9007199254740993}`,
			`{"features":["small"],"vector":[-7],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"parts of a key may be joined on and given", "payments/halfjoined/1", `{"account_id": 1, "p_merchant_id": "m-1"}`,
			`{"features":["country","p_n"],"vector":[null,11],"status":"MISSING"}`, 0, 0,
		},
		{
			"a name may be used in two stores", "people/versions/1", `{"id": 2}`,
			`{"features":["age"],"vector":[32],"status":"COMPLETE"}`, 0, 0,
		},
		{"a store that there is not", "nowhere/versions/1", `{"id": 2}`, "", 404, 0},
		{
			"maps, structs, lists of structs and unions are JSON", "payments/complexes/1", `{"id": 1}`,
			`{"features":["m","s","n","u"],"vector":[{"x":7},{"a":null,"b":"q"},[null,{"a":-1,"b":""}],true],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"a group's schema is of its own project", "payments/sharedcomplex/1", `{"id": 1}`,
			`{"features":["m"],"vector":[["x"]],"status":"COMPLETE"}`, 0, 0,
		},
	}
}
