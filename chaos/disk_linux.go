package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"unsafe"
)

// disk is a file system of its own, from which the current can be taken.
type disk struct{ file, dir string }

// newDisk makes one in a folder, and mounts it at dir.
func newDisk(folder, dir string) (*disk, error) {
	d := &disk{filepath.Join(folder, "disk"), dir}
	if err := os.MkdirAll(d.dir, 0o711); err != nil {
		return nil, err
	}
	f, err := os.Create(d.file)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Truncate(4<<30), f.Close()); err != nil {
		return nil, err
	}
	here := (*namespace)(nil)
	if err := here.run("mkfs.ext4", "-q", "-E", "lazy_itable_init=1,lazy_journal_init=1", d.file); err != nil {
		return nil, err
	}
	return d, d.on()
}

func (d *disk) on() error { return (*namespace)(nil).run("mount", "-o", "loop", d.file, d.dir) }

func (d *disk) sync() error { return (*namespace)(nil).run("sync", "-f", d.dir) }

// off is what a power cut is to a disk: what was not synced is gone.
func (d *disk) off() error {
	f, err := os.Open(d.dir)
	if err != nil {
		return err
	}
	defer f.Close()
	const shutdown = 0x8004587d // EXT4_IOC_SHUTDOWN, linux/ext4.h
	without := uint32(2)        // even the journal is not written
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), shutdown, uintptr(unsafe.Pointer(&without))); errno != 0 {
		return fmt.Errorf("take the current from %s: %w", d.dir, errno)
	}
	return nil
}

func (d *disk) umount() error { return (*namespace)(nil).run("umount", d.dir) }

// away unmounts it when nobody uses it any more.
func (d *disk) away() error { return (*namespace)(nil).run("umount", "-l", d.dir) }
