package lookup

import (
	"math"
	"sync"
	"sync/atomic"
)

const (
	// maxPooledBlock bounds the bytes that an idle block keeps: blocks of ordinary statements are reused, the rare
	// large one goes to the garbage collector.
	maxPooledBlock = 256 << 10

	// noEvent marks a row whose event time is NULL or was not read.
	noEvent = math.MinInt64
)

// A block holds the rows of one statement: every cell as a JSON fragment. The goroutine that runs the statement fills
// it; from then on it is immutable and shared by reference count. Whoever drops the last reference returns it to the
// pool, so a holder may read it only until its own release.
type block struct {
	refs   atomic.Int32
	width  int      // cells of a row
	data   []byte   // fragments, a comma after each: neighbours in a row are so in a JSON array
	ends   []uint32 // for each cell of each row, where it ends in data: its comma
	events []int64  // for each row, its event time in Unix milliseconds, or noEvent
	unfit  []uint32 // the cells, counted as in ends, whose complex feature does not fit its schema and so is null
	rows   int

	answers []int32 // for each key of the statement, its row, rowMissing or rowUndecided
	places  []int32 // for each key of each of the statement's pieces, where it is among the statement's

	counted int64 // its part of blocks.bytes
}

// What a block says of a key that no row answers.
const (
	rowMissing   int32 = -1 // the table has no such row
	rowUndecided int32 = -2 // only a statement for this key alone can tell
)

// blocks recycles blocks between the statements of one Reader.
type blocks struct {
	pool sync.Pool
	live atomic.Int64 // blocks handed out and not yet back

	// bytes is what filled blocks hold until they are back. What running statements have read so far comes on top, at
	// most Config.MaxBlockBytes a connection.
	bytes atomic.Int64
}

// get returns an empty block with one reference, the caller's.
func (bs *blocks) get(width int) *block {
	b, _ := bs.pool.Get().(*block)
	if b == nil {
		b = &block{}
	}
	bs.live.Add(1)
	b.width, b.rows, b.counted = width, 0, 0
	b.data, b.ends = b.data[:0], b.ends[:0]
	b.events, b.answers, b.places, b.unfit = b.events[:0], b.answers[:0], b.places[:0], b.unfit[:0]
	b.refs.Store(1)
	return b
}

// count adds a filled block's bytes to those held.
func (bs *blocks) count(b *block) {
	b.counted = int64(len(b.data) + 4*(len(b.ends)+len(b.answers)+len(b.places)+len(b.unfit)) + 8*len(b.events))
	bs.bytes.Add(b.counted)
}

// retain adds a reference. Only a holder of one may add another.
func (b *block) retain() { b.refs.Add(1) }

// release drops a reference of b, which may be nil.
func (bs *blocks) release(b *block) {
	if b == nil {
		return
	}
	switch refs := b.refs.Add(-1); {
	case refs > 0:
		return
	case refs < 0:
		panic("lookup: block released more often than retained")
	}
	bs.live.Add(-1)
	bs.bytes.Add(-b.counted)
	if poisonBlocks {
		poison(b)
	}
	if cap(b.data) <= maxPooledBlock {
		bs.pool.Put(b)
	}
}

// poison overwrites a free block, so that a span kept beyond its release shows as nonsense in a test instead of as a
// plausible value of another row.
func poison(b *block) {
	data := b.data[:cap(b.data)]
	for i := range data {
		data[i] = '!'
	}
	for i := range b.ends {
		b.ends[i] = math.MaxUint32
	}
	for i := range b.places {
		b.places[i] = math.MaxInt32
	}
}

// endCell closes the cell whose fragment the caller has appended to data.
func (b *block) endCell() {
	b.ends = append(b.ends, uint32(len(b.data)))
	b.data = append(b.data, ',')
}

// endRow closes a row.
func (b *block) endRow(event int64) {
	b.events = append(b.events, event)
	b.rows++
}

// cells returns the JSON fragments of n neighbouring cells, with commas between, valid while the caller holds a reference.
func (b *block) cells(row, cell, n int) []byte {
	i := row*b.width + cell
	start := uint32(0)
	if i > 0 {
		start = b.ends[i-1] + 1
	}
	end := b.ends[i+n-1]
	return b.data[start:end:end]
}
