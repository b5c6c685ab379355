// Command floor is the least that a gateway can do: for every request it echoes the body, after the five reads that a
// vector over five feature groups takes, each a prepared statement of the bare driver for one key, one after the other on
// one connection. Its answers are of no use; what they cost is what rongate's are compared with.
//
//	go run ./bench/floor --config rongate.yaml
package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"
	"github.com/valyala/fasthttp"

	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/internal/yamldoc"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1) //nolint:gocritic // run has tidied up
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("floor", flag.ExitOnError)
	path := flags.String("config", "rongate.yaml", "configuration `file`, as rongate's: the first node is read")
	listen := flags.String("listen", "127.0.0.1:18092", "`address` to answer requests on")
	private := flags.String("private-listen", "127.0.0.1:18093", "`address` of /readyz")
	connections := flags.Int("connections", 4, "connections, and so requests at a time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r, err := connect(ctx, *path, *connections)
	if err != nil {
		return err
	}
	defer r.close()
	ended := make(chan error, 2)
	ready := func(*fasthttp.RequestCtx) {}
	for address, handle := range map[string]fasthttp.RequestHandler{*listen: r.handle, *private: ready} {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		defer listener.Close()
		go func() { ended <- fasthttp.Serve(listener, handle) }()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return err
	}
}

// reader is the connections that are free.
type reader struct {
	free chan *connection
	last frauddata.Entry
}

// connection is one connection with its prepared statements.
type connection struct {
	conn       driver.Conn
	statements []driver.Stmt
	cells      []driver.Value
}

// queries read what the newest fraud view reads: ten features or so of each feature group.
func queries() []string {
	return []string{
		"SELECT account_id, updated_at, amount, txn_count_1h, txn_count_24h, txn_count_7d, avg_amount_7d, max_amount_30d, " +
			"balance, balance_trend, country, home_city, segment, is_new, device_hash, night_share, last_login, chargebacks_90d " +
			"FROM payments.account_stats_1 WHERE account_id = ?",
		"SELECT merchant_id, merchant_name, category, merchant_code, merchant_rank, avg_ticket_30d, fraud_rate_90d, " +
			"chargebacks_30d, turnover_30d, latitude, longitude, opened_on, is_online " +
			"FROM payments.merchant_stats_1 WHERE merchant_id = ?",
		"SELECT card_id, brand, issuer_country, issued_on, expires_on, credit_limit, daily_limit, contactless, pin_errors, " +
			"risk_score, fingerprint, token, last_terminal_at FROM payments.card_profile_1 WHERE card_id = ?",
		"SELECT * FROM payments.account_merchant_1 WHERE account_id = ? AND merchant_id = ?",
		"SELECT * FROM payments.account_device_1 WHERE account_id = ?",
	}
}

func connect(ctx context.Context, path string, connections int) (*reader, error) {
	doc, err := yamldoc.ReadFile(path)
	if err != nil {
		return nil, err
	}
	root := doc.Root()
	cfg := mysql.NewConfig()
	cfg.Net, cfg.User = "tcp", root.Required("database").Map().Required("user").Text("")
	for _, item := range root.Required("nodes").List()[:1] {
		cfg.Addr = item.Map().Required("address").Text("")
	}
	data, err := frauddata.New(frauddata.Config{})
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	r := &reader{free: make(chan *connection, connections), last: data.Last()}
	for range connections {
		conn, err := connector.Connect(ctx)
		if err != nil {
			return nil, err
		}
		c := &connection{conn: conn}
		for _, query := range queries() {
			statement, err := conn.Prepare(query)
			if err != nil {
				return nil, err
			}
			c.statements = append(c.statements, statement)
		}
		r.free <- c
	}
	return r, nil
}

func (r *reader) close() {
	for range cap(r.free) {
		_ = (<-r.free).conn.Close()
	}
}

func (r *reader) handle(ctx *fasthttp.RequestCtx) {
	c := <-r.free
	err := c.read(r.last)
	r.free <- c
	if err != nil {
		ctx.Error(strings.ToValidUTF8(err.Error(), "?"), fasthttp.StatusInternalServerError)
		return
	}
	ctx.SetBody(ctx.Request.Body())
}

// read runs every statement for a key drawn from the first rows up to last.
func (c *connection) read(last frauddata.Entry) error {
	first := frauddata.First()
	account := int64(first.Account + rand.Uint64N(last.Account-first.Account))
	merchant := frauddata.MerchantID(1 + rand.Uint64N(last.Merchant-1))
	card := frauddata.CardID(first.Card + rand.Uint64N(last.Card-first.Card))
	keys := [][]driver.Value{{account}, {merchant}, {card}, {account, merchant}, {account}}
	for i, statement := range c.statements {
		rows, err := statement.Query(keys[i]) //nolint:staticcheck // the one without a context, as rongate's pool
		if err != nil {
			return err
		}
		if n := len(rows.Columns()); len(c.cells) < n {
			c.cells = make([]driver.Value, n)
		}
		for err == nil {
			err = rows.Next(c.cells[:len(rows.Columns())])
		}
		if !errors.Is(err, io.EOF) {
			return err
		}
		if err := rows.Close(); err != nil {
			return err
		}
	}
	return nil
}
