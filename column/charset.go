package column

import "unicode/utf8"

// charset is what rongate knows about a character set: which characters it holds.
type charset uint8

const (
	unknownCharset charset = iota
	ascii                  // U+0000 to U+007F
	latin1                 // cp1252
	bmp                    // up to U+FFFF
	unicode                // everything
)

func charsetOf(name string) charset {
	switch name {
	case "utf8mb4", "utf16", "utf16le", "utf32":
		return unicode
	case "utf8mb3", "utf8", "ucs2":
		return bmp
	case "latin1":
		return latin1
	case "ascii":
		return ascii
	}
	return unknownCharset
}

// holds reports whether every character of valid UTF-8 survives in the character set. An unknown one is taken at its
// word: only keys must be certain, and they are refused such a column.
func (s charset) holds(text []byte) bool {
	if s == unicode || s == unknownCharset {
		return true
	}
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if !s.holdsRune(r) {
			return false
		}
		i += size
	}
	return true
}

// holdsRune is for characters beyond ASCII.
func (s charset) holdsRune(r rune) bool {
	switch s {
	case ascii:
		return false
	case bmp:
		return r <= 0xFFFF
	case latin1:
		return inLatin1(r)
	}
	return true
}

// inLatin1 knows what MySQL calls latin1: cp1252, with the five bytes that cp1252 leaves undefined standing for the
// control characters of the same number.
func inLatin1(r rune) bool {
	if r <= 0xFF {
		return r >= 0xA0 || r < 0x80 || r == 0x81 || r == 0x8D || r == 0x8F || r == 0x90 || r == 0x9D
	}
	switch r {
	case '€', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 'Ž',
		'‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 'ž', 'Ÿ':
		return true
	}
	return false
}
