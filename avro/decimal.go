package avro

import "math/bits"

// maxPrecision is how many digits a decimal may have. All numbers of as many are below 2 to the power of 255, so that
// wide holds them with their sign; Hive and Spark have 38 at most.
const maxPrecision = 76

// wide is a number of 256 bits, the lowest first.
type wide [4]uint64

// A step of turning a wide into digits divides by the largest power of ten that 64 bits hold.
const (
	stepDivisor = 10_000_000_000_000_000_000
	stepDigits  = 19
	maxSteps    = 5 // 5 * 19 digits are more than 2 to the power of 256 has
)

// appendDecimal renders a number that is given unscaled, in two's complement, the highest byte first.
func (t *Type) appendDecimal(dst []byte, r *reader) ([]byte, *misfit) {
	from := r.at
	var b []byte
	var m *misfit
	if t.size >= 0 {
		b, m = r.take(t.size)
	} else {
		b, m = r.counted()
	}
	if m != nil {
		return dst, m
	}
	if len(b) == 0 {
		return dst, r.misfit(from, "a decimal has no bytes")
	}
	w, negative, ok := magnitude(b)
	if !ok {
		return dst, r.misfit(from, tooPrecise)
	}
	var space [maxSteps * stepDigits]byte
	digits := w.digits(&space)
	if len(digits) > t.precision {
		return dst, r.misfit(from, tooPrecise)
	}
	if negative {
		dst = append(dst, '-')
	}
	return appendScaled(dst, digits, t.scale), nil
}

const tooPrecise = "a decimal has more digits than its precision"

// magnitude takes the sign off a number in two's complement. It is not ok if 256 bits cannot hold it with its sign.
func magnitude(b []byte) (w wide, negative, ok bool) {
	negative = b[0] >= 0x80
	sign := byte(0)
	if negative {
		sign = 0xFF
	}
	for len(b) > 0 && b[0] == sign { // what only repeats the sign
		b = b[1:]
	}
	size := len(w) * 8
	if len(b) > size || len(b) == size && (b[0] >= 0x80) != negative {
		return w, negative, false
	}
	for i := range size {
		octet := sign
		if i < len(b) {
			octet = b[len(b)-1-i]
		}
		w[i/8] |= uint64(octet) << (i % 8 * 8)
	}
	if negative {
		carry := uint64(1)
		for i := range w {
			w[i], carry = bits.Add64(^w[i], 0, carry)
		}
	}
	return w, negative, true
}

// digits writes the number at the end of space, without leading zeros: nothing for 0.
func (w wide) digits(space *[maxSteps * stepDigits]byte) []byte {
	at := len(space)
	for w != (wide{}) {
		var rest uint64
		for i := len(w) - 1; i >= 0; i-- {
			w[i], rest = bits.Div64(rest, w[i], stepDivisor)
		}
		for range stepDigits {
			at--
			space[at] = '0' + byte(rest%10)
			rest /= 10
		}
	}
	for at < len(space) && space[at] == '0' {
		at++
	}
	return space[at:]
}

// appendScaled writes digits with so many of them after the point, and at least one before it.
func appendScaled(dst, digits []byte, scale int) []byte {
	whole := max(len(digits)-scale, 0)
	if whole == 0 {
		dst = append(dst, '0')
	}
	dst = append(dst, digits[:whole]...)
	if scale == 0 {
		return dst
	}
	dst = append(dst, '.')
	for range scale - len(digits) {
		dst = append(dst, '0')
	}
	return append(dst, digits[whole:]...)
}
