package yamldoc

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// read asks for one field of every type, so that a file can be wrong in each of them.
func read(d *Doc) (s string, n int64, f float64, b bool, t time.Duration) {
	m := d.Root()
	s = m.Optional("text").Text("default")
	n = m.Optional("int").Int(7, 1, 100)
	f = m.Optional("float").Float(0.5, 0, 1)
	b = m.Optional("bool").Bool(true)
	t = m.Optional("wait").Duration(time.Second, time.Millisecond, time.Hour*48)
	m.Optional("mode").OneOf("fast", "fast", "safe")
	m.Optional("default").Scalar()
	for _, item := range m.Optional("list").List() {
		item.Map().Required("name").Text("")
	}
	for _, word := range m.Optional("words").List() {
		word.Text("")
	}
	for _, e := range m.Optional("keys").Map().Entries() {
		e.Value.Text("")
	}
	return s, n, f, b, t
}

func TestValues(t *testing.T) {
	d := Parse("f", []byte("text: a b\nint: 42\nfloat: 1e-3\nbool: false\nwait: 1d12h\n"))
	s, n, f, b, w := read(d)
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	if s != "a b" || n != 42 || f != 1e-3 || b || w != 36*time.Hour {
		t.Fatal(s, n, f, b, w)
	}
}

func TestDefaults(t *testing.T) {
	for _, file := range []string{"{}", "{text: null, int: ~, float: , bool: null, wait: null, list: null, keys: null}"} {
		d := Parse("f", []byte(file))
		s, n, f, b, w := read(d)
		if err := d.Err(); err != nil {
			t.Fatal(err)
		}
		if s != "default" || n != 7 || f != 0.5 || !b || w != time.Second {
			t.Fatal(s, n, f, b, w)
		}
	}
}

func TestMistakes(t *testing.T) {
	tests := map[string]struct{ file, want string }{
		"empty":           {"", "f: the file is empty"},
		"comments only":   {"# nothing\n", "f: the file is empty"},
		"null":            {"---\n", "f:1: is empty; give it a value"},
		"list at the top": {"- a\n", "f:1: must be a mapping of names to values, not a list"},
		"text at the top": {"hello\n", `f:1: must be a mapping of names to values, not the text "hello"`},
		"two documents":   {"text: a\n---\ntext: b\n", "f:2: a second document starts here; a file holds one"},
		"alias at top":    {"text: &a x\nlist: *a\n", "f:2: list: aliases are not supported; write the value out"},
		"merge": {
			"keys: &a {}\nlist: [{<<: *a, name: b}]\n",
			`f:2: list[0]: the name of a field must be text, not a value tagged !!merge`,
		},
		"unknown anchor": {"text: *a\n", "f: is not valid YAML: unknown anchor 'a' referenced"},
		"syntax":         {"text: a\nint: [1\nbool: {\n", "f:1: is not valid YAML: did not find expected ',' or ']'"},
		"tab": {"keys:\n\ta: b\n", "f:2: is not valid YAML: found character that cannot start any token; " +
			"line 2 is indented with a tab, where YAML takes spaces only"},
		"not UTF-8":      {"text: \xff\n", "f: is not valid YAML: invalid leading UTF-8 octet"},
		"control":        {"text: \x01\n", "f: is not valid YAML: control characters are not allowed"},
		"twice":          {"int: 1\ntext: a\nint: 2\n", "f:3: int: is there twice; it is on line 1 too"},
		"odd name":       {"[a]: b\n", "f:1: the name of a field must be text, not a list"},
		"number as name": {"keys: {1: b}\n", "f:1: keys: the name of a field must be text, not 1"},
		"unknown, near":  {"itn: 1\n", "f:1: itn: unknown field; did you mean int?"},
		"unknown, far": {"keys: {}\nlist: [{name: a, nothing: 1}]\n", "f:2: list[0].nothing: unknown field; there is " +
			"only name"},
		"unknown, many": {"x1: 1\n", "f:1: x1: unknown field; there are text, int, float, bool, wait, mode, default, " +
			"list, words, keys"},
		"missing": {"list:\n  - nam: a\n", "f:2: list[0].name: is required\nf:2: list[0].nam: unknown field; " +
			"did you mean name?"},
		"required null":  {"list: [{name: }]\n", "f:1: list[0].name: is empty; give it a value"},
		"required empty": {"list: [{name: ''}]\n", "f:1: list[0].name: is empty; give it a value"},
		"null item":      {"list: [{name: a}, null]\n", "f:1: list[1]: is empty; give it a value"},
		"text: int":      {"text: 17\n", "f:1: text: must be text; write it in quotes"},
		"text: bool":     {"text: true\n", "f:1: text: must be text; write it in quotes"},
		"text: date":     {"text: 2026-01-02\n", "f:1: text: must be text; write it in quotes"},
		"text: list":     {"text: [a]\n", "f:1: text: must be text, not a list"},
		"text: binary":   {"text: !!binary aGk=\n", "f:1: text: must be text, not a value tagged !!binary"},
		"int: text":      {"int: '5'\n", `f:1: int: must be a whole number from 1 to 100, not the text "5"`},
		"int: hex":       {"int: 0x10\n", "f:1: int: must be a whole number from 1 to 100, not 0x10"},
		"int: fraction":  {"int: 1.5\n", "f:1: int: must be a whole number from 1 to 100, not 1.5"},
		"int: low":       {"int: 0\n", "f:1: int: must be a whole number from 1 to 100, not 0"},
		"int: huge": {"int: 99999999999999999999\n", "f:1: int: must be a whole number from 1 to 100, not " +
			"99999999999999999999"},
		"int: mapping": {"int: {a: b}\n", "f:1: int: must be a whole number from 1 to 100, not a mapping"},
		"float: NaN":   {"float: .nan\n", "f:1: float: must be a number from 0 to 1, not .nan"},
		"float: high":  {"float: 1.01\n", "f:1: float: must be a number from 0 to 1, not 1.01"},
		"bool: yes":    {"bool: yes\n", `f:1: bool: must be true or false, not the text "yes"`},
		"wait: number": {"wait: 5\n", "f:1: wait: must be a duration such as 250ms, 30s or 7d from 1ms to 48h0m0s, not 5"},
		"wait: negative": {
			"wait: -5s\n",
			`f:1: wait: must be a duration such as 250ms, 30s or 7d from 1ms to 48h0m0s, not the text "-5s"`,
		},
		"wait: long": {
			"wait: 3d\n",
			`f:1: wait: must be a duration such as 250ms, 30s or 7d from 1ms to 48h0m0s, not the text "3d"`,
		},
		"mode":          {"mode: fsat\n", `f:1: mode: must be one of fast, safe, not the text "fsat"`},
		"scalar: list":  {"default: []\n", "f:1: default: must be text, a number, true or false, not a list"},
		"list: mapping": {"words: {a: b}\n", "f:1: words: must be a list, not a mapping"},
		"item: number":  {"words:\n- a\n- 5\n", "f:3: words[1]: must be text; write it in quotes"},
		"entry: number": {"keys:\n  a: b\n  c: 5\n", "f:3: keys.c: must be text; write it in quotes"},
		"all of them": {
			"wait: x\nbool: 1\nlist: [{}]\nint: a\n",
			"f:1: wait: must be a duration such as 250ms, 30s or 7d from 1ms to 48h0m0s, not the text \"x\"\n" +
				"f:2: bool: must be true or false, not 1\n" +
				"f:3: list[0].name: is required\n" +
				"f:4: int: must be a whole number from 1 to 100, not the text \"a\"",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := Parse("f", []byte(test.file))
			read(d)
			err := d.Err()
			if err == nil || err.Error() != test.want {
				t.Fatalf("got  %v\nwant %s", err, test.want)
			}
			if again := d.Err(); again == nil || again.Error() != test.want {
				t.Fatalf("asked again: %v", again)
			}
			var problems Problems
			if !errors.As(err, &problems) || problems[0].File != "f" {
				t.Fatalf("not Problems: %#v", err)
			}
		})
	}
}

func TestProblemsAreBounded(t *testing.T) {
	d := Parse("f", []byte("words: ["+strings.Repeat("1,", 150)+"]\n"))
	read(d)
	var problems Problems
	if !errors.As(d.Err(), &problems) || len(problems) != maxProblems+1 {
		t.Fatalf("%d problems", len(problems))
	}
	if got, want := problems[maxProblems].String(), "f: 50 more problems are not listed"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestLongValuesAreClipped(t *testing.T) {
	d := Parse("f", []byte("int: "+strings.Repeat("é", 1000)+"\n"))
	read(d)
	want := `f:1: int: must be a whole number from 1 to 100, not the text "` + strings.Repeat("é", 60) + `…"`
	if err := d.Err(); err == nil || err.Error() != want {
		t.Fatal(err)
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadFile(filepath.Join(dir, "absent.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if _, err := ReadFile(dir); err == nil {
		t.Fatal("a directory is no file")
	}
	path := filepath.Join(dir, "f.yaml")
	if err := os.WriteFile(path, []byte(strings.Repeat("# a\n", MaxSize/4)+"#"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := path + ": the file is larger than 4194304 bytes; split it or take out what is not needed"
	if err := d.Err(); err == nil || err.Error() != want {
		t.Fatal(err)
	}
}

func TestParseDuration(t *testing.T) {
	good := map[string]time.Duration{
		"0": 0, "0d": 0, "250ms": 250 * time.Millisecond, "1h30m": 90 * time.Minute, "7d": 7 * 24 * time.Hour,
		"1.5d": 36 * time.Hour, "1d12h": 36 * time.Hour, "106751d": 106751 * 24 * time.Hour,
	}
	for s, want := range good {
		if got, err := ParseDuration(s); err != nil || got != want {
			t.Errorf("%s: got %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{
		"", "d", "5", "-1s", "+1s", "1d-1h", "-1d", "1h1d", "106752d", "999999999999d", "106751d24h", "1 d", "1dd",
	} {
		if got, err := ParseDuration(s); err == nil {
			t.Errorf("%q: got %v, want an error", s, got)
		}
	}
}

func TestSuggest(t *testing.T) {
	choices := []string{"account_id", "merchant_id", "amount"}
	tests := map[string]string{
		"acount_id":     "did you mean account_id?",
		"ACCOUNT_ID":    "did you mean account_id?",
		"merchantid":    "did you mean merchant_id?",
		"amuont":        "did you mean amount?",
		"country":       "there are account_id, merchant_id, amount",
		"":              "there are account_id, merchant_id, amount",
		"accountidwxyz": "there are account_id, merchant_id, amount",
	}
	for name, want := range tests {
		if got := Suggest(name, choices); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	many := strings.Split("column_a column_b column_c column_d column_e column_f column_g column_h i j k l m n l", " ")
	if got := Suggest("xyz", many); !strings.HasSuffix(got, ", k, l and 2 more") {
		t.Error(got)
	}
	if got, want := Suggest("xyz", nil), "there is none to choose from"; got != want {
		t.Error(got)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"text: a\nint: 5\nlist: [{name: a}]\nkeys: {a: b}\n", "a: &a [*a]\n", "? [a]\n: b\n", "- - - -\n",
		"text: |\n  a\n  b\n",
		"text: \"\\0\"\n", "%YAML 1.1\n---\ntext: a\n", "wait: 1d2h\nfloat: .inf\n", "{a: b}}", "<<: {int: 4}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := Parse("f", data)
		_, n, fraction, _, wait := read(d)
		if n < 1 || n > 100 || fraction < 0 || fraction > 1 || wait < time.Millisecond || wait > 48*time.Hour {
			t.Fatal("out of bounds", n, fraction, wait)
		}
		var problems Problems
		if errors.As(d.Err(), &problems) && len(problems) > maxProblems+1 {
			t.Fatalf("%d problems", len(problems))
		}
	})
}

func TestScalar(t *testing.T) {
	tests := map[string]Scalar{
		"XX": {Text, "XX"}, "'5'": {Text, "5"}, "2026-01-02": {Text, "2026-01-02"}, "''": {Text, ""},
		"-0.50": {Number, "-0.50"}, "12345678901234567890": {Number, "12345678901234567890"}, "0x1F": {Number, "0x1F"},
		"True": {Bool, "true"}, "false": {Bool, "false"},
	}
	for text, want := range tests {
		d := Parse("f", []byte("default: "+text+"\n"))
		got, ok := d.Root().Optional("default").Scalar()
		if err := d.Err(); err != nil || !ok || got != want {
			t.Errorf("%s: got %v, %v, %v; want %v", text, got, ok, err, want)
		}
	}
	if _, ok := Parse("f", []byte("default: null\n")).Root().Optional("default").Scalar(); ok {
		t.Error("null is no scalar")
	}
}
