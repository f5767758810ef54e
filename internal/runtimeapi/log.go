package runtimeapi

import (
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// logKept is how much of an invocation's output is kept for Result.Logs.
const logKept = 1 << 20

// A logPipe takes what the process writes: to sink at once, and kept until it is taken.
type logPipe struct {
	r, w *os.File
	raw  syscall.RawConn // of r
	sink io.Writer       // may be nil
	done chan struct{}   // closed when nothing more can come

	// mu is held over reading from the pipe and keeping what was read, so that whoever finds the
	// pipe empty knows that everything is kept.
	mu    sync.Mutex
	kept  []byte
	chunk [32 << 10]byte
}

func newLogPipe(sink io.Writer) (*logPipe, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	raw, err := r.SyscallConn()
	if err != nil {
		r.Close()
		w.Close()
		return nil, err
	}
	l := &logPipe{r: r, w: w, raw: raw, sink: sink, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		l.pump()
	}()
	return l, nil
}

// started lets go of the writing end, which is the process's now.
func (l *logPipe) started() { l.w.Close() }

// finish reads what is left once the process has ended. A process of its own that escaped from
// its group could hold the pipe open, and is not waited for long.
func (l *logPipe) finish() {
	l.w.Close()
	l.r.SetReadDeadline(time.Now().Add(time.Second))
	<-l.done
	l.r.Close()
}

// take returns what came since it was last called: all that the process wrote before it last
// spoke to the Runtime API, or ended.
func (l *logPipe) take() string {
	l.drain()
	l.mu.Lock()
	defer l.mu.Unlock()
	s := string(l.kept[max(0, len(l.kept)-logKept):])
	l.kept = nil
	return s
}

// keep notes what was read into chunk. The caller holds mu.
func (l *logPipe) keep(n int) {
	if l.sink != nil {
		l.sink.Write(l.chunk[:n])
	}
	l.kept = append(l.kept, l.chunk[:n]...)
	if extra := len(l.kept) - logKept; extra > logKept { // seldom, so that it stays cheap
		l.kept = append(l.kept[:0], l.kept[extra:]...)
	}
}
