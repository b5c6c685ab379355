package lookup

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/pool"
)

const (
	limitsQuery = "SELECT VERSION(), @@max_connections, @@max_user_connections, @@max_prepared_stmt_count"
	clockQuery  = "SELECT UTC_TIMESTAMP(6)"
	engineQuery = "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?"

	// clockRounds is how often the clock is asked for; the quickest answer counts. The first also prepares.
	clockRounds = 4

	// patientHandshake is how long a probe's handshake may take at least: whoever looks for what is wrong would rather
	// know that a node is slow than that it did not answer in time.
	patientHandshake = 5 * time.Second
)

// A NodeReport is what a node answers to everything that decides whether it can serve.
type NodeReport struct {
	NodeConfig

	// Err is why the node could not be asked to the end. Before the handshake it is what dialing gave.
	Err error

	Handshake time.Duration        // socket, TLS, authentication and session; 0: it failed
	TLS       *tls.ConnectionState // nil: plain text, or no handshake of TLS
	Limits    Limits
	LimitsErr error
	Clock     time.Duration // by how much the server's clock is ahead of this process's
	ClockErr  error

	Tables  map[catalog.TableName]*catalog.Table // those of the catalogue that there are
	Engines map[catalog.TableName]string         // of Tables
	Absent  map[catalog.TableName]error          // of the others: what the server answers to a read

	Mistakes error             // of the catalogue, over Tables: yamldoc.Problems
	Snapshot *catalog.Snapshot // what of the catalogue is sound over Tables; nil: they were not read
	Selects  []SelectReport    // of Snapshot.Selects, in order; fewer if Err says why
}

// Limits are a server's version and its bounds on what its clients may have.
type Limits struct {
	Version               string
	MaxConnections        int64
	MaxUserConnections    int64 // of this user; 0: no limit of its own
	MaxPreparedStatements int64 // of all connections together
}

// Probe asks one node everything: over connections of its own, dialed as cfg says, one statement at a time, until ctx
// ends. Without a catalogue it looks at no table. It only reads.
func Probe(ctx context.Context, cfg pool.Config, nc NodeConfig, spec *catalog.Spec) *NodeReport {
	p := &probe{ctx: ctx, spec: spec, report: &NodeReport{NodeConfig: nc}}
	p.cfg = nc.accessBy(cfg.Effective())
	p.cfg.HandshakeTimeout = max(p.cfg.HandshakeTimeout, patientHandshake)
	p.cfg.DrainGrace = time.Millisecond // nobody uses the connections again
	p.watchTLS()
	p.report.Err = p.ask()
	if p.report.Err == nil && spec != nil {
		p.report.Err = p.readAll()
	}
	if p.report.Err != nil && p.report.Handshake > 0 && ctx.Err() != nil {
		p.report.Err = ctx.Err() // the other error is what the end of ctx did to the connection
	}
	return p.report
}

// PreparedStatements is how many statements a connection comes to prepare for all selects of a snapshot, where nothing
// limits them: one for each number of keys that a statement may be for.
func PreparedStatements(s *catalog.Snapshot) int {
	n := 0
	for _, sel := range s.Selects {
		n += len(compile(sel, 0).queries)
	}
	return n
}

// probe is one Probe at work.
type probe struct {
	ctx    context.Context
	cfg    pool.Config
	spec   *catalog.Spec
	report *NodeReport
}

// watchTLS keeps the state of a verified TLS connection.
func (p *probe) watchTLS() {
	if p.cfg.TLS == nil {
		return
	}
	p.cfg.TLS = p.cfg.TLS.Clone()
	verify := p.cfg.TLS.VerifyConnection
	p.cfg.TLS.VerifyConnection = func(state tls.ConnectionState) error {
		p.report.TLS = &state
		if verify != nil {
			return verify(state)
		}
		return nil
	}
}

// ask dials, and asks for all but rows.
func (p *probe) ask() error {
	began := time.Now()
	return pool.Once(p.ctx, p.cfg, func(c *pool.Conn) error {
		p.report.Handshake = time.Since(began)
		p.report.Limits, p.report.LimitsErr = limits(c)
		p.report.Clock, p.report.ClockErr = clock(c)
		if p.spec == nil {
			return nil
		}
		return p.describe(c)
	})
}

func limits(c *pool.Conn) (Limits, error) {
	found, err := rows(c, limitsQuery, nil)
	if err != nil {
		return Limits{}, err
	}
	if len(found) != 1 {
		return Limits{}, fmt.Errorf("%d rows of limits", len(found))
	}
	row := found[0]
	return Limits{
		Version: row[0].text, MaxConnections: row[1].number, MaxUserConnections: row[2].number,
		MaxPreparedStatements: row[3].number,
	}, nil
}

// clock takes half of the round trip off: the quicker the answer, the less is left to guess.
func clock(c *pool.Conn) (time.Duration, error) {
	var ahead time.Duration
	quickest := time.Duration(-1)
	for range clockRounds {
		sent := time.Now()
		found, err := rows(c, clockQuery, nil)
		took := time.Since(sent)
		if err != nil {
			return 0, err
		}
		if len(found) != 1 {
			return 0, fmt.Errorf("%d rows of the time", len(found))
		}
		shown, err := time.Parse("2006-01-02 15:04:05.999999", found[0][0].text)
		if err != nil {
			return 0, err
		}
		if quickest < 0 || took < quickest {
			quickest, ahead = took, shown.Sub(sent.Add(took/2))
		}
	}
	return ahead, nil
}

// describe reads the definitions of the catalogue's tables and holds the catalogue against them.
func (p *probe) describe(c *pool.Conn) error {
	r := p.report
	r.Tables, r.Engines = map[catalog.TableName]*catalog.Table{}, map[catalog.TableName]string{}
	r.Absent = map[catalog.TableName]error{}
	for _, name := range p.spec.Tables() {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		t, err := describeTable(c, name)
		if err != nil {
			return fmt.Errorf("describe table %s: %w", name, err)
		}
		if len(t.Columns) == 0 {
			if r.Absent[name], err = absence(c, name); err != nil {
				return err
			}
			continue
		}
		r.Tables[name] = t
		args := []column.Value{column.BytesValue([]byte(name.Database)), column.BytesValue([]byte(name.Name))}
		engine, err := rows(c, engineQuery, args)
		if err != nil {
			return fmt.Errorf("engine of table %s: %w", name, err)
		}
		if len(engine) == 1 {
			r.Engines[name] = engine[0][0].text
		}
	}
	r.Snapshot = p.spec.Sound(r.Tables)
	_, r.Mistakes = p.spec.Resolve(r.Tables)
	return nil
}

// absence returns what the server says of a table that its information_schema does not show: whether there is none, or
// whether the user may not read it.
func absence(c *pool.Conn, name catalog.TableName) (said, err error) {
	_, err = rows(c, "SELECT 1 FROM "+quoted(name)+" LIMIT 0", nil)
	if errors.Is(err, pool.ErrBroken) {
		return nil, fmt.Errorf("table %s: %w", name, err)
	}
	return err, nil
}

// readAll reads rows by every select. A connection that a statement broke is replaced: a table that is locked, say,
// keeps no other from being read.
func (p *probe) readAll() error {
	selects := p.report.Snapshot.Selects
	for len(p.report.Selects) < len(selects) {
		err := pool.Once(p.ctx, p.cfg, func(c *pool.Conn) error {
			for _, sel := range selects[len(p.report.Selects):] {
				report := readOne(c, compile(sel, 0))
				if err := p.ctx.Err(); err != nil {
					return err
				}
				p.report.Selects = append(p.report.Selects, report)
				if errors.Is(report.Err, pool.ErrBroken) {
					return nil
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
