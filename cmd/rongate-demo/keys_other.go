//go:build !linux && !darwin

package main

import (
	"errors"
	"os"
)

// isTerminal knows no terminals here: keys are read from lines.
func isTerminal(*os.File) bool { return false }

func keyByKey(*os.File) (restore func(), err error) { return nil, errors.ErrUnsupported }
