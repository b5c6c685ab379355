package testbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Bounds for what has none of its own from a context.
const (
	startTimeout = 90 * time.Second // of one process until it serves; an NDB data node takes 15 s on two cores
	stopTimeout  = 40 * time.Second // between a polite signal and SIGKILL; ndb_mgmd may take 15 s
	killTimeout  = 10 * time.Second // until a process is gone after SIGKILL; longer means a stuck kernel
	readyEvery   = 20 * time.Millisecond
	tailBytes    = 3000 // of a log, in an error
)

var (
	errNotRunning = errors.New("it is not running")
	errEnded      = errors.New("it has ended")
)

// A process is one server process of a group, started anew by every launch. It implements Process.
type process struct {
	group *group
	name  string // also of its log
	path  string
	args  []string
	ready func(context.Context) error // nil when it serves; called again until then

	mu     sync.Mutex // guards what follows
	cmd    *exec.Cmd  // nil before the first launch
	exited chan struct{}
	paused bool
}

func (p *process) log() string { return filepath.Join(p.group.dir, p.name+".log") }

// start launches the process and returns when it serves. A process that does not get there is killed.
func (p *process) start(ctx context.Context) error {
	if err := p.launch(); err != nil {
		return err
	}
	if err := p.await(ctx); err != nil {
		return errors.Join(err, p.Kill())
	}
	return nil
}

// launch starts the process, with more arguments than usual if given.
func (p *process) launch(more ...string) error {
	log, err := os.OpenFile(p.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("testbed: start %s: %w", p.name, err)
	}
	defer log.Close()
	cmd := exec.Command(p.path, append(p.args[:len(p.args):len(p.args)], more...)...)
	p.group.join(cmd)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("testbed: start %s: %w", p.name, err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(exited)
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd, p.exited, p.paused = cmd, exited, false
	return nil
}

// await returns when the process serves, or with an error that shows its log when it has ended or takes too long.
func (p *process) await(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, startTimeout)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p.mu.Lock()
	exited := p.exited
	p.mu.Unlock()
	go func() {
		select {
		case <-exited:
			cancel(errEnded)
		case <-ctx.Done():
		}
	}()
	if err := poll(ctx, p.ready); err != nil {
		return fmt.Errorf("testbed: start %s: %w\n%s", p.name, err, p.tail())
	}
	return nil
}

// poll calls try until it returns nil or the context ends; then it returns try's last error.
func poll(ctx context.Context, try func(context.Context) error) error {
	ticker := time.NewTicker(readyEvery)
	defer ticker.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-ticker.C:
		}
	}
}

// tail is the end of the log, to be shown in an error.
func (p *process) tail() string {
	log, err := os.ReadFile(p.log())
	if err != nil {
		return err.Error()
	}
	if len(log) > tailBytes {
		log = log[len(log)-tailBytes:]
		log = log[bytes.IndexByte(log, '\n')+1:]
	}
	return fmt.Sprintf("--- end of %s\n%s---", filepath.Base(p.log()), log)
}

func (p *process) Alive() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.aliveLocked()
}

func (p *process) aliveLocked() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// serving reports whether it can be expected to answer.
func (p *process) serving() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.aliveLocked() && !p.paused
}

func (p *process) Stop(ctx context.Context) error {
	if err := p.Resume(); errors.Is(err, errNotRunning) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if err := p.signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("testbed: stop %s: %w", p.name, err)
	}
	if p.wait(ctx) == nil {
		return nil
	}
	err := fmt.Errorf("testbed: stop %s: it had to be killed: %w\n%s", p.name, context.Cause(ctx), p.tail())
	return errors.Join(err, p.Kill())
}

func (p *process) Kill() error {
	if !p.Alive() {
		return nil
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("testbed: kill %s: %w", p.name, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), killTimeout)
	defer cancel()
	if err := p.wait(ctx); err != nil {
		return fmt.Errorf("testbed: kill %s: %w", p.name, err)
	}
	return nil
}

func (p *process) Pause() error {
	if err := p.freeze(syscall.SIGSTOP, true); err != nil {
		return fmt.Errorf("testbed: pause %s: %w", p.name, err)
	}
	return nil
}

func (p *process) Resume() error {
	if err := p.freeze(syscall.SIGCONT, false); err != nil {
		return fmt.Errorf("testbed: resume %s: %w", p.name, err)
	}
	return nil
}

func (p *process) freeze(sig syscall.Signal, paused bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.aliveLocked() {
		return errNotRunning
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		return err
	}
	p.paused = paused
	if !paused {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), killTimeout)
	defer cancel()
	return poll(ctx, func(context.Context) error { return stopped(p.cmd.Process.Pid) })
}

// stopped returns an error while a thread of the process still runs. Only Linux tells; elsewhere it takes it for
// done.
func stopped(pid int) error {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return err
	}
	for _, thread := range threads {
		stat, err := os.ReadFile(thread)
		if err != nil {
			continue // the thread has ended
		}
		// The state follows the command's name, which stands in parentheses and may hold some.
		state := stat[bytes.LastIndexByte(stat, ')')+1:]
		if len(state) > 1 && state[1] != 'T' {
			return errors.New("a thread still runs")
		}
	}
	return nil
}

func (p *process) Restart(ctx context.Context) error {
	if p.Alive() {
		_ = p.Stop(ctx) // what does not stop is killed, which will do here
	}
	return p.start(ctx)
}

// mend makes it serve again, whatever has happened to it.
func (p *process) mend(ctx context.Context) error {
	if p.Resume() == nil && p.await(ctx) == nil {
		return nil
	}
	return p.Restart(ctx)
}

func (p *process) signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// wait returns when the process has ended.
func (p *process) wait(ctx context.Context) error {
	p.mu.Lock()
	exited := p.exited
	p.mu.Unlock()
	select {
	case <-exited:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
