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
		"no stores": {old: soundFile, planted: "featureStores: []\n", want: "1: featureStores: is empty; give it at least " +
			"one item"},
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
			want: "6: featureStores[0].featureGroups[2]: feature group account version 1 of payments is there twice; it is on " +
				"line 4 too",
		},
		"table of two groups": {
			old: "{name: merchant, version: 1}", planted: "{name: merchant, version: 1, table: account_1}",
			want: "5: featureStores[0].featureGroups[1].table: table payments.account_1 is there twice; it is on line 4 too",
		},
		"duplicate view": {
			old: fraud, planted: "- {name: fraud, version: 1, joins: [{group: account, version: 1}], features: [amount]}\n " +
				"    " +
				" " + fraud,
			want: "9: featureStores[0].featureViews[1]: feature view fraud version 1 of payments is there twice; it is on " +
				"line " +
				"8 too",
		},
		"hedging of a view": {
			old: fraud, planted: "- hedging: never\n        name: fraud\n",
			want: "8: featureStores[0].featureViews[0].hedging: must be one of full, rescue, off, not the text \"never\"",
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
		"store with a slash": {
			old: "name: payments\n", planted: "name: pay/ments\n    database: payments\n",
			want: "2: featureStores[0].name: has a slash or an asterisk, which mean something else in URLs and in the " +
				"rights of API keys",
		},
		"view with an asterisk": {
			old: "name: fraud\n", planted: "name: fraud*\n",
			want: "8: featureStores[0].featureViews[0].name: has a slash or an asterisk, " +
				"which mean something else in URLs and in the rights of API keys",
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
			want: "4: featureStores[0].featureGroups[0].ttl: needs eventTime, which tells how old a row is; name that column " +
				"or leave ttl out",
		},
		"ttl of nothing": {
			old: "24h", planted: "0s",
			want: "4: featureStores[0].featureGroups[0].ttl: must be a duration such as 250ms, 30s or 7d from 1ms to " +
				"876000h0m0s, " +
				`not the text "0s"`,
		},
		"complex feature": {
			old: "ttl: 24h}", planted: "ttl: 24h, features: [{name: flag, type: complex}]}",
			want: "4: featureStores[0].featureGroups[0].features[0].type: complex features are not served yet; leave the " +
				"feature out of every feature view",
		},
		"other type": {
			old: "ttl: 24h}", planted: "ttl: 24h, features: [{name: flag, type: bigint}]}",
			want: "4: featureStores[0].featureGroups[0].features[0].type: must be boolean; all other types are taken from the " +
				"table",
		},
		"boolean twice": {
			old: "ttl: 24h}", planted: "ttl: 24h, features: [{name: flag, type: boolean}, {name: flag, type: boolean}]}",
			want: "4: featureStores[0].featureGroups[0].features[1].name: feature flag is there twice; it is on line 4 too",
		},
		"unknown group": {
			old: "- {group: merchant, version: 1}", planted: "- {group: mercant, version: 1}",
			want: "12: featureStores[0].featureViews[0].joins[1].group: feature store payments has no feature group " +
				"mercant_1; " +
				"did you mean merchant_1?",
		},
		"unknown version": {
			old: "- {group: merchant, version: 1}", planted: "- {group: merchant, version: 7}",
			want: "12: featureStores[0].featureViews[0].joins[1].group: feature store payments has no feature group " +
				"merchant_7; did you mean merchant_1?",
		},
		"unknown store": {
			old: "- {group: merchant, version: 1}", planted: "- {store: shared, group: merchant, version: 1}",
			want: "12: featureStores[0].featureViews[0].joins[1].store: there is no feature store shared; there is only " +
				"payments",
		},
		"joined twice": {
			old: "- {group: merchant, version: 1}", planted: "- {group: account, version: 1, keys: {account_id: other}}",
			want: "12: featureStores[0].featureViews[0].joins[1]: feature group account_1 is joined with the same prefix on " +
				"line 11; give one of them another prefix",
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
			want: "8: featureStores[0].featureViews[0]: all its features are labels, which are never served; list a feature " +
				"that is not",
		},
		"duplicate feature": {
			old: "- avg_amount\n", planted: "- avg_amount\n          - {name: avg_amount, label: true}\n",
			want: "15: featureStores[0].featureViews[0].features[1].name: feature avg_amount is there twice; it is on line 14 " +
				"too",
		},
		"feature of a group that is not joined": {
			old: "- avg_amount\n", planted: "- {name: avg_amount, group: acount_1}\n",
			want: "14: featureStores[0].featureViews[0].features[0].group: the view joins no feature group acount_1; did you " +
				"mean account_1?",
		},
		"feature is a number": {
			old: "- avg_amount\n", planted: "- 7\n",
			want: "14: featureStores[0].featureViews[0].features[0]: must be the name of a feature, or a mapping with name, " +
				"group, label and default",
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
			want: "15: featureStores[0].featureViews[0].features[1].default: must be a number as JSON writes it, such as " +
				"12 or " +
				"-0.5, not .5",
		},
	})
}
