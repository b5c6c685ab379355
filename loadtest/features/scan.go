package features

// A scanner cuts JSON text into the parts that a comparison needs. It does not judge what it cuts out: that is compared
// with text that is known to be well-formed.
type scanner struct {
	text []byte
	at   int
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// take steps over a byte if it comes next.
func (s *scanner) take(b byte) bool {
	s.space()
	if s.at < len(s.text) && s.text[s.at] == b {
		s.at++
		return true
	}
	return false
}

// ended reports whether nothing more comes.
func (s *scanner) ended() bool {
	s.space()
	return s.at == len(s.text)
}

// value cuts out the next value, without the space around it; nothing if there is none, or it does not end.
func (s *scanner) value() []byte {
	s.space()
	start, depth := s.at, 0
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case '"':
			if !s.skipString() {
				return nil
			}
			if depth == 0 {
				return s.text[start:s.at]
			}
			continue
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return s.text[start:s.at] // of what holds it
			}
			if depth--; depth == 0 {
				s.at++
				return s.text[start:s.at]
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return s.text[start:s.at]
			}
		}
		s.at++
	}
	if depth > 0 {
		return nil
	}
	return s.text[start:s.at]
}

// skipString steps over the string that comes next, and reports whether it ends.
func (s *scanner) skipString() bool {
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return true
		}
	}
	s.at = len(s.text)
	return false
}

// A list reads the items of an array one after the other.
type list struct {
	scanner
	started, ended, bad bool // bad: it is no array
}

func newList(text []byte) list { return list{scanner: scanner{text: text}} }

// next cuts out the next item; nothing at the end, or where the text is no array.
func (l *list) next() []byte {
	if l.ended {
		return nil
	}
	first := !l.started
	l.started = true
	switch {
	case first && !l.take('['):
		return l.end(true)
	case l.take(']'):
		return l.end(!l.scanner.ended())
	case !first && !l.take(','):
		return l.end(true)
	}
	item := l.value()
	if len(item) == 0 {
		return l.end(true)
	}
	return item
}

func (l *list) end(bad bool) []byte {
	l.ended, l.bad = true, bad
	return nil
}

// count is how many items an unread list has; negative if it is no array.
func (l list) count() (n int) {
	for l.next() != nil {
		n++
	}
	if l.bad {
		return -1
	}
	return n
}
