package main

import "golang.org/x/sys/unix"

// Requests of ioctl.
const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
)
