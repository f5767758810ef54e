package runtimeapi

import (
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// maxLogs is the maximum size of Invocation.Logs in bytes.
const maxLogs = 1 << 20

// A logPipe copies the output of the process to sink immediately, and buffers it for takeLogs.
type logPipe struct {
	r, w *os.File
	raw  syscall.RawConn // of r
	sink io.Writer       // may be nil
	done chan struct{}   // closed when no more output can come

	// mu is held while data moves from the pipe to buffer. If a reader with mu finds the pipe empty,
	// buffer is therefore complete.
	mu     sync.Mutex
	buffer []byte
	chunk  [32 << 10]byte
}

func newLogPipe(sink io.Writer) (*logPipe, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	raw, err := r.SyscallConn()
	if err != nil {
		_ = r.Close()
		_ = w.Close()
		return nil, err
	}
	l := &logPipe{r: r, w: w, raw: raw, sink: sink, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		l.readUntilClosed()
	}()
	return l, nil
}

// closeWriter closes the writing end in this program. The process has its own copy.
func (l *logPipe) closeWriter() { _ = l.w.Close() }

// finish reads the remaining output after the process has ended. A child that left the process
// group can hold the pipe open, so finish waits for at most one second.
func (l *logPipe) finish() {
	l.closeWriter()
	// Without a deadline, readUntilClosed would wait for such a child.
	_ = l.r.SetReadDeadline(time.Now().Add(time.Second))
	<-l.done
	_ = l.r.Close() // loses no data: r is only read
}

// takeLogs returns the output since its last call: everything that the process wrote before its
// last request to the Runtime API, or before its end.
func (l *logPipe) takeLogs() string {
	l.drain()
	l.mu.Lock()
	defer l.mu.Unlock()
	s := string(l.buffer[max(0, len(l.buffer)-maxLogs):])
	l.buffer = nil
	return s
}

// record appends the first n bytes of chunk to buffer. The caller holds mu.
func (l *logPipe) record(n int) {
	if l.sink != nil {
		_, _ = l.sink.Write(l.chunk[:n]) // ignored, as Config.Log documents
	}
	l.buffer = append(l.buffer, l.chunk[:n]...)
	// Shorten buffer only after every maxLogs bytes, because each time copies maxLogs bytes.
	if extra := len(l.buffer) - maxLogs; extra > maxLogs {
		l.buffer = append(l.buffer[:0], l.buffer[extra:]...)
	}
}
