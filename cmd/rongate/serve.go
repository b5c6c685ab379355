package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"go.uber.org/automaxprocs/maxprocs"
)

type serveCmd struct {
	configFlag
}

// Run serves until a signal. A second one finds its default handling restored, and ends the process.
func (c *serveCmd) Run(out output) error {
	// Before the configuration is read: a signal meanwhile is not lost, and does not end the process.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	at := time.Now()
	cfg, err := loadConfig(c.Config, os.LookupEnv)
	if err != nil {
		return err
	}
	g, err := newGateway(c.Config, os.LookupEnv, cfg, at, out.stderr)
	if err != nil {
		return err
	}
	g.hangups = hangups
	fitContainer(g.log, cfg.memoryLimit)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop)
	return g.serve(ctx)
}

// fitContainer has the runtime keep to the quota of CPU and of memory.
func fitContainer(log *slog.Logger, memoryLimit int64) {
	// A CPU quota of 1.5 is GOMAXPROCS=1, where the runtime would have 2 threads use up the quota early and be throttled.
	_, err := maxprocs.Set(maxprocs.Logger(func(format string, args ...any) { log.Debug(fmt.Sprintf(format, args...)) }))
	if err != nil {
		log.Debug("CPU quota not found out", "error", err)
	}
	// The collector works harder from nine tenths on: the rest is what the runtime does not count, and room to do so.
	if memoryLimit > 0 && debug.SetMemoryLimit(-1) == math.MaxInt64 { // GOMEMLIMIT says nothing
		debug.SetMemoryLimit(memoryLimit / 10 * 9)
	}
}

// newLog makes the process's log.
func newLog(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
