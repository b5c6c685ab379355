package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"github.com/rongate/rongate/internal/yamldoc"
	"github.com/rongate/rongate/pool"
)

// access is how the nodes let rongate in, as far as a change of it takes new connections. What is read again at every dial
// is here by its name alone.
type access struct {
	passwordFile, passwordEnv string
	tls                       bool
	serverName, roots         string // roots: the certificates themselves
	cert, key                 string
}

// readDatabase reads how the nodes, which are known already, let rongate in.
func (l *loader) readDatabase(gateway *config, m *yamldoc.Map) {
	l.readAccess(&gateway.lookup.Pool, &gateway.access, gateway.nodes, m)
}

// readAccess reads how some nodes let rongate in.
func (l *loader) readAccess(c *pool.Config, a *access, nodes []nodeEntry, m *yamldoc.Map) {
	c.User = m.Required("user").Text("")
	file, variable := m.Optional("passwordFile"), m.Optional("passwordEnv")
	hasFile, hasVariable := l.written(file), l.written(variable)
	switch {
	case hasFile && hasVariable:
		variable.Fail("the password comes from passwordFile already; leave one of the two out")
	case hasFile:
		c.Password = l.passwordFile(a, file)
	case hasVariable:
		c.Password = l.passwordVariable(a, variable)
	}
	if v := m.Optional("tls"); l.written(v) {
		c.TLS = l.readTLS(a, v.Map())
		refuseSockets(v, nodes)
		nameServers(c.TLS, nodes)
	}
}

// refuseSockets refuses TLS to a node that is a unix socket: there is no host whose name could be verified.
func refuseSockets(v yamldoc.Value, nodes []nodeEntry) {
	for _, n := range nodes {
		if strings.HasPrefix(n.Address, "/") {
			v.Fail("the node %s is a unix socket, which has no host name to verify; leave tls out", n.Address)
		}
	}
}

// nameServers has the nodes that a DNS name leads to verified by that name: certificates are seldom for IP addresses.
func nameServers(c *tls.Config, nodes []nodeEntry) {
	for i := range nodes {
		if c.ServerName == "" {
			nodes[i].ServerName = strings.TrimSuffix(nodes[i].host, ".")
		}
	}
}

// passwordFile reads the file at every dial, so that a rotated password needs no restart.
func (l *loader) passwordFile(a *access, v yamldoc.Value) func() (string, error) {
	path := l.file(v)
	a.passwordFile = path
	return func() (string, error) {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}
}

func (l *loader) passwordVariable(a *access, v yamldoc.Value) func() (string, error) {
	name := v.Text("")
	a.passwordEnv = name
	password, ok := l.env(name)
	if !ok && name != "" {
		v.Fail("there is no such variable in the environment")
	}
	return func() (string, error) { return password, nil }
}

func (l *loader) readTLS(a *access, m *yamldoc.Map) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: m.Optional("serverName").Text("")}
	a.tls, a.serverName = true, c.ServerName
	if v := m.Optional("ca"); v.Present() {
		c.RootCAs = l.readRoots(a, v)
	}
	cert, key := m.Optional("cert"), m.Optional("key")
	switch {
	case cert.Present() && !key.Present():
		cert.Fail("a certificate takes its private key; give key too")
	case key.Present() && !cert.Present():
		key.Fail("a private key takes its certificate; give cert too")
	case cert.Present():
		l.readCertificate(c, a, cert, key)
	}
	return c
}

func (l *loader) readRoots(a *access, v yamldoc.Value) *x509.CertPool {
	roots := x509.NewCertPool()
	path := l.file(v)
	if path == "" {
		return roots
	}
	text, err := os.ReadFile(path)
	if err != nil {
		v.Fail("%v", err)
	} else if !roots.AppendCertsFromPEM(text) {
		v.Fail("has no certificate; it must be a file of certificates in PEM form")
	}
	a.roots = string(text)
	return roots
}

// readCertificate checks the certificate now, and reads it again at every dial, so that a renewed one needs no restart.
func (l *loader) readCertificate(c *tls.Config, a *access, cert, key yamldoc.Value) {
	certFile, keyFile := l.file(cert), l.file(key)
	a.cert, a.key = certFile, keyFile
	if certFile == "" || keyFile == "" {
		return
	}
	if _, err := tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		cert.Fail("cannot be used with the private key: %v", err)
	}
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		return &pair, err
	}
}
