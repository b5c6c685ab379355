package main

import (
	"os"
	"time"
)

// pollInterval is how often the files are looked at. Looking costs microseconds, and works where notices of the kernel do
// not: on network file systems, and through the symbolic links that an orchestrator swaps.
const pollInterval = time.Second

// A stamp tells whether a file was written since.
type stamp struct {
	size     int64
	modified time.Time
	absent   bool
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{absent: true}
	}
	return stamp{size: info.Size(), modified: info.ModTime()}
}

// A watch finds out that files have changed since they were read.
type watch struct {
	read    map[string]stamp // as they were when they were read
	pending map[string]stamp // as they were found at the last look, if that was otherwise
}

// stamps are to be taken before files are read.
func (w *watch) stamps() map[string]stamp {
	seen := make(map[string]stamp, len(w.read))
	for path := range w.read {
		seen[path] = stampOf(path)
	}
	return seen
}

// expect notes what was read. before are the stamps that were taken before, at some time. A file that was not known then
// and is younger than that may have been written after it was read, and counts as changed.
func (w *watch) expect(files []string, before map[string]stamp, at time.Time) {
	w.read, w.pending = make(map[string]stamp, len(files)), nil
	for _, path := range files {
		s, known := before[path]
		if !known {
			if s = stampOf(path); !s.modified.Before(at) {
				s = stamp{}
			}
		}
		w.read[path] = s
	}
}

// changed reports whether the files are others than were read, and have been the same for two looks: one that is being
// written is left alone.
func (w *watch) changed() bool {
	now := w.stamps()
	if same(now, w.read) {
		w.pending = nil
		return false
	}
	settled := same(now, w.pending)
	w.pending = now
	return settled
}

func same(a, b map[string]stamp) bool {
	if len(a) != len(b) {
		return false
	}
	for path, s := range a {
		if b[path] != s {
			return false
		}
	}
	return true
}
