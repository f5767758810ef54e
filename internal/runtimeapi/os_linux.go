package runtimeapi

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// processAttributes starts the process in a new process group. It also makes the kernel kill the
// process if this program dies without Close. The kernel does that when the thread that started the
// process ends, so startProcess locks this thread.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// peakRSS returns the peak memory of a living process in bytes, or 0 if the peak is unknown. The
// kernel's accounting of an ended process is less exact: a child starts with its parent's peak.
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
