package testbed

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// keeperScript waits until this process closes its end of the pipe, which the kernel does for it if it dies, and then
// ends the group $1 and removes the directory $2. It waits for what it killed, for at most 5 s, lest a dying server
// writes into the directory once more.
const keeperScript = `
cat >/dev/null
kill -s KILL -- "-$1" 2>/dev/null
n=0
while [ $n -lt 50 ] && kill -s 0 -- "-$1" 2>/dev/null; do sleep 0.1; n=$((n + 1)); done
rm -rf -- "$2"
`

// A group is what one cluster takes of the machine: a directory, ports, and the processes of one process group. It
// does not outlive this process, however that ends: a keeper, a shell outside the group, sees to it. (A parent-death
// signal would not do: it is Linux's alone, follows the thread that forked, and is lost on the servers' own
// children.)
type group struct {
	dir string
	id  int // of the process group

	leash  io.Closer // the end of the pipe that the keeper watches
	holder *exec.Cmd // does nothing but keep the group in being; ends with the leash
	keeper *exec.Cmd

	mu    sync.Mutex // guards ports
	ports []io.Closer
}

func newGroup() (_ *group, err error) {
	dir, err := os.MkdirTemp("", "rongate-testbed-")
	if err != nil {
		return nil, fmt.Errorf("testbed: %w", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("testbed: %w", err), os.RemoveAll(dir))
	}
	watched, leash, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("testbed: %w", err), os.RemoveAll(dir))
	}
	defer watched.Close()

	g := &group{dir: dir, leash: leash}
	g.holder = exec.Command("cat")
	g.holder.Stdin = watched
	g.holder.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := g.holder.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("testbed: hold a process group: %w", err), leash.Close(), os.RemoveAll(dir))
	}
	g.id = g.holder.Process.Pid
	g.keeper = exec.Command("sh", "-c", keeperScript, "rongate-testbed-keeper", strconv.Itoa(g.id), dir)
	g.keeper.Stdin = watched
	g.keeper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := g.keeper.Start(); err != nil {
		err = fmt.Errorf("testbed: keep a process group: %w", err)
		return nil, errors.Join(err, leash.Close(), g.holder.Wait(), os.RemoveAll(dir))
	}
	return g, nil
}

// join makes a command that has not started a member of the group.
func (g *group) join(cmd *exec.Cmd) {
	cmd.Dir = g.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: g.id}
	cmd.WaitDelay = time.Second // for what it has started itself, if it is killed
}

// close ends every process of the group, removes the directory and releases the ports. Whoever started processes in
// the group waits for them before, or the keeper waits in vain.
func (g *group) close() error {
	err := g.leash.Close()
	_ = g.holder.Wait() // it may have been killed by the keeper, which is as well
	if e := g.keeper.Wait(); e != nil {
		err = errors.Join(err, fmt.Errorf("testbed: end process group %d, remove %s: %w", g.id, g.dir, e))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.ports {
		err = errors.Join(err, p.Close())
	}
	g.ports = nil
	return err
}
