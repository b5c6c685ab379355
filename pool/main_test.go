package pool

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"go.uber.org/goleak"

	"github.com/rongate/rongate/internal/testbed"
)

var shared testbed.Shared

func TestMain(m *testing.M) { goleak.VerifyTestMain(shared.Main(m)) }

func tlsOf(ca *x509.CertPool, name string) *tls.Config {
	return &tls.Config{RootCAs: ca, ServerName: name, MinVersion: tls.VersionTLS12}
}
