package pool

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/internal/testbed"
)

func TestColumnTypes(t *testing.T) {
	_, n := node(t)
	bothWays(t, func(t *testing.T, driverRows bool) {
		checkColumnTypes(t, n, lease(t, openOn(t, n.Address, Config{DriverRows: driverRows})), "TEXT")
	})
}

// checkColumnTypes reads every type and ends the lease. JSON is a type of its own on MySQL only.
func checkColumnTypes(t *testing.T, n *testbed.Node, c *Conn, json string) {
	t.Helper()
	defer c.Release()
	types := []struct {
		sql, wire string
		scale     int
		low, high string // literals
		wantLow   string
		wantHigh  string
	}{
		{"TINYINT", "TINYINT", -1, "-128", "127", "int:-128", "int:127"},
		{"TINYINT UNSIGNED", "UNSIGNED TINYINT", -1, "0", "255", "uint:0", "uint:255"},
		{"SMALLINT", "SMALLINT", -1, "-32768", "32767", "int:-32768", "int:32767"},
		{"SMALLINT UNSIGNED", "UNSIGNED SMALLINT", -1, "0", "65535", "uint:0", "uint:65535"},
		{"MEDIUMINT", "MEDIUMINT", -1, "-8388608", "8388607", "int:-8388608", "int:8388607"},
		{"MEDIUMINT UNSIGNED", "UNSIGNED MEDIUMINT", -1, "0", "16777215", "uint:0", "uint:16777215"},
		{"INT", "INT", -1, "-2147483648", "2147483647", "int:-2147483648", "int:2147483647"},
		{"INT UNSIGNED", "UNSIGNED INT", -1, "0", "4294967295", "uint:0", "uint:4294967295"},
		{
			"BIGINT", "BIGINT", -1, "-9223372036854775808", "9223372036854775807",
			"int:-9223372036854775808", "int:9223372036854775807",
		},
		{
			"BIGINT UNSIGNED", "UNSIGNED BIGINT", -1, "9223372036854775807", "18446744073709551615",
			"uint:9223372036854775807", "uint:18446744073709551615",
		},
		{"DECIMAL(20,4)", "DECIMAL", 4, "-9999999999999999.9999", "0.5", `"-9999999999999999.9999"`, `"0.5000"`},
		{"DECIMAL(5)", "DECIMAL", 0, "-99999", "99999", `"-99999"`, `"99999"`},
		{"FLOAT", "FLOAT", -1, "-1.5", "0.1", "float32:-1.5", "float32:0.1"},
		{"DOUBLE", "DOUBLE", -1, "-1.7976931348623157e308", "0.1", "float64:-1.7976931348623157e+308", "float64:0.1"},
		{"BIT(10)", "BIT", -1, "b'1'", "b'1000000001'", `"\x00\x01"`, `"\x02\x01"`},
		{"YEAR", "YEAR", -1, "1901", "2155", "int:1901", "int:2155"},
		{"DATE", "DATE", -1, "'1000-01-01'", "'0000-00-00'", `"1000-01-01"`, `"0000-00-00"`},
		{
			"DATETIME", "DATETIME", 0, "'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'",
			`"1000-01-01 00:00:00"`, `"9999-12-31 23:59:59"`,
		},
		{
			"DATETIME(6)", "DATETIME", 6, "'2026-01-02 00:00:00'", "'2026-01-02 03:04:05.000006'",
			`"2026-01-02 00:00:00.000000"`, `"2026-01-02 03:04:05.000006"`,
		},
		{
			"TIMESTAMP(3) NULL", "TIMESTAMP", 3, "'1970-01-01 00:00:01'", "'2026-01-02 03:04:05.678'",
			`"1970-01-01 00:00:01.000"`, `"2026-01-02 03:04:05.678"`,
		},
		{"TIME(2)", "TIME", 2, "'-838:59:59'", "'00:00:01.25'", `"-838:59:59.00"`, `"00:00:01.25"`},
		{"CHAR(5)", "CHAR", -1, "''", "'ab  '", `""`, `"ab"`},
		{"VARCHAR(50) CHARACTER SET latin1", "VARCHAR", -1, "''", "'å  '", `""`, `"å  "`},
		{"VARCHAR(50) CHARACTER SET utf8mb4", "VARCHAR", -1, "'日本'", "'😀'", `"日本"`, `"😀"`},
		{"TINYTEXT", "TEXT", -1, "'a'", "'b'", `"a"`, `"b"`},
		{"TEXT", "TEXT", -1, "'a'", "'b'", `"a"`, `"b"`},
		{"LONGTEXT", "TEXT", -1, "''", "'b'", `""`, `"b"`},
		{"JSON", json, -1, "'{}'", "'[1]'", `"{}"`, `"[1]"`},
		{"ENUM('a','b')", "ENUM", -1, "'a'", "'b'", `"a"`, `"b"`},
		{"SET('a','b')", "SET", -1, "''", "'a,b'", `""`, `"a,b"`},
		{"BINARY(3)", "BINARY", -1, "'a'", "x'ff00ff'", `"a\x00\x00"`, `"\xff\x00\xff"`},
		{"VARBINARY(3)", "VARBINARY", -1, "''", "x'00'", `""`, `"\x00"`},
		{"BLOB", "BLOB", -1, "''", "x'00ff'", `""`, `"\x00\xff"`},
	}
	var columns, names, low, high, wantLow, wantHigh, wantNull []string
	for i, typ := range types {
		name := fmt.Sprintf("c%d", i)
		columns = append(columns, name+" "+typ.sql)
		names = append(names, name)
		low, high = append(low, typ.low), append(high, typ.high)
		wantLow, wantHigh = append(wantLow, typ.wantLow), append(wantHigh, typ.wantHigh)
		wantNull = append(wantNull, "NULL")
	}
	exec(t, n, fmt.Sprintf(`SET sql_mode='', time_zone='+00:00'; DROP DATABASE IF EXISTS types; CREATE DATABASE types;
		CREATE TABLE types.t (id INT PRIMARY KEY, %s); INSERT INTO types.t VALUES (1,%s),(2,%s);
		INSERT INTO types.t (id) VALUES (3)`,
		strings.Join(columns, ","), strings.Join(low, ","), strings.Join(high, ",")))

	sink, err := run(c, "SELECT "+strings.Join(names, ",")+" FROM types.t WHERE id IN (?,?,?) ORDER BY id",
		column.IntValue(1), column.IntValue(2), column.IntValue(3))
	if err != nil {
		t.Fatal(err)
	}
	wantRows(t, sink.rows, strings.Join(wantLow, " "), strings.Join(wantHigh, " "), strings.Join(wantNull, " "))
	for i, typ := range types {
		// MariaDB sends all sizes of TEXT under one of two type codes, by the bytes they may hold.
		got := sink.columns[i]
		if strings.HasSuffix(got.Type, "TEXT") && typ.wire == "TEXT" {
			got.Type = "TEXT"
		}
		if want := (ResultColumn{Name: names[i], Type: typ.wire, Scale: typ.scale}); got != want {
			t.Errorf("%s: %+v, want %+v", typ.sql, got, want)
		}
	}
}

func TestParameterTypes(t *testing.T) {
	bothWays(t, testParameterTypes)
}

func testParameterTypes(t *testing.T, driverRows bool) {
	_, n := node(t)
	c := lease(t, openOn(t, n.Address, Config{DriverRows: driverRows}))
	defer c.Release()
	for _, test := range []struct {
		value column.Value
		want  string
	}{
		{column.Null(), "NULL"},
		{column.IntValue(-1 << 63), "int:-9223372036854775808"},
		{column.UintValue(1<<64 - 1), "uint:18446744073709551615"},
		{column.Float64Value(0.1), "float64:0.1"},
		{column.Float32Value(0.5), "float64:0.5"},
		{column.BytesValue(nil), `""`},
		{column.BytesValue([]byte("日本 'x' \\ \x00")), `"日本 'x' \\ \x00"`},
		{column.BytesValue([]byte(strings.Repeat("x", 300_000))), `"` + strings.Repeat("x", 300_000) + `"`},
	} {
		wantRows(t, mustRun(t, c, "SELECT ?", test.value), test.want)
	}
	wantRows(t, mustRun(t, c, "SELECT ? IS NULL, ? = ''", column.BytesValue(nil), column.BytesValue(nil)), "int:0 int:1")
}

func TestEmptyResult(t *testing.T) {
	_, n := node(t)
	bothWays(t, func(t *testing.T, driverRows bool) {
		c := lease(t, openOn(t, n.Address, Config{DriverRows: driverRows}))
		defer c.Release()
		for _, query := range []string{"SELECT 1 AS a FROM dual WHERE 1=0", "DO 1"} {
			for range 2 {
				sink, err := run(c, query)
				if err != nil || sink.calls != 1 || len(sink.rows) != 0 || c.Broken() {
					t.Errorf("%s: %v, %+v", query, err, sink)
				}
			}
		}
	})
}
