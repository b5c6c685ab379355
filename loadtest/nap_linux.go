package loadtest

import (
	"time"

	"golang.org/x/sys/unix"
)

// slack is how much later than asked the kernel may wake the pacing thread, to save power; the default is 50 µs.
const slack = time.Microsecond

// sharpen has the kernel wake this thread when it asks for it. It returns what undoes that.
func sharpen() func() {
	before, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return func() {}
	}
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0) // coarser, then
	return func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(before), 0, 0, 0) }
}

// nap sleeps on this thread. A signal may end it early.
func nap(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&t, nil)
}
