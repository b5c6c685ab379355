package main

import (
	"bufio"
	"context"

	"github.com/rongate/rongate/internal/frauddata"
)

type dataCmd struct {
	Rows       int    `default:"100000" help:"Rows of all tables together."`
	Engine     string `default:"ENGINE=NDBCLUSTER" help:"${dataEngine}"`
	KeyOptions string `default:"USING HASH" help:"What follows a primary key; nothing for MySQL and MariaDB."`
}

// Run prints what the mysql client is to be fed with. Rows are dated back from now.
func (c *dataCmd) Run(ctx context.Context, out output) error {
	data, err := frauddata.New(frauddata.Config{Rows: c.Rows})
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out.stdout)
	script := func(ctx context.Context, sql string) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := w.WriteString(sql)
		return err
	}
	if err := data.Load(ctx, script, c.Engine, c.KeyOptions, nil); err != nil {
		return err
	}
	return w.Flush()
}

type catalogCmd struct{}

// Run prints the catalogue.
func (*catalogCmd) Run(out output) error {
	_, err := out.stdout.Write(frauddata.Catalog())
	return err
}
