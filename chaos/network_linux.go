package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// network is a small internet in namespaces of this machine: a router, this process and
// what it starts, and one machine for each node. Any way between them can be cut in each
// direction alone: what comes to the router vanishes there.
type network struct {
	router   *namespace
	machines []*namespace
	cuts     []cut
	beside   []*exec.Cmd // NATS servers, if each machine has one
}

// namespace is the network of a machine. It lives as long as the process that holds it,
// and that as long as this one.
type namespace struct {
	pid  int
	hold io.Closer
}

// canIsolate says why there can be no namespaces here.
func canIsolate() error {
	for _, name := range []string{"ip", "nsenter", "mount"} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("network namespaces need iproute2 and util-linux: %w", err)
		}
	}
	if out, err := isolated("true").CombinedOutput(); err != nil {
		return fmt.Errorf("network namespaces are not allowed here: %w %s", err, out)
	}
	return nil
}

// isolated returns a command that runs in a network and with mounts of its own, where it
// may do as it likes.
func isolated(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		const netAdmin, sysAdmin = 12, 21
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		cmd.SysProcAttr.AmbientCaps = []uintptr{netAdmin, sysAdmin}
	}
	return cmd
}

// isolate runs this command once more, in a network and with mounts of its own.
func isolate(args []string) error {
	if err := canIsolate(); err != nil {
		return err
	}
	runtime.LockOSThread() // the other process ends with this thread
	cmd := isolated("/proc/self/exe", append(slices.Clone(args), "--isolated")...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err := cmd.Run() // a signal reaches both, as they are one group
	if errors.As(err, new(*exec.ExitError)) {
		return errors.New("see above")
	}
	return err
}

// newNetwork makes the network, inside of isolate.
func newNetwork(machines int) (n *network, err error) {
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return nil, err
	}
	// What a PostgreSQL that is killed leaves in memory goes with the namespace.
	if err := syscall.Mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777"); err != nil {
		return nil, err
	}
	n = &network{}
	defer func() {
		if err != nil {
			n.close()
		}
	}()
	if n.router, err = newNamespace(); err != nil {
		return nil, err
	}
	// The address has the whole network's mask, so that PostgreSQL takes it for its own.
	home := fmt.Sprintf("link set lo up\nlink add home type veth peer name r0 netns %d\naddr add %s/16 dev home noprefixroute\nlink set home up\n"+
		"route add 10.77.0.1 dev home\nroute add default via 10.77.0.1 src %s\n", n.router.pid, homeAddress, homeAddress)
	if err := (*namespace)(nil).ip(home); err != nil {
		return nil, err
	}
	routes := "link set lo up\naddr add 10.77.0.1/24 dev r0\nlink set r0 up\n"
	for i := 1; i <= machines; i++ {
		m, err := newNamespace()
		if err != nil {
			return nil, err
		}
		n.machines = append(n.machines, m)
		routes += fmt.Sprintf("link add r%d type veth peer name eth0 netns %d\naddr add 10.77.%d.1/24 dev r%d\nlink set r%d up\n", i, m.pid, i, i, i)
	}
	if err := n.router.ip(routes); err != nil {
		return nil, err
	}
	for i, m := range n.machines {
		err := m.ip(fmt.Sprintf("link set lo up\naddr add %s/24 dev eth0\nlink set eth0 up\nroute add default via 10.77.%d.1\n", machineAddress(i+1), i+1))
		if err != nil {
			return nil, err
		}
	}
	return n, n.router.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
}

func newNamespace() (*namespace, error) {
	cmd := exec.Command("cat")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Setpgid: true}
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go cmd.Wait()
	return &namespace{cmd.Process.Pid, hold}, nil
}

// wrap is what runs a command there.
func (s *namespace) wrap() []string {
	if s == nil {
		return nil
	}
	return []string{"nsenter", "-t", strconv.Itoa(s.pid), "-n", "--"}
}

func (s *namespace) run(args ...string) error { return s.feed("", args...) }

// ip runs lines of ip there; without a namespace, here.
func (s *namespace) ip(lines string) error { return s.feed(lines, "ip", "-batch", "-") }

func (s *namespace) feed(in string, args ...string) error {
	args = append(s.wrap(), args...)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(in)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// cut has things not come through, until heal.
func (n *network) cut(cuts ...cut) error {
	rules := ""
	for _, c := range cuts {
		rules += c.rule("add")
	}
	n.cuts = append(n.cuts, cuts...)
	return n.router.ip(rules)
}

// heal lets everything through.
func (n *network) heal() error {
	rules := ""
	for _, c := range n.cuts {
		rules += c.rule("del")
	}
	n.cuts = nil
	return n.router.ip(rules)
}

// startBeside starts a NATS server on each machine, which ends with it.
func (n *network) startBeside() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for i, m := range n.machines {
		args := append(m.wrap(), self, "nats", "--host", machineAddress(i+1))
		for j := range n.machines {
			if i != j {
				args = append(args, machineAddress(j+1))
			}
		}
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Stderr = os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		n.beside = append(n.beside, cmd)
		if !bufio.NewScanner(out).Scan() {
			return fmt.Errorf("NATS on machine %d did not start", i+1)
		}
	}
	return nil
}

func (n *network) close() {
	for _, cmd := range n.beside {
		cmd.Process.Kill()
		cmd.Wait()
	}
	for _, s := range append(n.machines, n.router) {
		if s != nil {
			s.hold.Close()
		}
	}
}
