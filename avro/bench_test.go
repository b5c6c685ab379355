package avro

import (
	"fmt"
	"testing"
)

// named is a datum with its schema and the name of its benchmark.
type named struct {
	name, schema string
	datum        []byte
}

// typical is what complex features mostly are, as Hopsworks writes their schemas: everything may be null.
func typical() []named {
	var numbers, visits, tags [][]byte
	for i := range 10 {
		numbers = append(numbers, seq(long(1), double(float64(i)*1.1)))
	}
	for i := range 5 {
		visits = append(visits, seq(long(1), long(1), counted("/account/transfers"),
			long(1), long(1_767_323_045_123_456+int64(i)), long(1), counted("\x04\xd2"), long(1), plain(numbers[:3]...), noBlock()))
		tags = append(tags, seq(counted(fmt.Sprintf("tag%d", i)), long(1), long(int64(i)*1000)))
	}
	visit := record("V", "page", null("string"), "at", `["null",`+logical("long", "timestamp-micros")+`]`,
		"cost", `["null",`+decimal("10", "2")+`]`, "scores", `["null",`+arrayOf(null("double"))+`]`)
	street := record("S", "street", null("string"), "number", null("int"), "since", `["null",`+logical("int", "date")+`]`,
		"area", null("double"), "owner", null("boolean"))
	return []named{
		{"doubles=10", `["null",` + arrayOf(null("double")) + `]`, seq(long(1), plain(numbers...), noBlock())},
		{"struct=5", `["null",` + street + `]`, seq(long(1), long(1), counted("Main Street"), long(1), long(17),
			long(1), long(20455), long(1), double(81.5), long(1), []byte{1})},
		{"map=5", `["null",{"type":"map","values":["null","long"]}]`, seq(long(1), plain(tags...), noBlock())},
		{"nested=5", `["null",` + arrayOf(`["null",`+visit+`]`) + `]`, seq(long(1), plain(visits...), noBlock())},
	}
}

// null is the schema of a primitive type that may be null.
func null(name string) string { return `["null","` + name + `"]` }

func BenchmarkAppendJSON(b *testing.B) {
	for _, s := range typical() {
		b.Run(s.name, func(b *testing.B) {
			of, buf := typeOf(b, s.schema), make([]byte, 0, 4096)
			b.ReportAllocs()
			var err error
			for b.Loop() {
				if buf, err = of.AppendJSON(buf[:0], s.datum, 4000); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(buf)))
		})
	}
}

// BenchmarkParse reads a schema as it may happen once a feature group and change of it.
func BenchmarkParse(b *testing.B) {
	schema := inRecord(typical()[3].schema)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(schema); err != nil {
			b.Fatal(err)
		}
	}
}
