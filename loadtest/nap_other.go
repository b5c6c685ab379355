//go:build !linux

package loadtest

import "time"

func sharpen() func() { return func() {} }

func nap(d time.Duration) { time.Sleep(d) }
