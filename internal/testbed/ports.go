package testbed

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports come from below the range that kernels hand out for outgoing connections (32768 and up on Linux, 49152 and up
// elsewhere). A port from within it may be taken while a killed node is down, or its client may even connect to
// itself.
const (
	firstPort = 20000
	lastPort  = 29999
)

// port reserves a TCP port on loopback for the group's life. Testbeds of other processes know it by the UDP port of
// the same number, which is bound meanwhile: a lock that the kernel releases whatever happens to its owner.
func (g *group) port() (int, error) {
	const span = lastPort - firstPort + 1
	for i, start := 0, rand.N(span); i < span; i++ {
		port := firstPort + (start+i)%span
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		lock, err := net.ListenPacket("udp", address)
		if err != nil {
			continue
		}
		probe, err := net.Listen("tcp", address)
		if err != nil {
			_ = lock.Close() // nothing was sent
			continue
		}
		_ = probe.Close() // nothing was accepted
		g.mu.Lock()
		g.ports = append(g.ports, lock)
		g.mu.Unlock()
		return port, nil
	}
	return 0, errors.New("testbed: no free port on loopback")
}
