package avro

import "time"

// The seconds since 1970-01-01 UTC at which the years 0000 and 10000 begin. SQL writes years with four digits.
const (
	firstSecond = -62_167_219_200
	endSecond   = 253_402_300_800

	daySeconds = 24 * 60 * 60
)

// appendTime renders a date, a time of day or a moment as package column renders DATE, TIME and DATETIME of as many
// digits.
func (t *Type) appendTime(dst []byte, r *reader) ([]byte, *misfit) {
	from, bits := r.at, 64
	if t.kind == kindDate || t.kind == kindTimeMillis {
		bits = 32
	}
	n, m := r.varint(bits)
	if m != nil {
		return dst, m
	}
	digits, unit := 3, int64(1_000) // a second has so many
	if t.kind == kindTimeMicros || t.kind == kindTimestampMicros {
		digits, unit = 6, 1_000_000
	}
	if t.kind == kindDate {
		digits, unit, n = 0, 1, n*daySeconds
	}
	second, rest := n/unit, n%unit
	if rest < 0 {
		second, rest = second-1, rest+unit
	}
	dst = append(dst, '"')
	if t.kind == kindTimeMillis || t.kind == kindTimeMicros {
		if second < 0 || second >= daySeconds {
			return dst, r.misfit(from, "a time of day is not within a day")
		}
		dst = appendClock(dst, int(second))
	} else {
		if second < firstSecond || second >= endSecond {
			return dst, r.misfit(from, "a date is not within the years 0000 to 9999")
		}
		dst = appendMoment(dst, second, t.kind == kindDate)
	}
	if digits > 0 {
		dst = appendPadded(append(dst, '.'), int(rest), digits)
	}
	return append(dst, '"'), nil
}

// appendMoment writes a date, and unless only that is wanted, the time of day.
func appendMoment(dst []byte, second int64, dateOnly bool) []byte {
	moment := time.Unix(second, 0).UTC()
	year, month, day := moment.Date()
	dst = append(appendPadded(dst, year, 4), '-')
	dst = append(appendPadded(dst, int(month), 2), '-')
	dst = appendPadded(dst, day, 2)
	if dateOnly {
		return dst
	}
	hour, minute, sec := moment.Clock()
	return appendClock(append(dst, ' '), hour*3600+minute*60+sec)
}

func appendClock(dst []byte, second int) []byte {
	dst = append(appendPadded(dst, second/3600, 2), ':')
	dst = append(appendPadded(dst, second/60%60, 2), ':')
	return appendPadded(dst, second%60, 2)
}

// appendPadded writes a number that has at most so many digits with zeros before it.
func appendPadded(dst []byte, n, digits int) []byte {
	for range digits {
		dst = append(dst, '0')
	}
	for i := len(dst) - 1; n > 0; i-- {
		dst[i] += byte(n % 10)
		n /= 10
	}
	return dst
}
