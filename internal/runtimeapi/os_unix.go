//go:build unix

package runtimeapi

import (
	"os"
	"runtime"
	"syscall"
)

// readUntilClosed reads until the pipe ends or its deadline passes. Both are expected, so it
// ignores the error.
func (l *logPipe) readUntilClosed() { _ = l.raw.Read(l.readAll) }

// drain reads the current content of the pipe without waiting. The error only states that the pipe
// is closed.
func (l *logPipe) drain() { _ = l.raw.Control(func(fd uintptr) { l.readAll(fd) }) }

// readAll reads until the pipe is empty. It returns true if the pipe has ended or cannot be read.
func (l *logPipe) readAll(fd uintptr) (ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		n, err := syscall.Read(int(fd), l.chunk[:])
		switch {
		case n > 0:
			l.record(n)
		case err == syscall.EAGAIN:
			return false
		case err != syscall.EINTR:
			return true
		}
	}
}

// killGroup kills a process and its children in the same process group. The group exists until its
// last process ends. The error only states that the group has already ended.
func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

// maxRSS returns the peak memory of an ended process in bytes, from the kernel's accounting.
func maxRSS(s *os.ProcessState) int64 {
	usage, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(usage.Maxrss) //nolint:unconvert // bytes, an int32 on some systems
	}
	return int64(usage.Maxrss) * 1024 //nolint:unconvert // KiB, an int32 on some systems
}
