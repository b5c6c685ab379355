package column

import (
	"errors"
	"fmt"
)

// The errors below go to clients. Each completes a sentence that begins with the name of a serving key or feature, and
// none repeats what the client sent.

func (c *Column) errInt() error {
	lowest, highest := c.intRange()
	if c.Unsigned {
		return fmt.Errorf("must be a whole number from 0 to %d", highest)
	}
	return fmt.Errorf("must be a whole number from -%d to %d", lowest, highest)
}

func (c *Column) errDecimal() error {
	sign := ""
	if c.Unsigned {
		sign = " of at least 0"
	}
	return fmt.Errorf("must be a decimal number%s with at most %d digits before and %d after the point",
		sign, c.Precision-c.Scale, c.Scale)
}

func (c *Column) errText() error {
	if c.Kind == Text {
		return errors.New("must be a string")
	}
	return fmt.Errorf("must be a string of at most %d characters", c.Size)
}

func (c *Column) errBase64() error {
	if c.Kind == Blob {
		return errors.New("must be a string of standard base64")
	}
	return fmt.Errorf("must be a string of standard base64 for at most %d bytes", c.Size)
}

func (c *Column) errTime() error {
	fraction := ""
	if c.Scale > 0 {
		fraction = ".123456"[:1+c.Scale]
	}
	switch c.Kind {
	case Date:
		return errors.New("is not a date such as 2026-01-31")
	case Time:
		return fmt.Errorf("is not a time from -838:59:59 to 838:59:59 such as 23:59:59%s", fraction)
	case Timestamp:
		return fmt.Errorf("is not a date and time in UTC from 1970-01-01 00:00:01 to 2038-01-19 03:14:07 "+
			"such as 2026-01-31 23:59:59%s", fraction)
	}
	return fmt.Errorf("is not a date and time such as 2026-01-31 23:59:59%s", fraction)
}
