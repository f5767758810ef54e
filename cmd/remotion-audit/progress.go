package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go/middleware"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A callCounter counts the calls to AWS of one command.
type callCounter struct {
	mu          sync.Mutex
	begun, done int
	// latest describes the call that began last.
	latest string
}

type callCounterKey struct{}

// withCallCounter returns a context in which the clients of loadClients count their calls.
func withCallCounter(ctx context.Context) context.Context {
	return context.WithValue(ctx, callCounterKey{}, &callCounter{})
}

// callCounterOf returns the counter of withCallCounter, or one that counts nothing.
func callCounterOf(ctx context.Context) *callCounter {
	if c, ok := ctx.Value(callCounterKey{}).(*callCounter); ok {
		return c
	}
	return &callCounter{}
}

// withProgress is the option of clients that count their calls.
func withProgress(ctx context.Context) config.LoadOptionsFunc {
	return config.WithAPIOptions([]func(*middleware.Stack) error{callCounterOf(ctx).addTo})
}

func (c *callCounter) addTo(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("CountCalls",
		func(ctx context.Context, in middleware.InitializeInput,
			next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			c.begin(describeCall(awsmiddleware.GetServiceID(ctx), in.Parameters))
			out, metadata, err := next.HandleInitialize(ctx, in)
			if ctx.Err() == nil { // else the command ends, and the call may have no answer
				c.end()
			}
			return out, metadata, err
		}), middleware.After)
}

func (c *callCounter) begin(call string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun++
	c.latest = call
}

func (c *callCounter) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
}

// counts returns the number of calls that began and of those that ended, and the latest one.
func (c *callCounter) counts() (begun, done int, latest string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.begun, c.done, c.latest
}

// describeCall says what a call is for.
func describeCall(service string, parameters any) string {
	if in, ok := parameters.(*iam.SimulatePrincipalPolicyInput); ok {
		name := aws.ToString(in.PolicySourceArn)
		if a, ok := arn.Parse(name); ok {
			name = a.Kind() + "/" + a.Name()
		}
		return "simulating " + textfmt.OneLine(name)
	}
	return "reading " + service
}

// The times of the progress line. A command that ends before showAfter shows none.
const (
	showAfter = 500 * time.Millisecond
	drawEvery = 100 * time.Millisecond
)

// A progressLine shows at a terminal how many calls to AWS are done. The number of all calls is not
// known before the end, because what the first calls return decides about the others. So the line
// names the calls that have begun as the least number.
type progressLine struct {
	out     io.Writer // nil if there is no line
	width   int
	now     func() time.Time
	counter *callCounter
	started time.Time

	mu      sync.Mutex
	columns int // of the line that is shown
	end     chan struct{}
	ended   sync.WaitGroup
}

// startProgress shows the progress line of a command until stop. There is none with --quiet, and
// none if standard error is no terminal.
func startProgress(cmd *cobra.Command) *progressLine {
	p := &progressLine{width: terminalWidth(cmd.ErrOrStderr()), now: time.Now,
		counter: callCounterOf(cmd.Context()), started: time.Now(), end: make(chan struct{})}
	if p.width == 0 || isSet(cmd, "quiet") {
		return p
	}
	p.out = cmd.ErrOrStderr()
	p.ended.Go(func() {
		tick := time.NewTicker(drawEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.draw()
			case <-p.end:
				return
			}
		}
	})
	return p
}

// stop erases the line.
func (p *progressLine) stop() {
	close(p.end)
	p.ended.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

// text returns the line. It is empty at the start.
func (p *progressLine) text() string {
	begun, done, latest := p.counter.counts()
	elapsed := p.now().Sub(p.started)
	if begun == 0 || elapsed < showAfter {
		return ""
	}
	calls := textfmt.Plural(done, "call")
	if begun > done {
		calls = fmt.Sprintf("%d of at least %s", done, textfmt.Plural(begun, "call"))
	}
	line := fmt.Sprintf("%s to AWS, %s: %s", calls, elapsed.Round(time.Second), latest)
	return textfmt.ASCII(line, p.width-1)
}

func (p *progressLine) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := p.text()
	if p.out == nil || line == "" {
		return
	}
	fmt.Fprintf(p.out, "\r%s%s", line, strings.Repeat(" ", max(0, p.columns-len(line))))
	p.columns = max(p.columns, len(line))
}

func (p *progressLine) erase() {
	if p.columns > 0 {
		fmt.Fprintf(p.out, "\r%s\r", strings.Repeat(" ", p.columns))
		p.columns = 0
	}
}

// over returns a writer that erases the line before it writes.
func (p *progressLine) over(w io.Writer) io.Writer { return overProgress{p, w} }

type overProgress struct {
	line *progressLine
	to   io.Writer
}

func (o overProgress) Write(b []byte) (int, error) {
	o.line.mu.Lock()
	defer o.line.mu.Unlock()
	o.line.erase()
	return o.to.Write(b)
}

// notes returns the writer for what a command says beside its result: standard error, or nothing
// with --quiet. Errors are no notes.
func notes(cmd *cobra.Command) io.Writer {
	if isSet(cmd, "quiet") {
		return io.Discard
	}
	return cmd.ErrOrStderr()
}

// terminalWidth returns the number of columns of a terminal. It is 0 for other writers.
func terminalWidth(w io.Writer) int {
	descriptor, ok := terminalOf(w)
	if !ok || os.Getenv("TERM") == "dumb" {
		return 0
	}
	if width, _, err := term.GetSize(descriptor); err == nil && width > 0 {
		return width
	}
	return 80
}
