package devdb

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/dolthub/go-mysql-server/sql"
)

// A store holds the rows of a table. Rows are immutable: an update puts another row into the slot. Slots stay where they
// are while a scan passes over them.
type store struct {
	mu    sync.RWMutex
	def   *definition
	rows  []sql.Row        // nil where a row was deleted
	free  []int32          // slots without a row
	index map[string]int32 // slot by primary key

	probed  atomic.Int64 // keys looked for in the index by reads
	scanned atomic.Int64 // rows that scans passed over
}

var errAltered = errors.New("table definition has changed, please retry")

func newStore(def *definition) *store {
	return &store{def: def, index: make(map[string]int32)}
}

// table returns the table as it is defined now.
func (s *store) table() *table {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return &table{store: s, def: s.def}
}

func (s *store) rename(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	def, err := s.def.renamed(name)
	if err == nil {
		s.def = def
	}
	return err
}

// redefine replaces the definition and remakes every row for it, or changes nothing.
func (s *store) redefine(from, to *definition, remake func(sql.Row) (sql.Row, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.def != from {
		return errAltered
	}
	remade := newStore(to)
	for _, row := range s.rows {
		if row == nil {
			continue
		}
		row, err := remake(row)
		if err != nil {
			return err
		}
		existing, err := remade.insert(to, row)
		if err != nil {
			return err
		}
		if existing != nil {
			return sql.NewUniqueKeyErr(to.keyText(row), true, existing)
		}
	}
	s.def, s.rows, s.free, s.index = to, remade.rows, nil, remade.index
	return nil
}

// get returns the rows that the keys have, in the keys' order. A plan made for another definition must not read.
func (s *store) get(def *definition, keys [][]byte) ([]sql.Row, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.def != def {
		return nil, errAltered
	}
	s.probed.Add(int64(len(keys)))
	found := make([]sql.Row, 0, len(keys))
	for _, key := range keys {
		if slot, ok := s.index[string(key)]; ok {
			found = append(found, s.rows[slot])
		}
	}
	return found, nil
}

// scan copies rows from slot at on into buf, up to slot end, and returns how many and where to go on.
func (s *store) scan(def *definition, buf []sql.Row, at, end int) (n, next int, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.def != def {
		return 0, at, errAltered
	}
	end = min(end, len(s.rows))
	for ; at < end && n < len(buf); at++ {
		if row := s.rows[at]; row != nil {
			buf[n] = row
			n++
		}
	}
	s.scanned.Add(int64(n))
	return n, at, nil
}

// slots is where a scan that begins now ends.
func (s *store) slots() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.rows)
}

func (s *store) count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.index)
}

// locate returns the key of a row and the slot of the row that has it, if there is one. The store is locked.
func (s *store) locate(def *definition, row sql.Row) (key []byte, slot int32, there bool, err error) {
	if s.def != def {
		return nil, 0, false, errAltered
	}
	key, err = def.appendKey(nil, row)
	slot, there = s.index[string(key)]
	return key, slot, there, err
}

// insert adds a row unless there is one with its key, which it returns.
func (s *store) insert(def *definition, row sql.Row) (existing sql.Row, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, slot, taken, err := s.locate(def, row)
	if err != nil {
		return nil, err
	}
	if taken {
		return s.rows[slot], nil
	}
	s.put(key, row)
	return nil, nil
}

func (s *store) put(key []byte, row sql.Row) {
	row = row[:len(row):len(row)] // whoever appends to a row gets a copy
	slot := int32(len(s.rows))
	if n := len(s.free); n > 0 {
		slot = s.free[n-1]
		s.free = s.free[:n-1]
		s.rows[slot] = row
	} else {
		s.rows = append(s.rows, row)
	}
	s.index[string(key)] = slot
}

// remove deletes the row that has the key of the given one, and returns it; nil where there is none.
func (s *store) remove(def *definition, row sql.Row) (removed sql.Row, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, slot, there, err := s.locate(def, row)
	if err != nil || !there {
		return nil, err
	}
	removed = s.rows[slot]
	delete(s.index, string(key))
	s.rows[slot] = nil
	s.free = append(s.free, slot)
	return removed, nil
}

// update replaces the row that has the key of before. Where after has the key of yet another row, it returns that one and
// changes nothing.
func (s *store) update(def *definition, before, after sql.Row) (replaced, existing sql.Row, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, slot, there, err := s.locate(def, before)
	if err != nil {
		return nil, nil, err
	}
	to, other, taken, err := s.locate(def, after)
	if err != nil || !there {
		return nil, nil, err
	}
	if string(from) != string(to) {
		if taken {
			return nil, s.rows[other], nil
		}
		delete(s.index, string(from))
		s.index[string(to)] = slot
	}
	replaced = s.rows[slot]
	s.rows[slot] = after[:len(after):len(after)]
	return replaced, nil, nil
}

// clear deletes all rows and returns how many there were.
func (s *store) clear() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.index)
	s.rows, s.free = nil, nil
	s.index = make(map[string]int32)
	return n
}
