-- The tables and rows that the golden cases read: one schema for MariaDB (InnoDB) and MySQL NDB Cluster. The runner
-- puts the table options in the place of {{engine}} and executes the statements in order on one connection. A statement
-- ends at a line that ends in a semicolon. The cases' clock stands at 2026-01-02 03:04:05.000 UTC, which is
-- 1767323045 seconds after the epoch.

SET NAMES utf8mb4;
SET time_zone = '+00:00';
-- Strict, but zero dates may be stored: a case shows what becomes of them.
SET sql_mode = 'STRICT_ALL_TABLES';

DROP DATABASE IF EXISTS rongate_payments;
DROP DATABASE IF EXISTS rongate_shared;
CREATE DATABASE rongate_payments CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
CREATE DATABASE rongate_shared CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- A TTL of 24 h on a TIMESTAMP(3), and keys that a float64 cannot tell apart.
CREATE TABLE rongate_payments.account_stats_1 (
  account_id BIGINT NOT NULL,
  updated_at TIMESTAMP(3) NULL DEFAULT NULL,
  avg_amount_7d DOUBLE,
  txn_count_7d INT UNSIGNED,
  country VARCHAR(2) CHARACTER SET ascii COLLATE ascii_general_ci,
  amount DOUBLE,
  balance DECIMAL(18,4),
  is_new TINYINT,
  is_fraud TINYINT,
  PRIMARY KEY (account_id) USING HASH
) {{engine}};

INSERT INTO rongate_payments.account_stats_1 VALUES
  (4711, '2026-01-02 03:03:59.880', 18.25, 12, 'SE', 99.5, 1200.5, 0, 0),
  (4713, '2025-12-31 00:00:00.000', 3.5, 1, 'DK', 1, 0, 0, 1),
  (4714, '2026-01-01 03:04:05.000', 4.5, 2, 'FI', 2, -0.5, 1, 0),
  (4715, '2026-01-01 03:04:04.999', 5.5, 3, 'IS', 3, 1, 0, 0),
  (4716, '2026-01-02 03:04:06.500', 6.5, 4, 'DE', 4, 2, 1, 0),
  (4717, NULL, 7.5, 5, 'FR', 5, 3, 0, 0),
  (4718, '2026-01-02 03:04:05.000', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (9007199254740992, '2026-01-02 03:04:04.000', 2, 92, 'AA', 0.25, 99999999999999.9999, 0, 0),
  (9007199254740993, '2026-01-02 03:04:04.000', 3, 93, 'BB', 0.5, -99999999999999.9999, 1, 0),
  (-5, '2026-01-02 03:04:04.000', -1.5, 0, 'NO', -0.25, -1, 1, 1);

-- A case-insensitive string key, no event time, and a column whose name is a reserved word.
CREATE TABLE rongate_payments.merchant_stats_1 (
  merchant_id VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL,
  category VARCHAR(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci,
  avg_ticket_30d DOUBLE,
  `rank` SMALLINT,
  PRIMARY KEY (merchant_id) USING HASH
) {{engine}};

INSERT INTO rongate_payments.merchant_stats_1 VALUES
  ('m-93', 'grocery', 31.4, 7),
  ('m-94', 'Café & Crème', 4.75, -1),
  ('Key1', 'case', 1, 1),
  ('日本-1', '寿司', 12.5, 2);

-- A composite key whose order is not the order of the columns.
CREATE TABLE rongate_payments.wallet_2 (
  account_id BIGINT NOT NULL,
  currency CHAR(3) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
  funds DECIMAL(20,2) NOT NULL DEFAULT 0,
  locked TINYINT NOT NULL DEFAULT 0,
  PRIMARY KEY (currency, account_id) USING HASH
) {{engine}};

INSERT INTO rongate_payments.wallet_2 VALUES
  (4711, 'SEK', 250, 0),
  (4711, 'EUR', 10.5, 1),
  (4712, 'EUR', 123456789012345678.9, 0);

-- The accounts of an older system, whose ids are narrower.
CREATE TABLE rongate_payments.legacy_account_1 (
  account_id SMALLINT UNSIGNED NOT NULL,
  plan_name VARCHAR(10) CHARACTER SET ascii COLLATE ascii_general_ci,
  PRIMARY KEY (account_id) USING HASH
) {{engine}};

INSERT INTO rongate_payments.legacy_account_1 VALUES
  (4711, 'gold'),
  (4712, 'silver');

-- Integer keys of every size, and unsigned ones up to 2^64 - 1.
CREATE TABLE rongate_payments.int_keys_1 (
  t TINYINT NOT NULL,
  s SMALLINT NOT NULL,
  m MEDIUMINT NOT NULL,
  i INT NOT NULL,
  note VARCHAR(10) CHARACTER SET ascii COLLATE ascii_general_ci,
  PRIMARY KEY (t, s, m, i) USING HASH
) {{engine}};

INSERT INTO rongate_payments.int_keys_1 VALUES
  (-128, -32768, -8388608, -2147483648, 'least'),
  (127, 32767, 8388607, 2147483647, 'greatest'),
  (0, 0, 0, 0, 'zero');

CREATE TABLE rongate_payments.unsigned_keys_1 (
  t TINYINT UNSIGNED NOT NULL,
  s SMALLINT UNSIGNED NOT NULL,
  m MEDIUMINT UNSIGNED NOT NULL,
  i INT UNSIGNED NOT NULL,
  b BIGINT UNSIGNED NOT NULL,
  note VARCHAR(10) CHARACTER SET ascii COLLATE ascii_general_ci,
  PRIMARY KEY (t, s, m, i, b) USING HASH
) {{engine}};

INSERT INTO rongate_payments.unsigned_keys_1 VALUES
  (0, 0, 0, 0, 0, 'least'),
  (255, 65535, 16777215, 4294967295, 18446744073709551615, 'greatest');

CREATE TABLE rongate_payments.big_key_1 (
  id BIGINT UNSIGNED NOT NULL,
  note VARCHAR(20) CHARACTER SET ascii COLLATE ascii_general_ci,
  PRIMARY KEY (id) USING HASH
) {{engine}};

INSERT INTO rongate_payments.big_key_1 VALUES
  (9007199254740992, '2^53'),
  (9007199254740993, '2^53 + 1'),
  (9223372036854775808, '2^63'),
  (18446744073709551614, '2^64 - 2'),
  (18446744073709551615, '2^64 - 1');

CREATE TABLE rongate_payments.price_1 (
  price DECIMAL(12,4) NOT NULL,
  band VARCHAR(10) CHARACTER SET ascii COLLATE ascii_general_ci,
  PRIMARY KEY (price) USING HASH
) {{engine}};

INSERT INTO rongate_payments.price_1 VALUES
  (9.5, 'low'),
  (-0.25, 'refund'),
  (99999999.9999, 'top'),
  (0, 'free');

-- String keys: case rules, padding, accents and character sets.
CREATE TABLE rongate_payments.city_1 (
  city VARCHAR(12) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL,
  population INT UNSIGNED,
  PRIMARY KEY (city) USING HASH
) {{engine}};

INSERT INTO rongate_payments.city_1 VALUES
  ('Malmö', 365644),
  ('Orsa', 5500);

CREATE TABLE rongate_payments.device_1 (
  device CHAR(8) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
  model VARCHAR(10) CHARACTER SET ascii COLLATE ascii_general_ci,
  PRIMARY KEY (device) USING HASH
) {{engine}};

INSERT INTO rongate_payments.device_1 VALUES
  ('abc', 'one'),
  ('Full8chr', 'two');

CREATE TABLE rongate_payments.tag_1 (
  tag VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  weight DOUBLE,
  PRIMARY KEY (tag) USING HASH
) {{engine}};

INSERT INTO rongate_payments.tag_1 VALUES
  ('Key', 0.5),
  ('key', 0.25),
  ('été', 2),
  ('🙂', 3);

CREATE TABLE rongate_payments.person_1 (
  person VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NOT NULL,
  score INT,
  PRIMARY KEY (person) USING HASH
) {{engine}};

INSERT INTO rongate_payments.person_1 VALUES
  ('Ünal', 10),
  ('Strauß', 20);

-- Keys of time.
CREATE TABLE rongate_payments.holiday_1 (
  day DATE NOT NULL,
  title VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci,
  PRIMARY KEY (day) USING HASH
) {{engine}};

INSERT INTO rongate_payments.holiday_1 VALUES
  ('2026-01-01', 'New Year'),
  ('2024-02-29', 'leap day'),
  ('1000-01-01', 'first'),
  ('9999-12-31', 'last');

CREATE TABLE rongate_payments.slot_1 (
  slot DATETIME(3) NOT NULL,
  demand INT,
  PRIMARY KEY (slot) USING HASH
) {{engine}};

INSERT INTO rongate_payments.slot_1 VALUES
  ('2026-01-02 03:00:00.000', 300),
  ('2026-01-02 03:00:00.500', 305);

CREATE TABLE rongate_payments.tick_1 (
  tick TIMESTAMP(3) NOT NULL DEFAULT '2000-01-01 00:00:00.000',
  bid DECIMAL(8,3),
  PRIMARY KEY (tick) USING HASH
) {{engine}};

INSERT INTO rongate_payments.tick_1 VALUES
  ('1970-01-01 00:00:01.000', 0.001),
  ('2026-03-29 02:30:00.125', 101.5),
  ('2038-01-19 03:14:07.000', 99999.999);

-- Binary keys.
CREATE TABLE rongate_payments.fingerprint_1 (
  fp BINARY(8) NOT NULL,
  seen INT UNSIGNED,
  PRIMARY KEY (fp) USING HASH
) {{engine}};

INSERT INTO rongate_payments.fingerprint_1 VALUES
  (x'0102030405060708', 1),
  (x'fffe000000000000', 2);

CREATE TABLE rongate_payments.token_1 (
  token VARBINARY(16) NOT NULL,
  uses INT UNSIGNED,
  PRIMARY KEY (token) USING HASH
) {{engine}};

INSERT INTO rongate_payments.token_1 VALUES
  (x'00ff', 1),
  (x'00ff00', 2),
  (x'4b6579', 3),
  ('', 4);

-- Event times in the other types that may hold one.
CREATE TABLE rongate_payments.heartbeat_1 (
  host INT NOT NULL,
  beat_at DATETIME NULL DEFAULT NULL,
  cpu_load FLOAT,
  PRIMARY KEY (host) USING HASH
) {{engine}};

INSERT INTO rongate_payments.heartbeat_1 VALUES
  (1, '2026-01-02 03:03:05', 0.5),
  (2, '2026-01-02 03:03:04', 0.25),
  (3, '0000-00-00 00:00:00', 0.125),
  (4, NULL, 0.0625);

CREATE TABLE rongate_payments.daily_risk_1 (
  region_id INT NOT NULL,
  as_of DATE NULL DEFAULT NULL,
  risk DOUBLE,
  PRIMARY KEY (region_id) USING HASH
) {{engine}};

INSERT INTO rongate_payments.daily_risk_1 VALUES
  (1, '2026-01-02', 0.1),
  (2, '2025-12-31', 0.2);

-- Below 10^11 the integer is seconds, from there on milliseconds.
CREATE TABLE rongate_payments.signal_1 (
  id INT NOT NULL,
  seen_at BIGINT NULL DEFAULT NULL,
  level SMALLINT,
  PRIMARY KEY (id) USING HASH
) {{engine}};

INSERT INTO rongate_payments.signal_1 VALUES
  (1, 1767323035, 1),
  (2, 1767323035000, 2),
  (3, 1767319444, 3),
  (4, 1767319444999, 4),
  (5, 99999999999, 5),
  (6, 100000000000, 6),
  (7, NULL, 7);

-- Every type of feature: least and greatest values, the awkward ones between, and a row of NULLs.
CREATE TABLE rongate_payments.number_types_1 (
  id INT NOT NULL,
  i8 TINYINT,
  u8 TINYINT UNSIGNED,
  i16 SMALLINT,
  u16 SMALLINT UNSIGNED,
  i24 MEDIUMINT,
  u24 MEDIUMINT UNSIGNED,
  i32 INT,
  u32 INT UNSIGNED,
  i64 BIGINT,
  u64 BIGINT UNSIGNED,
  dec_small DECIMAL(10,2),
  dec_fraction DECIMAL(3,3),
  dec_big DECIMAL(65,30),
  f32 FLOAT,
  f64 DOUBLE,
  bit1 BIT(1),
  bit64 BIT(64),
  y YEAR,
  flag TINYINT(1),
  PRIMARY KEY (id) USING HASH
) {{engine}};

INSERT INTO rongate_payments.number_types_1 VALUES
  (1, -128, 0, -32768, 0, -8388608, 0, -2147483648, 0, -9223372036854775808, 0,
   -99999999.99, -0.999, -12345678901234567890123456789012345.123456789012345678901234567890,
   -3.4028234663852886e38, -1.7976931348623157e308, b'0', 0, 1901, 0),
  (2, 127, 255, 32767, 65535, 8388607, 16777215, 2147483647, 4294967295, 9223372036854775807, 18446744073709551615,
   99999999.99, 0.5, 99999999999999999999999999999999999.999999999999999999999999999999,
   3.4028234663852886e38, 1.7976931348623157e308, b'1', 18446744073709551615, 2155, 1),
  (3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -0.5, 0, 0, 0, 0, b'0', 1, 2026, 2),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

-- Where the shortest text of a float changes its form. MariaDB stores the negative zero as zero.
CREATE TABLE rongate_payments.float_types_1 (
  id INT NOT NULL,
  f32 FLOAT,
  f64 DOUBLE,
  PRIMARY KEY (id) USING HASH
) {{engine}};

INSERT INTO rongate_payments.float_types_1 VALUES
  (1, 0.1, 0.1),
  (2, 16777216, 9007199254740993),
  (3, 0.000001, 0.000001),
  (4, 0.0000001, 0.0000001),
  (5, 1e20, 1e20),
  (6, 1e21, 1e21),
  (7, 3.1415927, 3.141592653589793),
  (8, 1.17549435e-38, 2.2250738585072014e-308),
  (9, 1.5, 0.30000000000000004),
  (10, 100, 123456789012345680000),
  (11, -0e0, -0e0);

CREATE TABLE rongate_payments.time_types_1 (
  id INT NOT NULL,
  d DATE,
  dt DATETIME,
  dt6 DATETIME(6),
  ts TIMESTAMP NULL DEFAULT NULL,
  ts3 TIMESTAMP(3) NULL DEFAULT NULL,
  t TIME,
  t3 TIME(3),
  PRIMARY KEY (id) USING HASH
) {{engine}};

INSERT INTO rongate_payments.time_types_1 VALUES
  (1, '2026-01-02', '2026-01-02 03:04:05', '2026-01-02 03:04:05.123456', '2026-01-02 03:04:05',
   '2026-01-02 03:04:05.120', '03:04:05', '03:04:05.500'),
  (2, '1000-01-01', '1000-01-01 00:00:00', '1000-01-01 00:00:00.000000', '1970-01-01 00:00:01',
   '1970-01-01 00:00:01.000', '-838:59:59', '-00:00:00.001'),
  (3, '9999-12-31', '9999-12-31 23:59:59', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07',
   '2038-01-19 03:14:07.000', '838:59:59', '123:04:05.000'),
  (4, '0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00.000000', '0000-00-00 00:00:00',
   '0000-00-00 00:00:00.000', '00:00:00', '00:00:00.000'),
  (5, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE rongate_payments.text_types_1 (
  id INT NOT NULL,
  c CHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci,
  v_latin1 VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci,
  v_utf8 VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci,
  v_utf16 VARCHAR(20) CHARACTER SET utf16 COLLATE utf16_general_ci,
  e ENUM('red','green','bl"ue') CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci,
  s SET('a','b','c') CHARACTER SET ascii COLLATE ascii_general_ci,
  b BINARY(4),
  vb VARBINARY(8),
  PRIMARY KEY (id) USING HASH
) {{engine}};

INSERT INTO rongate_payments.text_types_1 VALUES
  (1, 'ab', 'Åsa', 'Zoë 🙂 日本', 'Ωmega', 'green', 'a,c', x'0102', x'fffe'),
  (2, '', '', '', '', 'red', '', '', ''),
  (3, '"\\/', '<a href=x>&</a>',
   CONCAT('\n\r\t\b', CHAR(12 USING utf8mb4), '\0', CHAR(1 USING utf8mb4), CHAR(31 USING utf8mb4)),
   CHAR(8232 USING utf16), 'bl"ue', 'a,b,c', x'fbffbfff', x'00'),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (5, 'end', 'trail  ', CHAR(127 USING utf8mb4), '🙂', 'green', 'b', x'00000000', x'0001020304050607');

-- Large columns, which NDB reads a row at a time.
CREATE TABLE rongate_payments.profile_1 (
  id INT NOT NULL,
  short_name VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci,
  bio TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci,
  picture BLOB,
  PRIMARY KEY (id) USING HASH
) {{engine}};

INSERT INTO rongate_payments.profile_1 VALUES
  (1, 'zoë', 'line one\nline "two"', x'89504e470d0a1a0a'),
  (2, 'empty', '', ''),
  (3, 'none', NULL, NULL);

-- JSON is a type of its own on MySQL and LONGTEXT on MariaDB, so its cases are marked for one of the two.
CREATE TABLE rongate_payments.document_1 (
  id INT NOT NULL,
  doc JSON,
  PRIMARY KEY (id) USING HASH
) {{engine}};

INSERT INTO rongate_payments.document_1 VALUES
  (1, '{"a": 1, "b": [true, null, "ö"]}'),
  (2, '[]'),
  (3, NULL);

CREATE TABLE rongate_shared.fx_1 (
  currency CHAR(3) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
  rate DECIMAL(18,8) NOT NULL,
  as_of DATETIME(3) NULL DEFAULT NULL,
  PRIMARY KEY (currency) USING HASH
) {{engine}};

INSERT INTO rongate_shared.fx_1 VALUES
  ('SEK', 1, '2026-01-02 03:00:00.000'),
  ('EUR', 11.08765432, '2026-01-01 00:00:00.000'),
  ('JPY', 0.0655, NULL);
