package catalog

import (
	"fmt"
	"testing"
)

const halfSound = `featureStores:
  - name: payments
    featureGroups:
      - {name: account, version: 1}
      - {name: gone, version: 1}
      - {name: unread, version: 1}
    featureViews:
      - {name: good, version: 1, joins: [{group: account, version: 1}], features: [country]}
      - {name: misspelt, version: 1, joins: [{group: account, version: 1}], features: [contry]}
      - {name: lost, version: 1, joins: [{group: account, version: 1}, {group: gone, version: 1}], features: [country]}
  - name: shared
    featureViews:
      - {name: borrowed, version: 2, joins: [{group: account, version: 1, store: payments}], features: [score]}
`

const halfTables = `payments.account_1(id)
  id bigint
  country varchar(2) utf8mb4
  score double
payments.unread_1()
  a int
`

// TestSoundPart resolves what is left of a catalogue when the mistaken views and groups are taken out.
func TestSoundPart(t *testing.T) {
	spec, err := Parse("c.yaml", []byte(halfSound))
	if err != nil {
		t.Fatal(err)
	}
	tables := readTables(t, halfTables)
	if _, err := spec.Resolve(tables); err == nil {
		t.Fatal("the catalogue has no mistake")
	}
	s := spec.Sound(tables)
	got := ""
	for _, v := range s.Views {
		got += fmt.Sprintf("%s/%s/%d ", v.Store, v.Name, v.Version)
	}
	if got != "payments/good/1 shared/borrowed/2 " || len(s.Selects) != 2 {
		t.Errorf("views %s, %d selects", got, len(s.Selects))
	}
	if s := spec.Sound(nil); len(s.Views) != 0 || len(s.Selects) != 0 {
		t.Errorf("without tables: %v", s.Views)
	}
	rich := resolveRich(t)
	whole, err := ParseFile("testdata/rich.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if s := whole.Sound(readTables(t, readTestdata(t, "rich.tables"))); dump(s) != dump(rich) {
		t.Errorf("of a catalogue without a mistake: %s", dump(s))
	}
}

func TestNames(t *testing.T) {
	spec, err := Parse("c.yaml", []byte(halfSound))
	if err != nil {
		t.Fatal(err)
	}
	const want = "[{payments account 1 payments.account_1} {payments gone 1 payments.gone_1} " +
		"{payments unread 1 payments.unread_1}] " +
		"[{payments good 1} {payments misspelt 1} {payments lost 1} {shared borrowed 2}]"
	if got := fmt.Sprint(spec.Groups(), " ", spec.Views()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
