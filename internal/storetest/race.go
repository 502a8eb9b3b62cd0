//go:build race

package storetest

const raced = true // the detector of races is on
