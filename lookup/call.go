package lookup

import (
	"slices"
	"sort"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
)

// A Call is the reads of one request. It belongs to one goroutine and is reused: Add what is to be read, pass it to
// Reader.Read, look at the rows, Release it. The zero Call is ready for use.
type Call struct {
	// Hedging is what may be asked for twice on behalf of the call, as far as Config.Hedging allows it too. It is the
	// caller's to set before Read, and stays.
	Hedging catalog.Hedging

	reads  []Read
	pieces []piece // of the first round: a slab, since statements point into it
	timer  *time.Timer

	wake    chan struct{} // capacity 1: a piece was delivered and none is pending
	pending int           // pieces not yet delivered; guarded by Reader.mu
	lent    bool          // statements or queues still refer to pieces: their memory is not for reuse

	deadline time.Time
	reader   *Reader

	hedging catalog.Hedging // what the caller and the configuration both allow; guarded by Reader.mu
}

// A Read is one plan read for the keys of one join.
type Read struct {
	plan  *Plan
	keys  *Keys
	first []piece // one for each plan.maxKeys distinct keys, in order
	alone []piece // the keys that the first round left undecided, in order, one each
}

// A piece is the part of a read that goes into one statement. Reader.mu guards it until it is delivered; then it belongs
// to its call.
type piece struct {
	call     *Call // nil once the call has left
	read     *Read
	from, to int  // the distinct keys of read.keys
	base     int  // where block.places tells of them, once there is a block
	solo     bool // shares no statement: the server is to compare, or what it has shared one with has failed
	admitted bool // it has been part of a statement: if that failed, it is not refused for want of room in the queues
	attempts int
	tried    nodeSet   // where it failed, or has no answer in time
	waiting  *queue    // where it waits; nil while it does not
	queued   time.Time // since when
	pausing  bool      // it is tried again after a pause

	hedged bool // it was asked for twice for being slow

	// The statements under way that it is part of: more than one while it is hedged or rescued.
	runs [maxAttempts + 1]*statement

	done  bool
	block *block // the answer: one reference, held until Call.Release
	err   error  // or why there is none
}

// open reports whether the piece wants an answer.
func (p *piece) open() bool { return p.call != nil && !p.done }

// join makes a piece part of a statement.
func (p *piece) join(s *statement) {
	for i := range p.runs {
		if p.runs[i] == nil {
			p.runs[i] = s
			return
		}
	}
	panic("lookup: more statements than attempts")
}

// quit takes a piece out of a statement.
func (p *piece) quit(s *statement) {
	for i := range p.runs {
		if p.runs[i] == s {
			p.runs[i] = nil
		}
	}
}

// underway reports whether an answer may still come by itself.
func (p *piece) underway() bool {
	return p.waiting != nil || p.pausing || p.runs != [maxAttempts + 1]*statement{}
}

// promised reports whether an answer is to be expected by itself: of an attempt to come, or of one that is under way,
// besides a statement, and not taken for lost.
func (p *piece) promised(besides *statement, now time.Time) bool {
	for _, s := range p.runs {
		if s != nil && s != besides && !s.stuck(now) {
			return true
		}
	}
	return p.waiting != nil || p.pausing
}

// keys is how many keys p asks for.
func (p *piece) keys() int { return p.to - p.from }

// answer is what the block says of a distinct key of p.read.keys: a row, rowMissing or rowUndecided.
func (p *piece) answer(key int) int32 { return p.block.answers[p.block.places[p.base+key-p.from]] }

// Add adds a read of plan for keys, which must not change until Release, and returns its index.
func (c *Call) Add(plan *Plan, keys *Keys) int {
	keys.index()
	c.reads = append(c.reads, Read{plan: plan, keys: keys})
	return len(c.reads) - 1
}

// Read returns the read with the given index. It is valid until Release.
func (c *Call) Read(i int) *Read { return &c.reads[i] }

// Release gives the rows back and empties the call for its next use. Nothing obtained from it may be used afterwards.
func (c *Call) Release() {
	for i := range c.reads {
		for j := range c.reads[i].first {
			c.reader.blocks.release(c.reads[i].first[j].block)
		}
		for j := range c.reads[i].alone {
			c.reader.blocks.release(c.reads[i].alone[j].block)
		}
	}
	if c.lent {
		// Statements still point to the pieces, and from them to the reads: leave both to the garbage collector.
		*c = Call{timer: c.timer, Hedging: c.Hedging}
		return
	}
	clear(c.pieces)
	clear(c.reads)
	c.pieces, c.reads, c.reader = c.pieces[:0], c.reads[:0], nil
}

// Size is how many bytes c keeps for its next use.
func (c *Call) Size() int {
	return cap(c.reads)*int(unsafe.Sizeof(Read{})) + cap(c.pieces)*int(unsafe.Sizeof(piece{}))
}

// alarm has the timer go off at the deadline.
func (c *Call) alarm() {
	if left := time.Until(c.deadline); c.timer == nil {
		c.timer = time.NewTimer(left)
	} else {
		c.timer.Reset(left)
	}
}

// cut makes the pieces of the first round.
func (c *Call) cut() []piece {
	total := 0
	for i := range c.reads {
		rd := &c.reads[i]
		total += (len(rd.keys.firsts) + rd.plan.maxKeys - 1) / rd.plan.maxKeys
	}
	if cap(c.pieces) < total {
		c.pieces = make([]piece, 0, total)
	}
	for i := range c.reads {
		rd := &c.reads[i]
		begin := len(c.pieces)
		for from := 0; from < len(rd.keys.firsts); from += rd.plan.maxKeys {
			to := min(from+rd.plan.maxKeys, len(rd.keys.firsts))
			c.pieces = append(c.pieces, piece{call: c, read: rd, from: from, to: to, solo: !rd.shares(from, to)})
		}
		rd.first = c.pieces[begin:]
	}
	return c.pieces
}

// shares reports whether distinct keys may be read together with those of others. Where rules known here do not decide
// which row answers a key, a row that another call has asked for leaves keys undecided that would have been decided
// without it, and each of those costs a statement.
func (rd *Read) shares(from, to int) bool {
	switch rd.plan.match {
	case column.MatchExact:
		return true
	case column.MatchUnknown:
		return false
	}
	for _, first := range rd.keys.firsts[from:to] {
		enc := rd.keys.tuple(int(first))
		for _, c := range rd.plan.sel.Group.Key {
			var v column.Value
			v, enc = c.CutKey(enc)
			if text, _ := v.Bytes(); c.Match() != column.MatchExact && !isASCII(text) {
				return false
			}
		}
	}
	return true
}

func isASCII(text []byte) bool {
	for _, b := range text {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// cutAlone makes the pieces of the second round: one for every key that the first left undecided.
func (c *Call) cutAlone() []piece {
	var alone []piece // rare, so not kept
	for i := range c.reads {
		rd := &c.reads[i]
		if rd.plan.match == column.MatchExact {
			continue // every key is decided
		}
		for j := range rd.first {
			p := &rd.first[j]
			for k := p.from; p.block != nil && k < p.to; k++ {
				if p.answer(k) == rowUndecided {
					alone = append(alone, piece{call: c, read: rd, from: k, to: k + 1, solo: true})
				}
			}
		}
	}
	rest := alone
	for i := range c.reads {
		n := 0
		for n < len(rest) && rest[n].read == &c.reads[i] {
			n++
		}
		c.reads[i].alone, rest = rest[:n], rest[n:]
	}
	return alone
}

// A Row is one row that was read. It is valid until its call's Release.
type Row struct {
	block *block
	row   int
}

// Cell returns a cell as a JSON fragment, by its place in the select's columns.
func (r Row) Cell(cell int) []byte { return r.block.cells(r.row, cell, 1) }

// Cells returns n cells that follow one another, with commas between them.
func (r Row) Cells(cell, n int) []byte { return r.block.cells(r.row, cell, n) }

// Unfit reports whether a cell is null because its complex feature does not fit the schema.
func (r Row) Unfit(cell int) bool {
	return len(r.block.unfit) > 0 && slices.Contains(r.block.unfit, uint32(r.row*r.block.width+cell))
}

// EventTime returns the row's event time in Unix milliseconds, and false if it is NULL or was not read.
func (r Row) EventTime() (ms int64, ok bool) {
	ms = r.block.events[r.row]
	return ms, ms != noEvent
}

// Row returns the row of an entry. found is false, with a nil error, where the table has no such row and where the
// entry's key is incomplete; the error says why the row could not be read.
func (rd *Read) Row(entry int) (row Row, found bool, err error) {
	key := int(rd.keys.distinct[entry])
	if key < 0 {
		return Row{}, false, nil
	}
	p := &rd.first[key/rd.plan.maxKeys]
	if p.err != nil {
		return Row{}, false, p.err
	}
	i := p.answer(key)
	if i == rowUndecided {
		if p = rd.single(key); p == nil {
			return Row{}, false, ErrDeadline // the first round took all the time there was
		} else if p.err != nil {
			return Row{}, false, p.err
		}
		i = p.answer(key)
	}
	if i < 0 {
		return Row{}, false, nil
	}
	return Row{block: p.block, row: int(i)}, true, nil
}

// single returns the second-round piece of a key, or nil if there was no second round.
func (rd *Read) single(key int) *piece {
	// Only from is read of the pieces passed over: one that its call has left may still be a statement's.
	i := sort.Search(len(rd.alone), func(i int) bool { return rd.alone[i].from >= key })
	if i == len(rd.alone) || rd.alone[i].from != key {
		return nil
	}
	return &rd.alone[i]
}
