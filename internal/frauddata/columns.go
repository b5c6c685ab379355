package frauddata

import (
	"strconv"
	"time"
)

const (
	expiredEvery = 50 // of so many accounts one is expired: those whose number leaves the remainder
	expiredRest  = 13
	popular      = 500 // so many merchants have all the regular customers

	eventColumn = 1 // of groups that are dated
)

// RegularOf is the merchant where an account is a regular customer: 93 for account 4711.
func RegularOf(account uint64) uint64 { return 1 + (account*7+115)%popular }

func accountColumns(now time.Time) []column {
	return []column{
		{name: "account_id", sql: "BIGINT NOT NULL", key: true, value: number()},
		{name: "updated_at", sql: "TIMESTAMP(3) NULL DEFAULT NULL", value: updatedAt(now)},
		{name: "amount", sql: "DOUBLE", value: double(1, 50_000, 2), instead: "0"},
		{name: "txn_count_1h", sql: "TINYINT UNSIGNED", value: unsigned(9), instead: "0"},
		{name: "txn_count_24h", sql: "SMALLINT UNSIGNED", value: unsigned(60), instead: "0"},
		{name: "txn_count_7d", sql: "INT UNSIGNED", value: unsigned(300), instead: "0"},
		{name: "avg_amount_7d", sql: "DOUBLE", value: double(100, 20_000, 2)},
		{name: "max_amount_30d", sql: "DECIMAL(12,2)", value: decimal(1000, 500_000, 2)},
		{name: "balance", sql: "DECIMAL(18,4)", value: decimal(-5_000_000, 900_000_000, 4)},
		{name: "balance_trend", sql: "FLOAT", value: float(-300, 300, 2)},
		{name: "country", sql: "CHAR(2) CHARACTER SET ascii", value: country(), instead: `"XX"`},
		{name: "home_city", sql: "VARCHAR(40) CHARACTER SET utf8mb4", value: orNull(20, pick(
			"Stockholm", "Malmö", "Tromsø", "København", "Jyväskylä", "Reykjavík", "Łódź", "東京", "São Paulo"))},
		{
			name: "segment", sql: "ENUM('regular','new','premium') CHARACTER SET ascii",
			value: pick("regular", "regular", "new", "premium"), instead: `"new"`,
		},
		{name: "is_new", sql: "TINYINT(1)", value: boolean(15), instead: "true"},
		{name: "device_hash", sql: "BIGINT UNSIGNED", value: func(_, b uint64) cell { return cell{kind: natural, bits: b} }},
		{name: "night_share", sql: "DOUBLE", value: double(0, 1000, 3)},
		{name: "last_login", sql: "DATETIME(3)", value: orNull(10, moment("2026-01-01", 30))},
		{name: "chargebacks_90d", sql: "SMALLINT", value: orNull(2, signed(0, 4))},
		{name: "is_fraud", sql: "TINYINT(1)", value: boolean(100)},
	}
}

func merchantColumns() []column {
	return []column{
		{
			name: "merchant_id", sql: "VARCHAR(20) CHARACTER SET utf8mb4 NOT NULL", key: true,
			value: written(func(dst []byte, n, _ uint64) []byte { return AppendMerchantID(dst, n) }),
		},
		{name: "merchant_name", sql: "VARCHAR(60) CHARACTER SET utf8mb4", value: merchantName()},
		{
			name: "category", sql: "VARCHAR(30) CHARACTER SET ascii", instead: `"unknown"`,
			value: pick("grocery", "travel", "fuel", "electronics", "restaurant", "gaming", "pharmacy", "clothing"),
		},
		{name: "merchant_code", sql: "SMALLINT UNSIGNED", value: unsigned(9999)},
		{name: "merchant_rank", sql: "MEDIUMINT", value: signed(-1000, 100_000)},
		{name: "avg_ticket_30d", sql: "DOUBLE", value: double(100, 60_000, 2)},
		{name: "fraud_rate_90d", sql: "FLOAT", value: float(0, 500, 4), instead: "0.01"},
		{name: "chargebacks_30d", sql: "INT", value: signed(0, 50)},
		{name: "turnover_30d", sql: "BIGINT", value: signed(10_000, 9_000_000_000)},
		{name: "latitude", sql: "DOUBLE", value: double(-5_500_000, 7_000_000, 5)},
		{name: "longitude", sql: "DOUBLE", value: double(-17_000_000, 17_000_000, 5)},
		{name: "opened_on", sql: "DATE", value: date("1998-01-01", 10_000)},
		{name: "is_online", sql: "TINYINT(1)", value: boolean(3)},
		{name: "about", sql: "TEXT CHARACTER SET utf8mb4", value: orNull(4, about())},
	}
}

func cardColumns() []column {
	return []column{
		{
			name: "card_id", sql: "CHAR(8) CHARACTER SET ascii NOT NULL", key: true,
			value: written(func(dst []byte, n, _ uint64) []byte { return AppendCardID(dst, n) }),
		},
		{
			name: "brand", sql: "ENUM('visa','mastercard','amex') CHARACTER SET ascii",
			value: pick("visa", "visa", "mastercard", "amex"),
		},
		{name: "issuer_country", sql: "CHAR(2) CHARACTER SET ascii", value: country(), instead: `"XX"`},
		{name: "issued_on", sql: "DATE", value: date("2021-01-01", 1500)},
		{name: "expires_on", sql: "DATE", value: date("2026-06-30", 1500)},
		{name: "credit_limit", sql: "DECIMAL(10,2)", value: decimal(100_000, 2_000_000, 2)},
		{name: "daily_limit", sql: "MEDIUMINT UNSIGNED", value: unsigned(50_000)},
		{name: "contactless", sql: "TINYINT(1)", value: boolean(2)},
		{name: "pin_errors", sql: "TINYINT", value: signed(0, 3), instead: "0"},
		{name: "risk_score", sql: "SMALLINT", value: signed(-500, 500)},
		{name: "fingerprint", sql: "BINARY(8)", value: bytesOf(8)},
		{name: "token", sql: "VARBINARY(16)", value: orNull(8, bytesOf(6))},
		{name: "last_terminal_at", sql: "DATETIME(3)", value: moment("2026-01-01", 30)},
	}
}

func pairColumns() []column {
	return []column{
		{name: "account_id", sql: "BIGINT NOT NULL", key: true, value: number()},
		{
			name: "merchant_id", sql: "VARCHAR(20) CHARACTER SET utf8mb4 NOT NULL", key: true,
			value: written(func(dst []byte, n, _ uint64) []byte { return AppendMerchantID(dst, RegularOf(n)) }),
		},
		{name: "pair_txn_count", sql: "INT UNSIGNED", value: unsigned(500), instead: "0"},
		{name: "pair_total", sql: "DECIMAL(14,2)", value: decimal(500, 50_000_000, 2), instead: "0.00"},
		{name: "pair_last_amount", sql: "DECIMAL(12,2)", value: decimal(100, 90_000, 2)},
		{name: "pair_gap_hours", sql: "FLOAT", value: float(1, 20_000, 1)},
		{name: "pair_first_seen", sql: "DATE", value: date("2022-01-01", 1400)},
		{name: "pair_disputes", sql: "TINYINT UNSIGNED", value: orNull(3, unsigned(3))},
	}
}

func deviceColumns() []column {
	return []column{
		{name: "account_id", sql: "BIGINT NOT NULL", key: true, value: number()},
		{
			name: "device_os", sql: "ENUM('android','ios','web','other') CHARACTER SET ascii",
			value: pick("android", "android", "ios", "ios", "web", "other"), instead: `"other"`,
		},
		{name: "device_age_days", sql: "SMALLINT UNSIGNED", value: unsigned(2500)},
		{name: "screen_dpi", sql: "SMALLINT", value: orNull(12, signed(96, 640))},
		{name: "session_entropy", sql: "DOUBLE", value: double(0, 8_000_000, 6)},
	}
}

// MerchantID is a merchant's key.
func MerchantID(n uint64) string { return string(AppendMerchantID(nil, n)) }

// CardID is a card's key.
func CardID(n uint64) string { return string(AppendCardID(nil, n)) }

// AppendMerchantID appends a merchant's key.
func AppendMerchantID(dst []byte, n uint64) []byte { return appendPadded(append(dst, "m-"...), n, 5) }

// AppendCardID appends a card's key.
func AppendCardID(dst []byte, n uint64) []byte { return appendPadded(append(dst, "c-"...), n, 5) }

// number is the row's own.
func number() valueFunc {
	return func(n, _ uint64) cell { return cell{kind: integer, whole: int64(n)} }
}

func isExpired(account uint64) bool { return account%expiredEvery == expiredRest }

// updatedAt makes accounts fresh for days to come, and the expired ones a month old.
func updatedAt(now time.Time) valueFunc {
	return func(n, bits uint64) cell {
		age := time.Duration(bits%uint64((12*time.Hour).Milliseconds())) * time.Millisecond
		if isExpired(n) {
			age += 30 * 24 * time.Hour
		}
		return cell{kind: timed, whole: now.Add(-age).UnixMilli()}
	}
}

func merchantName() valueFunc {
	first := pick("Café", "Nordic", "Blå", "Golden", "寿司", "Old Town", "Señor", "Harbour")
	second := pick("Kiosk", "Market", "Travel", "Électronique", "Grill", "Games", "Apotek", "& Söner")
	return written(func(dst []byte, n, bits uint64) []byte {
		dst = append(first(n, bits).appendText(dst), ' ')
		dst = append(second(n, bits>>8).appendText(dst), ' ')
		return strconv.AppendUint(dst, n, 10)
	})
}

func about() valueFunc {
	return written(func(dst []byte, n, bits uint64) []byte {
		dst = strconv.AppendUint(append(dst, "Merchant no. "...), n, 10)
		dst = AppendMerchantID(append(dst, `, "`...), n)
		dst = strconv.AppendUint(append(dst, `", with `...), bits%40+1, 10)
		dst = strconv.AppendUint(append(dst, " tills.\nPays by the "...), bits>>8%25+4, 10)
		return append(dst, "th."...)
	})
}

func country() valueFunc {
	return pick("SE", "SE", "NO", "DK", "FI", "IS", "DE", "FR", "PL", "GB", "US", "JP", "BR")
}
