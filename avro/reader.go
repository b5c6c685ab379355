package avro

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/rongate/rongate/column"
)

// A reader goes through one datum from its first byte to its last. It lives on the stack of AppendJSON.
type reader struct {
	datum []byte
	at    int // the byte to be read next

	start, limit int // the length of dst at the beginning, and what may be appended to it

	depth int // of arrays, maps and records around what is read

	// The keys so far of the maps around what is read, the innermost one's last: the first of them in few, the rest in
	// more. A slice that begins in few would make the compiler put the reader on the heap.
	keys int
	few  [fewKeys]span
	more []span
}

// fewKeys is how many keys need no memory from the heap.
const fewKeys = 32

// A span is where in the datum a key is.
type span struct{ from, to int }

func (r *reader) addKey(key span) {
	if r.keys < fewKeys {
		r.few[r.keys] = key
	} else {
		r.more = append(r.more, key)
	}
	r.keys++
}

// takeKeys takes back the keys that were added after so many. They are valid until the next is added.
func (r *reader) takeKeys(outer int) []span {
	var taken []span
	switch {
	case r.keys <= fewKeys:
		taken = r.few[outer:r.keys]
	case outer >= fewKeys:
		taken = r.more[outer-fewKeys:]
	default:
		r.more = append(r.more, r.few[outer:]...)
		taken = r.more
	}
	r.keys, r.more = outer, r.more[:max(outer-fewKeys, 0)]
	return taken
}

func (r *reader) misfit(at int, what string) *misfit {
	return &misfit{of: ErrMisfit, what: what, at: at}
}

func (r *reader) overLimit() *misfit { return &misfit{of: column.ErrLimit, at: r.at} }

// room is how many bytes may still be appended.
func (r *reader) room(dst []byte) int { return r.limit - (len(dst) - r.start) }

// left is how many bytes are still to be read.
func (r *reader) left() int { return len(r.datum) - r.at }

const endsEarly = "it ends early"

// varint reads a number of 32 or 64 bits in zigzag coding: seven bits to a byte, the lowest first. Bytes of zeros at the
// end are allowed, as other readers do, while there are no more of them than the longest number needs.
func (r *reader) varint(bits int) (int64, *misfit) {
	var coded uint64
	last := bits - bits%7 // the shift of the last byte there may be
	for i, shift := r.at, 0; ; i, shift = i+1, shift+7 {
		if i == len(r.datum) {
			return 0, r.misfit(r.at, endsEarly)
		}
		b := r.datum[i]
		if shift == last && b >= 1<<(bits-last) {
			return 0, r.misfit(r.at, "a number is longer than its type allows")
		}
		coded |= uint64(b&0x7F) << shift
		if b < 0x80 {
			r.at = i + 1
			return int64(coded>>1) ^ -int64(coded&1), nil
		}
	}
}

// take reads so many bytes, which are borrowed from the datum.
func (r *reader) take(n int) ([]byte, *misfit) {
	if n > r.left() {
		return nil, r.misfit(r.at, endsEarly)
	}
	b := r.datum[r.at : r.at+n]
	r.at += n
	return b, nil
}

// counted reads bytes that follow their number.
func (r *reader) counted() ([]byte, *misfit) {
	from := r.at
	n, m := r.varint(64)
	if m != nil {
		return nil, m
	}
	if n < 0 || n > int64(r.left()) {
		return nil, r.misfit(from, "a length is negative or beyond the end")
	}
	return r.take(int(n))
}

// text reads a string.
func (r *reader) text() ([]byte, *misfit) {
	from := r.at
	b, m := r.counted()
	if m == nil && !utf8.Valid(b) {
		return nil, r.misfit(from, "a string is not UTF-8")
	}
	return b, m
}

func (r *reader) uint32() (uint32, *misfit) {
	b, m := r.take(4)
	if m != nil {
		return 0, m
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (r *reader) uint64() (uint64, *misfit) {
	b, m := r.take(8)
	if m != nil {
		return 0, m
	}
	return binary.LittleEndian.Uint64(b), nil
}

// index reads the number of a branch or symbol of so many.
func (r *reader) index(bits, of int) (int, *misfit) {
	from := r.at
	n, m := r.varint(bits)
	if m != nil {
		return 0, m
	}
	if n < 0 || n >= int64(of) {
		return 0, r.misfit(from, "there is no such branch or symbol")
	}
	return int(n), nil
}

// A block is a run of an array's items or of a map's entries.
type block struct {
	count int64 // 0: the array or map has ended
	end   int   // where in the datum the block must end; -1 where it does not say
}

// nextBlock reads what begins a block: a count, or a count below 0 and the block's bytes.
func (r *reader) nextBlock() (block, *misfit) {
	from := r.at
	count, m := r.varint(64)
	if m != nil || count >= 0 {
		return block{count, -1}, m
	}
	if count = -count; count < 0 {
		return block{}, r.misfit(from, "a count is out of range")
	}
	size, m := r.varint(64)
	if m != nil {
		return block{}, m
	}
	if size < 0 || size > int64(r.left()) {
		return block{}, r.misfit(from, "the size of a block is negative or beyond the end")
	}
	return block{count, r.at + int(size)}, nil
}

func (r *reader) endBlock(b block) *misfit {
	if b.end >= 0 && b.end != r.at {
		return r.misfit(r.at, "a block does not end where it says")
	}
	return nil
}

// enter notes that an array, map or record begins. Whoever has rendered it leaves again.
func (r *reader) enter() *misfit {
	if r.depth++; r.depth > maxDepth {
		return r.misfit(r.at, "it is nested too deeply")
	}
	return nil
}

func (r *reader) leave() { r.depth-- }
