//go:build !linux

package main

import "errors"

var errNotHere = errors.New("namespaces and disks without current are there on Linux alone")

type network struct{ machines []*namespace }

type namespace struct{}

type disk struct{}

func canIsolate() error { return errNotHere }

func isolate([]string) error { return errNotHere }

func newNetwork(int) (*network, error) { return nil, errNotHere }

func (n *network) cut(...cut) error { return errNotHere }

func (n *network) heal() error { return errNotHere }

func (n *network) startBeside() error { return errNotHere }

func (n *network) close() {}

func (s *namespace) wrap() []string { return nil }

func newDisk(_, _ string) (*disk, error) { return nil, errNotHere }

func (d *disk) on() error { return errNotHere }

func (d *disk) off() error { return errNotHere }

func (d *disk) sync() error { return errNotHere }

func (d *disk) umount() error { return errNotHere }

func (d *disk) away() error { return errNotHere }
