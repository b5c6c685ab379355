package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/internal/testbed"
)

const (
	slowBy        = 50 * time.Millisecond // what a slow node adds to every answer
	reviveTimeout = time.Minute           // for the start of a MySQL server that was killed
)

// A condition is what a node is in.
type condition string

const (
	up       condition = "up"
	killed   condition = "killed"
	frozen   condition = "frozen"
	slow     condition = "slow"
	starting condition = "starting"
)

// A verb is what can be done to a node.
type verb string

const (
	kill   verb = "kill"
	freeze verb = "freeze"
	slowen verb = "slow"
	revive verb = "revive"
)

var errDown = errors.New("is killed; revive it first")

// A node is one of the database's, behind a proxy that can break it.
type node struct {
	name, zone, address string
	proxy               *faultnet.Proxy
	process             testbed.Process // nil if the proxy stands for it

	doing sync.Mutex // one verb at a time
	mu    sync.Mutex // guards now
	now   condition
}

func (n *node) condition() condition {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.now == "" {
		return up
	}
	return n.now
}

func (n *node) become(c condition) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now = c
}

// apply does something to the node and returns when it is done. What it says is for people.
func (n *node) apply(ctx context.Context, v verb) (said string, err error) {
	n.doing.Lock()
	defer n.doing.Unlock()
	if n.condition() == killed && v != revive && v != kill {
		return "", fmt.Errorf("%s %w", n.name, errDown)
	}
	switch v {
	case kill:
		return n.name + " killed: its connections are cut, new ones refused", n.kill()
	case freeze:
		n.become(frozen)
		return n.name + " frozen: its connections stay open, and nothing comes back",
			n.proxy.Set(faultnet.Fault{BlackHole: true})
	case slowen:
		n.become(slow)
		return fmt.Sprintf("%s slow: every answer takes %v more", n.name, slowBy),
			n.proxy.Set(faultnet.Fault{DelayDown: slowBy})
	case revive:
		return n.name + " revived", n.revive(ctx)
	}
	return "", fmt.Errorf("nobody can %s a node", v)
}

func (n *node) kill() error {
	n.become(killed)
	err := n.proxy.Set(faultnet.Fault{Refuse: true})
	if n.process != nil {
		err = errors.Join(err, n.process.Kill())
	}
	n.proxy.Hangup()
	return err
}

func (n *node) revive(ctx context.Context) error {
	if n.process != nil && !n.process.Alive() {
		n.become(starting)
		ctx, cancel := context.WithTimeout(ctx, reviveTimeout)
		defer cancel()
		if err := n.process.Restart(ctx); err != nil {
			n.become(killed)
			return err
		}
	}
	if err := n.proxy.Set(faultnet.Fault{}); err != nil {
		return err
	}
	n.become(up)
	return nil
}
