//go:build !race

package server

import "testing"

// TestHandleAllocations holds the way of a request through the package to what it cannot do without.
func TestHandleAllocations(t *testing.T) {
	s, err := New(Config{Keys: keysOf(t, threeKeys())}, &fakeService{})
	if err != nil {
		t.Fatal(err)
	}
	run := exchange(s)
	run()
	if got := testing.AllocsPerRun(100, run); got != 0 {
		t.Errorf("%v allocations a request", got)
	}
}
