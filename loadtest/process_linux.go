package loadtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

var errNoProcess = errors.New("no process is known")

// cpuTime is how long the threads of a process have run, to the nanosecond. Threads that have ended do not count: the
// servers that are compared keep theirs.
func cpuTime(process int) (sum time.Duration, err error) {
	if process == 0 {
		return 0, errNoProcess
	}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", process))
	if err != nil || len(threads) == 0 {
		return 0, errNoProcess
	}
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		ran, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		sum += time.Duration(ran)
	}
	return sum, nil
}

// residentBytes is how much memory a process has.
func residentBytes(process int) (int64, error) {
	if process == 0 {
		return 0, errNoProcess
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", process))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, errors.New("statm has too few fields")
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
