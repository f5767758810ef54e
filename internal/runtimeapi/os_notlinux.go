//go:build unix && !linux

package runtimeapi

import "syscall"

// processAttributes starts the process in a new process group.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// peakRSS returns 0: this system does not report the peak memory of a living process.
func peakRSS(int) int64 { return 0 }
