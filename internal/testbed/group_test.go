package testbed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// startAndTell starts a server and prints what would be left of it.
func startAndTell() {
	m, err := StartMariaDB(context.Background(), MariaDBConfig{})
	if err != nil {
		panic(err)
	}
	fmt.Println(m.group.dir, m.group.id, m.servers[0].process.cmd.Process.Pid)
}

func startAndWait() {
	startAndTell()
	select {}
}

func startAndPanic() {
	startAndTell()
	panic("as a test might")
}

func TestNothingIsLeftOfADeadParent(t *testing.T) {
	Require(t, KindMariaDB)
	for child := range children() {
		t.Run(child, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), childEnv+"="+child)
			out, err := cmd.StdoutPipe()
			must(t, err)
			must(t, cmd.Start())
			line, err := bufio.NewReader(out).ReadString('\n')
			must(t, err)
			var dir string
			var group, server int
			_, err = fmt.Sscan(line, &dir, &group, &server)
			must(t, err)
			if child == "wait" {
				must(t, cmd.Process.Kill())
			}
			if err := cmd.Wait(); err == nil {
				t.Error("the child ended well")
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			must(t, poll(ctx, func(context.Context) error { return gone(dir, group, server) }))
		})
	}
}

// gone returns what is still there of a group.
func gone(dir string, group, server int) error {
	if err := syscall.Kill(server, 0); !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("server %d is there", server)
	}
	if err := syscall.Kill(-group, 0); !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("process group %d is there", group)
	}
	if exists(dir) {
		return fmt.Errorf("%s is there", dir)
	}
	return nil
}

func TestPortsAreReserved(t *testing.T) {
	var groups [2]*group
	for i := range groups {
		g, err := newGroup()
		must(t, err)
		groups[i] = g
		t.Cleanup(func() { must(t, g.close()) })
	}
	seen := make(map[int]bool)
	for i := range 100 {
		port, err := groups[i%2].port()
		must(t, err)
		if seen[port] || port < firstPort || port > lastPort {
			t.Fatalf("port %d, after %v", port, seen)
		}
		seen[port] = true
	}
}
