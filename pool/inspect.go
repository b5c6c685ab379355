package pool

import (
	"errors"

	"github.com/go-sql-driver/mysql"
)

// Effective returns the configuration with the defaults in place of zero values, for whoever counts connections or
// explains a timeout.
func (c Config) Effective() Config { return c.withDefaults() }

// LacksTLS reports whether a dial failed because the server offers no TLS, where Config.TLS asks for it.
func LacksTLS(err error) bool { return errors.Is(err, mysql.ErrNoTLS) }

// IsNotMySQL reports whether a dial failed because what listens at the address is not a MySQL server.
func IsNotMySQL(err error) bool { return errors.Is(err, errNoGreeting) }
