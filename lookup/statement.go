package lookup

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/pool"
)

// A statement is one SELECT for up to maxKeys distinct keys of one plan: the keys that its pieces ask for, the pieces,
// and the block it fills. It implements pool.Sink. The goroutine that runs it owns it; pieces, waiting,
// rescued, hedgeAt, probed, won, conn and detached are guarded by Reader.mu; what else is set when it begins does not
// change until it has ended, and the keys do not change while it runs.
type statement struct {
	plan     *Plan
	start    func()      // runs it; made once, as it is used again and again
	resume   func(error) // goes on after SelectWithin
	pieces   []*piece
	bases    []int32   // by piece: where places tells of it
	waiting  int       // pieces that still want its answer
	deadline time.Time // the latest of the pieces' deadlines
	begun    time.Time
	overdue  time.Time // when its node is suspect for it
	rescued  bool      // its pieces are asked for elsewhere: its answer counts if it comes, but nobody relies on it
	hedgeAt  time.Time // when it is slow, and may be asked for elsewhere too; zero: never
	denied   bool      // there was no budget to
	probed   bool      // a probe has looked whether it is the node that is slow
	twin     bool      // it is what was asked for elsewhere for another being slow
	won      bool      // a piece has its answer of it
	node     *node
	conn     Conn   // what it runs on
	queue    *queue // of its plan and the node's tier
	tier     *tier  // that has counted it among its large ones; or nil
	detached bool   // nobody waits, and the connection has given up its slot

	enc    []byte   // the keys, encoded, back to back: the statement's own copy
	ends   []uint32 // where each key ends in enc
	places []int32  // for each key of each piece, which of the statement's it is
	args   []column.Value
	query  string

	block *block
	limit int // bytes that block may hold

	// Matching of returned rows to keys: the keys by their match form, equal forms chained through same.
	forms   []byte
	formEnd []uint32
	ascii   []bool  // by key: whether its match form is decided by ASCII rules
	table   []int32 // open-addressing hash table of key indexes plus one: by encoded key, later by match form
	same    []int32 // by key: the next key with an equal form, or -1
	seed    maphash.Seed
	form    []byte // scratch: the match form of the row at hand
	wide    bool   // a row came back whose form ASCII rules do not decide
}

// reset prepares s for the keys of a plan and keeps its memory.
func (s *statement) reset(p *Plan, limit int) {
	s.plan, s.limit = p, limit
	s.pieces, s.enc, s.ends, s.places = s.pieces[:0], s.enc[:0], s.ends[:0], s.places[:0]
	s.bases = s.bases[:0]
	s.waiting, s.conn, s.block, s.detached, s.rescued = 0, nil, nil, false, false
	s.denied, s.probed, s.twin, s.won = false, false, false, false
	s.deadline = time.Time{}
	if s.seed == (maphash.Seed{}) {
		s.seed = maphash.MakeSeed()
	}
}

// leaveLane ends what s takes of its tier's connections for large statements. A second call does nothing. Reader.mu is
// held.
func (s *statement) leaveLane() {
	if s.tier != nil {
		s.tier.large--
		s.tier = nil
	}
}

// add appends a copy of one encoded key. Keys are distinct.
func (s *statement) add(key []byte) {
	s.enc = append(s.enc, key...)
	s.ends = append(s.ends, uint32(len(s.enc)))
}

// take adds a piece and a copy of those of its keys that are not there yet: the call may leave before the statement ends.
// Reader.mu is held.
func (s *statement) take(p *piece) {
	if len(s.pieces) == 1 {
		s.tabulate()
	}
	s.bases = append(s.bases, int32(len(s.places)))
	for _, first := range p.read.keys.firsts[p.from:p.to] {
		key := p.read.keys.tuple(int(first))
		if len(s.pieces) == 0 { // a piece's keys are distinct
			s.places = append(s.places, int32(s.keys()))
			s.add(key)
			continue
		}
		slot, i := s.find(s.enc, s.ends, key)
		if i < 0 {
			i = int32(s.keys())
			s.add(key)
			s.table[slot] = i + 1
		}
		s.places = append(s.places, i)
	}
	s.pieces = append(s.pieces, p)
	if p.call.deadline.After(s.deadline) {
		s.deadline = p.call.deadline
	}
	s.waiting++
	p.join(s)
	p.admitted = true
	if !s.twin {
		p.attempts++
	}
}

// maxPlaces bounds the keys that a statement is given, those that it has already included: it is filled and its pieces
// are answered under Reader.mu.
const maxPlaces = 16 * maxKeys

// fits reports whether the keys of a piece may be added. Reader.mu is held.
func (s *statement) fits(p *piece) bool {
	room := s.plan.shareable - s.keys()
	switch {
	case len(s.places)+p.keys() > maxPlaces:
		return false
	case len(s.pieces) == 0 || p.keys() <= room:
		return true
	case len(s.pieces) == 1:
		s.tabulate()
	}
	for _, first := range p.read.keys.firsts[p.from:p.to] {
		if _, i := s.find(s.enc, s.ends, p.read.keys.tuple(int(first))); i < 0 {
			room--
		}
	}
	return room >= 0
}

// asksFor reports whether s, which may be running, asks for all keys of a piece. Both have few.
func (s *statement) asksFor(p *piece) bool {
	for _, first := range p.read.keys.firsts[p.from:p.to] {
		key := p.read.keys.tuple(int(first))
		found := false
		for i := 0; i < s.keys() && !found; i++ {
			found = bytes.Equal(s.key(i), key)
		}
		if !found {
			return false
		}
	}
	return true
}

// tabulate builds the table that finds encoded keys.
func (s *statement) tabulate() {
	s.clearTable(2 * maxKeys)
	for i := range s.keys() {
		slot, _ := s.find(s.enc, s.ends, s.key(i))
		s.table[slot] = int32(i) + 1
	}
}

// clearTable makes the table one of so many slots, a power of two, all free.
func (s *statement) clearTable(size int) {
	if cap(s.table) < size {
		s.table = make([]int32, 2*maxKeys)
	}
	s.table = s.table[:size]
	clear(s.table)
}

// late reports whether s has run for too long.
func (s *statement) late(now time.Time) bool { return !now.Before(s.overdue) }

// stuck reports whether s is taken for lost, though its answer counts if it comes. Reader.mu is held, and s runs.
func (s *statement) stuck(now time.Time) bool { return s.rescued || s.node.suspect || s.late(now) }

// keys is the number of keys asked for.
func (s *statement) keys() int { return len(s.ends) }

func (s *statement) key(i int) []byte { return span(s.enc, s.ends, i) }

// span returns the i-th of the slices that lie back to back in data.
func span(data []byte, ends []uint32, i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = ends[i-1]
	}
	return data[start:ends[i]]
}

// execute runs s on a connection and fills block b. On an error the block holds nothing to be read.
func (s *statement) execute(c selector, b *block) error {
	s.prepare(b)
	return s.conclude(c, c.Select(s.deadline, s.query, s.args, s))
}

// executeWithin is execute for a goroutine that waits no longer than patience. While it is pending, resume is still to
// come.
func (s *statement) executeWithin(patience time.Time, b *block) (pending bool, err error) {
	s.prepare(b)
	pending, err = s.conn.SelectWithin(patience, s.deadline, s.query, s.args, s, s.resume)
	if pending {
		return true, nil
	}
	return false, s.conclude(s.conn, err)
}

// prepare makes everything ready for filling block b.
func (s *statement) prepare(b *block) {
	s.block, s.wide = b, false
	b.places = append(b.places, s.places...)
	query, size := s.plan.bucket(s.keys())
	s.query = query
	s.bind(size)
	s.indexForms()
}

// conclude ends the filling.
func (s *statement) conclude(c selector, err error) error {
	if err != nil {
		if errors.Is(err, errDefinition) {
			c.Forget(s.query)
		}
		return err
	}
	s.decide()
	return nil
}

// bind fills args for size keys: the key list padded by repeating its last one, which costs nothing at the server.
func (s *statement) bind(size int) {
	s.args = s.args[:0]
	for i := range size {
		enc := s.key(min(i, s.keys()-1))
		for _, c := range s.plan.columns[:s.plan.keys] {
			var v column.Value
			v, enc = c.CutKey(enc)
			s.args = append(s.args, v)
		}
	}
}

// indexForms builds the table that finds the keys a row answers.
func (s *statement) indexForms() {
	n := s.keys()
	s.forms, s.formEnd, s.ascii = s.forms[:0], s.formEnd[:0], s.ascii[:0]
	s.same = s.same[:0]
	size := 2
	for size < 2*n {
		size *= 2
	}
	s.clearTable(size)
	for i := range n {
		var ascii bool
		s.forms, ascii = s.appendForm(s.forms, s.args[i*s.plan.keys:(i+1)*s.plan.keys])
		s.formEnd = append(s.formEnd, uint32(len(s.forms)))
		s.ascii = append(s.ascii, ascii)
		s.block.answers = append(s.block.answers, rowMissing)
		s.same = append(s.same, -1)
		slot, first := s.find(s.forms, s.formEnd, span(s.forms, s.formEnd, i))
		if first >= 0 {
			s.same[i] = first
		}
		s.table[slot] = int32(i) + 1
	}
}

// appendForm appends the match form of one key, given as its values, and whether ASCII rules decide it.
func (s *statement) appendForm(dst []byte, values []column.Value) ([]byte, bool) {
	ascii := true
	for i, c := range s.plan.columns[:s.plan.keys] {
		var ok bool
		dst, ok = c.AppendMatch(dst, values[i])
		ascii = ascii && (ok || c.Match() == column.MatchExact)
	}
	return dst, ascii
}

// find returns the slot of one of the slices that lie back to back in data in the table, and the key there or -1.
func (s *statement) find(data []byte, ends []uint32, wanted []byte) (slot uint64, key int32) {
	mask := uint64(len(s.table) - 1)
	for slot = maphash.Bytes(s.seed, wanted) & mask; ; slot = (slot + 1) & mask {
		key = s.table[slot] - 1
		if key < 0 || bytes.Equal(span(data, ends, int(key)), wanted) {
			return slot, key
		}
	}
}

// Columns checks that what the server is about to send is what the plan was made for: after an ALTER it answers a
// prepared statement with the new types and no error.
func (s *statement) Columns(columns []pool.ResultColumn) error {
	if len(columns) != len(s.plan.columns) {
		return fmt.Errorf("%w: %d columns where %d were asked for", errDefinition, len(columns), len(s.plan.columns))
	}
	for i, c := range s.plan.columns {
		if !c.FitsWire(columns[i].Type, columns[i].Scale) {
			return fmt.Errorf("%w: column %s of %s is now %s(%d), planned as %s", errDefinition,
				c.Name, s.plan.sel.Group.Table.Name, columns[i].Type, columns[i].Scale, c.SQLType)
		}
	}
	return nil
}

// Row adds one row to the block and gives it to the keys it answers.
func (s *statement) Row(values []column.Value) error {
	row := int32(s.block.rows)
	if err := s.answer(values[:s.plan.keys], row); err != nil {
		return err
	}
	event := int64(noEvent)
	b, cells := s.block, values[s.plan.keys:]
	for i, c := range s.plan.columns[s.plan.keys:] {
		v := &cells[i] // copies would cost as much as what is done with them
		if text, ok := v.Bytes(); ok && len(b.data)+len(text) > s.limit {
			// Before it grows by what it will not keep.
			return ErrTooLarge
		}
		data, err := s.appendCell(c, *v)
		if errors.Is(err, ErrTooLarge) {
			return err
		}
		if err != nil {
			return fmt.Errorf("%w: %w: column %s of %s: %w", errDefinition, errValue, c.Name, s.plan.sel.Group.Table.Name, err)
		}
		b.data = data
		b.endCell()
		if i == s.plan.sel.EventTime {
			if ms, ok := c.EpochMillis(*v); ok {
				event = ms
			}
		}
	}
	s.block.endRow(event)
	if len(s.block.data) > s.limit {
		return ErrTooLarge
	}
	return nil
}

// appendCell appends a cell to the block's data. A complex feature whose datum does not fit its schema is null, and noted.
func (s *statement) appendCell(c *column.Column, v column.Value) ([]byte, error) {
	b := s.block
	datum, ok := v.Bytes()
	if c.Complex == nil || !ok {
		return c.AppendJSON(b.data, v)
	}
	data, err := c.Complex.AppendJSON(b.data, datum, max(0, s.limit-len(b.data)))
	if errors.Is(err, column.ErrLimit) {
		return nil, ErrTooLarge
	}
	if err != nil {
		b.unfit = append(b.unfit, uint32(len(b.ends)))
		return append(b.data, "null"...), nil
	}
	return data, nil
}

// answer gives a row to every key it answers under the collation's rules. Where the rules do not decide everything, a
// statement for one key goes without: the server has compared. A second row for a key means that the key is no longer the
// table's primary key.
func (s *statement) answer(key []column.Value, row int32) error {
	first := int32(0)
	if s.keys() > 1 || s.plan.match == column.MatchExact {
		var ascii bool
		s.form, ascii = s.appendForm(s.form[:0], key)
		s.wide = s.wide || !ascii
		if _, first = s.find(s.forms, s.formEnd, s.form); first < 0 {
			if s.plan.match == column.MatchExact {
				return fmt.Errorf("%w: %w: a row of %s answers no key asked for", errDefinition, errValue, s.plan.sel.Group.Table.Name)
			}
			return nil // its keys stay undecided
		}
	}
	for i := first; i >= 0; i = s.same[i] {
		if s.block.answers[i] >= 0 {
			return fmt.Errorf("%w: %w: two rows of %s for one key", errDefinition, errValue, s.plan.sel.Group.Table.Name)
		}
		s.block.answers[i] = row
	}
	return nil
}

// decide marks the keys of which it is not certain that no row answers them: a collation may call strings equal that no
// rule known here does, so these keys are asked for again, one a statement.
func (s *statement) decide() {
	if s.keys() == 1 || s.block.rows == 0 || s.plan.match == column.MatchExact {
		return
	}
	for i, row := range s.block.answers {
		if row != rowMissing {
			continue
		}
		if s.plan.match == column.MatchUnknown || !s.ascii[i] || s.wide {
			s.block.answers[i] = rowUndecided
		}
	}
}
