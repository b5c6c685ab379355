package avro

import (
	"math/big"
	"testing"
	"time"

	hamba "github.com/hamba/avro/v2"
)

// TestDatumsOfTheLibrary renders what another encoder has written.
func TestDatumsOfTheLibrary(t *testing.T) {
	type visit struct {
		Page string    `avro:"page"`
		At   time.Time `avro:"at"`
		Cost *big.Rat  `avro:"cost"`
		Ms   *int64    `avro:"ms"`
	}
	ms := int64(-250)
	at := time.Date(2026, 1, 2, 3, 4, 5, 123_000_000, time.UTC)
	for _, test := range []struct {
		schema string
		value  any
		want   string
	}{
		{`["null",` + arrayOf(null("double")) + `]`, map[string]any{"array": []any{1.5, nil, -0.25}}, "[1.5,null,-0.25]"},
		{`{"type":"map","values":"long"}`, map[string]int64{"a": 1 << 60}, `{"a":1152921504606846976}`},
		{logical("int", "date"), at, `"2026-01-02"`},
		{logical("int", "time-millis"), 3*time.Hour + 7*time.Millisecond, `"03:00:00.007"`},
		{`{"type":"enum","name":"E","symbols":["A","B"]}`, "B", `"B"`},
		{`{"type":"fixed","name":"F","size":3}`, [3]byte{1, 2, 3}, `"AQID"`},
		{
			`{"type":"fixed","name":"D","size":6,"logicalType":"decimal","precision":7,"scale":3}`,
			big.NewRat(-1234567, 1000), "-1234.567",
		},
		{
			arrayOf(record("Visit", "page", `"string"`, "at", logical("long", "timestamp-millis"),
				"cost", decimal("10", "2"), "ms", null("long"))),
			[]visit{{"/", at, big.NewRat(1, 100), nil}, {"/ä", at, big.NewRat(-99999, 100), &ms}},
			`[{"page":"/","at":"2026-01-02 03:04:05.123","cost":0.01,"ms":null},` +
				`{"page":"/ä","at":"2026-01-02 03:04:05.123","cost":-999.99,"ms":-250}]`,
		},
	} {
		schema, err := hamba.ParseWithCache(test.schema, "", &hamba.SchemaCache{})
		if err != nil {
			t.Fatal(err)
		}
		datum, err := hamba.Marshal(schema, test.value)
		if err != nil {
			t.Fatalf("%s: %v", test.schema, err)
		}
		got, err := typeOf(t, test.schema).AppendJSON(nil, datum, ample)
		if err != nil || string(got) != test.want {
			t.Errorf("%s of %x: %s, %v; want %s", test.schema, datum, got, err, test.want)
		}
	}
}
