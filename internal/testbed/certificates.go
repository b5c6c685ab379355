package testbed

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// caFile is where certificates puts the authority's certificate.
const caFile = "ssl-ca.pem"

// certificates makes a certificate authority and a server certificate for loopback in dir. It returns the options
// that make a server use them, and a pool that verifies it.
func certificates(dir string) (options []string, pool *x509.CertPool, err error) {
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rongate testbed CA"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "rongate testbed server"},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return nil, nil, err
	}
	if authority, err = x509.ParseCertificate(authorityDER); err != nil {
		return nil, nil, err
	}
	serverDER, err := x509.CreateCertificate(rand.Reader, server, authority, serverKey.Public(), authorityKey)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		return nil, nil, err
	}
	pool = x509.NewCertPool()
	pool.AddCert(authority)
	for _, file := range []struct {
		option, name, kind string
		der                []byte
	}{
		{"ssl-ca", caFile, "CERTIFICATE", authorityDER},
		{"ssl-cert", "ssl-cert.pem", "CERTIFICATE", serverDER},
		{"ssl-key", "ssl-key.pem", "PRIVATE KEY", keyDER},
	} {
		path := filepath.Join(dir, file.name)
		text := pem.EncodeToMemory(&pem.Block{Type: file.kind, Bytes: file.der})
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return nil, nil, fmt.Errorf("testbed: certificates: %w", err)
		}
		options = append(options, "--"+file.option+"="+path)
	}
	return options, pool, nil
}
