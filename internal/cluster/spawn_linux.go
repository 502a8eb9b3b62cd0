package cluster

import (
	"os/exec"
	"runtime"
	"syscall"
)

// starts are processes to start. They are started by one thread, since with that, and not
// with this process, ends what Pdeathsig says.
var starts = make(chan func())

func init() {
	go func() {
		runtime.LockOSThread()
		for f := range starts {
			f()
		}
	}()
}

// spawn starts a process that leads a group of its own, so that who interrupts this
// process does not interrupt it, and that ends with this process, however that ends.
func spawn(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	done := make(chan error)
	starts <- func() { done <- cmd.Start() }
	return <-done
}
