package devdb

import (
	"context"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/sqltypes"
	querypb "github.com/dolthub/vitess/go/vt/proto/query"
)

// maxPrepared is how many parsed statements the engine keeps for a connection. It forgets none when a client closes it,
// and parses again what it does not find.
const maxPrepared = 512

// timeFraction are the fractional digits of every TIME: the engine has no other precision for it.
const timeFraction = 6

// handler stands between the protocol and the engine and puts right what the engine says of its columns.
type handler struct {
	mysql.Handler
	statements *sqle.PreparedDataCache
	databases  *databases
}

// ComPrepare implements mysql.Handler.
func (h *handler) ComPrepare(
	ctx context.Context, c *mysql.Conn, statement string, prepare *mysql.PrepareData,
) ([]*querypb.Field, error) {
	if len(h.statements.CachedStatementsForSession(c.ConnectionID)) >= maxPrepared {
		h.statements.DeleteSessionData(c.ConnectionID)
	}
	fields, err := h.Handler.ComPrepare(ctx, c, statement, prepare)
	h.mend(fields)
	return fields, err
}

// ComStmtExecute implements mysql.Handler.
func (h *handler) ComStmtExecute(
	ctx context.Context, c *mysql.Conn, prepare *mysql.PrepareData, send func(*sqltypes.Result) error,
) error {
	return h.Handler.ComStmtExecute(ctx, c, prepare, func(r *sqltypes.Result) error {
		h.mend(r.Fields)
		return send(r)
	})
}

// ComQuery implements mysql.Handler.
func (h *handler) ComQuery(ctx context.Context, c *mysql.Conn, statement string, send mysql.ResultSpoolFn) error {
	return h.Handler.ComQuery(ctx, c, statement, h.mended(send))
}

// ComMultiQuery implements mysql.Handler.
func (h *handler) ComMultiQuery(
	ctx context.Context, c *mysql.Conn, statement string, send mysql.ResultSpoolFn,
) (string, error) {
	return h.Handler.ComMultiQuery(ctx, c, statement, h.mended(send))
}

func (h *handler) mended(send mysql.ResultSpoolFn) mysql.ResultSpoolFn {
	return func(r *sqltypes.Result, more bool) error {
		h.mend(r.Fields)
		return send(r, more)
	}
}

// mend adds to the columns of a result what the engine leaves out and clients go by: the flags that tell an ENUM and a SET
// from a CHAR, where there are other flags too, and the fractional digits of TIME and TIMESTAMP.
func (h *handler) mend(fields []*querypb.Field) {
	for _, f := range fields {
		switch f.Type {
		case querypb.Type_ENUM:
			f.Flags |= uint32(querypb.MySqlFlag_ENUM_FLAG)
		case querypb.Type_SET:
			f.Flags |= uint32(querypb.MySqlFlag_SET_FLAG)
		case querypb.Type_TIME:
			f.Decimals = timeFraction
		case querypb.Type_TIMESTAMP:
			f.Decimals = h.databases.fraction(f.Database, f.OrgTable, f.OrgName)
		}
	}
}
