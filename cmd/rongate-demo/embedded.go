package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/rongate/rongate/internal/devdb"
	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/internal/hopsdb"
)

// embeddedUser is the embedded database's account. Nobody but this machine reaches it.
const embeddedUser = "rongate"

const tellEvery = 5000 // rows

// openEmbedded starts internal/devdb, with a proxy before each of its nodes.
func openEmbedded() (_ *database, err error) {
	// A killed node's port is free: another demo may take it, and this one's gateway must not be let in there.
	password := strings.ToLower(rand.Text()[:8])
	embedded, err := devdb.Start(devdb.Config{Nodes: len(zones()), User: embeddedUser, Password: password})
	if err != nil {
		return nil, err
	}
	db := &database{
		what: "an embedded database", user: embeddedUser, password: password,
		create: func(ctx context.Context, data *frauddata.Data) error {
			return embedded.Exec(ctx, data.Schema("", ""))
		},
		exec: embedded.Exec, engine: hopsdb.Embedded,
		load: func(ctx context.Context, group *frauddata.Group, tell func(int)) error {
			return loadEmbedded(ctx, embedded, group, tell)
		},
	}
	var proxies []*faultnet.Proxy
	db.close = func() error {
		for _, proxy := range proxies {
			proxy.Close()
		}
		return embedded.Close()
	}
	port := firstNodePort
	for i, upstream := range embedded.Addresses() {
		var proxy *faultnet.Proxy
		if proxy, port, err = openProxy(upstream, port); err != nil {
			return nil, errors.Join(err, db.close())
		}
		port++
		proxies = append(proxies, proxy)
		db.nodes = append(db.nodes, &node{
			name: fmt.Sprintf("node%d", i+1), zone: zones()[i], address: proxy.Addr(), proxy: proxy,
		})
	}
	return db, nil
}

func loadEmbedded(ctx context.Context, db *devdb.DB, group *frauddata.Group, tell func(rows int)) error {
	done := 0
	err := db.Load(frauddata.Database, group.Table(), func(yield func([]any) bool) {
		for row := range group.Rows() {
			for i, value := range row {
				switch v := value.(type) {
				case bool:
					if row[i] = int64(0); v {
						row[i] = int64(1)
					}
				case frauddata.Decimal:
					row[i] = string(v)
				}
			}
			if !yield(row) {
				return
			}
			if done++; done%tellEvery == 0 {
				tell(done)
				if ctx.Err() != nil {
					return
				}
			}
		}
	})
	if err == nil {
		err = ctx.Err()
	}
	if done%tellEvery != 0 {
		tell(done)
	}
	return err
}
