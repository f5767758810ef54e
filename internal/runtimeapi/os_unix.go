//go:build unix

package runtimeapi

import (
	"os"
	"runtime"
	"syscall"
)

// pump reads until the pipe ends or its deadline passes.
func (l *logPipe) pump() { l.raw.Read(l.readAll) }

// drain reads what is in the pipe now, without waiting.
func (l *logPipe) drain() { l.raw.Control(func(fd uintptr) { l.readAll(fd) }) }

// readAll reads until the pipe is empty, and reports whether it has ended.
func (l *logPipe) readAll(fd uintptr) (ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		n, err := syscall.Read(int(fd), l.chunk[:])
		switch {
		case n > 0:
			l.keep(n)
		case err == syscall.EAGAIN:
			return false
		case err != syscall.EINTR:
			return true
		}
	}
}

// killGroup kills a process and all that it started in its group. The group outlives the
// process while anything else is in it.
func killGroup(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGKILL) }

// maxRSS is the kernel's accounting for a process that has ended, in bytes.
func maxRSS(s *os.ProcessState) int64 {
	usage, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(usage.Maxrss) // bytes there, KiB elsewhere
	}
	return int64(usage.Maxrss) * 1024
}
