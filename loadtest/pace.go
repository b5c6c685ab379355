package loadtest

import (
	"context"
	"runtime"
	"time"
)

// maxNap bounds how long pace sleeps at a time, so that it soon sees that its context has ended.
const maxNap = 20 * time.Millisecond

// pace calls send for each request of a schedule when it is due, on a thread of its own: the runtime's timers are a
// millisecond coarse when the process has nothing else to do, and wait for a processor when it has. What is overdue is
// sent at once, all of it. It returns when nothing more is due or ctx has ended.
func pace(ctx context.Context, start time.Time, s *schedule, send func(ticket)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer sharpen()()
	for {
		due, _, ok := s.next()
		if !ok {
			return
		}
		for {
			left := due - time.Since(start)
			if left <= 0 {
				break
			}
			if ctx.Err() != nil {
				return
			}
			nap(min(left, maxNap))
		}
		if ctx.Err() != nil {
			return
		}
		send(ticket{due: due})
	}
}
