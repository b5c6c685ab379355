package pool

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/go-sql-driver/mysql"

	"github.com/rongate/rongate/pool/protocol"
)

// ErrBroken is wrapped by every error after which the connection cannot be used again. The statement may or may not
// have run; every statement is a read, so running it again elsewhere is safe.
var ErrBroken = errors.New("connection broken")

// ErrTimeout is the ErrBroken of a connection whose socket's absolute deadline passed.
var ErrTimeout = fmt.Errorf("%w: its time was up", ErrBroken)

// A ServerError is what the server answered instead of a result. Unless the error that wraps it is ErrBroken too, the
// connection remains usable. It unwraps to the driver's own error, if it comes from there.
type ServerError struct {
	Number  uint16 // MySQL's or MariaDB's error number
	NDB     int    // the NDB error inside 1296 and 1297; else 0
	Message string

	cause error
}

// Error renders the numbers and the server's message, which may quote key values: it is for the log, not for clients.
func (e *ServerError) Error() string {
	if e.NDB != 0 {
		return fmt.Sprintf("server error %d (NDB %d): %s", e.Number, e.NDB, e.Message)
	}
	return fmt.Sprintf("server error %d: %s", e.Number, e.Message)
}

// Unwrap gives the error that it was made from.
func (e *ServerError) Unwrap() error { return e.cause }

// The server's error numbers that this package acts on, from the MySQL manual's server error reference;
// ndbInvalidSchema is from the NDB error reference.
const (
	erBadField         = 1054
	erNoSuchTable      = 1146
	erUnknownStatement = 1243
	erGetError         = 1296
	erGetTemporary     = 1297
	erTableDefChanged  = 1412
	erNeedReprepare    = 1615
	ndbInvalidSchema   = 241
)

// isStale reports whether the error says that a prepared statement no longer fits the server's tables.
func isStale(err error) bool {
	refusal := new(ServerError)
	if !errors.As(err, &refusal) {
		return false
	}
	switch refusal.Number {
	case erBadField, erNoSuchTable, erUnknownStatement, erTableDefChanged, erNeedReprepare:
		return true
	}
	return refusal.NDB == ndbInvalidSchema
}

// refusalIn returns what a server has answered, nil if the error is another.
func refusalIn(err error) *ServerError {
	if e := new(mysql.MySQLError); errors.As(err, &e) {
		return newServerError(e.Number, e.Message, e)
	}
	if e := new(protocol.Error); errors.As(err, &e) {
		return newServerError(e.Number, e.Message, e)
	}
	return nil
}

func newServerError(number uint16, message string, cause error) *ServerError {
	s := &ServerError{Number: number, Message: message, cause: cause}
	if number == erGetError || number == erGetTemporary {
		s.NDB = firstNumber(message)
	}
	return s
}

// firstNumber is the first whole number in the text, 0 if there is none. The NDB error is the first number of its
// message in every language the server speaks.
func firstNumber(text string) int {
	start := 0
	for start < len(text) && !isDigit(text[start]) {
		start++
	}
	end := start
	for end < len(text) && isDigit(text[end]) {
		end++
	}
	n, err := strconv.Atoi(text[start:end])
	if err != nil {
		return 0
	}
	return n
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// brokenBy wraps what ended a connection. socket is the socket's own error where it had one: the driver replaces it
// with one that does not tell a timeout from a reset.
func brokenBy(operation string, socket, err error) error {
	cause := err
	if socket != nil {
		cause = socket
	}
	if errors.Is(cause, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%s: %w", operation, ErrTimeout)
	}
	return fmt.Errorf("%s: %w: %w", operation, ErrBroken, cause)
}
