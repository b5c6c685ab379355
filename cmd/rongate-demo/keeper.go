package main

import (
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"syscall"
)

// keeperScript waits for a line, which says that all is tidy. If its input ends without one, because the demo was
// killed, it ends the process $1 and removes the directory $2, if given.
const keeperScript = `
read line && exit
kill -s TERM "$1"
n=0
while [ $n -lt 150 ] && kill -s 0 "$1" 2>/dev/null; do sleep 0.1; n=$((n + 1)); done
[ -z "$2" ] || rm -rf -- "$2"
`

// A keeper is a shell that tidies up should the demo not live to do so.
type keeper struct {
	process *exec.Cmd
	leash   io.WriteCloser
}

func newKeeper(pid int, dir string, keep bool) (*keeper, error) {
	if keep {
		dir = ""
	}
	k := &keeper{process: exec.Command("sh", "-c", keeperScript, "rongate-demo-keeper", strconv.Itoa(pid), dir)}
	k.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's signals are not for it
	var err error
	if k.leash, err = k.process.StdinPipe(); err == nil {
		err = k.process.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start a keeper: %w", err)
	}
	return k, nil
}

// dismiss ends it; all is tidy.
func (k *keeper) dismiss() {
	_, _ = k.leash.Write([]byte("done\n")) // if it is gone, so be it
	_ = k.leash.Close()
	_ = k.process.Wait()
}
