package column

import "strings"

// Match tells how a key is compared with the one that a row came back with. Under IN ('KEY1', 'key1') a
// case-insensitive collation gives one row, which answers both keys.
type Match uint8

// The ways to match, by what comparing two forms of AppendMatch says.
const (
	// MatchExact: equal forms are equal keys, different forms are different keys.
	MatchExact Match = iota

	// MatchASCII: the same, if both keys are printable ASCII throughout. Otherwise equal forms are equal keys, but
	// different forms say nothing.
	MatchASCII

	// MatchUnknown: equal forms are equal keys, different forms say nothing.
	MatchUnknown
)

// A matchRule is a collation as far as rongate knows it. The zero value compares bytes.
type matchRule struct {
	match Match
	fold  bool // the case of ASCII letters does not count
	strip bool // trailing spaces do not count
}

// matchRuleOf is deliberately a list of what is known to be safe. Beyond ASCII no collation but the binary ones is
// decided here: that takes the server's own weights and version of Unicode. Even within ASCII a language's collation
// may have letters of its own: two that contract to one (Hungarian cs, Czech ch), or another notion of case (Turkish
// I is not i). Control characters are ignored by some, so only printable ASCII is ever decided.
func matchRuleOf(kind Kind, collation string) matchRule {
	if kind != Char && kind != VarChar {
		return matchRule{}
	}
	rule := matchRule{match: MatchUnknown}
	_, rest, _ := strings.Cut(collation, "_") // the character set
	switch {
	case collation == "binary" || strings.HasSuffix(collation, "_bin"):
		rule = matchRule{match: MatchExact, strip: padsSpace(collation)}
	case rest == "0900_as_cs":
		rule = matchRule{match: MatchASCII}
	case foldsASCII(collation, rest):
		rule = matchRule{match: MatchASCII, fold: true, strip: padsSpace(collation)}
	}
	// The server stores CHAR without trailing spaces, whatever the collation says.
	rule.strip = rule.strip || kind == Char
	return rule
}

// padsSpace reports whether the collation compares as if the shorter text were filled up with spaces. All did until
// MySQL's based on UCA 9.0.0 and MariaDB's named nopad.
func padsSpace(collation string) bool {
	return collation != "binary" && !strings.Contains(collation, "_0900_") && !strings.Contains(collation, "nopad")
}

// foldsASCII reports whether two texts of printable ASCII are equal under the collation exactly if they are so when the
// case of letters is ignored: none of these has contractions, ignorable characters or equal punctuation in that range.
func foldsASCII(collation, rest string) bool {
	if collation == "latin1_swedish_ci" || collation == "latin1_swedish_nopad_ci" {
		return true
	}
	name, _, _ := strings.Cut(collation, "_")
	if charsetOf(name) == unknownCharset {
		return false
	}
	switch rest {
	case "general_ci", "general_nopad_ci",
		"unicode_ci", "unicode_nopad_ci", "unicode_520_ci", "unicode_520_nopad_ci",
		"0900_ai_ci", "0900_as_ci",
		"uca1400_ai_ci", "uca1400_as_ci", "uca1400_nopad_ai_ci", "uca1400_nopad_as_ci":
		return true
	}
	return false
}

// Match tells how forms of the column are to be compared.
func (c *Column) Match() Match { return c.match.match }

// AppendMatch writes the form under which a key and a returned key are compared. It is self-delimiting, so the forms of
// a composite key may be written one after the other. ascii reports whether text is printable ASCII throughout, without
// the trailing spaces that do not count; it means something for MatchASCII only. A value that is not of the column's
// type, NULL among them, gets a form that no key has.
func (c *Column) AppendMatch(dst []byte, v Value) (form []byte, ascii bool) {
	if c.Kind != Char && c.Kind != VarChar {
		form, err := c.AppendKeyValue(dst, v)
		if err != nil {
			return appendNoKey(dst), false
		}
		return form, false
	}
	text, ok := v.Bytes()
	if !ok {
		return appendNoKey(dst), false
	}
	if c.match.strip {
		text = trimSpaces(text)
	}
	dst = appendPart(dst, text)
	if c.match.fold {
		folded := dst[len(dst)-len(text):]
		for i, b := range folded {
			folded[i] = foldASCII(b)
		}
	}
	return dst, printableASCII(text)
}

// appendNoKey writes what no key part begins with: as an integer and a length it would announce a text longer than any
// key.
func appendNoKey(dst []byte) []byte {
	const no = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	return append(dst, no...)
}

func trimSpaces(text []byte) []byte {
	for len(text) > 0 && text[len(text)-1] == ' ' {
		text = text[:len(text)-1]
	}
	return text
}

func printableASCII(text []byte) bool {
	for _, b := range text {
		if b < 0x20 || b > 0x7E {
			return false
		}
	}
	return true
}
