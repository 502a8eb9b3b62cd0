//go:build !linux

package cluster

import (
	"os/exec"
	"syscall"
)

// spawn starts a process that leads a group of its own, so that who interrupts this
// process does not interrupt it.
func spawn(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd.Start()
}
