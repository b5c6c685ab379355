package devdb

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/shopspring/decimal"
)

// A keyColumn knows how a column of a primary key goes into the index: equal values, by the column's collation, have the
// same bytes there, and no value's bytes are the beginning of another's.
type keyColumn struct {
	ordinal   int // in the row
	name      string
	typ       sql.Type
	collation sql.CollationID
	padded    bool // trailing spaces make no difference
	scale     int32
}

func newKeyColumn(c *sql.Column, ordinal int) (keyColumn, error) {
	k := keyColumn{ordinal: ordinal, name: c.Name, typ: c.Type}
	switch t := c.Type.(type) {
	case sql.StringType:
		k.collation = t.Collation()
		k.padded = k.collation.PadAttribute() == "PAD SPACE"
		if k.collation != sql.Collation_binary && k.collation.Sorter() == nil {
			return k, fmt.Errorf("devdb knows no order for the collation %s (column %s)", k.collation.Name(), c.Name)
		}
	case sql.DecimalType:
		k.scale = int32(t.Scale())
	case sql.DatetimeType:
	default:
		if !types.IsInteger(t) && !types.IsYear(t) {
			return k, fmt.Errorf("devdb cannot have column %s of type %s in a primary key", c.Name, c.Type)
		}
	}
	return k, nil
}

// append appends what the index has for a value as it is stored.
func (k *keyColumn) append(dst []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		return k.appendText(dst, v)
	case []byte:
		return k.appendText(dst, string(v))
	case decimal.Decimal:
		return appendBytes(dst, []byte(v.StringFixed(k.scale))), nil
	case time.Time:
		return binary.BigEndian.AppendUint64(dst, uint64(v.UnixMicro())), nil
	case nil:
		return nil, sql.ErrInsertIntoNonNullableProvidedNull.New(k.name)
	}
	n, ok := integer(value)
	if !ok {
		return nil, fmt.Errorf("devdb: a %T in key column %s", value, k.name)
	}
	return binary.BigEndian.AppendUint64(dst, n), nil
}

func (k *keyColumn) appendText(dst []byte, text string) ([]byte, error) {
	if k.collation == sql.Collation_binary {
		return appendBytes(dst, []byte(text)), nil
	}
	if k.padded {
		text = string(bytes.TrimRight([]byte(text), " "))
	}
	var weights bytes.Buffer
	if err := k.collation.WriteWeightString(&weights, text); err != nil {
		return nil, err
	}
	return appendBytes(dst, weights.Bytes()), nil
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// integer returns an integer of any Go type in two's complement.
func integer(value any) (uint64, bool) {
	switch v := value.(type) {
	case int8:
		return uint64(v), true
	case int16:
		return uint64(v), true
	case int32:
		return uint64(v), true
	case int64:
		return uint64(v), true
	case int:
		return uint64(v), true
	case uint8:
		return uint64(v), true
	case uint16:
		return uint64(v), true
	case uint32:
		return uint64(v), true
	case uint64:
		return v, true
	case uint:
		return uint64(v), true
	}
	return 0, false
}

// outcome is what becomes of a value that a key column is compared with.
type outcome int

const (
	exactly outcome = iota
	matchesNothing
	undecided // the engine has to compare
)

// encode returns what the index has for a value that the column is compared with.
func (k *keyColumn) encode(ctx *sql.Context, value any) ([]byte, outcome) {
	v, what := k.comparand(ctx, value)
	if what != exactly {
		return nil, what
	}
	encoded, err := k.append(nil, v)
	if err != nil {
		return nil, undecided
	}
	return encoded, exactly
}

// comparand converts a value to the column's own type. Only where the conversion loses nothing does comparing in the index
// mean what the comparison means in SQL.
func (k *keyColumn) comparand(ctx *sql.Context, value any) (any, outcome) {
	if value == nil {
		return nil, matchesNothing
	}
	switch t := k.typ.(type) {
	case sql.StringType:
		switch value.(type) {
		case string, []byte:
			return value, exactly
		}
		return nil, undecided
	case sql.DecimalType:
		return k.decimalComparand(t, value)
	case sql.DatetimeType:
		return k.timeComparand(ctx, t, value)
	}
	return k.integerComparand(ctx, value)
}

func (k *keyColumn) integerComparand(ctx *sql.Context, value any) (any, outcome) {
	if _, ok := integer(value); !ok {
		d, ok := exactDecimal(value)
		if !ok {
			return nil, undecided
		}
		if !d.IsInteger() {
			return nil, matchesNothing
		}
		value = d
	}
	v, in, err := k.typ.Convert(ctx, value)
	if err != nil {
		return nil, undecided
	}
	if in != sql.InRange {
		return nil, matchesNothing
	}
	return v, exactly
}

func (k *keyColumn) decimalComparand(t sql.DecimalType, value any) (any, outcome) {
	d, ok := exactDecimal(value)
	if !ok {
		return nil, undecided
	}
	if !d.Equal(d.Round(k.scale)) || d.Abs().GreaterThanOrEqual(t.ExclusiveUpperBound()) {
		return nil, matchesNothing
	}
	return d, exactly
}

// exactDecimal is the number that an integer, a DECIMAL or a text is. Other values are compared as floating-point
// numbers, and so are texts of other numbers.
func exactDecimal(value any) (decimal.Decimal, bool) {
	switch v := value.(type) {
	case decimal.Decimal:
		return v, true
	case string:
		d, err := decimal.NewFromString(v)
		return d, err == nil
	case []byte:
		d, err := decimal.NewFromString(string(v))
		return d, err == nil
	case uint64:
		d, err := decimal.NewFromString(fmt.Sprint(v))
		return d, err == nil
	}
	n, ok := integer(value)
	return decimal.NewFromInt(int64(n)), ok
}

func (k *keyColumn) timeComparand(ctx *sql.Context, t sql.DatetimeType, value any) (any, outcome) {
	switch v := value.(type) {
	case []byte:
		value = string(v)
	case string, time.Time:
	default:
		return nil, undecided
	}
	exact, in, err := types.DatetimeMaxPrecision.Convert(ctx, value)
	if err != nil || in != sql.InRange {
		return nil, undecided
	}
	v, in, err := t.Convert(ctx, value)
	if err != nil || in != sql.InRange {
		return nil, undecided
	}
	if !v.(time.Time).Equal(exact.(time.Time)) {
		return nil, matchesNothing
	}
	return v, exactly
}
