package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAccountFilesStayInTheirFolder checks that an account reads documents in its folder only, also
// through symbolic links, and that the account's file itself may be a link.
func TestAccountFilesStayInTheirFolder(t *testing.T) {
	dir := t.TempDir()
	inside := filepath.Join(dir, "inside")
	const document = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`
	account := func(file string) string {
		return "users: {ci: {inline: {p: {file: " + file + "}}}}\n"
	}
	if err := os.MkdirAll(filepath.Join(inside, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"secret.json": document, "inside/sub/p.json": document,
		"inside/below.yaml": account("sub/p.json"), "inside/link.yaml": account("link.json"),
		"inside/folder.yaml": account("out/secret.json"), "inside/up.yaml": account("../secret.json"),
		"inside/absolute.yaml": account(filepath.Join(dir, "secret.json")),
		"inside/near.yaml":     account("near.json"), "inside/device.yaml": account("zero")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"inside/link.json": "../secret.json", "inside/out": "..",
		"inside/near.json": "sub/p.json", "linked.yaml": "inside/below.yaml", "inside/zero": "/dev/zero"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
	}
	for file, want := range map[string]string{
		"inside/below.yaml": "", "inside/near.yaml": "", "inside/link.yaml": "path escapes",
		"inside/folder.yaml": "path escapes", "inside/up.yaml": "invalid", "inside/device.yaml": "path escapes",
		"inside/absolute.yaml": "name a file in the folder of absolute.yaml or below it",
		"linked.yaml":          "sub/p.json: no such file", "none.yaml": "none.yaml: no such file",
		"none/a.yaml": "no such file",
	} {
		_, err := loadAccount(filepath.Join(dir, file))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", file, err, want)
		}
	}
}

// TestAccountFilesDoNotBlock checks that an account that names a pipe is refused, and that a signal
// ends the command while it reads an account or an event from a pipe into which nothing is written.
func TestAccountFilesDoNotBlock(t *testing.T) {
	dir := t.TempDir()
	pipe, file := filepath.Join(dir, "pipe"), filepath.Join(dir, "a.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	text := "users: {ci: {inline: {p: {file: pipe}}}}\nfunction: {environment: {CALLERS: none}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := loadAccount(file)
		done <- err
	}()
	// If the command opened the pipe, this would open it, too, and the command would read nothing.
	writer := make(chan *os.File)
	go func() {
		f, _ := os.OpenFile(pipe, os.O_WRONLY, 0)
		writer <- f
	}()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "pipe is not a regular file") {
			t.Errorf("got %v, want that the pipe is refused", err)
		}
	case f := <-writer:
		_ = f.Close()
		t.Fatal("the command opened the pipe")
	}
	// From here on the open pipe has a writer that writes nothing.
	open, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	_ = (<-writer).Close()
	for _, args := range [][]string{{"local", "--account", pipe}, {"local", "--event", pipe}} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if status := run(ctx, args); status != exitInterrupted {
			t.Errorf("%v: status %d, want %d", args, status, exitInterrupted)
		}
	}
}

// TestStoredReport checks that `local` finds the report of a run in the evidence bucket, which has
// all findings, and takes no report of another run or of another version.
func TestStoredReport(t *testing.T) {
	const full = `{"schemaVersion": "1", "findings": [{"target": "user/u", "status": "satisfied"}]}`
	for name, test := range map[string]struct {
		key, text, run string
		want           bool
	}{
		"stored":          {"reports/2026/11/16/r1.json", full, "r1", true},
		"another run":     {"reports/2026/11/16/r2.json", full, "r1", false},
		"a longer name":   {"reports/2026/11/16/xr1.json", full, "r1", false},
		"another folder":  {"state/r1.json", full, "r1", false},
		"not JSON":        {"reports/2026/11/16/r1.json", "{", "r1", false},
		"another version": {"reports/2026/11/16/r1.json", "{}", "r1", false},
		"no run":          {"reports/2026/11/16/.json", full, "", false},
	} {
		r, ok := storedReport(map[string][]byte{test.key: []byte(test.text)}, test.run)
		if ok != test.want || ok && len(r.Findings) != 1 {
			t.Errorf("%s: %t with %d findings, want %t", name, ok, len(r.Findings), test.want)
		}
	}
}
