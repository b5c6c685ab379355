package testbed

import (
	"slices"
	"strings"
	"testing"
)

func text(s string) Cell { return Cell{Text: s} }

func null() Cell { return Cell{Null: true} }

const head = `<?xml version="1.0"?>

<resultset statement="SELECT &lt;row&gt;" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`

func TestParseRows(t *testing.T) {
	tests := []struct {
		name, in string
		want     [][]Cell
	}{
		{"nothing", "", nil},
		{"no rows", head + "</resultset>\n", nil},
		{
			"a row",
			head + "\n  <row>\n\t<field name=\"a\">x</field>\n\t<field name=\"b\" xsi:nil=\"true\" />\n  </row>\n</resultset>\n",
			[][]Cell{{text("x"), null()}},
		},
		{
			"text that looks like something else",
			head + "<row>" +
				`<field name="&lt;row&gt;">NULL</field>` +
				`<field name="b">&lt;/field&gt;&amp;lt;&quot;</field>` +
				`<field name="c"></field>` +
				"<field name=\"d\">\x01\n\xff é</field>" +
				"</row><row></row></resultset>",
			[][]Cell{{text("NULL"), text(`</field>&lt;"`), text(""), text("\x01\n\xff é")}, nil},
		},
	}
	for _, test := range tests {
		got, err := parseRows([]byte(test.in))
		if err != nil || !slices.EqualFunc(got, test.want, slices.Equal[[]Cell]) {
			t.Errorf("%s: %q, error %v; want %q", test.name, got, err, test.want)
		}
	}
}

func TestParseRowsRefuses(t *testing.T) {
	for _, in := range []string{
		"<row>",
		"<row>x</row>",
		`<row><field name="a</row>`,
		`<row><field name="a"</row>`,
		`<row><field name="a">x</row>`,
	} {
		if got, err := parseRows([]byte(in)); err == nil {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// FuzzParseRows checks that what is printed as the clients do comes back.
func FuzzParseRows(f *testing.F) {
	f.Add("a", "b", true)
	f.Add("</row>", "&amp;\x00", false)
	escape := strings.NewReplacer("<", "&lt;", ">", "&gt;", "&", "&amp;", `"`, "&quot;")
	f.Fuzz(func(t *testing.T, name, value string, isNull bool) {
		field := `	<field name="` + escape.Replace(name) + `"`
		out := head + "\n  <row>\n" + field + ">" + escape.Replace(value) + "</field>\n"
		want := []Cell{text(value)}
		if isNull {
			out += field + ` xsi:nil="true" />` + "\n"
			want = append(want, null())
		}
		out += "  </row>\n"
		rows, err := parseRows([]byte(out + out + "</resultset>\n"))
		if err != nil || len(rows) != 2 || !slices.Equal(rows[0], want) || !slices.Equal(rows[1], want) {
			t.Errorf("%q: %q, error %v", out, rows, err)
		}
		_, _ = parseRows([]byte(value)) // anything at all must do no more than err
	})
}
