package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/rongate/rongate/pool"
)

// reach says why a node was not reached: a word for the table, and a sentence with the mend.
func reach(err error, cfg pool.Config) (state, why string) {
	var refusal *pool.ServerError
	if errors.As(err, &refusal) {
		return reachRefusal(refusal, cfg)
	}
	if state, why = reachCertificate(err); state != "" {
		return state, why
	}
	var unknownHost *net.DNSError
	switch {
	case errors.Is(err, pool.ErrTimeout), errors.Is(err, syscall.ETIMEDOUT):
		return "timeout", "does not answer; mend the address, let it through the firewall, or see why the server is stuck"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused", "refuses connections: nothing listens there; start the server, or mend the address"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unreachable", fmt.Sprintf("cannot be reached: %v; mend the address or the network", err)
	case errors.As(err, &unknownHost):
		return "no host", fmt.Sprintf("has a host name that is not known (%v); mend the address or the name service",
			unknownHost)
	case pool.IsNotMySQL(err):
		return "not MySQL", "is no MySQL server: something else listens there; mend the port"
	case pool.LacksTLS(err):
		return "no TLS", "offers no TLS, which database.tls asks for; give the server a certificate, or take database.tls out"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission): // of a socket, or of a file with a password
		return "no access", fmt.Sprintf("cannot be connected to: %v; mend the path or its permissions", err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "closed", "closes the connection at once; see the server's log, and what is between it and this machine"
	}
	return "failed", fmt.Sprintf("cannot be connected to: %v; see the server's log", err)
}

// Error numbers of servers, from the MySQL manual's server error reference.
const (
	erTooManyConnections = 1040
	erDatabaseDenied     = 1044
	erAccessDenied       = 1045
	erHostBlocked        = 1129
	erHostDenied         = 1130
	erTableDenied        = 1142
	erColumnDenied       = 1143
	erTooManyOfUser      = 1203
	erUserLimit          = 1226
	erPluginNotLoaded    = 1524
	erAccessDeniedPlugin = 1698
	erInsecureTransport  = 3159
)

// reachRefusal explains what the server answered to a handshake.
func reachRefusal(e *pool.ServerError, cfg pool.Config) (state, why string) {
	switch e.Number {
	case erAccessDenied, erAccessDeniedPlugin, erDatabaseDenied:
		why = fmt.Sprintf("denies access: %s; mend database.user or its password, or create the user", e.Message)
		if cfg.TLS == nil {
			why += "; if the user REQUIREs SSL, add database.tls"
		}
		return "denied", why
	case erHostDenied, erHostBlocked:
		return "denied", fmt.Sprintf("denies this machine: %s; create the user for this host, or unblock it", e.Message)
	case erInsecureTransport:
		return "wants TLS", "takes connections by TLS only; add database.tls"
	case erTooManyConnections:
		return "full", "has no connection left (max_connections); raise it, or run fewer clients"
	case erTooManyOfUser, erUserLimit:
		return "full", fmt.Sprintf("has no connection left for the user: %s; let the user have more connections, or run fewer "+
			"gateways", e.Message)
	case erPluginNotLoaded:
		return "denied", fmt.Sprintf("cannot authenticate the user: %s; use caching_sha2_password", e.Message)
	}
	return "failed", fmt.Sprintf("refuses the handshake: %v; see the server's log", e)
}

// reachCertificate explains a handshake of TLS that failed; the state is empty for all else.
func reachCertificate(err error) (state, why string) {
	const certificate = "certificate"
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var unverified *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return certificate, fmt.Sprintf("has a certificate that is valid from %s to %s only, and it is %s here; renew it, "+
			"or mend the clock", day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter), day(time.Now()))
	case errors.As(err, &host):
		return certificate, fmt.Sprintf("has a certificate for another name (%s), not for %s; set database.tls.serverName "+
			"to a name that it has, or mend the address", strings.Join(namesOf(host.Certificate), ", "), host.Host)
	case errors.As(err, &authority):
		return certificate, "has a certificate that no known authority has signed; name the file of the authority's " +
			"certificate in database.tls.ca"
	case errors.As(err, &unverified), errors.As(err, &invalid):
		return certificate, fmt.Sprintf("has a certificate that cannot be trusted: %v; give the server another", err)
	case errors.As(err, &alert):
		return "TLS", fmt.Sprintf("refuses the TLS handshake: %v; it may want a client certificate: see database.tls.cert",
			alert)
	case errors.As(err, &record):
		return "TLS", fmt.Sprintf("breaks the TLS handshake off: %v; see the server's log", err)
	}
	return "", ""
}

// namesOf returns what a certificate is for.
func namesOf(c *x509.Certificate) []string {
	names := c.DNSNames
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		names = []string{"none"}
	}
	return names
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }
