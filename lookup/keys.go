package lookup

import (
	"bytes"
	"hash/maphash"

	"github.com/rongate/rongate/column"
)

// Keys are the canonical keys that one join of one request asks for: one key an entry, each a tuple with a part for every
// column of the primary key. A part may be absent, and then the entry asks for no row. Keys are built part by part in
// the order of the entries, belong to one goroutine, and are reused by Reset.
type Keys struct {
	parts int
	enc   []byte   // the parts back to back, as column.Column.AppendKey encodes them
	ends  []uint32 // for each part of each entry, where it ends in enc; an absent part is empty

	// Set by index: the entries whose keys are distinct, and for each entry its place among them.
	firsts   []int32 // the entry that brought each distinct key first
	distinct []int32 // for each entry, the index of its key in firsts; -1 where a part is absent
	table    []int32 // open-addressing hash table of indexes in firsts, plus one; 0 is free
	seed     maphash.Seed
}

// Reset empties k for keys of the given number of parts and keeps its memory.
func (k *Keys) Reset(parts int) {
	k.parts = parts
	k.enc, k.ends = k.enc[:0], k.ends[:0]
	k.firsts, k.distinct = k.firsts[:0], k.distinct[:0]
}

// Append adds the next part: the client's value l in the canonical form of column c. Its error is column.AppendKey's,
// fit for the client.
func (k *Keys) Append(c *column.Column, l column.Literal) error {
	enc, err := c.AppendKey(k.enc, l)
	if err != nil {
		return err
	}
	k.enc = enc
	k.ends = append(k.ends, uint32(len(enc)))
	return nil
}

// AppendAbsent adds the next part as one that the client did not supply.
func (k *Keys) AppendAbsent() { k.ends = append(k.ends, uint32(len(k.enc))) }

// Void makes an entry absent, of which any number of parts may have been appended, and none of those that follow it.
func (k *Keys) Void(entry int) {
	first := entry * k.parts
	k.ends = k.ends[:first]
	k.enc = k.enc[:k.start(first)]
	for range k.parts {
		k.AppendAbsent()
	}
}

// Size is how many bytes k keeps for its next use.
func (k *Keys) Size() int {
	return cap(k.enc) + 4*(cap(k.ends)+cap(k.firsts)+cap(k.distinct)+cap(k.table))
}

// Len is the number of entries.
func (k *Keys) Len() int {
	if k.parts == 0 {
		return 0
	}
	return len(k.ends) / k.parts
}

// Part returns the encoded part of an entry's key, empty if it is absent. It is valid until Reset.
func (k *Keys) Part(entry, part int) []byte {
	i := entry*k.parts + part
	return k.enc[k.start(i):k.ends[i]]
}

// Complete reports whether no part of the entry's key is absent.
func (k *Keys) Complete(entry int) bool {
	for p := range k.parts {
		if len(k.Part(entry, p)) == 0 {
			return false
		}
	}
	return true
}

// tuple returns the encoded key of an entry: its parts are adjacent.
func (k *Keys) tuple(entry int) []byte {
	first := entry * k.parts
	return k.enc[k.start(first):k.ends[first+k.parts-1]]
}

func (k *Keys) start(i int) uint32 {
	if i == 0 {
		return 0
	}
	return k.ends[i-1]
}

// index finds the distinct keys. The second call after a Reset does nothing: the reads of one join share their Keys.
func (k *Keys) index() {
	n := k.Len()
	if len(k.distinct) == n {
		return
	}
	if k.seed == (maphash.Seed{}) {
		k.seed = maphash.MakeSeed()
	}
	size := 8
	for size < 2*n {
		size *= 2
	}
	if cap(k.table) < size {
		k.table = make([]int32, size)
	}
	k.table = k.table[:size]
	clear(k.table)
	for entry := range n {
		k.distinct = append(k.distinct, k.place(entry))
	}
}

// place returns the index of the entry's key among the distinct ones, adding it if it is new; -1 if it is incomplete.
func (k *Keys) place(entry int) int32 {
	if !k.Complete(entry) {
		return -1
	}
	tuple := k.tuple(entry)
	mask := uint64(len(k.table) - 1)
	for slot := maphash.Bytes(k.seed, tuple) & mask; ; slot = (slot + 1) & mask {
		switch i := k.table[slot]; {
		case i == 0:
			k.firsts = append(k.firsts, int32(entry))
			k.table[slot] = int32(len(k.firsts))
			return int32(len(k.firsts) - 1)
		case bytes.Equal(k.tuple(int(k.firsts[i-1])), tuple):
			return i - 1
		}
	}
}
