package testbed

import (
	"bytes"
	"errors"
	"strings"
)

// A Cell is one value that a query returned, as text.
type Cell struct {
	Text string
	Null bool
}

// String returns the text, or NULL.
func (c Cell) String() string {
	if c.Null {
		return "NULL"
	}
	return c.Text
}

var errBadRows = errors.New("output is not as expected")

// parseRows reads what the command-line clients print with --xml, the one format in which they tell NULL from 'NULL'.
// It is not XML, as control characters and invalid UTF-8 stand there as they are; but <, >, & and " are always
// escaped.
//
//	<row>
//		<field name="a">text</field>
//		<field name="b" xsi:nil="true" />
//	</row>
func parseRows(out []byte) ([][]Cell, error) {
	unescape := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&amp;", "&")
	var rows [][]Cell
	for {
		_, rest, ok := bytes.Cut(out, []byte("<row>"))
		if !ok {
			return rows, nil
		}
		fields, rest, ok := bytes.Cut(rest, []byte("</row>"))
		if !ok {
			return nil, errBadRows
		}
		var row []Cell
		for len(bytes.TrimSpace(fields)) > 0 {
			var cell Cell
			if cell, fields, ok = cutField(fields); !ok {
				return nil, errBadRows
			}
			cell.Text = unescape.Replace(cell.Text)
			row = append(row, cell)
		}
		rows = append(rows, row)
		out = rest
	}
}

// cutField cuts one field, its text still escaped.
func cutField(fields []byte) (cell Cell, rest []byte, ok bool) {
	_, rest, ok = bytes.Cut(fields, []byte(`<field name="`))
	if !ok {
		return Cell{}, nil, false
	}
	if _, rest, ok = bytes.Cut(rest, []byte(`"`)); !ok {
		return Cell{}, nil, false
	}
	if rest, ok = bytes.CutPrefix(rest, []byte(` xsi:nil="true" />`)); ok {
		return Cell{Null: true}, rest, true
	}
	if rest, ok = bytes.CutPrefix(rest, []byte(">")); !ok {
		return Cell{}, nil, false
	}
	text, rest, ok := bytes.Cut(rest, []byte("</field>"))
	return Cell{Text: string(text)}, rest, ok
}
