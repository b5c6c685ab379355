package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/automaxprocs/maxprocs"
)

type serveCmd struct {
	configFlag
}

// Run serves until a signal. A second one finds its default handling restored, and ends the process.
func (c *serveCmd) Run(out output) error {
	cfg, err := loadConfig(c.Config, os.LookupEnv)
	if err != nil {
		return err
	}
	log := newLog(out.stderr, cfg)
	// A CPU quota of 1.5 is GOMAXPROCS=1, where the runtime would have 2 threads use up the quota early and be throttled.
	_, err = maxprocs.Set(maxprocs.Logger(func(format string, args ...any) { log.Debug(fmt.Sprintf(format, args...)) }))
	if err != nil {
		log.Warn("CPU quota not found out", "error", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop)
	return serve(ctx, cfg, log)
}

// newLog makes the process's log and gives it to everything that has one.
func newLog(w io.Writer, cfg *config) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.logLevel}
	handler := slog.Handler(slog.NewTextHandler(w, options))
	if cfg.logFormat == "json" {
		handler = slog.NewJSONHandler(w, options)
	}
	log := slog.New(handler)
	cfg.server.Log, cfg.lookup.Log, cfg.lookup.Pool.Log = log, log, log
	return log
}
