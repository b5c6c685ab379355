package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestKeeper has a keeper look after a process and a directory, and lets it go as a demo does that ends well, and as one
// does that is killed.
func TestKeeper(t *testing.T) {
	for _, tc := range []struct {
		name       string
		dies, keep bool
		leftOver   bool
	}{
		{"ends well", false, false, true},
		{"is killed", true, false, false},
		{"is killed, the directory is kept", true, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "it's mine")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			process := exec.Command("sleep", "60")
			if err := process.Start(); err != nil {
				t.Fatal(err)
			}
			k, err := newKeeper(process.Process.Pid, dir, tc.keep)
			if err != nil {
				t.Fatal(err)
			}
			if !tc.dies {
				k.dismiss()
				if err := process.Process.Kill(); err != nil {
					t.Errorf("it has ended: %v", err)
				}
				_ = process.Wait()
			} else {
				k.leash.Close()
				_ = process.Wait() // would take a minute
				_ = k.process.Wait()
				if got := process.ProcessState.String(); got != "signal: terminated" {
					t.Errorf("%s", got)
				}
			}
			if _, err := os.Stat(dir); (err == nil) != tc.leftOver {
				t.Errorf("the directory: %v", err)
			}
		})
	}
}
