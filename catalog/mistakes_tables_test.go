package catalog

import "testing"

// TestMistakesAgainstTables plants what shows only with the tables.
func TestMistakesAgainstTables(t *testing.T) {
	testPlants(t, map[string]plant{
		"unknown table": {
			old: "ttl: 24h}", planted: "ttl: 24h, table: accounts}",
			want: "4: featureStores[0].featureGroups[0].table: table payments.accounts does not exist, or the user may not " +
				"read it; create it, grant SELECT or mend its name",
		},
		"unknown default table": {
			oldTable: "payments.merchant_1", plantedInTable: "payments.merchant_2",
			want: "5: featureStores[0].featureGroups[1].table: table payments.merchant_1 does not exist, or the user may not " +
				"read it; create it, grant SELECT or mend its name",
		},
		"no primary key": {
			oldTable: "(merchant_id)", plantedInTable: "()",
			want: "5: featureStores[0].featureGroups[1].table: table payments.merchant_1 has no primary key, by which alone " +
				"rows are read; add one",
		},
		"other key": {
			old: "[account_id, currency]", planted: "[account_id]",
			want: "6: featureStores[0].featureGroups[2].key: the primary key of table payments.wallet_2 is (currency, " +
				"account_id), not (account_id); list those columns or leave key out",
		},
		"key of other columns": {
			old: "[account_id, currency]", planted: "[account_id, funds]",
			want: "6: featureStores[0].featureGroups[2].key: the primary key of table payments.wallet_2 is (currency, " +
				"account_id), not (account_id, funds); list those columns or leave key out",
		},
		"key of a kind that cannot be one": {
			oldTable: "currency char(3) ascii", plantedInTable: "currency double",
			want: "6: featureStores[0].featureGroups[2].key: table payments.wallet_2 cannot be read by its primary key: " +
				"column " +
				"currency: a column of type double cannot be part of a key",
		},
		"key in an unknown character set": {
			oldTable: "merchant_id varchar(20) utf8mb4", plantedInTable: "merchant_id varchar(20) cp932",
			want: "5: featureStores[0].featureGroups[1].key: table payments.merchant_1 cannot be read by its primary key: " +
				"column merchant_id: a column of the character set cp932 cannot be part of a key",
		},
		"boolean key": {
			old: "{name: wallet, version: 2,", planted: "{name: wallet, version: 2, features: [{name: account_id, type: " +
				"boolean}],",
			want: "6: featureStores[0].featureGroups[2].key: table payments.wallet_2 cannot be read by its primary key: " +
				"column " +
				"account_id: a boolean column cannot be part of a key",
		},
		"key column that is no column": {
			oldTable: "  funds double\n", plantedInTable: "payments.wallet_2(currency, account_id)\n  currency char(3) ascii\n",
			want: "6: featureStores[0].featureGroups[2].key: table payments.wallet_2 has no column account_id; there is only " +
				"currency",
		},
		"unknown event time": {
			old: "updated_at", planted: "update_at",
			want: "4: featureStores[0].featureGroups[0].eventTime: table payments.account_1 has no column update_at; did you " +
				"mean updated_at?",
		},
		"event time of a wrong kind": {
			old: "updated_at", planted: "amount",
			want: "4: featureStores[0].featureGroups[0].eventTime: column amount: a column of type double cannot be an event " +
				"time; name a TIMESTAMP, DATETIME, DATE or integer column",
		},
		"event time in the key": {
			old: "updated_at", planted: "account_id",
			want: "4: featureStores[0].featureGroups[0].eventTime: column account_id is part of the primary key, so that a " +
				"caller would have to know it; leave eventTime out",
		},
		"boolean event time": {
			old: "updated_at,", planted: "flag, features: [{name: flag, type: boolean}],",
			want: "4: featureStores[0].featureGroups[0].eventTime: column flag: a boolean column cannot be an event time; " +
				"name " +
				"a TIMESTAMP, DATETIME, DATE or integer column",
		},
		"boolean of another type": {
			old: "ttl: 24h}", planted: "ttl: 24h, features: [{name: amount, type: boolean}]}",
			want: "4: featureStores[0].featureGroups[0].features[0].name: column amount is double, and only an integer can be " +
				"a boolean; leave the type out",
		},
		"boolean that is no column": {
			old: "ttl: 24h}", planted: "ttl: 24h, features: [{name: flagg, type: boolean}]}",
			want: "4: featureStores[0].featureGroups[0].features[0].name: table payments.account_1 has no column flagg; did " +
				"you mean flag?",
		},
		"no such feature": {
			old: "- avg_amount\n", planted: "- avg_amuont\n",
			want: "14: featureStores[0].featureViews[0].features[0]: no joined feature group has it; did you mean avg_amount?",
		},
		"label that is no column": {
			old: "- avg_amount\n", planted: "- avg_amount\n          - {name: fraud, label: true}\n",
			want: "15: featureStores[0].featureViews[0].features[1].name: no joined feature group has it; there are " +
				"account_id, updated_at, avg_amount, amount, flag, place, merchant_id, category",
		},
		"feature without its prefix": {
			old: "- {group: merchant, version: 1}", planted: "- {group: merchant, version: 1, prefix: m_}",
			want: "15: featureStores[0].featureViews[0].features[1].name: no joined feature group has it; did you mean " +
				"m_category?",
		},
		"feature in the wrong group": {
			old: "- avg_amount\n", planted: "- {name: avg_amount, group: merchant_1}\n",
			want: "14: featureStores[0].featureViews[0].features[0].name: no joined feature group has it; there are " +
				"merchant_id, category, amount",
		},
		"feature of an unsupported type": {
			old: "- avg_amount\n", planted: "- place\n",
			want: "14: featureStores[0].featureViews[0].features[0]: table payments.account_1: column place: the type " +
				"geometry " +
				"is not supported",
		},
		"ambiguous feature": {
			old: "- avg_amount\n", planted: "- amount\n",
			want: "14: featureStores[0].featureViews[0].features[0]: is ambiguous: it may be column amount of account_1 or " +
				"column amount of merchant_1; name the group, or give one of the joins another prefix",
		},
		"prefix that makes another column's name": {
			old: "- {group: merchant, version: 1}\n        features:\n          - avg_amount\n",
			planted: "- {group: merchant, version: 1}\n          - {group: account, version: 1, prefix: avg_, keys: " +
				"{account_id: a}}\n" +
				"        features:\n          - avg_amount\n",
			want: "15: featureStores[0].featureViews[0].features[0]: is ambiguous: it may be column avg_amount of " +
				"account_1 or " +
				"column amount of account_1; name the group, or give one of the joins another prefix",
		},
		"key feature of two serving keys": {
			old: "- {group: merchant, version: 1}\n        features:\n          - avg_amount\n",
			planted: "- {group: merchant, version: 1}\n          - {group: wallet, version: 2, keys: {account_id: other}}\n" +
				"        features:\n          - account_id\n",
			want: "15: featureStores[0].featureViews[0].features[0]: is ambiguous: it may be column account_id of " +
				"account_1 or " +
				"column account_id of wallet_2; name the group, or give one of the joins another prefix",
		},
		"unknown key column": {
			old: "- {group: merchant, version: 1}", planted: "- {group: merchant, version: 1, keys: {merchant: m}}",
			want: "12: featureStores[0].featureViews[0].joins[1].keys.merchant: column merchant is not part of the primary " +
				"key " +
				"of merchant_1; there is only merchant_id",
		},
		"one serving key for two columns": {
			old: "- {group: merchant, version: 1}\n", planted: "- {group: merchant, version: 1}\n" +
				"          - {group: wallet, version: 2, keys: {currency: code, account_id: code}}\n",
			oldTable: "account_id int", plantedInTable: "account_id varchar(4) ascii",
			want: "13: featureStores[0].featureViews[0].joins[2].keys.account_id: serving key code is mapped to column " +
				"currency and to column account_id of wallet_2; map one of them to another serving key",
		},
		"text and number under one serving key": {
			old: "- {group: merchant, version: 1}", planted: "- {group: merchant, version: 1, keys: {merchant_id: account_id}}",
			want: "12: featureStores[0].featureViews[0].joins[1].keys.merchant_id: serving key account_id is mapped to column " +
				"account_id (bigint) of account_1 and to column merchant_id (varchar(20)) of merchant_1, which no one value " +
				"fits; " +
				"map one of them to another serving key",
		},
		"default that is too long": {
			old: `"x"`, planted: `"long"`,
			want: "15: featureStores[0].featureViews[0].features[1].default: does not fit column category (varchar(3)): it " +
				"must be a string of at most 3 characters",
		},
		"default of another type": {
			old: `"x"`, planted: "7",
			want: "15: featureStores[0].featureViews[0].features[1].default: does not fit column category (varchar(3)): it " +
				"must be a string of at most 3 characters",
		},
		"default on a key": {
			old: "- avg_amount\n", planted: "- {name: account_id, default: 0}\n",
			want: "14: featureStores[0].featureViews[0].features[0].default: account_id is a key, which answers what the " +
				"caller sent, so it takes no default; leave it out",
		},
		"all at once": {
			old: "- avg_amount\n          - {name: category, default: \"x\"}", planted: "- avg\n          - {name: category, " +
				"default: 1}",
			oldTable: "payments.wallet_2", plantedInTable: "payments.wallet_3",
			want: "6: featureStores[0].featureGroups[2].table: table payments.wallet_2 does not exist, or the user may not " +
				"read it; create it, grant SELECT or mend its name\n" +
				"14: featureStores[0].featureViews[0].features[0]: no joined feature group has it; there are account_id, " +
				"updated_at, avg_amount, amount, flag, place, merchant_id, category\n" +
				"15: featureStores[0].featureViews[0].features[1].default: does not fit column category (varchar(3)): it must be " +
				"a string of at most 3 characters",
		},
	})
}

// TestAllowed plants what may look wrong and is not.
func TestAllowed(t *testing.T) {
	join := "- {group: merchant, version: 1}"
	for name, p := range map[string]plant{
		"INT and BIGINT under one serving key": {old: join, planted: join + "\n          - {group: wallet, version: 2}"},
		"feature of two groups, named":         {old: "- avg_amount\n", planted: "- {name: amount, group: merchant_1}\n"},
		"label of an unsupported type": {old: "- avg_amount\n", planted: "- avg_amount\n          - {name: " +
			"place, label: true}\n"},
		"null default on a key":                  {old: "- avg_amount\n", planted: "- {name: account_id, default: null}\n"},
		"default of digits that are not JSON's":  {old: `"x"`, planted: `".5"`},
		"two groups of one name, told by prefix": {old: join, planted: "- {group: merchant, version: 1, prefix: ''}"},
		"key feature of one serving key": {
			old:     join + "\n        features:\n          - avg_amount\n",
			planted: join + "\n          - {group: wallet, version: 2}\n        features:\n          - account_id\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := p.load(t); err != nil {
				t.Fatal(err)
			}
		})
	}
}
