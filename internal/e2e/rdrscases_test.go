package e2e

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rongate/rongate/internal/hopsdb"
)

// rdrsViews adds what the rules of RonDB's REST server are seen by.
func (c *installation) rdrsViews() {
	p := c.payments
	c.payments.View("echo", 1, hopsdb.Join{Group: c.clients, Features: []string{"id", "age"}}, hopsdb.Join{
		Group: c.dated, Features: []string{"id", "v"}, Keys: []hopsdb.Key{{Column: "id", Prefix: "0_", Required: true}},
	})
	c.payments.View("onleft", 1, hopsdb.Join{Group: c.accounts, Features: []string{"account_id", "country"}}, hopsdb.Join{
		Group: c.pairs, Prefix: "r_", Features: []string{"account_id", "merchant_id", "n"}, Keys: []hopsdb.Key{
			{Column: "account_id", Prefix: "r_", JoinOn: "account_id"}, {Column: "merchant_id", Prefix: "r_", Required: true},
		},
	})
	c.payments.View("joinon", 1, hopsdb.Join{Group: c.clients, Features: []string{"id", "age"}, Keys: []hopsdb.Key{
		{Column: "id", Prefix: "left_", JoinOn: "who"},
	}})
	c.payments.View("same", 1, hopsdb.Join{Group: c.clients, Features: []string{"age"}}, hopsdb.Join{
		Group:    c.people.Group(hopsdb.Group{Name: "ages", Version: 1, Columns: columns("id int!", "age string")}, "1, 'young'", "2, 'old'"),
		Features: []string{"age"}, On: map[string]string{"id": "id"},
	})
	all := p.Group(hopsdb.Group{Name: "all", Version: 1, Columns: columns("id string!", "bo boolean", "ti tinyint", "si smallint",
		"i int", "bi bigint", "fl float", "dou double", "de decimal(10,2)", "da date", "ts timestamp/timestamp(6)", "st string",
		"bin binary")},
		`'a', 1, -1, -2, -3, -4, 0.1, 123456.789012345, 1.50, '2026-01-02', '2026-01-02 03:04:05.678901', ' x ', x'00ff10'`,
		`'7', 0, 0, 0, 0, 0, 0, 0, 0, '1970-01-01', '1970-01-02 00:00:00', '', x''`)
	p.View("all", 1, hopsdb.Join{Group: all, Features: []string{
		"id", "bo", "ti", "si", "i", "bi", "fl", "dou", "de", "da", "ts", "st", "bin",
	}})
	c.bank = c.Project("bank" + c.suffix)
	secret := c.bank.Group(hopsdb.Group{Name: "secret", Version: 1, Columns: columns("id int!", "v int")}, "1, 10")
	some := c.bank.Group(hopsdb.Group{Name: "some", Version: 1, Columns: columns("id int!", "v int", "w int")}, "1, 10, 20")
	c.bank.View("own", 1, hopsdb.Join{Group: secret, Features: []string{"v"}})
	c.bank.View("some", 1, hopsdb.Join{Group: some, Features: []string{"v"}})
	c.bank.View("more", 1, hopsdb.Join{Group: some, Features: []string{"v", "w"}})
	p.View("ofbank", 1, hopsdb.Join{Group: secret, Features: []string{"v"}})
	p.View("ofsome", 1, hopsdb.Join{Group: some, Features: []string{"v"}})
	p.View("ofmore", 1, hopsdb.Join{Group: some, Features: []string{"w"}})
	some.Share(p, "v")
	c.bank.View("deleted", 1, hopsdb.Join{Group: secret, Features: []string{"v"}, Deleted: true})
}

// rdrsCases are the rules, by what they are about.
func rdrsCases() []rdrsCase {
	return slices.Concat(rdrsVectors(), rdrsKeys(), rdrsBatches(), rdrsPassed(), rdrsOptions(), rdrsDetail(), rdrsSharing(),
		rdrsBodies())
}

const big = `{"account_id": {big}}`

func rdrsVectors() []rdrsCase {
	return []rdrsCase{
		{"values are positional, in the order of idx", "payments/order/1", big, "", 200, found(`-7,{big},true`)},
		{
			"features of groups are mixed by idx", "payments/mixed/1", `{"account_id": {big}, "merchant_id": "m-1"}`, "", 200,
			found(`-7,0.5,"SE","Shop"`),
		},
		{
			"booleans are true and false", "payments/types/1", `{"account_id": 2}`, "", 200,
			found(`null,false,null,null,null,null,null,null`),
		},
		{
			"types are those of the columns", "payments/types/1", big, "", 200,
			found(`1234567890123456.7890,true,"2026-01-02","SE",0.1,"2026-01-02 03:04:05.678","AP8=",-7`),
		},
		{
			"every type", "payments/all/1", `{"id": "a"}`, "", 200,
			found(`"a",true,-1,-2,-3,-4,0.1,123456.789012345,1.50,"2026-01-02","2026-01-02 03:04:05.678901"," x ","AP8Q"`),
		},
		{
			"zero, the empty string and no bytes are values", "payments/all/1", `{"id": "7"}`, "", 200,
			found(`"7",false,0,0,0,0,0,0,0.00,"1970-01-01","1970-01-02 00:00:00.000000","",""`),
		},
		{
			"a double has all its digits", "payments/kinds/1", `{"id": "2026-01-02"}`, "", 200,
			found(`1e+30,127,0,0.0000000000,"",null`),
		},
		{
			"integers and decimals are exact", "payments/kinds/1", `{"id": "a/b \"ö\""}`, "", 200,
			found(`0.1,-128,18446744073709551615,1234567890123456789012345678.0123456789,"ö \"\n","2026-01-02 03:04:05.000001"`),
		},
		{"labels are left out", "payments/labels/1", big, "", 200, found(`"SE",-7`)},
		{"labels between features leave no gap", "payments/middle/1", big, "", 200, found(`-7,"SE",0.1`)},
		{"helper columns are answered", "payments/helpers/1", big, "", 200, found(`"SE",-7,0.1`)},
		{"helper columns alone", "payments/helpersonly/1", big, "", 200, found(`"SE",-7`)},
		{"a group of labels alone is not read", "payments/labelgroup/1", big, "", 200, found(`"SE"`)},
		{
			"a feature without a join is of its group's", "payments/unsaid/1", `{"account_id": {big}, "merchant_id": "m-2"}`, "", 200,
			found(`"SE","Stall"`),
		},
		{"a version is a view", "payments/versions/2", big, "", 200, found(`"SE"`)},
		{"another version is another", "payments/versions/1", big, "", 200, found(`-7`)},
		{"a row that there is not is MISSING in a 200", "payments/labels/1", `{"account_id": 3}`, "", 200, absent(`null,null`)},
		{"NULL is not MISSING", "payments/labels/1", `{"account_id": 2}`, "", 200, found(`null,null`)},
		{
			"a group of two that has no row", "payments/mixed/1", `{"account_id": 3, "merchant_id": "m-1"}`, "", 200,
			absent(`null,0.5,null,"Shop"`),
		},
		{"no group has a row", "payments/mixed/1", `{"account_id": 3, "merchant_id": "m-9"}`, "", 200, absent(`null,null,null,null`)},
		{"a spine group is MISSING", "payments/spine/1", big, "", 200, absent(`null,{big},"SE"`)},
		{
			"what is in a vector database is left out", "payments/embedded/1", `{"account_id": {big}, "e_account_id": 1}`, "", 200,
			found(`"SE"`),
		},
		{"a row beyond its time to live is not there", "payments/ttl/1", `{"id": 2}`, "", 200, absent(`null`)},
		{"a row within it is", "payments/ttl/1", `{"id": 1}`, "", 200, found(`10`)},
		{"two versions of a group", "payments/bothversions/1", `{"account_id": 2}`, "", 200, found(`null,"NO"`)},
		{"a self join", "payments/self/1", `{"a_id": 1, "b_id": 2}`, "", 200, found(`31,32`)},
		{"a complex feature is JSON", "payments/lists/1", `{"account_id": 1}`, "", 200, found(`[1.5,-2]`)},
		{"a complex feature that is NULL", "payments/lists/1", `{"account_id": 2}`, "", 200, found(`null`)},
		{"a complex feature that is its union's null", "payments/lists/1", `{"account_id": 3}`, "", 200, found(`null`)},
		{
			"a complex feature that does not fit is an error", "payments/lists/1", `{"account_id": 4}`, "", 500,
			`"code":19,"reason":"Deserialising complex feature failed."`,
		},
		{
			"maps, structs, lists of structs and unions", "payments/complexes/1", `{"id": 1}`, "", 200,
			found(`{"x":7},{"a":null,"b":"q"},[null,{"a":-1,"b":""}],true`),
		},
		{"a complex feature of another project's schema", "payments/sharedcomplex/1", `{"id": 1}`, "", 200, found(`["x"]`)},
		{"a view whose name is 63 long", "payments/" + strings.Repeat("v", 63) + "/1", `{"id": 1}`, "", 200, found(`6`)},
	}
}

func rdrsKeys() []rdrsCase {
	const unknown = `"code":12,"reason":"Incorrect primary key."`
	const wrong = `"code":10,"reason":"Wrong data type."`
	return []rdrsCase{
		{"a key feature echoes the request", "payments/order/1", `{"account_id": 5}`, "", 200, absent(`null,5,null`)},
		{"verbatim, as the text it was", "payments/order/1", `{"account_id": "{big}"}`, "", 200, found(`-7,"{big}",true`)},
		{
			"verbatim, with its escapes", "payments/all/1", `{"id": "\u0061"}`, `"passedFeatures": {}`, 200,
			found(`"\u0061",true,-1,-2,-3,-4,0.1,123456.789012345,1.50,"2026-01-02","2026-01-02 03:04:05.678901"," x ","AP8Q"`),
		},
		{
			"verbatim, the number it was", "payments/all/1", `{"id": 7}`, "", 200,
			found(`7,false,0,0,0,0,0,0,0.00,"1970-01-01","1970-01-02 00:00:00.000000","",""`),
		},
		{"text for an integer", "payments/versions/1", `{"account_id": "{big}"}`, "", 200, found(`-7`)},
		{"a number for text", "payments/prefixed/1", `{"account_id": 2, "m_merchant_id": 17}`, "", 200, absent(`null,null,17`)},
		{"a key above 2^53 is exact", "payments/versions/1", `{"account_id": 9007199254740992}`, "", 200, absent(`null`)},
		{"a negative key", "payments/days/1", `{"id": -{big}, "day": "2026-02-28"}`, "", 200, found(`1,-{big},"2026-02-28"`)},
		{"a composite key", "payments/composite/1", `{"account_id": 1, "merchant_id": "m-2"}`, "", 200, found(`12,"m-2"`)},
		{"part of a composite key", "payments/composite/1", `{"account_id": 1}`, "", 200, absent(`null,null`)},
		{"part of a composite key is echoed", "payments/composite/1", `{"merchant_id": "m-2"}`, "", 200, absent(`null,"m-2"`)},
		{
			"a group without a key beside one that has it", "payments/mixed/1", `{"merchant_id": "m-2"}`, "", 200,
			absent(`null,1.5,null,"Stall"`),
		},
		{
			"a required key by prefix and name", "payments/prefixed/1", `{"account_id": {big}, "m_merchant_id": "m-1"}`, "", 200,
			found(`"SE","Shop","m-1"`),
		},
		{"by its bare name", "payments/prefixed/1", `{"account_id": {big}, "merchant_id": "m-1"}`, "", 200, found(`"SE","Shop","m-1"`)},
		{
			"the prefix goes before the bare name", "payments/prefixed/1",
			`{"account_id": {big}, "merchant_id": "m-2", "m_merchant_id": "m-1"}`, "", 200, found(`"SE","Shop","m-1"`),
		},
		{
			"the one that counts less may be nonsense", "payments/composite/1",
			`{"account_id": 1, "merchant_id": "m-1"}`, "", 200, found(`11,"m-1"`),
		},
		{
			"a key that is not required by join_on", "payments/onleft/1", `{"account_id": 1, "r_merchant_id": "m-1"}`, "", 200,
			absent(`1,null,1,"m-1",11`),
		},
		{
			"join_on goes before prefix and name", "payments/onleft/1",
			`{"account_id": 1, "r_account_id": 99, "r_merchant_id": "m-1"}`, "", 200, absent(`1,null,1,"m-1",11`),
		},
		{
			"what join_on beats is not looked at", "payments/onleft/1",
			`{"account_id": 1, "r_account_id": "nonsense", "r_merchant_id": "m-1"}`, "", 200, absent(`1,null,1,"m-1",11`),
		},
		{
			"without join_on by prefix and name", "payments/onleft/1", `{"r_account_id": 1, "r_merchant_id": "m-2"}`, "", 200,
			absent(`null,null,1,"m-2",12`),
		},
		{"a bare name beside", "payments/onleft/1", `{"account_id": 1, "merchant_id": "m-2"}`, "", 200, absent(`1,null,1,"m-2",12`)},
		{"join_on of a name that no key has", "payments/joinon/1", `{"who": 1}`, "", 200, found(`1,31`)},
		{"beats the prefix", "payments/joinon/1", `{"left_id": 2, "who": 1}`, "", 200, found(`1,31`)},
		{"the prefix without it", "payments/joinon/1", `{"left_id": 2}`, "", 200, found(`2,32`)},
		{"the bare name without both", "payments/joinon/1", `{"id": 2}`, "", 200, found(`2,32`)},
		{"the prefix before the bare name", "payments/joinon/1", `{"id": 1, "left_id": 2}`, "", 200, found(`2,32`)},
		{"an invented prefix", "payments/clash/1", `{"id": 2, "0_id": 1}`, "", 200, found(`32,10`)},
		{"falls back on the bare name", "payments/clash/1", `{"id": 1}`, "", 200, found(`31,10`)},
		{"alone leaves the other group without a key", "payments/clash/1", `{"0_id": 1}`, "", 200, absent(`null,10`)},
		{
			"each key feature echoes what its own group was read by", "payments/echo/1", `{"id": 2, "0_id": 1}`, "", 200,
			found(`2,32,1,10`),
		},
		{"both the one, where there is but one", "payments/echo/1", `{"id": 1}`, "", 200, found(`1,31,1,10`)},
		{"two serving keys of a column, by the first", "payments/twokeys/1", `{"first_account_id": {big}}`, "", 200, found(`-7`)},
		{"two serving keys of a column, by the second", "payments/twokeys/1", `{"second_account_id": {big}}`, "", 200, found(`-7`)},
		{"two serving keys of a column, by the bare name", "payments/twokeys/1", big, "", 200, found(`-7`)},
		{
			"keys of a group of labels may be given", "payments/labelkey/1", `{"account_id": {big}, "l_account_id": 3}`, "", 200,
			found(`"SE"`),
		},
		{"without serving keys the columns' names are", "payments/nokeys/1", big, "", 200, found(`-7`)},
		{"no entry", "payments/order/1", `{}`, "", 400, unknown},
		{"a name that no key has", "payments/order/1", `{"account": 1}`, "", 400, unknown},
		{"a feature that is no key", "payments/order/1", `{"small": 1}`, "", 400, unknown},
		{"a key too many", "payments/order/1", `{"account_id": 1, "country": "SE"}`, "", 400, unknown},
		{"another prefix", "payments/prefixed/1", `{"account_id": 2, "x_merchant_id": "m-1"}`, "", 400, unknown},
		{"the message names the key", "payments/order/1", `{"account": 1}`, "", 400, `account is not a serving key of order version 1`},
		{"text that is no integer", "payments/order/1", `{"account_id": "abc"}`, "", 415, wrong},
		{"a fraction for an integer", "payments/order/1", `{"account_id": 1.5}`, "", 415, wrong},
		{"an exponent for an integer", "payments/order/1", `{"account_id": 1e3}`, "", 415, wrong},
		{"a boolean for an integer", "payments/order/1", `{"account_id": true}`, "", 415, wrong},
		{"an object for a key", "payments/order/1", `{"account_id": {"a": 1}}`, "", 415, wrong},
		{"a list for a key", "payments/order/1", `{"account_id": [1]}`, "", 415, wrong},
		{"an integer out of range", "payments/order/1", `{"account_id": 9223372036854775808}`, "", 415, wrong},
		{"text too long for its column", "payments/all/1", `{"id": "` + strings.Repeat("x", 101) + `"}`, "", 415, wrong},
		{"no such day", "payments/days/1", `{"id": 1, "day": "2026-02-30"}`, "", 415, wrong},
		{"the message names the column", "payments/order/1", `{"account_id": "abc"}`, "", 415, `account_id`},
		{"a key that is null", "payments/order/1", `{"account_id": null}`, "", 400, "Error:Field validation"},
		{"a key twice", "payments/order/1", `{"account_id": 1, "account_id": 2}`, "", 400, "is given twice"},
	}
}

func rdrsBatches() []rdrsCase {
	const c, m, e = `"COMPLETE"`, `"MISSING"`, `"ERROR"`
	return []rdrsCase{
		{
			"a batch keeps its order", "payments/order/1", `[{"account_id": 2}, {"account_id": {big}}]`, "", 200,
			answered(`[[null,2,false],[-7,{big},true]]`, `[`+c+`,`+c+`]`),
		},
		{"a batch of one", "payments/order/1", `[{"account_id": {big}}]`, "", 200, answered(`[[-7,{big},true]]`, `[`+c+`]`)},
		{
			"the same entry twice", "payments/versions/1", `[{"account_id": {big}}, {"account_id": {big}}]`, "", 200,
			answered(`[[-7],[-7]]`, `[`+c+`,`+c+`]`),
		},
		{
			"a row that there is not", "payments/order/1", `[{"account_id": 5}, {"account_id": {big}}]`, "", 200,
			answered(`[[null,5,null],[-7,{big},true]]`, `[`+m+`,`+c+`]`),
		},
		{
			"no row at all", "payments/versions/1", `[{"account_id": 5}, {"account_id": 6}]`, "", 200,
			answered(`[[null],[null]]`, `[`+m+`,`+m+`]`),
		},
		{
			"a key of the wrong type breaks its row", "payments/order/1", `[{"account_id": "abc"}, {"account_id": {big}}]`, "", 200,
			answered(`[null,[-7,{big},true]]`, `[`+e+`,`+c+`]`),
		},
		{
			"a row in the middle", "payments/order/1", `[{"account_id": 2}, {"account_id": true}, {"account_id": {big}}]`, "", 200,
			answered(`[[null,2,false],null,[-7,{big},true]]`, `[`+c+`,`+e+`,`+c+`]`),
		},
		{
			"a name that no key has breaks its row", "payments/order/1", `[{"account_id": {big}}, {"account": 1}]`, "", 200,
			answered(`[[-7,{big},true],null]`, `[`+c+`,`+e+`]`),
		},
		{
			"an empty entry breaks its row", "payments/order/1", `[{}, {"account_id": {big}}]`, "", 200,
			answered(`[null,[-7,{big},true]]`, `[`+e+`,`+c+`]`),
		},
		{
			"every row is broken", "payments/order/1", `[{}, {"x": 1}, {"account_id": []}]`, "", 200,
			answered(`[null,null,null]`, `[`+e+`,`+e+`,`+e+`]`),
		},
		{
			"part of a composite key misses its row", "payments/composite/1",
			`[{"account_id": 1}, {"account_id": 1, "merchant_id": "m-1"}]`, "", 200, answered(`[[null,null],[11,"m-1"]]`, `[`+m+`,`+c+`]`),
		},
		{
			"a broken part of a composite key", "payments/composite/1",
			`[{"account_id": 1, "merchant_id": []}, {"account_id": 1, "merchant_id": "m-1"}]`, "", 200,
			answered(`[null,[11,"m-1"]]`, `[`+e+`,`+c+`]`),
		},
		{
			"a broken key of one group of two", "payments/mixed/1",
			`[{"account_id": {big}, "merchant_id": true}, {"account_id": {big}, "merchant_id": "m-1"}]`, "", 200,
			answered(`[null,[-7,0.5,"SE","Shop"]]`, `[`+e+`,`+c+`]`),
		},
		{
			"a group without a key in one row", "payments/mixed/1", `[{"account_id": {big}}, {"merchant_id": "m-1"}]`, "", 200,
			answered(`[[-7,null,"SE",null],[null,0.5,null,"Shop"]]`, `[`+m+`,`+m+`]`),
		},
		{
			"complex features", "payments/lists/1", `[{"account_id": 1}, {"account_id": 2}, {"account_id": 9}]`, "", 200,
			answered(`[[[1.5,-2]],[null],[null]]`, `[`+c+`,`+c+`,`+m+`]`),
		},
		{
			"a complex feature that does not fit breaks its row", "payments/lists/1", `[{"account_id": 4}, {"account_id": 1}]`, "", 200,
			answered(`[null,[[1.5,-2]]]`, `[`+e+`,`+c+`]`),
		},
		{
			"rows beyond their time to live", "payments/ttl/1", `[{"id": 1}, {"id": 2}]`, "", 200,
			answered(`[[10],[null]]`, `[`+c+`,`+m+`]`),
		},
		{"a spine group", "payments/spine/1", `[{"account_id": {big}}]`, "", 200, answered(`[[null,{big},"SE"]]`, `[`+m+`]`)},
		{
			"serving keys of several names, one a row", "payments/joinon/1", `[{"who": 1}, {"left_id": 2}, {"id": 1}, {"id": 9, "who": 2}]`,
			"", 200, answered(`[[1,31],[2,32],[1,31],[2,32]]`, `[`+c+`,`+c+`,`+c+`,`+c+`]`),
		},
		{"keys as text", "payments/order/1", `[{"account_id": "2"}]`, "", 200, answered(`[[null,"2",false]]`, `[`+c+`]`)},
		{"no entries", "payments/order/1", `[]`, "", 400, "No primary key is given."},
		{"an item that is null", "payments/order/1", `[{"account_id": 2}, null]`, "", 400, "Error:Field validation"},
		{"an item that is no object", "payments/order/1", `[[1]]`, "", 400, "Error:Field validation"},
		{"a key that is null", "payments/order/1", `[{"account_id": null}]`, "", 400, "Error:Field validation"},
		{
			"an entry too many", "payments/order/1", "[" + strings.Repeat(`{"account_id": 2}, `, 1000) + `{"account_id": 2}]`, "", 400,
			`"code":18,"reason":"Reading from db failed."`,
		},
		{"an object for a batch", "", `{"featureStoreName": "payments{suffix}", "featureViewName": "order", "featureViewVersion": 1,
			"entries": {"account_id": 2}}`, "batch", 400, "Error:Field validation"},
	}
}

func rdrsPassed() []rdrsCase {
	const unknown, wrong = `"code":11,"reason":"Feature does not exist."`, `"code":10,"reason":"Wrong data type."`
	const c, e = `"COMPLETE"`, `"ERROR"`
	passed := func(text string) string { return `"passedFeatures": ` + text }
	unchecked := func(text string) string {
		return `"passedFeatures": ` + text + `, "options": {"validatePassedFeatures": false}`
	}
	both := `[{"account_id": {big}}, {"account_id": {big}}]`
	return []rdrsCase{
		{"a passed feature overrides the stored one", "payments/order/1", big, passed(`{"small": 3}`), 200, found(`3,{big},true`)},
		{"verbatim", "payments/order/1", big, passed(`{"small": 3.50}`), 200, found(`3.50,{big},true`)},
		{"it overrides the echo of a key", "payments/order/1", big, passed(`{"account_id": 8}`), 200, found(`-7,8,true`)},
		{"MISSING stays though all is passed", "payments/versions/1", `{"account_id": 5}`, passed(`{"small": 3}`), 200, absent(`3`)},
		{
			"by the prefixed name", "payments/prefixed/1", `{"account_id": {big}, "m_merchant_id": "m-1"}`, passed(`{"m_name": "x"}`), 200,
			found(`"SE","x","m-1"`),
		},
		{"null is nothing passed", "payments/order/1", big, passed(`null`), 200, found(`-7,{big},true`)},
		{"an empty object is nothing passed", "payments/order/1", big, passed(`{}`), 200, found(`-7,{big},true`)},
		{
			"every type", "payments/all/1", `{"id": "a"}`, passed(`{"bo": false, "ti": 1, "si": 2, "i": 3, "bi": 4, "fl": 5.5, "dou": 6.5,
			"de": 7.25, "da": "2020-01-01", "ts": "x", "st": "y", "bin": "zz"}`), 200,
			found(`"a",false,1,2,3,4,5.5,6.5,7.25,"2020-01-01","x","y","zz"`),
		},
		{"a complex feature", "payments/lists/1", `{"account_id": 1}`, passed(`{"list": [1, {"a": 2}]}`), 200, found(`[1, {"a": 2}]`)},
		{"a name that no feature has", "payments/order/1", big, passed(`{"nothing": 3}`), 400, unknown},
		{"is passed over unchecked", "payments/order/1", big, unchecked(`{"nothing": 3}`), 200, found(`-7,{big},true`)},
		{"a label", "payments/labels/1", big, passed(`{"fraud": 3}`), 400, unknown},
		{"a label is passed over unchecked", "payments/labels/1", big, unchecked(`{"fraud": 3}`), 200, found(`"SE",-7`)},
		{
			"the bare name of a prefixed feature", "payments/prefixed/1", `{"account_id": {big}, "m_merchant_id": "m-1"}`,
			passed(`{"name": "x"}`), 400, unknown,
		},
		{"text for a number", "payments/order/1", big, passed(`{"small": "3"}`), 400, wrong},
		{"stands unchecked", "payments/order/1", big, unchecked(`{"small": "3"}`), 200, found(`"3",{big},true`)},
		{"a number for text", "payments/labels/1", big, passed(`{"country": 3}`), 400, wrong},
		{"a number for text unchecked", "payments/labels/1", big, unchecked(`{"country": 999}`), 200, found(`999,-7`)},
		{"a number for a boolean", "payments/order/1", big, passed(`{"active": 1}`), 400, wrong},
		{"text for a boolean unchecked", "payments/order/1", big, unchecked(`{"active": "int"}`), 200, found(`-7,{big},"int"`)},
		{"a number for a date", "payments/all/1", `{"id": "a"}`, passed(`{"da": 3}`), 400, wrong},
		{"a number for a timestamp", "payments/all/1", `{"id": "a"}`, passed(`{"ts": 3}`), 400, wrong},
		{"a boolean for a decimal", "payments/all/1", `{"id": "a"}`, passed(`{"de": true}`), 400, wrong},
		{"a list for binary", "payments/all/1", `{"id": "a"}`, passed(`{"bin": [1]}`), 400, wrong},
		{"text for a complex feature", "payments/lists/1", `{"account_id": 1}`, passed(`{"list": "x"}`), 400, wrong},
		{
			"the message tells the types", "payments/order/1", big, passed(`{"small": "3"}`), 400,
			`feature small (smallint) must be of the JSON type number, not string`,
		},
		{"a feature that is null", "payments/order/1", big, passed(`{"small": null}`), 400, "Error:Field validation"},
		{"a feature twice", "payments/order/1", big, passed(`{"small": 1, "small": 2}`), 400, "is given twice"},
		{"a name of two features overrides both", "payments/same/1", `{"id": 1}`, unchecked(`{"age": 5}`), 200, found(`5,5`)},
		{"and must be of both types", "payments/same/1", `{"id": 1}`, passed(`{"age": 5}`), 400, wrong},
		{"a list for one vector", "payments/order/1", big, passed(`[{"small": 3}]`), 400, "Error:Field validation"},
		{
			"a batch passes by entry", "payments/versions/1", both, passed(`[{"small": 1}, {"small": 2}]`), 200,
			answered(`[[1],[2]]`, `[`+c+`,`+c+`]`),
		},
		{"an item may be null", "payments/versions/1", both, passed(`[null, {"small": 2}]`), 200, answered(`[[-7],[2]]`, `[`+c+`,`+c+`]`)},
		{"an item may be empty", "payments/versions/1", both, passed(`[{"small": 2}, {}]`), 200, answered(`[[2],[-7]]`, `[`+c+`,`+c+`]`)},
		{"an empty list is nothing passed", "payments/versions/1", both, passed(`[]`), 200, answered(`[[-7],[-7]]`, `[`+c+`,`+c+`]`)},
		{
			"null is nothing passed in a batch", "payments/versions/1", both, passed(`null`), 200,
			answered(`[[-7],[-7]]`, `[`+c+`,`+c+`]`),
		},
		{"too few items", "payments/versions/1", both, passed(`[{"small": 2}]`), 400, "Length of passed feature does not equal"},
		{"too many items", "payments/versions/1", both, passed(`[{}, {}, {}]`), 400, "Length of passed feature does not equal"},
		{
			"an item of the wrong type breaks its row", "payments/versions/1", both, passed(`[{"small": "x"}, {"small": 2}]`), 200,
			answered(`[null,[2]]`, `[`+e+`,`+c+`]`),
		},
		{
			"an item of no feature breaks its row", "payments/versions/1", both, passed(`[null, {"nothing": 2}]`), 200,
			answered(`[[-7],null]`, `[`+c+`,`+e+`]`),
		},
		{
			"no item breaks its row unchecked", "payments/versions/1", both, unchecked(`[{"small": "x"}, {"nothing": 2}]`), 200,
			answered(`[["x"],[-7]]`, `[`+c+`,`+c+`]`),
		},
		{"an item that is no object", "payments/versions/1", both, passed(`[1, 2]`), 400, "Error:Field validation"},
		{"a feature of an item that is null", "payments/versions/1", both, passed(`[{"small": null}, {}]`), 400, "Error:Field validation"},
		{"an object for a batch's", "payments/versions/1", both, passed(`{"small": 1}`), 400, "Error:Field validation"},
	}
}

func rdrsOptions() []rdrsCase {
	asked := func(name, kind bool) string {
		return fmt.Sprintf(`"metadataOptions": {"featureName": %v, "featureType": %v}`, name, kind)
	}
	all := `[{"featureName":"small","featureType":"smallint"},{"featureName":"account_id","featureType":"bigint"},` +
		`{"featureName":"active","featureType":"boolean"}]`
	features := `[-7,{big},true]`
	return []rdrsCase{
		{"names and offline types of features", "payments/order/1", big, asked(true, true), 200, answeredWith(features, all, complete, "null")},
		{
			"names alone", "payments/versions/1", big, asked(true, false), 200,
			answeredWith(`[-7]`, `[{"featureName":"small","featureType":null}]`, complete, "null"),
		},
		{
			"types alone", "payments/versions/1", big, `"metadataOptions": {"featureType": true}`, 200,
			answeredWith(`[-7]`, `[{"featureName":null,"featureType":"smallint"}]`, complete, "null"),
		},
		{"neither", "payments/versions/1", big, asked(false, false), 200, found(`-7`)},
		{"options that are null", "payments/versions/1", big, `"metadataOptions": null, "options": null`, 200, found(`-7`)},
		{"empty options", "payments/versions/1", big, `"metadataOptions": {}, "options": {}`, 200, found(`-7`)},
		{"an option that is null", "payments/versions/1", big, `"metadataOptions": {"featureName": null}`, 200, found(`-7`)},
		{
			"names have their prefix", "payments/prefixed/1", `{"account_id": {big}, "m_merchant_id": "m-1"}`, asked(true, false), 200,
			answeredWith(`["SE","Shop","m-1"]`, `[{"featureName":"country","featureType":null},{"featureName":"m_name","featureType":null},`+
				`{"featureName":"m_merchant_id","featureType":null}]`, complete, "null"),
		},
		{
			"types as Hopsworks has them", "payments/types/1", `{"account_id": 2}`, asked(false, true), 200,
			answeredWith(`[null,false,null,null,null,null,null,null]`, `[{"featureName":null,"featureType":"decimal(20,4)"},`+
				`{"featureName":null,"featureType":"boolean"},{"featureName":null,"featureType":"date"},{"featureName":null,"featureType":"string"},`+
				`{"featureName":null,"featureType":"double"},{"featureName":null,"featureType":"timestamp"},`+
				`{"featureName":null,"featureType":"binary"},{"featureName":null,"featureType":"smallint"}]`, complete, "null"),
		},
		{
			"types of complex features", "payments/lists/1", `{"account_id": 2}`, asked(true, true), 200,
			answeredWith(`[null]`, `[{"featureName":"list","featureType":"array<double>"}]`, complete, "null"),
		},
		{
			"a batch has them once", "payments/order/1", `[{"account_id": {big}}, {"account_id": 2}]`, asked(true, true), 200,
			answeredWith(`[[-7,{big},true],[null,2,false]]`, all, `["COMPLETE","COMPLETE"]`, "null"),
		},
		{
			"a batch of broken rows has them too", "payments/versions/1", `[{}]`, asked(true, true), 200,
			answeredWith(`[null]`, `[{"featureName":"small","featureType":"smallint"}]`, `["ERROR"]`, "null"),
		},
		{"an unknown option", "payments/order/1", big, `"options": {"detail": true}`, 400, "Error:Field validation"},
		{"an unknown option of the metadata", "payments/order/1", big, `"metadataOptions": {"type": true}`, 400, "Error:Field validation"},
		{"an option that is no boolean", "payments/order/1", big, `"options": {"validatePassedFeatures": 1}`, 400, "must be true or false"},
		{"options that are no object", "payments/order/1", big, `"options": []`, 400, "Error:Field validation"},
		{
			"an option twice", "payments/order/1", big, `"options": {"includeDetailedStatus": true, "includeDetailedStatus": false}`, 400,
			"is given twice",
		},
		{
			"passed features are checked if nobody says otherwise", "payments/order/1", big,
			`"passedFeatures": {"small": "x"}, "options": {"includeDetailedStatus": true}`, 400, `"code":10`,
		},
		{
			"null is no answer to that", "payments/order/1", big, `"passedFeatures": {"small": "x"}, "options": {"validatePassedFeatures": null}`,
			400, `"code":10`,
		},
		{
			"fields that are not known are passed over", "payments/versions/1", big, `"requestId": null, "operationId": "x", "a": [{}, {"b": "}"}]`,
			200, found(`-7`),
		},
	}
}

func rdrsDetail() []rdrsCase {
	const more = `"options": {"includeDetailedStatus": true}`
	of := func(group string, code int) string {
		return fmt.Sprintf(`{"featureGroupId":{%s},"httpStatus":%d}`, group, code)
	}
	detailed := func(features, status, detail string) string {
		return answeredWith(features, "null", status, "["+detail+"]")
	}
	return []rdrsCase{
		{"a row was found", "payments/versions/1", big, more, 200, detailed(`[-7]`, complete, of("accounts", 200))},
		{"there is no row", "payments/versions/1", `{"account_id": 5}`, more, 200, detailed(`[null]`, missing, of("accounts", 404))},
		{"a key is not whole", "payments/composite/1", `{"account_id": 5}`, more, 200, detailed(`[null,null]`, missing, of("pairs", 400))},
		{
			"each group has its own", "payments/mixed/1", `{"account_id": 5, "merchant_id": "m-1"}`, more, 200,
			detailed(`[null,0.5,null,"Shop"]`, missing, of("accounts", 404)+","+of("merchants", 200)),
		},
		{
			"a group without a key and one without a row", "payments/mixed/1", `{"account_id": 5}`, more, 200,
			detailed(`[null,null,null,null]`, missing, of("accounts", 404)+","+of("merchants", 400)),
		},
		{
			"a group that is joined to itself comes twice", "payments/self/1", `{"a_id": 1, "b_id": 9}`, more, 200,
			detailed(`[31,null]`, missing, of("clients", 200)+","+of("clients", 404)),
		},
		{"a group of labels does not come", "payments/labelgroup/1", big, more, 200, detailed(`["SE"]`, complete, of("accounts", 200))},
		{
			"a spine group", "payments/spine/1", big, more, 200,
			detailed(`[null,{big},"SE"]`, missing, of("spine", 404)+","+of("accounts", 200)),
		},
		{"a row beyond its time to live", "payments/ttl/1", `{"id": 2}`, more, 200, detailed(`[null]`, missing, of("dated", 404))},
		{"not asked for", "payments/versions/1", big, `"options": {"includeDetailedStatus": false}`, 200, found(`-7`)},
		{
			"a batch has it by row", "payments/versions/1", `[{"account_id": {big}}, {"account_id": 5}]`, more, 200,
			detailed(`[[-7],[null]]`, `["COMPLETE","MISSING"]`, "["+of("accounts", 200)+"],["+of("accounts", 404)+"]"),
		},
		{
			"a broken row is a bad request", "payments/mixed/1", `[{"account_id": [], "merchant_id": "m-1"}]`, more, 200,
			detailed(`[null]`, `["ERROR"]`, "["+of("accounts", 400)+","+of("merchants", 400)+"]"),
		},
		{
			"a row broken by what it passes", "payments/versions/1", `[{"account_id": {big}}]`, `"passedFeatures": [{"x": 1}], ` + more, 200,
			detailed(`[null]`, `["ERROR"]`, "["+of("accounts", 400)+"]"),
		},
		{
			"a row that does not fit its schema", "payments/lists/1", `[{"account_id": 4}]`, more, 200,
			detailed(`[null]`, `["ERROR"]`, "["+of("lists", 500)+"]"),
		},
	}
}

func rdrsSharing() []rdrsCase {
	const one = `{"id": 1}`
	const refused = "not authorized to access"
	return []rdrsCase{
		{"a view of another project's group", "payments/shared/1", one, "", 200, found(`31`)},
		{"a view of another of the user's projects", "people/own/1", one, "", 200, found(`31,1`)},
		{"a feature that is shared", "payments/ofsome/1", one, "", 200, found(`10`)},
		{"a view of a store of which the feature is shared", "bank/some/1", one, "", 200, found(`10`)},
		{"a view of the own store with a group that is not shared", "payments/ofbank/1", one, "", 401, refused},
		{"with a feature that is not shared", "payments/ofmore/1", one, "", 401, refused},
		{"a view of another store", "bank/own/1", one, "", 401, refused + " bank"},
		{"a view with a feature that is not shared", "bank/more/1", one, "", 401, refused + " bank"},
		{"a view that there is not in another store is refused as one that there is", "bank/none/1", one, "", 401, refused + " bank"},
		{"a view of another store that cannot be served", "bank/deleted/1", one, "", 401, refused + " bank"},
		{"a store that there is not is refused as one that there is", "nowhere/own/1", one, "", 401, refused + " nowhere"},
		{"a batch", "bank/own/1", `[{"id": 1}]`, "", 401, refused + " bank"},
		{"nothing is said of the keys before", "bank/own/1", `{"x": 1}`, "", 401, refused + " bank"},
		{"a view that there is not", "payments/none/1", one, "", 400, `"code":1,"reason":"Feature view does not exist."`},
		{"a version that there is not", "payments/versions/3", big, "", 400, `"code":1,"reason":"Feature view does not exist."`},
		{"version 0", "payments/versions/0", big, "", 400, `"code":1,"reason":"Feature view does not exist."`},
		{"a name that is empty", "payments//1", big, "", 400, `"code":1,"reason":"Feature view does not exist."`},
		{"a name in another case", "payments/Versions/1", big, "", 400, `"code":1,"reason":"Feature view does not exist."`},
		{"a batch of a view that there is not", "payments/none/1", `[{"id": 1}]`, "", 400, `"code":1,"reason":"Feature view does not exist."`},
		{"a view whose group was deleted", "payments/deleted/1", one, "", 400, `"code":3,"reason":"Feature group does not exist."`},
		{"a view whose group is not online", "payments/offline/1", one, "", 400, `"code":6,"reason":"Reading feature view failed."`},
		{"a view whose table there is not", "payments/absent/1", one, "", 400, `"code":6,"reason":"Reading feature view failed."`},
		{"a view whose schema there is not", "payments/complex/1", one, "", 400, `"code":6,"reason":"Reading feature view failed."`},
		{"a view of a column that there is not", "payments/unknown/1", one, "", 400, `"code":6,"reason":"Reading feature view failed."`},
		{"a batch of a view whose group was deleted", "payments/deleted/1", `[{"id": 1}]`, "", 400, `"code":3`},
	}
}

func rdrsBodies() []rdrsCase {
	const invalid, malformed = "Error:Field validation", "Error:malformed JSON"
	head := func(more string) string {
		return `{"featureStoreName": "payments{suffix}", "featureViewName": "versions", "featureViewVersion": 1` + more + `}`
	}
	return []rdrsCase{
		{"the order of the fields does not matter", "", `{"entries": {"account_id": {big}}, "options": {}, "featureViewVersion": 1,
			"featureViewName": "versions", "featureStoreName": "payments{suffix}"}`, "", 200, found(`-7`)},
		{"an empty body", "", ``, "", 400, malformed},
		{"a body cut short", "", head(`, "entries": {"account_id": 1`)[:90], "", 400, malformed},
		{"something behind the end", "", head(`, "entries": {"account_id": 1}`) + "x", "", 400, malformed},
		{"a list", "", `[]`, "", 400, "Error:the body must be an object"},
		{"no JSON", "", `featureStoreName`, "", 400, malformed},
		{"text that is not UTF-8", "", "{\"a\": \"\xff\"}", "", 400, malformed},
		{"nested too deep", "", strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), "", 400, malformed},
		{"a batch cut short", "", `{"entries": [`, "batch", 400, malformed},
		{"no store", "", `{"featureViewName": "versions", "featureViewVersion": 1, "entries": {"account_id": 1}}`, "", 400, invalid},
		{"no view", "", `{"featureStoreName": "payments{suffix}", "featureViewVersion": 1, "entries": {"account_id": 1}}`, "", 400, invalid},
		{"no version", "", `{"featureStoreName": "payments{suffix}", "featureViewName": "x", "entries": {"account_id": 1}}`, "", 400, invalid},
		{"no entries", "", head(""), "", 400, invalid},
		{"no entries in a batch", "", head(""), "batch", 400, invalid},
		{"entries that are null", "", head(`, "entries": null`), "", 400, invalid},
		{
			"a store that is null", "", `{"featureStoreName": null, "featureViewName": "x", "featureViewVersion": 1, "entries": {"account_id": 1}}`,
			"", 400, invalid,
		},
		{"nothing at all", "", `{}`, "", 400, invalid},
		{"a store that is a number", "", `{"featureStoreName": 1, "featureViewName": "x", "featureViewVersion": 1, "entries": {}}`, "", 400, invalid},
		{
			"a version that is text", "", `{"featureStoreName": "a", "featureViewName": "x", "featureViewVersion": "1", "entries": {}}`, "", 400,
			invalid,
		},
		{
			"a version that is negative", "", `{"featureStoreName": "a", "featureViewName": "x", "featureViewVersion": -1, "entries": {}}`, "", 400,
			invalid,
		},
		{
			"a version with a fraction", "", `{"featureStoreName": "a", "featureViewName": "x", "featureViewVersion": 1.0, "entries": {}}`, "", 400,
			invalid,
		},
		{"entries that are a list", "", head(`, "entries": [{"account_id": 1}]`), "", 400, invalid},
		{"entries that are text", "", head(`, "entries": "x"`), "", 400, invalid},
		{"a field twice", "", head(`, "entries": {"account_id": 1}, "featureViewVersion": 2`), "", 400, "is given twice"},
		{"the message names the field", "", head(""), "", 400, "Error:Field validation: entries is required"},
	}
}
