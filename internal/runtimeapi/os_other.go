//go:build !unix

package runtimeapi

import (
	"os"
	"syscall"
)

// readUntilClosed reads until the pipe ends or is closed.
func (l *logPipe) readUntilClosed() {
	var chunk [4 << 10]byte
	for {
		n, err := l.r.Read(chunk[:])
		if n > 0 {
			l.mu.Lock()
			l.record(copy(l.chunk[:], chunk[:n]))
			l.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// drain does nothing: this system cannot report when the pipe is empty. The last lines of a warm
// process can appear in the logs of the next invocation.
func (l *logPipe) drain() {}

func processAttributes() *syscall.SysProcAttr { return nil }

// killGroup kills the process. The error only states that the process has already ended.
func killGroup(p *os.Process) { _ = p.Kill() }

// peakRSS returns 0: this system does not report the peak memory.
func peakRSS(int) int64 { return 0 }

// maxRSS returns 0: this system does not report the peak memory.
func maxRSS(*os.ProcessState) int64 { return 0 }
