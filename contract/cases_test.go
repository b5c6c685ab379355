package contract

import (
	"maps"
	"strings"
	"testing"
)

func TestParseCase(t *testing.T) {
	c, err := parseCase("007-name.txt", []byte(strings.Join([]string{
		"# One rule,", "# in two lines.", "# only: ndb",
		"POST /feature-vectors?a=b", "Accept: */*", "X-Request-Id: a: b", "",
		"{", "", "}",
		"----",
		"200", "Content-Type: application/json", "",
		`{"a": "b c",`, ` "d": 1}`, "",
	}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "007-name" || c.Comment != "One rule, in two lines." || c.Only != "ndb" {
		t.Errorf("name %q, comment %q, only %q", c.Name, c.Comment, c.Only)
	}
	if c.Method != "POST" || c.Path != "/feature-vectors?a=b" || string(c.Body) != "{\n\n}" {
		t.Errorf("method %q, path %q, body %q", c.Method, c.Path, c.Body)
	}
	if want := map[string]string{"Accept": "*/*", "X-Request-Id": "a: b"}; !maps.Equal(c.Header, want) {
		t.Errorf("header %v, want %v", c.Header, want)
	}
	if want := map[string]string{"Content-Type": "application/json"}; !maps.Equal(c.WantHeader, want) {
		t.Errorf("wanted header %v, want %v", c.WantHeader, want)
	}
	if c.Status != 200 || string(c.WantBody) != `{"a":"b c","d":1}` {
		t.Errorf("status %d, wanted body %q", c.Status, c.WantBody)
	}
}

func TestParseCaseWithoutBody(t *testing.T) {
	c, err := parseCase("008-name.txt", []byte("GET /a\n\n----\n404\n\nnot here\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Body) != 0 || string(c.WantBody) != "not here" || c.Status != 404 {
		t.Errorf("body %q, status %d, wanted body %q", c.Body, c.Status, c.WantBody)
	}
}

func TestParseCaseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"GET /a\n\n----\n200\n\n{}":                   "cases/x:1: the file does not end",
		"\n":                                          "cases/x:1: want a method",
		"# a\nGET a\n\n----\n200\n\n{}\n":             "cases/x:2: want a method",
		"GET /a\nb\n\n----\n200\n\n{}\n":              "cases/x:2: want a header",
		"GET /a\nb: 1\nb: 2\n\n----\n200\n\n{}\n":     "cases/x:3: want a header",
		"GET /a\nb: 1\n":                              "cases/x:2: no empty line",
		"GET /a\n\n{}\n200\n\n{}\n":                   "cases/x:2: no line of four dashes",
		"GET /a\n\n----\nOK\n\n{}\n":                  "cases/x:4: want a status",
		"GET /a\n\n----\n":                            "cases/x:3: want a status",
		"GET /a\n\n----\n200\nb: 1\n":                 "cases/x:5: no empty line",
		"GET /a\n\n----\n200\n\n":                     "cases/x:5: want the body",
		"GET /a\n\n----\n200\nb: 1\n\n\n":             "cases/x:7: want the body",
		"GET /a\n\n----\n200\nb: 1\n\n@cases/x.txt\n": "cases/x:6: no file",
	} {
		if _, err := parseCase("x", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzParseCase(f *testing.F) {
	f.Add([]byte("# a\nGET /a\nb: c\n\n----\n200\n\n{}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseCase("x", data)
		if err == nil && (c.Method == "" && c.Path == "" || len(c.WantBody) == 0) {
			t.Errorf("%q is a case: %+v", data, c)
		}
	})
}

func TestCompact(t *testing.T) {
	for json, want := range map[string]string{
		"":                               "",
		" { \"a b\" : [ 1 , 2.50 ]\r\n}": `{"a b":[1,2.50]}`,
		`"\" \\" , " "`:                  `"\" \\"," "`,
		"[\"\\\\\", \"\t\"]\n":           "[\"\\\\\",\"\t\"]",
	} {
		if got := string(Compact([]byte(json))); got != want {
			t.Errorf("%q becomes %q, want %q", json, got, want)
		}
	}
}

func TestSchema(t *testing.T) {
	tables := 0
	for _, s := range Schema("ENGINE=InnoDB") {
		switch word, _, _ := strings.Cut(s, " "); word {
		case "SET", "DROP", "INSERT":
		case "CREATE":
			if strings.HasPrefix(s, "CREATE TABLE ") {
				tables++
				if !strings.HasSuffix(s, ") ENGINE=InnoDB") {
					t.Errorf("a table without options: %s", s)
				}
			}
		default:
			t.Errorf("what statement is this? %s", s)
		}
		if strings.Contains(s, "{{") || strings.HasSuffix(s, ";") {
			t.Errorf("not a plain statement: %s", s)
		}
	}
	if tables == 0 {
		t.Error("no tables")
	}
}
