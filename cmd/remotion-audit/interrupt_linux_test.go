package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSecondInterruptEndsAtOnce checks that a command that cannot end, because no process reads
// its output, ends on the second SIGINT.
func TestSecondInterruptEndsAtOnce(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("remotion-audit") // made by TestMain
	if err != nil {
		t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := writer.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for err == nil { // until the pipe is full
		_, err = writer.Write(make([]byte, 1<<12))
	}
	cmd := exec.Command(path, "version")
	cmd.Stdout = writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the test reads the state of the process
		close(ended)
	}()
	for !writesToStdout(cmd.Process.Pid) {
		select {
		case <-ended:
			t.Fatalf("%v, although no process reads the output", cmd.ProcessState)
		case <-time.After(5 * time.Millisecond):
		}
	}
	// The first signal cancels the context, which does not end the blocked write.
	for {
		_ = cmd.Process.Signal(os.Interrupt) // an error means that the process ended
		select {
		case <-ended:
			status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if !ok || status.Signal() != syscall.SIGINT {
				t.Errorf("%v, want an end by SIGINT", cmd.ProcessState)
			}
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// writesToStdout reports whether a thread of a process is in a write to standard output.
func writesToStdout(pid int) bool {
	calls, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	for _, file := range calls {
		text, err := os.ReadFile(file)
		if err == nil && strings.HasPrefix(string(text), fmt.Sprintf("%d 0x1 ", syscall.SYS_WRITE)) {
			return true
		}
	}
	return false
}
