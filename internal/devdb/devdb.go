package devdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/sirupsen/logrus"
)

// Config is what a database is started with.
type Config struct {
	Nodes int // listeners; 3 if 0

	User     string // the one account, which may do anything; if empty, everybody is let in under any name
	Password string
}

const (
	defaultNodes = 3

	// serverVersion is what clients are told. They derive from its number what they may send.
	serverVersion = "8.0.31-devdb"
)

// A DB is a running database.
type DB struct {
	databases *databases
	engine    *sqle.Engine
	server    *server.Server
	gate      *gate
	user      string
	accepting chan struct{} // closed when the server has stopped to accept
	close     sync.Once
}

// Start opens the nodes. They serve when it returns.
func Start(cfg Config) (*DB, error) {
	if cfg.Nodes == 0 {
		cfg.Nodes = defaultNodes
	}
	if cfg.Nodes < 0 {
		return nil, fmt.Errorf("devdb: %d nodes", cfg.Nodes)
	}
	if err := setEngine(); err != nil {
		return nil, fmt.Errorf("devdb: %w", err)
	}
	db := &DB{databases: newDatabases(), user: cfg.User, accepting: make(chan struct{})}
	db.engine = sqle.NewDefault(db.databases)
	if cfg.User != "" {
		accounts := db.engine.Analyzer.Catalog.MySQLDb
		editor := accounts.Editor()
		accounts.AddSuperUser(editor, cfg.User, "%", cfg.Password)
		editor.Close()
	}
	var err error
	if db.gate, err = openGate(cfg.Nodes); err != nil {
		return nil, fmt.Errorf("devdb: %w", err)
	}
	db.server, err = server.NewServerWithHandler(
		server.Config{Listener: db.gate, Version: serverVersion},
		db.engine, sql.NewContext, newSession, nil,
		func(h mysql.Handler) (mysql.Handler, error) {
			return &handler{Handler: h, statements: db.engine.PreparedDataCache, databases: db.databases}, nil
		},
	)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("devdb: %w", err), db.gate.Close())
	}
	go func() {
		defer close(db.accepting)
		db.server.Listener.Accept()
	}()
	return db, nil
}

// setEngine sets what the engine has once in a process, the same at every call.
func setEngine() error {
	logrus.SetOutput(io.Discard) // a line for every connection; nothing but the engine uses this logger
	return sql.SystemVariables.AssignValues(map[string]any{
		"version": serverVersion, "version_comment": "rongate's embedded database, for development",
	})
}

// Addresses returns where the nodes listen, as host:port.
func (db *DB) Addresses() []string { return db.gate.addresses() }

// Close stops all nodes, closes their connections and returns when nothing of the database runs any more.
func (db *DB) Close() error {
	var err error
	db.close.Do(func() {
		db.server.Listener.Close() // closes the gate
		<-db.accepting
		db.gate.wait()
		if err = db.engine.Close(); errors.Is(err, context.Canceled) {
			err = nil // how its background threads say that they have ended
		}
	})
	return err
}
