package lookup

import (
	"sync"
	"time"

	"github.com/rongate/rongate/catalog"
)

// troubleTime is how long a table that stalled a warm-up is passed over by others, and how long rongate waits before it
// says again that a table cannot be read.
const troubleTime = time.Minute

// troubles are the tables that cannot be read. The zero troubles is ready for use; it holds no more than the catalogue has
// tables.
type troubles struct {
	mu      sync.Mutex // guards what follows
	stalled map[catalog.TableName]time.Time
	told    map[catalog.TableName]time.Time
}

// stall notes that a warm-up stalled on a table.
func (t *troubles) stall(table catalog.TableName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stalled == nil {
		t.stalled = map[catalog.TableName]time.Time{}
	}
	t.stalled[table] = time.Now()
}

// hasStalled reports whether a warm-up stalled on a table not long ago.
func (t *troubles) hasStalled(table catalog.TableName) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.stalled[table]
	return ok && time.Since(at) < troubleTime
}

// tell reports whether it is time to say that a table cannot be read, and notes that it is said.
func (t *troubles) tell(table catalog.TableName) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at, ok := t.told[table]; ok && time.Since(at) < troubleTime {
		return false
	}
	if t.told == nil {
		t.told = map[catalog.TableName]time.Time{}
	}
	t.told[table] = time.Now()
	return true
}

// complain logs, now and then, why a table cannot be read.
func (r *Reader) complain(table catalog.TableName, err error) {
	if r.troubles.tell(table) {
		r.cfg.Log.Warn("table cannot be read", "table", table.String(), "error", err)
	}
}
