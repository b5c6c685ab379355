package avro

import (
	"errors"
	"fmt"
	"strings"

	hamba "github.com/hamba/avro/v2"

	"github.com/rongate/rongate/column"
)

// A compiler makes Types of what the library has read, one of every named type, however often it is referred to.
type compiler struct {
	named                     map[string]*Type
	text, blob, float, double *column.Column
}

func compile(schema *hamba.RecordSchema) (*Record, error) {
	c := compiler{
		named:  map[string]*Type{},
		text:   &column.Column{Kind: column.Text},
		blob:   &column.Column{Kind: column.Blob},
		float:  &column.Column{Kind: column.Float},
		double: &column.Column{Kind: column.Double},
	}
	t, err := c.compile(schema)
	if err != nil {
		return nil, fmt.Errorf("schema of Avro: %w", err)
	}
	r := &Record{fields: map[string]*Type{}, folded: map[string]*Type{}}
	for _, f := range t.fields {
		r.fields[f.name] = f.of
		lower := strings.ToLower(f.name)
		if _, several := r.folded[lower]; several {
			r.folded[lower] = nil
			continue
		}
		r.folded[lower] = f.of
	}
	return r, nil
}

func (c *compiler) compile(schema hamba.Schema) (*Type, error) {
	switch s := schema.(type) {
	case *hamba.RefSchema:
		return c.compile(s.Schema())
	case *hamba.NullSchema:
		return &Type{kind: kindNull, empty: true}, nil
	case *hamba.PrimitiveSchema:
		return c.primitive(s)
	case *hamba.FixedSchema:
		return c.fixed(s)
	case *hamba.EnumSchema:
		return c.enum(s)
	case *hamba.RecordSchema:
		return c.record(s)
	case *hamba.ArraySchema:
		return c.container(&Type{kind: kindArray}, s.Items())
	case *hamba.MapSchema:
		return c.container(&Type{kind: kindMap, cell: c.text}, s.Values())
	case *hamba.UnionSchema:
		return c.container(&Type{kind: kindUnion}, s.Types()...)
	}
	return nil, fmt.Errorf("a type %.100q that is not known", schema.Type())
}

func (c *compiler) container(t *Type, inner ...hamba.Schema) (*Type, error) {
	for _, schema := range inner {
		of, err := c.compile(schema)
		if err != nil {
			return nil, err
		}
		t.inner = append(t.inner, of)
	}
	return t, nil
}

// primitive knows the logical types by the library's check that they are of the right primitive type; others it has
// left out.
func (c *compiler) primitive(s *hamba.PrimitiveSchema) (*Type, error) {
	if logical := s.Logical(); logical != nil {
		switch logical.Type() {
		case hamba.Decimal:
			return decimalType(logical, -1)
		case hamba.Date:
			return &Type{kind: kindDate}, nil
		case hamba.TimeMillis:
			return &Type{kind: kindTimeMillis}, nil
		case hamba.TimeMicros:
			return &Type{kind: kindTimeMicros}, nil
		case hamba.TimestampMillis, hamba.LocalTimestampMillis:
			return &Type{kind: kindTimestampMillis}, nil
		case hamba.TimestampMicros, hamba.LocalTimestampMicros:
			return &Type{kind: kindTimestampMicros}, nil
		}
	}
	switch s.Type() {
	case hamba.Boolean:
		return &Type{kind: kindBoolean}, nil
	case hamba.Int:
		return &Type{kind: kindInt}, nil
	case hamba.Long:
		return &Type{kind: kindLong}, nil
	case hamba.Float:
		return &Type{kind: kindFloat, cell: c.float}, nil
	case hamba.Double:
		return &Type{kind: kindDouble, cell: c.double}, nil
	case hamba.String:
		return &Type{kind: kindText, cell: c.text}, nil
	case hamba.Bytes:
		return &Type{kind: kindBytes, cell: c.blob}, nil
	}
	return nil, fmt.Errorf("a type %.100q that is not known", s.Type())
}

// decimalType makes a decimal in a fixed type of that size, or in bytes where it is -1.
func decimalType(logical hamba.LogicalSchema, size int) (*Type, error) {
	d, ok := logical.(*hamba.DecimalLogicalSchema)
	if !ok {
		return nil, errors.New("a decimal without a precision")
	}
	if d.Precision() > maxPrecision {
		return nil, fmt.Errorf("a decimal of %d digits; at most %d can be rendered", d.Precision(), maxPrecision)
	}
	return &Type{kind: kindDecimal, size: size, precision: d.Precision(), scale: d.Scale()}, nil
}

func (c *compiler) fixed(s *hamba.FixedSchema) (*Type, error) {
	if t, ok := c.named[s.FullName()]; ok {
		return t, nil
	}
	t := &Type{kind: kindFixed, name: s.FullName(), cell: c.blob, size: s.Size(), empty: s.Size() == 0}
	if logical := s.Logical(); logical != nil && logical.Type() == hamba.Decimal {
		var err error
		if t, err = decimalType(logical, s.Size()); err != nil {
			return nil, err
		}
	}
	c.named[s.FullName()] = t
	return t, nil
}

func (c *compiler) enum(s *hamba.EnumSchema) (*Type, error) {
	if t, ok := c.named[s.FullName()]; ok {
		return t, nil
	}
	t := &Type{kind: kindEnum, name: s.FullName()}
	for _, symbol := range s.Symbols() {
		quoted, err := c.quote(symbol)
		if err != nil {
			return nil, err
		}
		t.symbols = append(t.symbols, quoted)
	}
	c.named[s.FullName()] = t
	return t, nil
}

func (c *compiler) record(s *hamba.RecordSchema) (*Type, error) {
	if t, ok := c.named[s.FullName()]; ok {
		return t, nil
	}
	t := &Type{kind: kindRecord, name: s.FullName()}
	c.named[s.FullName()] = t // before its fields, which may refer to it
	empty := true
	for i, f := range s.Fields() { // whose names differ: the library has seen to it
		of, err := c.compile(f.Type())
		if err != nil {
			return nil, err
		}
		open, err := c.quote(f.Name())
		if err != nil {
			return nil, err
		}
		open += ":"
		if i == 0 {
			open = "{" + open
		} else {
			open = "," + open
		}
		t.fields = append(t.fields, field{name: f.Name(), open: open, of: of})
		// A record within itself, not yet complete, is not empty: no finite datum of it would be.
		empty = empty && of.empty
	}
	t.empty = empty
	return t, nil
}

// quote writes a name as a JSON string.
func (c *compiler) quote(name string) (string, error) {
	quoted, err := c.text.AppendJSON(nil, column.BytesValue([]byte(name)))
	if err != nil {
		return "", fmt.Errorf("the name %.100q: %w", name, err)
	}
	return string(quoted), nil
}
