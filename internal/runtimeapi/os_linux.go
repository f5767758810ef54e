package runtimeapi

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// attributes puts the process into a group of its own, and has the kernel kill it should this
// program die without Close. The kernel ties that to the thread that starts the process:
// start keeps it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// peakRSS is the high-water mark of a living process's memory in bytes, or 0. The accounting
// that remains of a process would not do: a child begins it with its parent's figure.
func peakRSS(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			kib, _ := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest),
				[]byte("kB")))), 10, 64)
			return kib * 1024
		}
	}
	return 0
}
