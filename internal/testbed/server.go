package testbed

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	clientTimeout = 2 * time.Minute // of a script or statement; loading a few hundred thousand rows takes less
	pingTimeout   = 5 * time.Second
)

// A server is an SQL server and how the testbed itself talks to it: as User, over its socket.
type server struct {
	process *process
	socket  string
	client  string // the command-line client's path
}

// Exec runs an SQL script on this node's server, around its proxy if it has one. The client splits the script into
// statements, knows DELIMITER, and stops at the first error.
func (n *Node) Exec(ctx context.Context, script string) error { return n.server.exec(ctx, script) }

// Query runs one statement on this node's server, around its proxy if it has one, and returns its rows. It reads what
// the command-line client prints, so it is independent of any driver: every value as text, in utf8mb4, byte for byte
// but for one thing: the client prints a space for a NUL byte. Select HEX(…) of what may hold one.
func (n *Node) Query(ctx context.Context, statement string) ([][]Cell, error) {
	return n.server.query(ctx, statement)
}

// Counters returns counters that the node's server has kept since it started, over all connections. On an NDB cluster
// they do not move while nobody sends statements. A connection's first use of a table costs a table scan, for
// statistics. Those to know are
//
//	Ndb_api_pk_op_count               rows read or written by primary key
//	Ndb_api_wait_exec_complete_count  round trips to the data nodes, but for scans
//	Ndb_api_table_scan_count          scans of tables
//	Ndb_api_range_scan_count          scans of ordered indexes
//	Ndb_api_trans_start_count         transactions
//
// On every server there are Handler_read_key and its like; asking for counters moves Handler_read_rnd_next.
func (n *Node) Counters(ctx context.Context) (map[string]int64, error) {
	rows, err := n.Query(ctx, `SHOW GLOBAL STATUS
		WHERE Variable_name LIKE 'Ndb\_api\_%\_count' OR Variable_name LIKE 'Handler\_read\_%'`)
	if err != nil {
		return nil, err
	}
	counters := make(map[string]int64, len(rows))
	for _, row := range rows {
		if counters[row[0].Text], err = strconv.ParseInt(row[1].Text, 10, 64); err != nil {
			return nil, fmt.Errorf("testbed: counter %s: %w", row[0].Text, err)
		}
	}
	return counters, nil
}

func (s *server) exec(ctx context.Context, script string) error {
	_, err := s.run(ctx, script, "--binary-mode")
	return err
}

func (s *server) query(ctx context.Context, statement string) ([][]Cell, error) {
	out, err := s.run(ctx, statement, "--binary-mode", "--xml")
	if err != nil {
		return nil, err
	}
	rows, err := parseRows(out)
	if err != nil {
		return nil, fmt.Errorf("testbed: %s: %w", s.client, err)
	}
	return rows, nil
}

// run feeds the command-line client.
func (s *server) run(ctx context.Context, input string, options ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	args := []string{
		"--no-defaults", "--protocol=socket", "--socket=" + s.socket, "--user=" + User, "--default-character-set=utf8mb4",
	}
	cmd := exec.CommandContext(ctx, s.client, append(args, options...)...)
	s.process.group.join(cmd)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), &stderr
	out, err := cmd.Output()
	if err != nil {
		err = errors.Join(err, context.Cause(ctx))
		return nil, fmt.Errorf("testbed: SQL on %s: %w: %s", s.process.name, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

// check returns nil if the server answers the statement with a row. It uses the driver because it is called until
// then, and a client process takes longer than the server to start.
func (s *server) check(ctx context.Context, statement string) error {
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User = "unix", s.socket, User
	cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = pingTimeout, pingTimeout, pingTimeout
	cfg.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return err
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, statement, nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	err = rows.Next(make([]driver.Value, len(rows.Columns())))
	if errors.Is(err, io.EOF) {
		return errors.New("not yet")
	}
	return err
}
