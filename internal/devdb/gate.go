package devdb

import (
	"errors"
	"fmt"
	"net"
	"sync"
)

// A gate is one listener over the sockets of all nodes: the server behind it numbers its connections, and these numbers
// have to be unique among all nodes. It knows the connections that are open, for the server does not close them.
type gate struct {
	sockets  []net.Listener
	accepted chan net.Conn
	done     chan struct{}
	close    sync.Once
	running  sync.WaitGroup // accept loops and connections

	mu   sync.Mutex
	open map[*gateConn]struct{} // nil once closed
}

func openGate(nodes int) (*gate, error) {
	g := &gate{accepted: make(chan net.Conn), done: make(chan struct{}), open: make(map[*gateConn]struct{})}
	for i := range nodes {
		socket, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(fmt.Errorf("listen for node %d: %w", i, err), g.Close())
		}
		g.sockets = append(g.sockets, socket)
	}
	for _, socket := range g.sockets {
		g.running.Go(func() { g.acceptFrom(socket) })
	}
	return g, nil
}

func (g *gate) addresses() []string {
	all := make([]string, len(g.sockets))
	for i, socket := range g.sockets {
		all[i] = socket.Addr().String()
	}
	return all
}

// acceptFrom passes the connections of one socket on until the socket is closed.
func (g *gate) acceptFrom(socket net.Listener) {
	for {
		conn, err := socket.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // the connection's own misfortune
		}
		c := g.admit(conn)
		if c == nil {
			return
		}
		select {
		case g.accepted <- c:
		case <-g.done:
			_ = c.Close()
		}
	}
}

// admit remembers a connection, or closes it and returns nil where the gate is closed.
func (g *gate) admit(conn net.Conn) *gateConn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil {
		_ = conn.Close()
		return nil
	}
	c := &gateConn{Conn: conn, gate: g}
	g.open[c] = struct{}{}
	g.running.Add(1)
	return c
}

// Accept implements net.Listener.
func (g *gate) Accept() (net.Conn, error) {
	select {
	case c := <-g.accepted:
		return c, nil
	case <-g.done:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener with the address of the first node.
func (g *gate) Addr() net.Addr { return g.sockets[0].Addr() }

// Close implements net.Listener. It also cuts the open connections, so that those who serve them notice; wait returns
// when they have.
func (g *gate) Close() error {
	var err error
	g.close.Do(func() {
		close(g.done)
		for _, socket := range g.sockets {
			err = errors.Join(err, socket.Close())
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		for c := range g.open {
			_ = c.Conn.Close()
		}
		g.open = nil
	})
	return err
}

// wait returns when every connection has been closed by who serves it. The gate must be closed.
func (g *gate) wait() { g.running.Wait() }

// gateConn is a connection that leaves its gate when it is closed.
type gateConn struct {
	net.Conn
	gate *gate
	once sync.Once
}

// Close implements net.Conn.
func (c *gateConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.gate.mu.Lock()
		delete(c.gate.open, c) // nothing where it is nil
		c.gate.mu.Unlock()
		c.gate.running.Done()
	})
	return err
}
