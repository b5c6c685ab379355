package devdb

import (
	"context"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/proto/query"
)

// maxPrepared is how many parsed statements the engine keeps for a connection. It forgets none when a client closes it,
// and parses again what it does not find.
const maxPrepared = 512

// handler stands between the protocol and the engine and puts right what the engine says of its columns.
type handler struct {
	mysql.Handler
	statements *sqle.PreparedDataCache
}

// ComPrepare implements mysql.Handler.
func (h *handler) ComPrepare(
	ctx context.Context, c *mysql.Conn, statement string, prepare *mysql.PrepareData,
) ([]*query.Field, error) {
	if len(h.statements.CachedStatementsForSession(c.ConnectionID)) >= maxPrepared {
		h.statements.DeleteSessionData(c.ConnectionID)
	}
	fields, err := h.Handler.ComPrepare(ctx, c, statement, prepare)
	mendFields(fields)
	return fields, err
}

// ComStmtExecute implements mysql.Handler.
func (h *handler) ComStmtExecute(
	ctx context.Context, c *mysql.Conn, prepare *mysql.PrepareData, send func(*sqltypes.Result) error,
) error {
	return h.Handler.ComStmtExecute(ctx, c, prepare, func(r *sqltypes.Result) error {
		mendFields(r.Fields)
		return send(r)
	})
}

// ComQuery implements mysql.Handler.
func (h *handler) ComQuery(ctx context.Context, c *mysql.Conn, statement string, send mysql.ResultSpoolFn) error {
	return h.Handler.ComQuery(ctx, c, statement, mended(send))
}

// ComMultiQuery implements mysql.Handler.
func (h *handler) ComMultiQuery(
	ctx context.Context, c *mysql.Conn, statement string, send mysql.ResultSpoolFn,
) (string, error) {
	return h.Handler.ComMultiQuery(ctx, c, statement, mended(send))
}

func mended(send mysql.ResultSpoolFn) mysql.ResultSpoolFn {
	return func(r *sqltypes.Result, more bool) error {
		mendFields(r.Fields)
		return send(r, more)
	}
}

// mendFields adds the flags by which clients tell an ENUM or a SET from a CHAR. The protocol layer adds them by itself
// only to columns that have no other flag.
func mendFields(fields []*query.Field) {
	for _, f := range fields {
		switch f.Type {
		case query.Type_ENUM:
			f.Flags |= uint32(query.MySqlFlag_ENUM_FLAG)
		case query.Type_SET:
			f.Flags |= uint32(query.MySqlFlag_SET_FLAG)
		}
	}
}
