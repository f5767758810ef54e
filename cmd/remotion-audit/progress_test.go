package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/spf13/cobra"
)

func TestProgressLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	start := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	now := start
	counter := &callCounter{}
	p := &progressLine{out: &out, width: 60, now: func() time.Time { return now }, counter: counter,
		started: start, end: make(chan struct{})}
	p.draw()
	now = start.Add(4 * time.Second)
	p.draw()
	if out.Len() > 0 {
		t.Errorf("a line before the first call: %q", out.String())
	}
	role := "arn:aws:iam::123456789012:role/service/remotion-lambda-role"
	for range 48 {
		counter.begin(describeCall("IAM", &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &role}))
	}
	for range 23 {
		counter.end()
	}
	now = start.Add(100 * time.Millisecond)
	p.draw()
	if out.Len() > 0 {
		t.Errorf("a line of a command that may end soon: %q", out.String())
	}
	now = start.Add(4 * time.Second)
	p.draw()
	const first = "23 of at least 48 calls to AWS, 4s: simulating role/remot"
	if got := out.String(); got != "\r"+first[:56]+"..." {
		t.Errorf("got %q, want %q cut to 59 columns", got, first)
	}
	// A shorter line covers the longer one, and a note erases it.
	for range 25 {
		counter.end()
	}
	counter.begin("reading Lambda")
	counter.end()
	out.Reset()
	p.draw()
	const second = "49 calls to AWS, 4s: reading Lambda"
	if got := out.String(); got != "\r"+second+strings.Repeat(" ", 59-len(second)) {
		t.Errorf("got %q, want %q over 59 columns", got, second)
	}
	out.Reset()
	fmt.Fprint(p.over(&out), "a note\n")
	erased := "\r" + strings.Repeat(" ", 59) + "\r"
	if got := out.String(); got != erased+"a note\n" {
		t.Errorf("got %q, want the note after an erased line", got)
	}
	p.draw()
	out.Reset()
	p.stop()
	if got := out.String(); got != "\r"+strings.Repeat(" ", len(second))+"\r" {
		t.Errorf("got %q, want an erased line", got)
	}
}

func TestProgressIsForTerminals(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	cmd := &cobra.Command{}
	cmd.SetErr(&errs)
	cmd.SetContext(withCallCounter(context.Background()))
	callCounterOf(cmd.Context()).begin("reading IAM")
	p := startProgress(cmd)
	p.now = func() time.Time { return p.started.Add(time.Hour) }
	p.draw()
	p.stop()
	if errs.Len() > 0 {
		t.Errorf("standard error is no terminal, but got %q", errs.String())
	}
}

// TestDescribeCallCleansNames checks that no name of AWS can control the terminal.
func TestDescribeCallCleansNames(t *testing.T) {
	t.Parallel()
	name := "x\x1b[2J\r\n"
	text := describeCall("IAM", &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &name})
	if strings.ContainsAny(text, "\x1b\r\n") {
		t.Errorf("got %q", text)
	}
}

// TestMetadataIsTriedOnce checks that credentials of a virtual machine are searched with one
// attempt of at most a second.
func TestMetadataIsTriedOnce(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	var longest atomic.Int64
	m := &quickMetadata{transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		requests.Add(1)
		if deadline, ok := r.Context().Deadline(); ok {
			longest.Store(max(longest.Load(), int64(time.Until(deadline))))
		} else {
			longest.Store(int64(time.Hour))
		}
		return nil, errors.New("no route to host")
	})}
	m.config = aws.Config{}
	if _, err := m.GetMetadata(t.Context(), &imds.GetMetadataInput{Path: "x"}); err == nil {
		t.Error("no error without a metadata service")
	}
	// A token, and without it the older form of the request.
	if n := requests.Load(); n < 1 || n > 2 {
		t.Errorf("%d requests, want one for the token and at most one for the path", n)
	}
	if d := time.Duration(longest.Load()); 2*d > metadataTimeout {
		t.Errorf("a request may last %s, want at most half of %s", d, metadataTimeout)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
