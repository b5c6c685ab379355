package pool

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// A failed dial is tried again after minBackoff, doubled with every round that fails up to maxBackoff, each less a
// random part of up to half. The cap is low because a node that is back should serve soon.
const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 250 * time.Millisecond
)

// run looks after the pool until it is closed and its last connection gone.
func (p *Pool) run() {
	defer close(p.finished)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait, done := p.tend(time.Now())
		if done {
			break
		}
		timer.Reset(wait)
		select {
		case <-p.wake:
		case <-timer.C:
		}
	}
	p.tasks.Wait()
}

// tend starts whatever is due. It returns how long nothing else will be, unless something wakes run, or done when the
// pool is closed and nothing is left to look after.
func (p *Pool) tend(now time.Time) (wait time.Duration, done bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.doomed {
		p.tasks.Go(c.session.Close)
	}
	clear(p.doomed)
	p.doomed = p.doomed[:0]
	if p.closed {
		return p.beat(), len(p.conns) == 0 && p.dialing == 0 && !p.replacing
	}
	wait = p.beat()
	if p.nextDial.After(now) {
		wait = min(wait, p.nextDial.Sub(now))
	} else {
		p.dialMissingLocked()
		p.replaceAgedLocked(now)
	}
	p.pingIdleLocked(now)
	return wait, false
}

// beat is how often run looks at ages and silences: twice in the shortest of the periods that it keeps.
func (p *Pool) beat() time.Duration {
	shortest := time.Hour
	for _, period := range []time.Duration{p.cfg.KeepAlive, p.cfg.IdleLimit, p.cfg.Lifetime} {
		if period > 0 {
			shortest = min(shortest, period)
		}
	}
	return max(shortest/2, time.Millisecond)
}

// dialMissingLocked starts dialing all connections that are missing, in parallel. While the node does not let anybody
// in, one tries for all: many clients wait for a node that is gone, and it has enough to do when it is back.
func (p *Pool) dialMissingLocked() {
	missing := p.cfg.Size - p.countLocked(isAttached) - p.dialing
	if p.down {
		missing = min(missing, 1-p.dialing)
	}
	for range missing {
		p.dialing++
		p.dials++
		round := p.round
		p.tasks.Go(func() { p.add(round, nil) })
	}
}

// replaceAgedLocked starts dialing the replacement of one aged connection, which stays in service until then: a node
// that refuses new connections keeps its old ones. One at a time, so that connections dialed together do not all go
// together.
func (p *Pool) replaceAgedLocked(now time.Time) {
	if p.replacing || p.countLocked(isRetired) > 0 {
		return
	}
	i := slices.IndexFunc(p.conns, func(c *Conn) bool { return isAttached(c) && c.aged(now) })
	if i < 0 {
		return
	}
	p.replacing = true
	p.dials++
	old, round := p.conns[i], p.round
	p.tasks.Go(func() { p.add(round, old) })
}

// aged reports whether the connection is due for replacement.
func (c *Conn) aged(now time.Time) bool {
	if !c.expires.IsZero() && !now.Before(c.expires) {
		return true
	}
	return c.state == free && c.idleFor > 0 && now.Sub(c.lastUse) >= c.idleFor
}

// add dials and warms one connection and puts it into service, in place of old if that is given.
func (p *Pool) add(round int, old *Conn) {
	c, err := p.establish()
	if err != nil {
		p.dialFailed(round, old, err)
		return
	}
	if p.admit(c, old) && p.cfg.Changed != nil {
		p.cfg.Changed()
	}
}

// establish dials and warms one connection.
func (p *Pool) establish() (*Conn, error) {
	ctx, cancel := context.WithTimeout(p.ctx, p.cfg.HandshakeTimeout)
	defer cancel()
	s, err := p.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	c := newConn(p, s)
	if err := p.warm(c); err != nil {
		s.Close()
		return nil, fmt.Errorf("warm-up: %w", err)
	}
	return c, nil
}

// warm runs Config.Warm, within its share of Config.Warmups and with WarmTimeout as the socket's absolute deadline.
func (p *Pool) warm(c *Conn) error {
	if p.cfg.Warm == nil {
		return nil
	}
	if p.cfg.Warmups != nil {
		select {
		case p.cfg.Warmups <- struct{}{}:
			defer func() { <-p.cfg.Warmups }()
		case <-p.ctx.Done():
			return context.Cause(p.ctx)
		}
	}
	defer context.AfterFunc(p.ctx, c.session.Abort)()
	c.limit = time.Now().Add(p.cfg.WarmTimeout)
	err := p.cfg.Warm(c)
	c.limit, c.served = time.Time{}, false
	if err == nil && c.session.Broken() {
		err = ErrBroken
	}
	return err
}

// admit puts a new connection into service. It reports whether the connection is free for anybody to lease.
func (p *Pool) admit(c *Conn, old *Conn) bool {
	now := time.Now()
	p.mu.Lock()
	recovered := p.down
	p.down, p.nextDial = false, time.Time{}
	p.endDialLocked(old)
	c.lastUse = now
	c.idleFor = jitter(p.cfg.IdleLimit)
	if life := jitter(p.cfg.Lifetime); life > 0 {
		c.expires = now.Add(life)
	}
	if old != nil {
		p.retireLocked(old)
	}
	// No room: what this was dialed for is back already, a connection that had been detached.
	admitted := !p.closed && p.countLocked(isAttached) < p.cfg.Size
	p.conns = append(p.conns, c)
	if admitted {
		p.freeLocked(c)
	} else {
		p.doomLocked(c)
	}
	p.mu.Unlock()
	if recovered {
		p.cfg.Log.Info("connected to the node again", "address", p.cfg.Address)
	}
	return admitted
}

// endDialLocked books the end of a dial.
func (p *Pool) endDialLocked(old *Conn) {
	if old == nil {
		p.dialing--
	} else {
		p.replacing = false
	}
	p.wakeLocked()
}

// retireLocked takes an aged connection out of service: at once if it is free, else when its user is done.
func (p *Pool) retireLocked(old *Conn) {
	if old.state == closed || old.detached {
		return
	}
	p.replaced++
	if i := slices.Index(p.free, old); i >= 0 {
		p.free = slices.Delete(p.free, i, i+1)
		p.doomLocked(old)
		return
	}
	old.retired = true
}

// dialFailed books a failed dial or warm-up. The dials of one round count as one failure, however many they were.
func (p *Pool) dialFailed(round int, old *Conn, err error) {
	now := time.Now()
	p.mu.Lock()
	p.endDialLocked(old)
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.dialErrors++
	p.lastError, p.lastErrorTime = err, now
	first := !p.down
	p.down = true
	if round == p.round {
		p.backOffLocked(now)
	}
	p.mu.Unlock()
	if first {
		p.cfg.Log.Warn("connecting to the node failed; it is tried again", "address", p.cfg.Address, "error", err)
	}
}

// backOffLocked puts off the next dial, for longer with every call until a dial succeeds.
func (p *Pool) backOffLocked(now time.Time) {
	p.round++
	p.failures++
	pause := min(minBackoff<<min(p.failures-1, 10), maxBackoff)
	p.nextDial = now.Add(pause - rand.N(pause/2))
}

// pingIdleLocked starts pinging the free connections that have been silent for KeepAlive, but keeps the last free one
// for leasing while another ping is under way.
func (p *Pool) pingIdleLocked(now time.Time) {
	if p.cfg.KeepAlive < 0 {
		return
	}
	for len(p.free) > 1 || len(p.free) == 1 && p.pinging == 0 {
		c := p.free[0]
		if now.Sub(c.lastUse) < p.cfg.KeepAlive {
			return
		}
		p.free = slices.Delete(p.free, 0, 1)
		c.state = checking
		p.pinging++
		p.pings++
		p.tasks.Go(func() { p.ping(c) })
	}
}

// ping asks the server for a sign of life and makes the connection free again, or gives it up.
func (p *Pool) ping(c *Conn) {
	stop := context.AfterFunc(p.ctx, c.session.Abort)
	err := c.session.Ping(time.Now().Add(p.cfg.HandshakeTimeout))
	stop()
	p.pinged(c, err)
	if p.cfg.Changed != nil {
		p.cfg.Changed()
	}
}

// pinged books the end of a ping: the connection is free again, or given up.
func (p *Pool) pinged(c *Conn, err error) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pinging--
	p.wakeLocked()
	if err != nil && !errors.Is(err, context.Canceled) && !p.closed {
		p.pingErrors++
		p.lastError, p.lastErrorTime = fmt.Errorf("ping: %w", err), now
	}
	if err != nil || p.closed || c.retired {
		p.doomLocked(c)
		return
	}
	c.lastUse, c.served = now, true
	p.failures = 0
	p.freeLocked(c)
}

// jitter moves a period by up to a tenth either way, so that connections dialed together do not age together. Negative
// stays negative.
func jitter(period time.Duration) time.Duration {
	if period <= 0 {
		return period
	}
	tenth := period / 10
	return period - tenth + rand.N(2*tenth+1)
}
