package devdb

import (
	"strings"
	"testing"

	"github.com/rongate/rongate/contract"
)

// exceptions are the golden cases that do not hold on devdb, and why.
func exceptions() map[string]string {
	return map[string]string{
		"110": "the engine's collations compare character by character, so ß is not ss",
		"304": "the engine reads -0e0 as 0",
		"305": "the engine has one TIME, with six fractional digits",
		"311": "of MariaDB alone: JSON is a type here, as on MySQL",
		"408": "the engine has one TIME, with six fractional digits",
	}
}

// schema is the contract's, but for what the engine cannot read: a TIME's fractional digits, those of a zero date, and
// characters by their numbers in UTF-16.
func schema() string {
	return strings.NewReplacer(
		" TIME(3)", " TIME",
		"0000-00-00 00:00:00.000000", "0000-00-00 00:00:00", "0000-00-00 00:00:00.000", "0000-00-00 00:00:00",
		"CHAR(8232 USING utf16)", "'\u2028'",
	).Replace(strings.Join(contract.Schema("ENGINE=NDBCLUSTER"), ";\n"))
}

// TestContract replays the golden request/response pairs. An exception that starts to hold is none any more.
func TestContract(t *testing.T) {
	db := start(t)
	exec(t, db, schema())
	g := startGateway(t, db, "")
	cases, err := contract.Cases()
	if err != nil {
		t.Fatal(err)
	}
	excepted := exceptions()
	for _, c := range cases {
		number, _, _ := strings.Cut(c.Name, "-")
		reason, exception := excepted[number]
		delete(excepted, number)
		status, header, body := g.do(c.Method, c.Path, c.Header, c.Body)
		got, want := string(contract.Compact(body)), string(contract.Compact(c.WantBody))
		holds := status == c.Status && got == want
		for name, value := range c.WantHeader {
			holds = holds && header.Get(name) == value
		}
		switch {
		case holds && exception:
			t.Errorf("%s holds, though %s", c.Name, reason)
		case !holds && !exception:
			t.Errorf("%s: %s\ngot  %d %s %v\nwant %d %s %v", c.Name, c.Comment, status, got, header, c.Status, want, c.WantHeader)
		}
	}
	for number, reason := range excepted {
		t.Errorf("there is no case %s, about which is said: %s", number, reason)
	}
	if keys, rows := db.reads(); keys < int64(len(cases))/2 || rows != 0 {
		t.Errorf("%d keys were looked for, and scans passed over %d rows", keys, rows)
	}
}
