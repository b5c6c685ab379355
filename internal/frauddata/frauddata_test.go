package frauddata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func newData(t *testing.T, rows int) *Data {
	t.Helper()
	d, err := New(Config{Rows: rows, Now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestRowsAreCountedAndKeyedOnce(t *testing.T) {
	for _, rows := range []int{MinRows, 100_000} {
		d := newData(t, rows)
		all := 0
		for _, g := range d.Groups() {
			keys := map[string]bool{}
			n := 0
			for row := range g.Rows() {
				key := ""
				for i, c := range g.columns {
					if c.key {
						key += fmt.Sprint(row[i], "/")
					}
				}
				keys[key] = true
				n++
			}
			if n != g.Count() || len(keys) != n {
				t.Errorf("%s has %d rows with %d keys, and says %d", g.Table(), n, len(keys), g.Count())
			}
			all += n
		}
		if all != rows {
			t.Errorf("%d rows; want %d", all, rows)
		}
	}
	for _, rows := range []int{-1, MinRows - 1, MaxRows + 1} {
		if _, err := New(Config{Rows: rows}); err == nil {
			t.Errorf("%d rows are taken", rows)
		}
	}
	if card := CardID(newData(t, MaxRows).Last().Card); len(card) > len("c-000000") {
		t.Errorf("the last card %s is longer than its column", card)
	}
}

// TestRowsAreTheirKeys wants the same row from every data set that has it, however large.
func TestRowsAreTheirKeys(t *testing.T) {
	small, large := newData(t, MinRows), newData(t, 100_000)
	for i, g := range small.Groups() {
		n := uint64(4711)
		if g.Table() == "merchant_stats_1" {
			n = 93
		}
		if !g.has(n) {
			t.Errorf("%s lacks %d", g.Table(), n)
		}
		if a, b := g.row(n), large.Groups()[i].row(n); !reflect.DeepEqual(a, b) {
			t.Errorf("%s %d: %v and %v", g.Table(), n, a, b)
		}
	}
}

// TestEveryKindOfColumn looks for kinds that a demonstration should have, in the tables and in their rows.
func TestEveryKindOfColumn(t *testing.T) {
	d := newData(t, MinRows)
	types, values := map[string]bool{}, map[string]int{}
	for _, g := range d.Groups() {
		sql := g.Create("ENGINE=x", "USING HASH")
		if !strings.HasSuffix(sql, ") USING HASH) ENGINE=x") {
			t.Errorf("%s", sql)
		}
		for _, c := range g.columns {
			name, _, _ := strings.Cut(c.sql, " CHARACTER")
			name, _, _ = strings.Cut(strings.TrimSuffix(name, " NOT NULL"), " NULL")
			types[name] = true
		}
		for row := range g.Rows() {
			for _, value := range row {
				values[fmt.Sprintf("%T", value)]++
			}
		}
	}
	for _, want := range []string{
		"TINYINT", "TINYINT(1)", "TINYINT UNSIGNED", "SMALLINT", "SMALLINT UNSIGNED", "MEDIUMINT", "MEDIUMINT UNSIGNED",
		"INT", "INT UNSIGNED", "BIGINT", "BIGINT UNSIGNED", "DECIMAL(18,4)", "FLOAT", "DOUBLE", "VARCHAR(40)", "CHAR(2)",
		"TEXT", "DATE", "DATETIME(3)", "TIMESTAMP(3)", "BINARY(8)", "VARBINARY(16)", "ENUM('visa','mastercard','amex')",
	} {
		if !types[want] {
			t.Errorf("no column is a %s; there are %v", want, slices.Sorted(maps.Keys(types)))
		}
	}
	for _, want := range []string{
		"<nil>", "bool", "int64", "uint64", "float32", "float64", "frauddata.Decimal", "string", "[]uint8",
	} {
		if values[want] == 0 {
			t.Errorf("no value is a %s; there are %v", want, values)
		}
	}
}

func TestWants(t *testing.T) {
	d := newData(t, MinRows)
	for _, tc := range []struct {
		feature string
		entry   Entry
		want    string
		status  Status
	}{
		{"country", Entry{Account: 4711}, `"SE"`, Complete},
		{"country", Entry{Account: 4713}, `"XX"`, Expired},
		{"country", Entry{Account: 4715}, `"XX"`, Missing},
		{"country", Entry{}, `"XX"`, Missing},
		{"balance", Entry{Account: 4715}, `null`, Missing},
		{"account_id", Entry{Account: 4715}, `4715`, Complete},
		{"merchant_id", Entry{Merchant: 93}, `"m-00093"`, Complete},
		{"card_id", Entry{}, `null`, Complete},
		{"merchant_name", Entry{Merchant: 93}, `"Blå Apotek 93"`, Complete},
		{"merchant_name", Entry{Merchant: 86}, `null`, Missing}, // twice the gap
		{"pair_total", Entry{Account: 4711, Merchant: 93}, `145105.34`, Complete},
		{"pair_total", Entry{Account: 4711, Merchant: 94}, `0.00`, Missing},
		{"card_id", Entry{Card: 4711}, `"c-04711"`, Complete},
		{"device_os", Entry{Account: 4711}, `"ios"`, Complete},
		{"device_os", Entry{Account: 4712}, `"other"`, Missing},        // a multiple of the gap
		{"session_entropy", Entry{Account: 4713}, `3.49544`, Complete}, // devices do not expire
		{"screen_dpi", Entry{}, `null`, Missing},
	} {
		f, ok := d.Feature(tc.feature)
		if !ok {
			t.Fatalf("no feature %s", tc.feature)
		}
		if got, status := f.AppendWant(nil, tc.entry); string(got) != tc.want || status != tc.status {
			t.Errorf("%s of %v: got %s %v; want %s %v", tc.feature, tc.entry, got, status, tc.want, tc.status)
		}
	}
	if _, ok := d.Feature("no_such"); ok {
		t.Error("an unknown feature is found")
	}
}

func TestLiterals(t *testing.T) {
	for _, tc := range []struct {
		value any
		sql   string
	}{
		{nil, "NULL"},
		{true, "1"},
		{false, "0"},
		{int64(-5), "-5"},
		{uint64(1<<64 - 1), "18446744073709551615"},
		{float32(0.1), "0.1"},
		{-17.25, "-17.25"},
		{Decimal("-0.50"), "-0.50"},
		{"O'Brien \\ <ö>", `'O''Brien \\ <ö>'`},
		{[]byte{0, 255}, "x'00ff'"},
	} {
		if got := string(Literal(nil, tc.value)); got != tc.sql {
			t.Errorf("%v as SQL: %s; want %s", tc.value, got, tc.sql)
		}
	}
	for units, want := range map[int64]Decimal{0: "0.00", 5: "0.05", -5: "-0.05", 12345: "123.45"} {
		if got := decimal(units, units, 2)(0, 7).value(); got != want {
			t.Errorf("%d hundredths: %v; want %v", units, got, want)
		}
	}
}

// render is how a value of Rows is to be rendered, by what the standard library says of it.
func render(t *testing.T, value any) string {
	t.Helper()
	switch v := value.(type) {
	case float32:
		return strconv.FormatFloat(float64(v), 'f', -1, 32)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case Decimal:
		return string(v)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// TestRendering compares every value of a data set, as rows have it, with what is expected of an answer.
func TestRendering(t *testing.T) {
	for _, g := range newData(t, MinRows).Groups() {
		for n := g.first; n <= g.last; n++ {
			if !g.has(n) {
				continue
			}
			for i, value := range g.row(n) {
				if got, want := string(g.cell(n, i).appendJSON(nil)), render(t, value); got != want {
					t.Fatalf("%s of %d: %s; want %s", g.columns[i].name, n, got, want)
				}
			}
		}
	}
	c := cell{kind: phrase, write: func(dst []byte, _, _ uint64) []byte { return append(dst, "\n\\\"a\"\"\n"...) }}
	if got := string(c.appendJSON([]byte("x"))); got != `x"\n\\\"a\"\"\n"` {
		t.Error(got)
	}
}

// TestEventTimes wants the time that the row has.
func TestEventTimes(t *testing.T) {
	for _, g := range newData(t, MinRows).Groups() {
		for row := range g.Rows() {
			n, ok := row[0].(int64)
			at, dated := g.EventTime(uint64(n))
			if dated != (ok && g.columns[1].name == "updated_at") {
				t.Fatalf("%s has event times: %v", g.Table(), dated)
			}
			if dated && at.UTC().Format("2006-01-02 15:04:05.000") != row[1] {
				t.Fatalf("%d: %v; want %v", n, at, row[1])
			}
		}
	}
}

func TestWantsTakeNoMemory(t *testing.T) {
	d := newData(t, MinRows)
	e := Entry{Account: 4711, Merchant: 93, Card: 4711}
	dst := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() {
		dst = e.AppendKeys(dst[:0])
		for _, f := range d.features {
			dst, _ = f.AppendWant(dst, e)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestKeys(t *testing.T) {
	for want, e := range map[string]Entry{
		`{}`:                        {},
		`{"account_id":4711}`:       {Account: 4711},
		`{"merchant_id":"m-00093"}`: {Merchant: 93},
		`{"account_id":1,"merchant_id":"m-00002","card_id":"c-00003"}`: {Account: 1, Merchant: 2, Card: 3},
	} {
		if got := string(e.AppendKeys(nil)); got != want || !json.Valid([]byte(got)) {
			t.Errorf("%v: %s", e, got)
		}
	}
}

// TestCatalogMatchesTables compares the catalogue with the tables: what is served in the place of a missing row, and that
// every feature is a column.
func TestCatalogMatchesTables(t *testing.T) {
	type feature struct {
		Name    string
		Default any
		Label   bool
	}
	var catalog struct {
		FeatureStores []struct {
			Name          string
			FeatureGroups []struct {
				Name    string
				Version int
			} `yaml:"featureGroups"`
			FeatureViews []struct {
				Name     string
				Version  int
				Joins    []yaml.Node
				Features []yaml.Node
			} `yaml:"featureViews"`
		} `yaml:"featureStores"`
	}
	if err := yaml.Unmarshal(Catalog(), &catalog); err != nil {
		t.Fatal(err)
	}
	d := newData(t, MinRows)
	store := catalog.FeatureStores[0]
	if store.Name != Database || len(store.FeatureGroups) != len(d.Groups()) {
		t.Errorf("the store is %s, with %d groups", store.Name, len(store.FeatureGroups))
	}
	for i, g := range store.FeatureGroups {
		if table := fmt.Sprintf("%s_%d", g.Name, g.Version); table != d.Groups()[i].Table() {
			t.Errorf("group %s, table %s", table, d.Groups()[i].Table())
		}
	}
	served := map[string]string{}
	for _, view := range store.FeatureViews {
		labels := 0
		for _, node := range view.Features {
			var f feature
			if node.Decode(&f.Name) != nil {
				if err := node.Decode(&f); err != nil {
					t.Fatal(err)
				}
			}
			if f.Label {
				labels++
			}
			known, ok := d.Feature(f.Name)
			if !ok {
				t.Errorf("%s: %s is no column", view.Name, f.Name)
				continue
			}
			var instead any
			if text := known.group.columns[known.column].instead; text != "" && !f.Label {
				if err := yaml.Unmarshal([]byte(text), &instead); err != nil {
					t.Fatal(err)
				}
			}
			if a, b := fmt.Sprint(f.Default), fmt.Sprint(instead); a != b {
				t.Errorf("%s: the default of %s is %s, and %s is expected", view.Name, f.Name, a, b)
			}
		}
		served[fmt.Sprintf("%s/%d", view.Name, view.Version)] = fmt.Sprintf("%d of %d", len(view.Features)-labels, len(view.Joins))
	}
	if want := map[string]string{
		"fraud/1": "3 of 1", "fraud/2": "46 of 4", "fraud/3": "50 of 5", "account/1": "6 of 1", "merchant/1": "5 of 1",
	}; !maps.Equal(served, want) {
		t.Errorf("the views serve %v features of groups; want %v", served, want)
	}
}
