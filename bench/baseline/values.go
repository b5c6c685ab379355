package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/rongate/rongate/column"
)

// fromServer makes a cell as the driver gives it what encoding/json renders as it is to be answered.
func fromServer(c *column.Column, cell any) any {
	switch v := cell.(type) {
	case int64:
		if c.Boolean {
			return v != 0
		}
	case float32:
		return finite(float64(v), v)
	case float64:
		return finite(v, v)
	case []byte:
		switch c.Kind {
		case column.Int, column.Decimal: // an Int is text if it is more than int64 holds
			return json.Number(v)
		case column.Bit:
			var n uint64
			for _, b := range v {
				n = n<<8 | uint64(b)
			}
			return n
		case column.Binary, column.VarBinary, column.Blob:
			return v // base64
		case column.JSON:
			return json.RawMessage(v)
		}
		return string(v)
	}
	return cell
}

// finite is v, or nothing if JSON has no number for it.
func finite(f float64, v any) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return v
}

// fromClient makes a key or a passed feature what it would be if it were stored, to be bound and to be answered.
func fromClient(c *column.Column, sent any) (any, error) {
	text := ""
	switch v := sent.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	default:
		if sent == nil || c.Boolean || c.Kind == column.JSON {
			return sent, nil
		}
		return nil, fmt.Errorf("does not fit a column of type %s", c.SQLType)
	}
	switch c.Kind {
	case column.Int:
		if c.Unsigned {
			return strconv.ParseUint(text, 10, 64)
		}
		return strconv.ParseInt(text, 10, 64)
	case column.Float:
		f, err := strconv.ParseFloat(text, 32)
		return float32(f), err
	case column.Double:
		return strconv.ParseFloat(text, 64)
	case column.Decimal:
		_, err := strconv.ParseFloat(text, 64)
		return json.Number(padded(text, c.Scale)), err
	case column.Date, column.DateTime, column.Timestamp, column.Time:
		return padded(text, c.Scale), nil
	case column.Char:
		return strings.TrimRight(text, " "), nil
	case column.Binary, column.VarBinary, column.Blob:
		b, err := base64.StdEncoding.DecodeString(text)
		if short := c.Size - len(b); c.Kind == column.Binary && short > 0 {
			b = append(b, make([]byte, short)...)
		}
		return b, err
	}
	return sent, nil
}

// padded gives a number or a time the column's digits after the point.
func padded(text string, scale int) string {
	if scale == 0 {
		return text
	}
	whole, fraction, _ := strings.Cut(text, ".")
	return whole + "." + fraction + strings.Repeat("0", max(0, scale-len(fraction)))
}

// eventMillis is an event time in milliseconds since the epoch; integers below 10¹¹ are seconds.
func eventMillis(value any) (ms int64, ok bool) {
	const seconds = 100_000_000_000
	switch v := value.(type) {
	case int64:
		if v > -seconds && v < seconds {
			v *= 1000
		}
		return v, true
	case string:
		layout := time.DateTime // with or without a fraction
		if len(v) == len(time.DateOnly) {
			layout = time.DateOnly
		}
		t, err := time.Parse(layout, v)
		return t.UnixMilli(), err == nil
	}
	return 0, false
}

// keyID is the same for keys that are equal.
func keyID(columns []*column.Column, parts []any) string {
	var id []byte
	for i, part := range parts {
		text := ""
		switch v := part.(type) {
		case int64:
			text = strconv.FormatInt(v, 10)
		case uint64:
			text = strconv.FormatUint(v, 10)
		case json.Number:
			text = v.String()
		case []byte:
			text = string(v)
		case string:
			text = folded(columns[i].Collation, v)
		}
		id = append(strconv.AppendInt(id, int64(len(text)), 10), ':')
		id = append(id, text...)
	}
	return string(id)
}

// folded is the same for texts that a collation calls equal for their case and the spaces at their end.
func folded(collation, text string) string {
	if !strings.Contains(collation, "_0900_") && !strings.Contains(collation, "nopad") {
		text = strings.TrimRight(text, " ")
	}
	if strings.HasSuffix(collation, "_ci") {
		text = strings.ToLower(text)
	}
	return text
}
