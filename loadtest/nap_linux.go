package loadtest

import (
	"time"

	"golang.org/x/sys/unix"
)

// slack is how much later than asked the kernel may wake the pacing thread, to save power; the default is 50 µs.
const slack = time.Microsecond

// urgency is what the pacing thread has over the servers that share the machine with it: a request that it sends late says
// nothing of them. It takes a privilege, and next to no time: a thread that sleeps most of the time.
const urgency = -10

// sharpen has the kernel wake this thread when it asks for it. It returns what undoes that.
func sharpen() func() {
	slackBefore, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return func() {}
	}
	nice, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // of this thread, and 20 less what it is
	if err != nil {
		return func() {}
	}
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0) // coarser, then
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, min(20-nice, urgency))
	return func() {
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slackBefore), 0, 0, 0)
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, 20-nice)
	}
}

// nap sleeps on this thread. A signal may end it early.
func nap(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&t, nil)
}
