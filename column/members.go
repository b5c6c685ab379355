package column

import (
	"bytes"
	"errors"
	"strings"
)

var errMembers = errors.New("the list of members cannot be read")

// parseMembers takes the list of ENUM('a','b') or SET('a','b') apart as information_schema writes it: a quote is
// doubled; a backslash, NUL, line feed and carriage return are escaped with a backslash.
func parseMembers(columnType string) ([]string, error) {
	_, list, ok := strings.Cut(columnType, "(")
	if !ok {
		return nil, errMembers
	}
	var members []string
	for {
		member, rest, ok := cutMember(list)
		if !ok {
			return nil, errMembers
		}
		members = append(members, member)
		if rest == ")" || strings.HasPrefix(rest, ") ") {
			return members, nil
		}
		if list, ok = strings.CutPrefix(rest, ","); !ok {
			return nil, errMembers
		}
	}
}

// cutMember takes one quoted string off the front of list.
func cutMember(list string) (member, rest string, ok bool) {
	if !strings.HasPrefix(list, "'") {
		return "", "", false
	}
	var b strings.Builder
	for i := 1; i < len(list); i++ {
		switch {
		case list[i] == '\'' && strings.HasPrefix(list[i+1:], "'"):
			i++
			b.WriteByte('\'')
		case list[i] == '\'':
			return b.String(), list[i+1:], true
		case list[i] == '\\' && i+1 < len(list):
			i++
			b.WriteByte(unescape(list[i]))
		default:
			b.WriteByte(list[i])
		}
	}
	return "", "", false
}

func unescape(b byte) byte {
	switch b {
	case '0':
		return 0
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	}
	return b
}

// member finds a member as the client wrote it, or else ignoring the case of ASCII letters, as most collations do. It
// returns -1 for no member.
func (c *Column) member(text []byte) int {
	for i, m := range c.members {
		if string(text) == m {
			return i
		}
	}
	for i, m := range c.members {
		if equalFoldASCII(text, m) {
			return i
		}
	}
	return -1
}

func equalFoldASCII(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if foldASCII(a[i]) != foldASCII(b[i]) {
			return false
		}
	}
	return true
}

func foldASCII(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + ('a' - 'A')
	}
	return b
}

// memberSet reads a SET as a client wrote it and gives it as the server would: each member once, in declared order.
func (c *Column) memberSet(text []byte) (set []byte, ok bool) {
	var chosen uint64 // a SET has at most 64 members
	for len(text) > 0 {
		name, rest, more := bytes.Cut(text, []byte{','})
		i := c.member(name)
		if i < 0 || more && len(rest) == 0 {
			return nil, false
		}
		chosen |= 1 << i
		text = rest
	}
	for i, m := range c.members {
		if chosen&(1<<i) == 0 {
			continue
		}
		if len(set) > 0 {
			set = append(set, ',')
		}
		set = append(set, m...)
	}
	return set, true
}
