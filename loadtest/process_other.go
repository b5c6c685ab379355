//go:build !linux

package loadtest

import (
	"errors"
	"time"
)

var errNoProcess = errors.New("only Linux tells of other processes")

func cpuTime(int) (time.Duration, error) { return 0, errNoProcess }

func residentBytes(int) (int64, error) { return 0, errNoProcess }
