//go:build !unix

package runtimeapi

import (
	"os"
	"syscall"
)

// pump reads until the pipe ends or is closed.
func (l *logPipe) pump() {
	var chunk [4 << 10]byte
	for {
		n, err := l.r.Read(chunk[:])
		if n > 0 {
			l.mu.Lock()
			l.keep(copy(l.chunk[:], chunk[:n]))
			l.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// drain has no way to know here when the pipe is empty: the last lines of a warm process may
// come with the next invocation.
func (l *logPipe) drain() {}

func attributes() *syscall.SysProcAttr { return nil }

func killGroup(p *os.Process) { p.Kill() }

func peakRSS(int) int64 { return 0 }

func maxRSS(*os.ProcessState) int64 { return 0 }
