package vectors

import (
	"errors"
	"fmt"

	"github.com/rongate/rongate/lookup"
)

// A Code names a kind of error for programs. Codes are part of the API: they do not change.
type Code string

// The codes that this package uses. Package server adds those of the transport.
const (
	MalformedJSON        Code = "malformed_json"
	DuplicateName        Code = "duplicate_name"
	UnknownField         Code = "unknown_field"
	MissingField         Code = "missing_field"
	WrongType            Code = "wrong_type"
	InvalidValue         Code = "invalid_value"
	UnknownKey           Code = "unknown_key"
	InvalidKey           Code = "invalid_key"
	UnknownFeature       Code = "unknown_feature"
	DuplicateFeature     Code = "duplicate_feature"
	UnknownPassedFeature Code = "unknown_passed_feature"
	InvalidPassedFeature Code = "invalid_passed_feature"
	AmbiguousView        Code = "ambiguous_view"
	NoEventTime          Code = "no_event_time"
	Forbidden            Code = "forbidden"
	UnknownView          Code = "unknown_view"
	BatchTooLarge        Code = "batch_too_large"
	AnswerTooLarge       Code = "answer_too_large"
	Overloaded           Code = "overloaded"
	Unavailable          Code = "unavailable"
	DeadlineExceeded     Code = "deadline_exceeded"

	// UndecodableFeature is the RDRS Forms' alone: the native one tells of such a feature beside its vector.
	UndecodableFeature Code = "undecodable_feature"
)

// An Error is why a request got no answer. Everything but Err is fit for the client.
type Error struct {
	Code    Code
	Field   string // dotted path of the field at fault, such as "entries.account_id"; empty if none is
	Entry   int    // index of the entry at fault; -1 if none is
	Message string // what is wrong and how to mend it
	Err     error  // the cause, for the operator's log only

	// RDRS is the error's number in the API of RonDB's REST server; 0: it has none there, or is not of that API.
	RDRS RDRSCode
}

// Error gives the operator's view of e, cause included.
func (e *Error) Error() string {
	text := string(e.Code) + ": "
	if e.Field != "" {
		text += e.Field + ": "
	}
	text += e.Message
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func errorf(code Code, field, format string, args ...any) *Error {
	return &Error{Code: code, Field: field, Entry: -1, Message: fmt.Sprintf(format, args...)}
}

// at says which entry of a batch an error is about.
func (e *Error) at(entry int) *Error {
	e.Entry = entry
	return e
}

// readError is the Error of a request whose rows could not be read.
func readError(err error) *Error {
	e := &Error{Entry: -1, Err: err}
	switch {
	case errors.Is(err, lookup.ErrDeadline):
		e.Code, e.Message = DeadlineExceeded, "the deadline passed before all feature groups were read"
	case errors.Is(err, lookup.ErrOverloaded):
		e.Code, e.Message = Overloaded, "too many requests are waiting for the database; try again later"
	case errors.Is(err, lookup.ErrTooLarge):
		e.Code, e.Message = AnswerTooLarge, "the rows asked for are too large; ask for fewer entries"
	default:
		e.Code, e.Message = Unavailable, "a feature group could not be read; try again later"
	}
	return e
}
