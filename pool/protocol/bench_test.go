package protocol

import (
	"encoding/binary"
	"math"
	"testing"
)

// BenchmarkRow reads a row of a key and 17 columns, as wide as that of the demo's accounts.
func BenchmarkRow(b *testing.B) {
	var p packet
	s := &Statement{conn: &Conn{}}
	add := func(d definition, bytes ...byte) {
		c, ok := d.cell()
		if !ok {
			b.Fatal(d)
		}
		s.cells, s.columns = append(s.cells, c), append(s.columns, Column{Type: d.typeName()})
		p = append(p, bytes...)
	}
	add(definition{code: codeLongLong}, 0x67, 0x12, 0, 0, 0, 0, 0, 0)
	add(definition{code: codeTimestamp, decimals: 3}, 11, 0xea, 7, 1, 2, 3, 4, 5, 0x48, 0x5b, 0x0a, 0)
	for range 4 {
		add(definition{code: codeDouble}, binary.LittleEndian.AppendUint64(nil, math.Float64bits(18.25))...)
	}
	for _, code := range []byte{codeTiny, codeTiny, codeShort, codeShort, codeLong} {
		c, _ := definition{code: code}.cell()
		add(definition{code: code, flags: flagUnsigned}, make([]byte, c.size)...)
	}
	for range 2 {
		add(definition{code: codeNewDecimal, decimals: 2}, append([]byte{9}, "123456.78"...)...)
	}
	for range 4 {
		add(definition{code: codeVarString}, append([]byte{6}, "sweden"...)...)
	}
	add(definition{code: codeFloat}, 0, 0, 0, 0)
	p = append(make(packet, (len(s.cells)+2+7)/8), p...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.row(p); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(s.cells)), "ns/cell")
}
