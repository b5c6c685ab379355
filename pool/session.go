package pool

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/pool/protocol"
)

// A session is what a connection does with its server: the seam between the pool's bookkeeping and the network. Only
// Abort and Hurry may be called beside another method.
type session interface {
	// Select runs one statement with deadline as the socket's absolute deadline.
	Select(deadline time.Time, query string, args []column.Value, sink Sink) error
	// SelectWithin is Conn's.
	SelectWithin(patience, deadline time.Time, query string, args []column.Value, sink Sink, later func(error),
	) (pending bool, err error)
	Forget(query string)
	Ping(deadline time.Time) error
	// Hurry is Conn's.
	Hurry()
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
// own. The driver dials, authenticates, pings and says goodbye; statements are the protocol package's, or the driver's.
type mysqlSession struct {
	hurry   sync.Mutex // guards the two below, and that waiting is true while the read deadline is set for it
	waiting bool       // SelectWithin reads on the goroutine that it was called on
	hurried bool       // since the last exchange has ended

	wire     *wire
	conn     driver.Conn
	direct   *protocol.Conn // runs the statements; nil where the driver does
	broken   bool
	inSink   bool      // the sink is being called: a panic is its own, not the driver's
	deadline time.Time // the socket's
	under    exchange  // under way

	statements *simplelru.LRU[string, statement]
	evicted    []statement // out of the cache, not yet closed at the server
	counters   *statementCounters
	scratch    driverScratch
}

// A statement is one that is prepared on a session, which runs one at a time.
type statement interface {
	// Send asks for a result. The args are borrowed until Receive returns.
	Send(args []column.Value) error
	// Receive receives it up to its rows.
	Receive() error
	// Columns are those of the result, valid until the next Receive.
	Columns() []ResultColumn
	// Next reads a row, which is valid until the next call; at the end it is io.EOF.
	Next() ([]column.Value, error)
	// Spent reports whether the last error of Receive or Next, for want of time, is final: they cannot be called again.
	Spent() bool
	// Skip reads the rest of the rows.
	Skip() error
	// Close has the server forget it, without waiting for that. Nothing may be under way.
	Close() error
}

// An exchange is a statement under way, and how far its answer has been read.
type exchange struct {
	statement statement
	query     string
	sink      Sink
	patient   bool // what fails for want of time may go on with more
	received  bool // the answer up to its rows
}

// errPending is an exchange whose caller's patience has ended before it did.
var errPending = errors.New("the answer has not come to its end yet")

func (s *mysqlSession) Select(deadline time.Time, query string, args []column.Value, sink Sink) (err error) {
	defer s.settle(&err)
	statement, err := s.send(deadline, query, args)
	if err != nil {
		return err
	}
	s.under = exchange{statement: statement, query: query, sink: sink}
	return s.receive()
}

func (s *mysqlSession) SelectWithin(
	patience, deadline time.Time, query string, args []column.Value, sink Sink, later func(error),
) (pending bool, err error) {
	// The driver does not let go of the goroutine that it is called on. A prepare cannot be left in the middle either, and
	// where there is no time left nothing may be sent by a deadline that is past: it would break the connection.
	if s.direct == nil || !s.statements.Contains(query) || !time.Now().Before(patience) {
		go func() { later(s.Select(deadline, query, args, sink)) }()
		return true, nil
	}
	statement, err := s.send(deadline, query, args)
	if err != nil {
		return false, err
	}
	if err := s.beginWaiting(patience); err != nil {
		return false, s.failure("execute", err)
	}
	s.under = exchange{statement: statement, query: query, sink: sink, patient: true}
	err = s.receiveSettled()
	s.endWaiting()
	if !errors.Is(err, errPending) {
		return false, err
	}
	s.wire.err = nil
	if err := s.setDeadline(deadline); err != nil {
		return false, s.failure("execute", err)
	}
	s.under.patient = false
	go func() { later(s.receiveSettled()) }()
	return true, nil
}

// hurryTime is a read deadline that is past.
func hurryTime() time.Time { return time.Unix(1, 0) }

// beginWaiting has reads fail when patience is over, or at Hurry, which may have come before.
func (s *mysqlSession) beginWaiting(patience time.Time) error {
	s.hurry.Lock()
	defer s.hurry.Unlock()
	s.waiting = true
	if s.hurried {
		patience = hurryTime()
	}
	return s.wire.SetReadDeadline(patience)
}

// endWaiting has Hurry do nothing any more. The deadline that it may have left is for who reads next to replace.
func (s *mysqlSession) endWaiting() {
	s.hurry.Lock()
	defer s.hurry.Unlock()
	s.waiting = false
}

func (s *mysqlSession) Hurry() {
	s.hurry.Lock()
	defer s.hurry.Unlock()
	s.hurried = true
	if s.waiting {
		_ = s.wire.SetReadDeadline(hurryTime()) // a socket that fails has its read fail too
	}
}

// calm forgets a Hurry: what it was for has ended.
func (s *mysqlSession) calm() {
	s.hurry.Lock()
	defer s.hurry.Unlock()
	s.hurried = false
}

// send sends a statement.
func (s *mysqlSession) send(deadline time.Time, query string, args []column.Value) (statement, error) {
	if s.broken {
		return nil, fmt.Errorf("select: %w", ErrBroken)
	}
	if err := s.setDeadline(deadline); err != nil {
		return nil, s.failure("select", err)
	}
	statement, err := s.prepare(query)
	if err != nil {
		return nil, err
	}
	if err := statement.Send(args); err != nil {
		return nil, s.failure("execute", err)
	}
	return statement, nil
}

func (s *mysqlSession) receiveSettled() (err error) {
	defer s.settle(&err)
	return s.receive()
}

// receive passes what comes to the sink, from where the last one has ended with errPending.
func (s *mysqlSession) receive() error {
	err := s.feed()
	if errors.Is(err, errPending) {
		return err
	}
	if err != nil && isStale(err) {
		s.statements.Remove(s.under.query)
	}
	s.under = exchange{}
	s.closeEvicted()
	return err
}

// feed passes a result to the sink and leaves the connection at its end, or broken; or pending.
func (s *mysqlSession) feed() error {
	e := &s.under
	var err error
	if !e.received {
		if err := e.statement.Receive(); err != nil {
			return s.interrupted("execute", err)
		}
		e.received = true
		s.inSink = true
		err = e.sink.Columns(e.statement.Columns())
		s.inSink = false
	}
	for err == nil {
		values, failure := e.statement.Next()
		if errors.Is(failure, io.EOF) {
			return nil
		}
		if failure != nil {
			return s.interrupted("read a row", failure)
		}
		s.inSink = true
		err = e.sink.Row(values)
		s.inSink = false
	}
	s.skip(e.statement)
	return err
}

// interrupted is what a read that failed comes to.
func (s *mysqlSession) interrupted(operation string, err error) error {
	if s.under.patient && errors.Is(err, os.ErrDeadlineExceeded) && !s.under.statement.Spent() {
		return errPending
	}
	return s.failure(operation, err)
}

// skip reads what is left of a result that the sink refused, if that does not take long.
func (s *mysqlSession) skip(result statement) {
	if soon := time.Now().Add(skipTimeout); soon.Before(s.deadline) {
		if err := s.setDeadline(soon); err != nil {
			s.broken = true
			return
		}
	}
	if err := result.Skip(); err != nil {
		_ = s.failure("skip the rest", err)
	}
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
	if errors.Is(*err, errPending) {
		return
	}
	s.calm()
	if !s.valid() {
		s.broken = true
	}
}

// valid reports whether the connection may be used for another exchange. The driver closes it on some errors that look
// like the server's, and an answer that is followed by more bytes is not the answer to what was asked.
func (s *mysqlSession) valid() bool {
	return s.conn.(driver.Validator).IsValid() && (s.direct == nil || s.direct.Idle())
}

// prepare returns the query's statement, which is the newest in the cache from then on.
func (s *mysqlSession) prepare(query string) (statement, error) {
	if statement, ok := s.statements.Get(query); ok {
		return statement, nil
	}
	statement, err := s.prepareNew(query)
	if err != nil {
		return nil, s.failure("prepare", err)
	}
	s.statements.Add(query, statement)
	s.counters.prepared.Add(1)
	s.counters.open.Add(1)
	return statement, nil
}

func (s *mysqlSession) prepareNew(query string) (statement, error) {
	if s.direct != nil {
		prepared, err := s.direct.Prepare(query)
		if err != nil {
			return nil, err
		}
		return directStatement{prepared}, nil
	}
	prepared, err := s.conn.Prepare(query)
	if err != nil {
		return nil, err
	}
	return &driverStatement{Stmt: prepared, scratch: &s.scratch}, nil
}

// directStatement fits the protocol package's statements.
type directStatement struct{ *protocol.Statement }

func (d directStatement) Skip() error {
	for {
		if _, err := d.Next(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// evict is the cache's callback. It must not write: a result may be half read, and the socket's deadline may be past.
func (s *mysqlSession) evict(_ string, statement statement) {
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

// failure classifies an error. Only what the server itself answered, in its turn, leaves the session usable.
func (s *mysqlSession) failure(operation string, err error) error {
	refusal := refusalIn(err)
	switch {
	case refusal == nil:
		s.broken = true
		return brokenBy(operation, s.wire.err, err)
	case s.valid() && !errors.Is(err, protocol.ErrMalformed):
		return fmt.Errorf("%s: %w", operation, refusal)
	}
	s.broken = true
	return fmt.Errorf("%s: %w: %w", operation, ErrBroken, refusal)
}
