package pool

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/rongate/rongate/column"
)

// A session is what a connection does with its server: the seam between the pool's bookkeeping and the network. Only
// Abort may be called beside another method.
type session interface {
	// Select runs one statement with deadline as the socket's absolute deadline.
	Select(deadline time.Time, query string, args []column.Value, sink Sink) error
	Forget(query string)
	Ping(deadline time.Time) error
	// Broken reports whether the session is over.
	Broken() bool
	// Abort closes the socket, so that whatever runs fails at once.
	Abort()
	// Close ends the session, politely if it is not broken, within quitTimeout.
	Close()
}

// A dialer opens a session. The context bounds all of it.
type dialer func(ctx context.Context) (session, error)

const (
	// quitTimeout bounds saying goodbye to a server that may not listen.
	quitTimeout = 100 * time.Millisecond

	// skipTimeout bounds reading the rest of an answer that nobody wants; beyond it a new connection is cheaper, even
	// with its warm-up.
	skipTimeout = 20 * time.Millisecond
)

// mysqlSession is a session on a raw connection of the MySQL driver: database/sql would add a pool and retries of its
// own.
type mysqlSession struct {
	wire     *wire
	conn     driver.Conn
	broken   bool
	inSink   bool      // the sink is being called: a panic is its own, not the driver's
	deadline time.Time // the socket's

	statements *simplelru.LRU[string, driver.Stmt]
	evicted    []driver.Stmt // out of the cache, not yet closed at the server
	counters   *statementCounters

	// Scratch, reused by every Select.

	args     []driver.Value
	cells    []driver.Value
	values   []column.Value
	columns  []ResultColumn
	unsigned []bool // by column: integers become column.UintValue
}

// querier is what the driver's statements do besides what driver.Stmt says: no context, because statements are not
// cancelled, and no named values, which the driver would copy.
type querier interface {
	Query(args []driver.Value) (driver.Rows, error)
}

func (s *mysqlSession) Select(deadline time.Time, query string, args []column.Value, sink Sink) (err error) {
	if s.broken {
		return fmt.Errorf("select: %w", ErrBroken)
	}
	defer s.settle(&err)
	if err := s.setDeadline(deadline); err != nil {
		return s.failure("select", err)
	}
	statement, err := s.prepare(query)
	if err != nil {
		return err
	}
	rows, err := statement.Query(s.box(args))
	clear(s.args)
	if err == nil {
		err = s.feed(rows, sink)
	} else {
		err = s.failure("execute", err)
	}
	if err != nil && isStale(err) {
		s.statements.Remove(query)
	}
	s.closeEvicted()
	return err
}

// settle is deferred around all use of the driver. The driver panics on some malformed packets, after which nothing is
// known about the connection.
func (s *mysqlSession) settle(err *error) {
	if s.inSink {
		s.inSink, s.broken = false, true
		return
	}
	if r := recover(); r != nil {
		s.broken = true
		*err = fmt.Errorf("%w: the server's answer makes no sense: %v", ErrBroken, r)
		return
	}
	// The driver closes the connection on some errors that look like the server's, and an answer that is followed by
	// more bytes is not the answer to what was asked.
	if !s.conn.(driver.Validator).IsValid() {
		s.broken = true
	}
}

// prepare returns the query's statement, which is the newest in the cache from then on.
func (s *mysqlSession) prepare(query string) (querier, error) {
	statement, ok := s.statements.Get(query)
	if !ok {
		var err error
		if statement, err = s.conn.Prepare(query); err != nil {
			return nil, s.failure("prepare", err)
		}
		s.statements.Add(query, statement)
		s.counters.prepared.Add(1)
		s.counters.open.Add(1)
	}
	return statement.(querier), nil
}

// evict is the cache's callback. It must not write: a result may be half read, and the socket's deadline may be past.
func (s *mysqlSession) evict(_ string, statement driver.Stmt) {
	s.counters.open.Add(-1)
	s.evicted = append(s.evicted, statement)
}

// closeEvicted closes at the server what left the cache. The protocol has no answer to that, so nothing is awaited.
func (s *mysqlSession) closeEvicted() {
	if len(s.evicted) == 0 || s.broken {
		return
	}
	for _, statement := range s.evicted {
		if err := statement.Close(); err != nil {
			s.broken = true
			break
		}
	}
	clear(s.evicted)
	s.evicted = s.evicted[:0]
}

// Forget leaves closing the statement to the next Select.
func (s *mysqlSession) Forget(query string) { s.statements.Remove(query) }

func (s *mysqlSession) Ping(deadline time.Time) (err error) {
	defer s.settle(&err)
	if err := s.setDeadline(deadline); err != nil {
		return s.failure("ping", err)
	}
	if err := s.conn.(driver.Pinger).Ping(context.Background()); err != nil {
		return s.failure("ping", err)
	}
	return nil
}

func (s *mysqlSession) Broken() bool { return s.broken }

func (s *mysqlSession) Abort() {
	if s.wire != nil { // nil while dialing
		_ = s.wire.Close()
	}
}

func (s *mysqlSession) Close() {
	s.counters.open.Add(-int64(s.statements.Len()))
	if s.broken {
		s.Abort()
	} else if err := s.setDeadline(time.Now().Add(quitTimeout)); err != nil {
		s.Abort()
	}
	defer func() {
		// A panic here would be the driver's, over a buffer in a state it does not expect; the socket goes all the same.
		if r := recover(); r != nil {
			s.Abort()
		}
	}()
	_ = s.conn.Close()
}

func (s *mysqlSession) setDeadline(t time.Time) error {
	s.deadline = t
	return s.wire.SetDeadline(t)
}

// failure classifies an error of the driver. Only what the server itself answered leaves the session usable.
func (s *mysqlSession) failure(operation string, err error) error {
	valid := s.conn.(driver.Validator).IsValid()
	if refusal := new(mysql.MySQLError); errors.As(err, &refusal) {
		if valid {
			return fmt.Errorf("%s: %w", operation, newServerError(refusal))
		}
		s.broken = true
		return fmt.Errorf("%s: %w: %w", operation, ErrBroken, newServerError(refusal))
	}
	s.broken = true
	return brokenBy(operation, s.wire.err, err)
}
