package column

import "math"

// Lengths of dates and times without a fraction.
const (
	dateLength     = len("2006-01-02")
	dateTimeLength = len("2006-01-02 15:04:05")
)

// A moment is a date and time of day taken apart.
type moment struct {
	year, month, day     int
	hour, minute, second int
}

// timeLength is the length of the canonical form of a Date, DateTime or Timestamp.
func (c *Column) timeLength() int {
	switch {
	case c.Kind == Date:
		return dateLength
	case c.Scale > 0:
		return dateTimeLength + 1 + c.Scale
	}
	return dateTimeLength
}

// validTime checks what a client sent for a column of dates or times.
func (c *Column) validTime(text []byte) bool {
	if c.Kind == Time {
		return c.validDuration(text)
	}
	m, fraction, ok := parseMoment(text)
	if !ok || !m.real() || m.year < minYear {
		return false
	}
	if c.Kind == Date {
		return len(text) == dateLength
	}
	if len(text) == dateLength || len(fraction) > c.Scale {
		return false
	}
	return c.Kind == DateTime || m.inTimestamp()
}

// minYear is the first year for which the server promises its arithmetic.
const minYear = 1000

// appendTime writes what validTime took in the canonical form.
func (c *Column) appendTime(dst, text []byte) []byte {
	if c.Kind == Time {
		return c.appendDuration(dst, text)
	}
	if c.Kind == Date {
		return append(dst, text...)
	}
	dst = append(dst, text[:dateTimeLength]...)
	return c.appendFraction(dst, text[dateTimeLength:])
}

// appendFraction writes a fraction of a second, given with its point or empty, with the column's number of digits.
func (c *Column) appendFraction(dst, fraction []byte) []byte {
	if c.Scale == 0 {
		return dst
	}
	if len(fraction) > 0 {
		fraction = fraction[1:]
	}
	return appendZeroPadded(append(dst, '.'), fraction, c.Scale)
}

// parseMoment reads a date, with or without a time of day. It checks the shape only: see real.
func parseMoment(text []byte) (m moment, fraction []byte, ok bool) {
	if len(text) < dateLength || text[4] != '-' || text[7] != '-' {
		return m, nil, false
	}
	m.year, m.month, m.day = number(text[:4]), number(text[5:7]), number(text[8:10])
	if m.year < 0 || m.month < 0 || m.day < 0 {
		return m, nil, false
	}
	if len(text) == dateLength {
		return m, nil, true
	}
	if len(text) < dateTimeLength || text[10] != ' ' {
		return m, nil, false
	}
	m.hour, m.minute, m.second, ok = parseClock(text[11:dateTimeLength])
	if !ok {
		return m, nil, false
	}
	fraction, ok = parseFraction(text[dateTimeLength:])
	return m, fraction, ok
}

// parseClock reads hh:mm:ss, with three digits for the hour where there are.
func parseClock(text []byte) (hour, minute, second int, ok bool) {
	n := len(text) - len(":mm:ss")
	if n < 2 || n > 3 || text[n] != ':' || text[n+3] != ':' {
		return 0, 0, 0, false
	}
	hour, minute, second = number(text[:n]), number(text[n+1:n+3]), number(text[n+4:])
	return hour, minute, second, hour >= 0 && minute >= 0 && minute < 60 && second >= 0 && second < 60
}

// parseFraction reads what follows the seconds: nothing, or a point and digits.
func parseFraction(text []byte) (digits []byte, ok bool) {
	if len(text) == 0 {
		return nil, true
	}
	digits = text[1:]
	return digits, text[0] == '.' && len(digits) > 0 && len(digits) <= maxFraction && allDigits(digits)
}

// number reads a few digits; -1 for anything else.
func number(digits []byte) int {
	n := 0
	for _, d := range digits {
		if d < '0' || d > '9' {
			return -1
		}
		n = n*10 + int(d-'0')
	}
	return n
}

// real reports whether the calendar has the day, and the day the time. Servers may store others, zero dates among them.
func (m moment) real() bool {
	return m.year > 0 && m.month >= 1 && m.month <= 12 && m.day >= 1 && m.day <= daysIn(m.year, m.month) && m.hour < 24
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// inTimestamp reports whether TIMESTAMP can hold the moment: it is 31 bits of seconds, of which 0 is the zero date.
func (m moment) inTimestamp() bool {
	seconds := m.epochSeconds()
	return seconds >= 1 && seconds <= math.MaxInt32
}

// epochSeconds counts from 1970-01-01 UTC. The year is taken to begin in March, so that the leap day is its last; days
// before a month are then (153 m + 2) / 5, and 719,468 days lie between 1 March of year 0 and the epoch.
func (m moment) epochSeconds() int64 {
	year, month := m.year, m.month-3
	if month < 0 {
		year, month = year-1, month+12
	}
	days := 365*year + year/4 - year/100 + year/400 + (153*month+2)/5 + m.day - 1 - 719468
	return int64(days)*86400 + int64(m.hour*3600+m.minute*60+m.second)
}

// maxTime is the longest TIME, 838:59:59, in seconds.
const maxTime = 838*3600 + 59*60 + 59

// validDuration checks a TIME: a span with a sign rather than a time of day.
func (c *Column) validDuration(text []byte) bool {
	_, clock, fraction := cutDuration(text)
	hour, minute, second, ok := parseClock(clock)
	digits, fits := parseFraction(fraction)
	seconds := hour*3600 + minute*60 + second
	return ok && fits && len(digits) <= c.Scale && (seconds < maxTime || seconds == maxTime && number(digits) == 0)
}

// cutDuration splits a TIME into its sign, hh:mm:ss and its fraction with the point.
func cutDuration(text []byte) (negative bool, clock, fraction []byte) {
	if len(text) > 0 && text[0] == '-' {
		negative, text = true, text[1:]
	}
	for i, b := range text {
		if b == '.' {
			return negative, text[:i], text[i:]
		}
	}
	return negative, text, nil
}

// appendDuration writes a TIME as the driver does: no sign before nothing, and two digits of hours unless there are
// three.
func (c *Column) appendDuration(dst, text []byte) []byte {
	negative, clock, fraction := cutDuration(text)
	if len(clock) > len("hh:mm:ss") && clock[0] == '0' {
		clock = clock[1:]
	}
	if negative && (string(clock) != "00:00:00" || len(fraction) > 0 && number(fraction[1:]) != 0) {
		dst = append(dst, '-')
	}
	return c.appendFraction(append(dst, clock...), fraction)
}

// The bounds of integer event times. Seconds reach to the year 5138 before they are taken for milliseconds; what lies
// outside the years 1 to 9999 is no event time, so that ages can be computed without overflow.
const (
	maxEpochSeconds = 100_000_000_000
	minEpochMillis  = -62_135_596_800_000
	maxEpochMillis  = 253_402_300_799_999
)

// EpochMillis is an event time in milliseconds since 1970-01-01 UTC. It is not ok for NULL, for dates that the calendar
// does not have, zero dates among them, and for values that are not of the column's type.
func (c *Column) EpochMillis(v Value) (ms int64, ok bool) {
	switch c.Kind {
	case Int:
		pattern, ok := c.wireInt(v)
		if !ok || c.Unsigned && pattern > maxEpochMillis {
			return 0, false
		}
		return epochOfInteger(int64(pattern))
	case Date, DateTime, Timestamp:
		m, fraction, ok := parseMoment(v.bytes)
		if !ok || v.kind != kindBytes || !m.real() {
			return 0, false
		}
		return m.epochSeconds()*1000 + millis(fraction), true
	}
	return 0, false
}

func epochOfInteger(n int64) (ms int64, ok bool) {
	if n > -maxEpochSeconds && n < maxEpochSeconds {
		n *= 1000
	}
	return n, n >= minEpochMillis && n <= maxEpochMillis
}

// millis cuts a fraction of a second off after three digits.
func millis(fraction []byte) int64 {
	ms := 0
	for i := range 3 {
		ms *= 10
		if i < len(fraction) {
			ms += int(fraction[i] - '0')
		}
	}
	return int64(ms)
}
