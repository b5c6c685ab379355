package testbed

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// An installation is where the binaries of a server are.
type installation struct {
	server  string // mariadbd or mysqld
	client  string // mariadb or mysql
	install string // mariadb-install-db; empty for MySQL, whose server makes its own data directory
	base    string // for --basedir, where the server does not find its messages by itself
}

func (in installation) isMySQL() bool { return in.install == "" }

// findServer finds a MariaDB or MySQL server, and the client beside it or in the PATH.
func findServer(binary string) (installation, error) {
	var err error
	if binary == "" {
		if binary, err = find("mariadbd", "mysqld"); err != nil {
			return installation{}, err
		}
	}
	version, err := exec.Command(binary, "--no-defaults", "--version").Output()
	if err != nil {
		return installation{}, fmt.Errorf("testbed: %s --version: %w", binary, err)
	}
	in := installation{server: binary}
	dir := filepath.Dir(binary)
	if !bytes.Contains(version, []byte("MariaDB")) {
		if base := filepath.Dir(dir); exists(filepath.Join(base, "share", "english")) {
			in.base = base
		}
		in.client, err = find(filepath.Join(dir, "mysql"), "mysql")
		return in, err
	}
	if in.install, err = find("mariadb-install-db", "mysql_install_db"); err != nil {
		return in, err
	}
	in.client, err = find("mariadb", "mysql")
	return in, err
}

// findNDB finds an NDB cluster's binaries.
func findNDB(home string) (string, error) {
	home = cmp.Or(home, os.Getenv("RONDB_HOME"))
	if home == "" {
		return "", errors.New("testbed: RONDB_HOME is not set")
	}
	for _, name := range []string{"ndb_mgmd", "ndbmtd", "ndb_waiter", "mysqld", "mysql"} {
		if path := filepath.Join(home, "bin", name); !exists(path) {
			return "", fmt.Errorf("testbed: RONDB_HOME has no %s", path)
		}
	}
	return filepath.Abs(home)
}

// find returns the path of the first of the names that exists. Servers are often in no ordinary user's PATH.
func find(names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
		for _, dir := range []string{"/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/usr/local/libexec"} {
			if path := filepath.Join(dir, name); exists(path) {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("testbed: no %s found", strings.Join(names, " or "))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// tmpDir is a directory for a server's temporary files beside its data directory. In the system's own it would delete
// those of other servers, as every MariaDB does with files of certain names when it starts.
func tmpDir(dataDir string) string { return filepath.Join(filepath.Dir(dataDir), "tmp") }

// options are those that every SQL server is started with. What is committed outlives a killed server, but not a
// crash of the machine, which would not be worth a wait for the disk.
func (in installation) options(dataDir string) []string {
	options := []string{
		"--no-defaults", "--datadir=" + dataDir, "--skip-name-resolve", "--skip-log-bin", "--performance-schema=OFF",
		"--innodb-flush-log-at-trx-commit=2", "--tmpdir=" + tmpDir(dataDir),
	}
	if in.isMySQL() {
		// Making and opening its data directory writes a lot, MariaDB's does not.
		options = append(options, "--innodb-flush-method=nosync", "--loose-innodb-redo-log-capacity=8M", "--loose-mysqlx=OFF")
	}
	if in.base != "" {
		options = append(options, "--basedir="+in.base)
	}
	if os.Geteuid() == 0 {
		options = append(options, "--user=root")
	}
	return options
}

// initialize makes a data directory with grants: the accounts, or User from anywhere if there are none. It returns
// the options that the server needs beside.
func (in installation) initialize(ctx context.Context, g *group, dataDir string, accounts []Account) ([]string, error) {
	grants := dataDir + "-grants.sql"
	if err := os.WriteFile(grants, []byte(grantsSQL(accounts, in.isMySQL())), 0o600); err != nil {
		return nil, fmt.Errorf("testbed: %w", err)
	}
	if in.isMySQL() {
		return nil, g.run(ctx, in.server, append(in.options(dataDir), "--initialize-insecure", "--init-file="+grants)...)
	}
	args := []string{
		"--no-defaults", "--datadir=" + dataDir, "--auth-root-authentication-method=normal",
		"--skip-test-db", "--skip-name-resolve", "--tmpdir=" + tmpDir(dataDir),
	}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	return []string{"--init-file=" + grants}, g.run(ctx, in.install, args...)
}

// bootstrap makes a MariaDB data directory without so much as a mysql database. The server would do that by itself,
// but for a second or so after its first start it would not survive SIGKILL.
func (in installation) bootstrap(ctx context.Context, g *group, dataDir string) error {
	if err := os.Mkdir(dataDir, 0o700); err != nil {
		return fmt.Errorf("testbed: %w", err)
	}
	return g.run(ctx, in.server, append(in.options(dataDir), "--skip-grant-tables", "--bootstrap")...)
}

// grantsSQL is one statement a line, and may be run again.
func grantsSQL(accounts []Account, isMySQL bool) string {
	if len(accounts) == 0 {
		return "CREATE USER IF NOT EXISTS root@'%';\nGRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;\n"
	}
	var sql strings.Builder
	if !isMySQL {
		sql.WriteString("DROP USER IF EXISTS root@'127.0.0.1', root@'::1', ''@'localhost';\n")
	}
	for _, a := range accounts {
		name, password := quote(a.User)+"@'%'", quote(a.Password)
		fmt.Fprintf(&sql, "CREATE USER IF NOT EXISTS %s IDENTIFIED ", name)
		switch {
		case a.Plugin == "":
			fmt.Fprintf(&sql, "BY %s", password)
		case isMySQL:
			fmt.Fprintf(&sql, "WITH %s BY %s", a.Plugin, password)
		default:
			fmt.Fprintf(&sql, "VIA %s USING PASSWORD(%s)", a.Plugin, password)
		}
		if a.RequireTLS {
			sql.WriteString(" REQUIRE SSL")
		}
		fmt.Fprintf(&sql, ";\nGRANT SELECT ON *.* TO %s;\n", name)
	}
	return sql.String()
}

// quote makes an SQL literal.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`, "\n", `\n`).Replace(s) + "'"
}

// run runs a command of the group to its end.
func (g *group) run(ctx context.Context, path string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	g.join(cmd)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = errors.Join(err, context.Cause(ctx))
		return fmt.Errorf("testbed: %s: %w\n%s", filepath.Base(path), err, out[max(0, len(out)-tailBytes):])
	}
	return nil
}
