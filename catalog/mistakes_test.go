package catalog

import (
	"errors"
	"strings"
	"testing"

	"github.com/rongate/rongate/internal/yamldoc"
)

// The catalogue and the tables that mistakes are planted in.
const (
	soundFile = `featureStores:
  - name: payments
    featureGroups:
      - {name: account, version: 1, eventTime: updated_at, ttl: 24h}
      - {name: merchant, version: 1}
      - {name: wallet, version: 2, key: [account_id, currency]}
    featureViews:
      - name: fraud
        version: 1
        joins:
          - {group: account, version: 1}
          - {group: merchant, version: 1}
        features:
          - avg_amount
          - {name: category, default: "x"}
`
	soundTables = `payments.account_1(account_id)
  account_id bigint
  updated_at timestamp
  avg_amount double
  amount double
  flag tinyint
  place geometry
payments.merchant_1(merchant_id)
  merchant_id varchar(20) utf8mb4
  category varchar(3) utf8mb4
  amount decimal(4,2)
payments.wallet_2(currency, account_id)
  currency char(3) ascii
  account_id int
  funds double
`
)

// A plant replaces a part of the sound catalogue, and of the sound tables, and is reported in these words.
type plant struct {
	old, planted             string
	oldTable, plantedInTable string
	want                     string
}

func TestSound(t *testing.T) {
	if err := (plant{}).load(t); err != nil {
		t.Fatal(err)
	}
}

// load returns what is wrong with the catalogue once the mistake is planted.
func (p plant) load(t *testing.T) error {
	t.Helper()
	if p.old != "" && !strings.Contains(soundFile, p.old) || !strings.Contains(soundTables, p.oldTable) {
		t.Fatalf("there is no %q, or no %q", p.old, p.oldTable)
	}
	spec, err := Parse("c.yaml", []byte(strings.Replace(soundFile, p.old, p.planted, 1)))
	if err != nil {
		return err
	}
	_, err = spec.Resolve(readTables(t, strings.Replace(soundTables, p.oldTable, p.plantedInTable, 1)))
	return err
}

func testPlants(t *testing.T, plants map[string]plant) {
	for name, p := range plants {
		t.Run(name, func(t *testing.T) {
			err := p.load(t)
			var problems yamldoc.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got %v, want Problems", err)
			}
			if got := strings.ReplaceAll(err.Error(), "c.yaml:", ""); got != p.want {
				t.Fatalf("got\n%s\nwant\n%s", got, p.want)
			}
		})
	}
}

// TestMistakesInFile plants what shows without the tables.
func TestMistakesInFile(t *testing.T) {
	account, fraud := "{name: account, version: 1, eventTime: updated_at, ttl: 24h}", "- name: fraud\n"
	testPlants(t, map[string]plant{
		"no stores": {old: soundFile, planted: "featureStores: []\n", want: "1: featureStores: is empty; give it at least one item"},
		"typo at the top": {
			old: "featureStores:", planted: "featureStore:",
			want: "1: featureStores: is required\n1: featureStore: unknown field; did you mean featureStores?",
		},
		"store without name": {
			old: "name: payments", planted: "database: payments",
			want: "2: featureStores[0].name: is required",
		},
		"duplicate store": {
			old: "  - name: payments\n", planted: "  - {name: payments}\n  - name: payments\n",
			want: "3: featureStores[1].name: feature store payments is there twice; it is on line 2 too",
		},
		"duplicate group": {
			old: "- {name: merchant, version: 1}\n", planted: "- {name: merchant, version: 1}\n" +
				"      - {name: account, version: 1, table: other}\n",
			want: "6: featureStores[0].featureGroups[2]: feature group account version 1 of payments is there twice; it is on line 4 too",
		},
		"table of two groups": {
			old: "{name: merchant, version: 1}", planted: "{name: merchant, version: 1, table: account_1}",
			want: "5: featureStores[0].featureGroups[1].table: table payments.account_1 is there twice; it is on line 4 too",
		},
		"duplicate view": {
			old: fraud, planted: "- {name: fraud, version: 1, joins: [{group: account, version: 1}], features: [amount]}\n      " + fraud,
			want: "9: featureStores[0].featureViews[1]: feature view fraud version 1 of payments is there twice; it is on line 8 too",
		},
		"group without version": {
			old: account, planted: "{name: account}",
			want: "4: featureStores[0].featureGroups[0].version: is required",
		},
		"version 0": {
			old: "        version: 1\n", planted: "        version: 0\n",
			want: "9: featureStores[0].featureViews[0].version: must be a whole number from 1 to 2147483647, not 0",
		},
		"name with a backtick": {
			old: "version: 1}\n", planted: "version: 1, table: \"a`b\"}\n",
			want: "5: featureStores[0].featureGroups[1].table: has a backtick or a control character, which no name may have",
		},
		"name with a control character": {
			old: "{name: merchant, version: 1}", planted: `{name: merchant, version: 1, table: "a\0b"}`,
			want: "5: featureStores[0].featureGroups[1].table: has a backtick or a control character, which no name may have",
		},
		"name with a space": {
			old: "- avg_amount\n", planted: "- 'avg_amount '\n",
			want: "14: featureStores[0].featureViews[0].features[0]: begins or ends with a space, which no name may",
		},
		"long name": {
			old: "- avg_amount\n", planted: "- " + strings.Repeat("é", 65) + "\n",
			want: "14: featureStores[0].featureViews[0].features[0]: is longer than 64 characters",
		},
		"empty table": {
			old: account, planted: "{name: account, version: 1, table: ''}",
			want: "4: featureStores[0].featureGroups[0].table: is empty; give it a value, or leave it out for account_1",
		},
		"empty key": {
			old: "[account_id, currency]", planted: "['']",
			want: "6: featureStores[0].featureGroups[2].key[0]: is empty; give it a value",
		},
		"duplicate key column": {
			old: "[account_id, currency]", planted: "[currency, currency]",
			want: "6: featureStores[0].featureGroups[2].key[1]: key column currency is there twice; it is on line 6 too",
		},
		"ttl without event time": {
			old: account, planted: "{name: account, version: 1, ttl: 24h}",
			want: "4: featureStores[0].featureGroups[0].ttl: needs eventTime, which tells how old a row is; " +
				"name that column or leave ttl out",
		},
		"ttl of nothing": {
			old: "24h", planted: "0s",
			want: "4: featureStores[0].featureGroups[0].ttl: must be a duration such as 250ms, 30s or 7d from 1ms to 876000h0m0s, " +
				`not the text "0s"`,
		},
		"complex feature": {
			old: "ttl: 24h}", planted: "ttl: 24h, features: [{name: flag, type: complex}]}",
			want: "4: featureStores[0].featureGroups[0].features[0].type: complex features are not served yet; " +
				"leave the feature out of every feature view",
		},
		"other type": {
			old: "ttl: 24h}", planted: "ttl: 24h, features: [{name: flag, type: bigint}]}",
			want: "4: featureStores[0].featureGroups[0].features[0].type: must be boolean; all other types are taken from the table",
		},
		"boolean twice": {
			old: "ttl: 24h}", planted: "ttl: 24h, features: [{name: flag, type: boolean}, {name: flag, type: boolean}]}",
			want: "4: featureStores[0].featureGroups[0].features[1].name: feature flag is there twice; it is on line 4 too",
		},
		"unknown group": {
			old: "- {group: merchant, version: 1}", planted: "- {group: mercant, version: 1}",
			want: "12: featureStores[0].featureViews[0].joins[1].group: feature store payments has no feature group mercant_1; " +
				"did you mean merchant_1?",
		},
		"unknown version": {
			old: "- {group: merchant, version: 1}", planted: "- {group: merchant, version: 7}",
			want: "12: featureStores[0].featureViews[0].joins[1].group: feature store payments has no feature group merchant_7; " +
				"did you mean merchant_1?",
		},
		"unknown store": {
			old: "- {group: merchant, version: 1}", planted: "- {store: shared, group: merchant, version: 1}",
			want: "12: featureStores[0].featureViews[0].joins[1].store: there is no feature store shared; there is only payments",
		},
		"joined twice": {
			old: "- {group: merchant, version: 1}", planted: "- {group: account, version: 1, keys: {account_id: other}}",
			want: "12: featureStores[0].featureViews[0].joins[1]: feature group account_1 is joined with the same prefix on line 11; " +
				"give one of them another prefix",
		},
		"no joins": {
			old:     "          - {group: account, version: 1}\n          - {group: merchant, version: 1}\n",
			planted: "          []\n",
			want:    "10: featureStores[0].featureViews[0].joins: is empty; give it at least one item",
		},
		"no features": {
			old:     "          - avg_amount\n          - {name: category, default: \"x\"}\n",
			planted: "",
			want:    "13: featureStores[0].featureViews[0].features: is empty; give it a value",
		},
		"only labels": {
			old:     "          - avg_amount\n          - {name: category, default: \"x\"}\n",
			planted: "          - {name: amount, group: account_1, label: true}\n",
			want: "8: featureStores[0].featureViews[0]: all its features are labels, which are never served; " +
				"list a feature that is not",
		},
		"duplicate feature": {
			old: "- avg_amount\n", planted: "- avg_amount\n          - {name: avg_amount, label: true}\n",
			want: "15: featureStores[0].featureViews[0].features[1].name: feature avg_amount is there twice; it is on line 14 too",
		},
		"feature of a group that is not joined": {
			old: "- avg_amount\n", planted: "- {name: avg_amount, group: acount_1}\n",
			want: "14: featureStores[0].featureViews[0].features[0].group: the view joins no feature group acount_1; did you mean account_1?",
		},
		"feature is a number": {
			old: "- avg_amount\n", planted: "- 7\n",
			want: "14: featureStores[0].featureViews[0].features[0]: " +
				"must be the name of a feature, or a mapping with name, group, label and default",
		},
		"feature with an unknown field": {
			old: "default:", planted: "defaults:",
			want: "15: featureStores[0].featureViews[0].features[1].defaults: unknown field; did you mean default?",
		},
		"default on a label": {
			old: "default:", planted: "label: true, default:",
			want: "15: featureStores[0].featureViews[0].features[1].default: a label is never served, so it takes no default; " +
				"leave one of the two out",
		},
		"default that is no scalar": {
			old: `"x"`, planted: "[x]",
			want: "15: featureStores[0].featureViews[0].features[1].default: must be text, a number, true or false, not a list",
		},
		"default that is no JSON number": {
			old: `"x"`, planted: ".5",
			want: "15: featureStores[0].featureViews[0].features[1].default: must be a number as JSON writes it, such as 12 or -0.5, not .5",
		},
	})
}

// TestMistakesAgainstTables plants what shows only with the tables.
func TestMistakesAgainstTables(t *testing.T) {
	testPlants(t, map[string]plant{
		"unknown table": {
			old: "ttl: 24h}", planted: "ttl: 24h, table: accounts}",
			want: "4: featureStores[0].featureGroups[0].table: table payments.accounts does not exist, or the user may not read it; " +
				"create it, grant SELECT or mend its name",
		},
		"unknown default table": {
			oldTable: "payments.merchant_1", plantedInTable: "payments.merchant_2",
			want: "5: featureStores[0].featureGroups[1].table: table payments.merchant_1 does not exist, or the user may not read it; " +
				"create it, grant SELECT or mend its name",
		},
		"no primary key": {
			oldTable: "(merchant_id)", plantedInTable: "()",
			want: "5: featureStores[0].featureGroups[1].table: table payments.merchant_1 has no primary key, " +
				"by which alone rows are read; add one",
		},
		"other key": {
			old: "[account_id, currency]", planted: "[account_id]",
			want: "6: featureStores[0].featureGroups[2].key: the primary key of table payments.wallet_2 is (currency, account_id), " +
				"not (account_id); list those columns or leave key out",
		},
		"key of other columns": {
			old: "[account_id, currency]", planted: "[account_id, funds]",
			want: "6: featureStores[0].featureGroups[2].key: the primary key of table payments.wallet_2 is (currency, account_id), " +
				"not (account_id, funds); list those columns or leave key out",
		},
		"key of a kind that cannot be one": {
			oldTable: "currency char(3) ascii", plantedInTable: "currency double",
			want: "6: featureStores[0].featureGroups[2].key: table payments.wallet_2 cannot be read by its primary key: " +
				"column currency: a column of type double cannot be part of a key",
		},
		"key in an unknown character set": {
			oldTable: "merchant_id varchar(20) utf8mb4", plantedInTable: "merchant_id varchar(20) cp932",
			want: "5: featureStores[0].featureGroups[1].key: table payments.merchant_1 cannot be read by its primary key: " +
				"column merchant_id: a column of the character set cp932 cannot be part of a key",
		},
		"boolean key": {
			old: "{name: wallet, version: 2,", planted: "{name: wallet, version: 2, features: [{name: account_id, type: boolean}],",
			want: "6: featureStores[0].featureGroups[2].key: table payments.wallet_2 cannot be read by its primary key: " +
				"column account_id: a boolean column cannot be part of a key",
		},
		"key column that is no column": {
			oldTable: "  funds double\n", plantedInTable: "payments.wallet_2(currency, account_id)\n  currency char(3) ascii\n",
			want: "6: featureStores[0].featureGroups[2].key: table payments.wallet_2 has no column account_id; there is only currency",
		},
		"unknown event time": {
			old: "updated_at", planted: "update_at",
			want: "4: featureStores[0].featureGroups[0].eventTime: table payments.account_1 has no column update_at; " +
				"did you mean updated_at?",
		},
		"event time of a wrong kind": {
			old: "updated_at", planted: "amount",
			want: "4: featureStores[0].featureGroups[0].eventTime: column amount: a column of type double cannot be an event time; " +
				"name a TIMESTAMP, DATETIME, DATE or integer column",
		},
		"event time in the key": {
			old: "updated_at", planted: "account_id",
			want: "4: featureStores[0].featureGroups[0].eventTime: column account_id is part of the primary key, " +
				"so that a caller would have to know it; leave eventTime out",
		},
		"boolean event time": {
			old: "updated_at,", planted: "flag, features: [{name: flag, type: boolean}],",
			want: "4: featureStores[0].featureGroups[0].eventTime: column flag: a boolean column cannot be an event time; " +
				"name a TIMESTAMP, DATETIME, DATE or integer column",
		},
		"boolean of another type": {
			old: "ttl: 24h}", planted: "ttl: 24h, features: [{name: amount, type: boolean}]}",
			want: "4: featureStores[0].featureGroups[0].features[0].name: column amount is double, " +
				"and only an integer can be a boolean; leave the type out",
		},
		"boolean that is no column": {
			old: "ttl: 24h}", planted: "ttl: 24h, features: [{name: flagg, type: boolean}]}",
			want: "4: featureStores[0].featureGroups[0].features[0].name: table payments.account_1 has no column flagg; did you mean flag?",
		},
		"no such feature": {
			old: "- avg_amount\n", planted: "- avg_amuont\n",
			want: "14: featureStores[0].featureViews[0].features[0]: no joined feature group has it; did you mean avg_amount?",
		},
		"label that is no column": {
			old: "- avg_amount\n", planted: "- avg_amount\n          - {name: fraud, label: true}\n",
			want: "15: featureStores[0].featureViews[0].features[1].name: no joined feature group has it; there are account_id, updated_at, " +
				"avg_amount, amount, flag, place, merchant_id, category",
		},
		"feature without its prefix": {
			old: "- {group: merchant, version: 1}", planted: "- {group: merchant, version: 1, prefix: m_}",
			want: "15: featureStores[0].featureViews[0].features[1].name: no joined feature group has it; did you mean m_category?",
		},
		"feature in the wrong group": {
			old: "- avg_amount\n", planted: "- {name: avg_amount, group: merchant_1}\n",
			want: "14: featureStores[0].featureViews[0].features[0].name: no joined feature group has it; " +
				"there are merchant_id, category, amount",
		},
		"feature of an unsupported type": {
			old: "- avg_amount\n", planted: "- place\n",
			want: "14: featureStores[0].featureViews[0].features[0]: table payments.account_1: " +
				"column place: the type geometry is not supported",
		},
		"ambiguous feature": {
			old: "- avg_amount\n", planted: "- amount\n",
			want: "14: featureStores[0].featureViews[0].features[0]: is ambiguous: it may be column amount of account_1 or " +
				"column amount of merchant_1; name the group, or give one of the joins another prefix",
		},
		"prefix that makes another column's name": {
			old: "- {group: merchant, version: 1}\n        features:\n          - avg_amount\n",
			planted: "- {group: merchant, version: 1}\n          - {group: account, version: 1, prefix: avg_, keys: {account_id: a}}\n" +
				"        features:\n          - avg_amount\n",
			want: "15: featureStores[0].featureViews[0].features[0]: is ambiguous: it may be column avg_amount of account_1 or " +
				"column amount of account_1; name the group, or give one of the joins another prefix",
		},
		"key feature of two serving keys": {
			old: "- {group: merchant, version: 1}\n        features:\n          - avg_amount\n",
			planted: "- {group: merchant, version: 1}\n          - {group: wallet, version: 2, keys: {account_id: other}}\n" +
				"        features:\n          - account_id\n",
			want: "15: featureStores[0].featureViews[0].features[0]: is ambiguous: it may be column account_id of account_1 or " +
				"column account_id of wallet_2; name the group, or give one of the joins another prefix",
		},
		"unknown key column": {
			old: "- {group: merchant, version: 1}", planted: "- {group: merchant, version: 1, keys: {merchant: m}}",
			want: "12: featureStores[0].featureViews[0].joins[1].keys.merchant: column merchant is not part of the primary key of " +
				"merchant_1; there is only merchant_id",
		},
		"one serving key for two columns": {
			old: "- {group: merchant, version: 1}\n", planted: "- {group: merchant, version: 1}\n" +
				"          - {group: wallet, version: 2, keys: {currency: code, account_id: code}}\n",
			oldTable: "account_id int", plantedInTable: "account_id varchar(4) ascii",
			want: "13: featureStores[0].featureViews[0].joins[2].keys.account_id: serving key code is mapped to column currency " +
				"and to column account_id of wallet_2; map one of them to another serving key",
		},
		"text and number under one serving key": {
			old: "- {group: merchant, version: 1}", planted: "- {group: merchant, version: 1, keys: {merchant_id: account_id}}",
			want: "12: featureStores[0].featureViews[0].joins[1].keys.merchant_id: serving key account_id is mapped to " +
				"column account_id (bigint) of account_1 and to column merchant_id (varchar(20)) of merchant_1, which no one value fits; " +
				"map one of them to another serving key",
		},
		"default that is too long": {
			old: `"x"`, planted: `"long"`,
			want: "15: featureStores[0].featureViews[0].features[1].default: does not fit column category (varchar(3)): " +
				"it must be a string of at most 3 characters",
		},
		"default of another type": {
			old: `"x"`, planted: "7",
			want: "15: featureStores[0].featureViews[0].features[1].default: does not fit column category (varchar(3)): " +
				"it must be a string of at most 3 characters",
		},
		"default on a key": {
			old: "- avg_amount\n", planted: "- {name: account_id, default: 0}\n",
			want: "14: featureStores[0].featureViews[0].features[0].default: account_id is a key, which answers what the caller sent, " +
				"so it takes no default; leave it out",
		},
		"all at once": {
			old: "- avg_amount\n          - {name: category, default: \"x\"}", planted: "- avg\n          - {name: category, default: 1}",
			oldTable: "payments.wallet_2", plantedInTable: "payments.wallet_3",
			want: "6: featureStores[0].featureGroups[2].table: table payments.wallet_2 does not exist, or the user may not read it; " +
				"create it, grant SELECT or mend its name\n" +
				"14: featureStores[0].featureViews[0].features[0]: no joined feature group has it; there are account_id, updated_at, " +
				"avg_amount, amount, flag, place, merchant_id, category\n" +
				"15: featureStores[0].featureViews[0].features[1].default: does not fit column category (varchar(3)): " +
				"it must be a string of at most 3 characters",
		},
	})
}

// TestAllowed plants what may look wrong and is not.
func TestAllowed(t *testing.T) {
	join := "- {group: merchant, version: 1}"
	for name, p := range map[string]plant{
		"INT and BIGINT under one serving key":   {old: join, planted: join + "\n          - {group: wallet, version: 2}"},
		"feature of two groups, named":           {old: "- avg_amount\n", planted: "- {name: amount, group: merchant_1}\n"},
		"label of an unsupported type":           {old: "- avg_amount\n", planted: "- avg_amount\n          - {name: place, label: true}\n"},
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
