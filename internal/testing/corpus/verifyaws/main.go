// Command verifyaws evaluates the corpus of the policy engine with the live SimulateCustomPolicy,
// which reads and changes nothing in the account. `make verify-aws` runs it with the AWS
// credentials of the environment.
//
//	go run ./internal/testing/corpus/verifyaws [-every 500ms] [-date 2026-09-11] [directory]
//
// The command prints a new corpus file with the cases in which AWS differs. You can save the file
// next to the other corpus files. If there are no differences, the command prints nothing. Progress
// goes to stderr. The exit status is 1 if there are differences, and 2 after an error.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
	"github.com/remotion-audit/remotion-audit/internal/testing/corpus/replay"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

func main() {
	every := flag.Duration("every", 500*time.Millisecond, "delay between two calls")
	date := flag.String("date", time.Now().UTC().Format(time.DateOnly),
		"date in the source of new cases")
	flag.Parse()
	dir := "internal/iampolicy/testdata/corpus"
	if flag.NArg() > 0 {
		dir = flag.Arg(0)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	differences, err := run(ctx, dir, *every, *date)
	stop()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "verify-aws:", err)
		os.Exit(2)
	case differences > 0:
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, every time.Duration,
	date string) (differences int, err error) {
	files, err := corpus.Load(dir)
	if err != nil {
		return 0, err
	}
	// IAM has one global endpoint, which throttles: retry often and adapt the rate.
	cfg, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion("us-east-1"),
		config.WithRetryMode(aws.RetryModeAdaptive), config.WithRetryMaxAttempts(10))
	if err != nil {
		return 0, err
	}
	found, err := replay.Verifier{
		Simulator: iam.NewFromConfig(cfg), Pause: every, Progress: os.Stderr,
		Source: "observed on the live service " + date,
	}.Verify(ctx, files)
	if len(found.Cases) > 0 {
		if encodeErr := textfmt.WriteJSON(os.Stdout, found); encodeErr != nil {
			return len(found.Cases), encodeErr
		}
	}
	return len(found.Cases), err
}
