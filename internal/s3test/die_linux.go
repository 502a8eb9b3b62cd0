package s3test

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends the server with the tests, however those end.
func dieWithParent(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
