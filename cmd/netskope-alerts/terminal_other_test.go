//go:build !linux

package main

import (
	"errors"
	"os"
	"syscall"
)

func openTerminal() (keyboard, screen *os.File, err error) { return nil, nil, errors.ErrUnsupported }

func foreground() *syscall.SysProcAttr { return nil }
