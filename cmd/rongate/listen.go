package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rongate/rongate/internal/yamldoc"
)

// readListeners keeps a gateway that asks for no keys from being asked for vectors by anybody but its own machine. The
// private listener gives others no more than health, metrics and the state of nodes, so it may be reached by them, an
// orchestrator's probes say.
func (l *loader) readListeners(c *config, root *yamldoc.Map) {
	taken := map[string]string{}
	listen := "127.0.0.1:8080"
	if c.metadata != nil {
		listen = "127.0.0.1:4406" // where Hopsworks clients look for RonDB's REST server
	}
	c.listen = l.readAddresses(root, "listen", listen, "RONGATE_LISTEN", c.open(), taken)
	c.privateListen = l.readAddresses(root, "privateListen", "127.0.0.1:8081", "RONGATE_PRIVATE_LISTEN", false, taken)
	c.socketMode = l.readSocketMode(root.Optional("socketMode"))
}

// readAddresses reads one field of addresses. taken are the addresses of those before, by address the field.
func (l *loader) readAddresses(
	root *yamldoc.Map, field, fallback, variable string, loopbackOnly bool, taken map[string]string,
) (addresses []string) {
	v := root.Optional(field)
	add := func(address string, at yamldoc.Pos) {
		if l.checkAddress(address, at, loopbackOnly) && l.checkFree(address, at, field, taken) {
			addresses = append(addresses, address)
		}
	}
	switch text, at, ok := l.override(variable); {
	case ok:
		for address := range strings.SplitSeq(text, ",") {
			add(strings.TrimSpace(address), at)
		}
		v.OneOrMore() // it is overridden, but known
	case !v.Present():
		add(fallback, v.At())
	default:
		for _, item := range v.OneOrMore() {
			if address := item.Text(""); address != "" {
				add(address, item.At())
			}
		}
	}
	return addresses
}

// checkAddress reports an address that cannot be listened on, or must not be.
func (l *loader) checkAddress(address string, at yamldoc.Pos, loopbackOnly bool) bool {
	if isSocket(address) {
		if len(address) >= len(syscall.RawSockaddrUnix{}.Path) {
			l.doc.Add(at, "is too long for the path of a unix socket, which has at most %d bytes; use a shorter one",
				len(syscall.RawSockaddrUnix{}.Path)-1)
			return false
		}
		return true
	}
	_, port, err := net.SplitHostPort(address)
	switch {
	case err != nil || !isPort(port, 0):
		l.doc.Add(at, "must be host:port, such as 127.0.0.1:8080, or the path of a unix socket, such as /run/rongate.sock")
		return false
	case loopbackOnly && isBeyondLoopback(address):
		l.doc.Add(at, "is reachable from other machines, which takes API keys; configure apiKeys, or listen on 127.0.0.1:%s",
			port)
		return false
	}
	return true
}

// checkFree reports an address that is listened on already. Port 0 is a fresh one each time.
func (l *loader) checkFree(address string, at yamldoc.Pos, field string, taken map[string]string) bool {
	switch other, twice := taken[address]; {
	case strings.HasSuffix(address, ":0") || !twice:
		taken[address] = field
		return true
	case other == field:
		l.doc.Add(at, "%s is there twice; once is enough", address)
	default:
		l.doc.Add(at, "%s is an address of %s too; give one of them another port", address, other)
	}
	return false
}

// readSocketMode reads the permissions of the unix sockets that are made. By default the group may connect too: in a pod
// the containers have a group in common, and seldom a user.
func (l *loader) readSocketMode(v yamldoc.Value) os.FileMode {
	const fallback = 0o660
	text := v.Text("")
	if text == "" {
		return fallback
	}
	mode, err := strconv.ParseUint(text, 8, 32)
	if err != nil || mode > 0o777 {
		v.Fail(`must be the permissions of a file as octal digits in quotes, such as "0660"`)
		return fallback
	}
	return os.FileMode(mode)
}

// isPort reports whether text is a port number of at least low.
func isPort(text string, low int) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= low && n <= 65535
}

// isBeyondLoopback reports whether others than this machine can reach what listens on an address.
func isBeyondLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if isSocket(address) || err == nil && host == "localhost" {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err != nil || !ip.Unmap().IsLoopback()
}

func isSocket(address string) bool { return strings.HasPrefix(address, "/") }

// listenAll opens listeners, all of them or none.
func listenAll(addresses []string, socketMode os.FileMode) (listeners []net.Listener, err error) {
	defer func() {
		if err != nil {
			closeAll(listeners)
			listeners = nil
		}
	}()
	for _, address := range addresses {
		var ln net.Listener
		if isSocket(address) {
			ln, err = listenSocket(address, socketMode)
		} else {
			ln, err = net.Listen("tcp", address)
		}
		if err != nil {
			return listeners, err
		}
		listeners = append(listeners, ln)
	}
	return listeners, nil
}

func closeAll(listeners []net.Listener) {
	for _, ln := range listeners {
		ln.Close()
	}
}

// socketTry is how long a process that still listens on a socket may take to accept a connection.
const socketTry = time.Second

// listenSocket makes a unix socket. One that was left behind by a process that was killed is replaced.
func listenSocket(path string, mode os.FileMode) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == os.ModeSocket {
		conn, err := net.DialTimeout("unix", path, socketTry)
		if err == nil {
			conn.Close()
			return nil, fmt.Errorf("listen on %s: another process does", path)
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			if err := os.Remove(path); err != nil {
				return nil, fmt.Errorf("remove the socket of an earlier process: %w", err)
			}
		}
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, mode); err != nil {
		ln.Close()
		return nil, err
	}
	return ln, nil
}
