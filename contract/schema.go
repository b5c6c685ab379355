package contract

import (
	"strings"
	"time"
)

// Now is the time that the server's clock shows while it answers the cases.
func Now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// Schema returns the statements that make the tables of the cases and fill them, in order, to be executed on one
// connection: the first set its character set, time zone and mode. The options, such as ENGINE=InnoDB, are given to
// every table.
func Schema(options string) []string {
	var statements []string
	var statement strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(schema, "{{engine}}", options)) {
		if strings.HasPrefix(line, "--") || statement.Len() == 0 && strings.TrimSpace(line) == "" {
			continue
		}
		statement.WriteString(line)
		if strings.HasSuffix(line, ";\n") {
			statements = append(statements, strings.TrimSuffix(statement.String(), ";\n"))
			statement.Reset()
		}
	}
	return statements
}
