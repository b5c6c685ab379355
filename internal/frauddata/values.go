package frauddata

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-json"
)

// A Decimal is the text of an exact number, with all digits of its column's scale.
type Decimal string

// A valueFunc makes a column's value from the row's number and random bits.
type valueFunc = func(number, bits uint64) any

// orNull is NULL in one of so many rows.
func orNull(every uint64, value valueFunc) valueFunc {
	return func(n, bits uint64) any {
		if bits%every == 0 {
			return nil
		}
		return value(n, bits/every)
	}
}

func within(low, high int64, bits uint64) int64 { return low + int64(bits%uint64(high-low+1)) }

func unsigned(high uint64) valueFunc {
	return func(_, bits uint64) any { return bits % (high + 1) }
}

func signed(low, high int64) valueFunc {
	return func(_, bits uint64) any { return within(low, high, bits) }
}

// boolean is true in one of so many rows.
func boolean(every uint64) valueFunc {
	return func(_, bits uint64) any { return bits%every == 0 }
}

// double is one of low/part to high/part.
func double(low, high, part int64) valueFunc {
	return func(_, bits uint64) any { return float64(within(low, high, bits)) / float64(part) }
}

func float(low, high, part int64) valueFunc {
	return func(_, bits uint64) any { return float32(within(low, high, bits)) / float32(part) }
}

// decimal is one of low to high, in units of the last digit.
func decimal(low, high int64, scale int) valueFunc {
	return func(_, bits uint64) any {
		units := within(low, high, bits)
		sign := ""
		if units < 0 {
			sign, units = "-", -units
		}
		digits := fmt.Sprintf("%0*d", scale+1, units)
		return Decimal(sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:])
	}
}

func pick(values ...string) valueFunc {
	return func(_, bits uint64) any { return values[bits%uint64(len(values))] }
}

// date is one of so many days from first on.
func date(first string, days uint64) valueFunc {
	return func(_, bits uint64) any {
		return day(first).AddDate(0, 0, int(bits%days)).Format(sqlDate)
	}
}

// moment is within so many days from first on.
func moment(first string, days uint64) valueFunc {
	return func(_, bits uint64) any {
		const perDay = 24 * 60 * 60 * 1000
		return day(first).Add(time.Duration(bits%(days*perDay)) * time.Millisecond).Format(sqlTime)
	}
}

func day(text string) time.Time {
	t, err := time.Parse(sqlDate, text)
	if err != nil {
		panic(err) // a mistake in this package's tables
	}
	return t
}

func bytesOf(length int) valueFunc {
	return func(_, bits uint64) any { return binary.BigEndian.AppendUint64(nil, bits)[:length] }
}

// Literal appends a value of Rows as SQL.
func Literal(dst []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		dst = append(dst, '\'')
		dst = append(dst, strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(v)...)
		return append(dst, '\'')
	case []byte:
		dst = append(dst, "x'"...)
		dst = hex.AppendEncode(dst, v)
		return append(dst, '\'')
	case nil:
		return append(dst, "NULL"...)
	case bool:
		return strconv.AppendInt(dst, int64(oneIf(v)), 10)
	default:
		return appendJSON(dst, value) // a number
	}
}

func oneIf(v bool) int {
	if v {
		return 1
	}
	return 0
}

// appendJSON appends a value as rongate renders it.
func appendJSON(dst []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case uint64:
		return strconv.AppendUint(dst, v, 10)
	case float32:
		return strconv.AppendFloat(dst, float64(v), 'f', -1, 32)
	case float64:
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	case Decimal:
		return append(dst, v...)
	case []byte:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v)
		return append(dst, '"')
	case string:
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(v); err != nil {
			panic(err) // text can be encoded
		}
		return append(dst, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
	default:
		panic(fmt.Sprintf("frauddata: a value of type %T", value)) // a mistake in this package's tables
	}
}
