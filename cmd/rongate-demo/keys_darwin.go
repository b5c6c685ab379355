package main

import "golang.org/x/sys/unix"

// Requests of ioctl.
const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
)
