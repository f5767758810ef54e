package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/events"
	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/runtimeapi"
)

type writer func(io.Writer, audit.Report) error

type localOptions struct {
	account, event, function string
	serve, enforceIAM        bool
	listen                   string
}

func localCommand() *cobra.Command {
	var o localOptions
	cmd := &cobra.Command{
		Use:   "local",
		Short: "Run the real function on an event, against an embedded AWS on this machine",
		Long: `Run the real function on an event, against an embedded AWS on this machine: no account, no
credentials. Then show the report, the alert as a mail reader would, the metrics and the function's
answer. With --serve, keep the embedded AWS up for any AWS client instead.

Exit status: 0 when the function ran and delivered, whatever it found; 2 otherwise.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for flag, servesOnly := range map[string]bool{"listen": true, "event": false,
				"function": false} {
				if cmd.Flags().Changed(flag) && servesOnly != o.serve {
					return fmt.Errorf("--%s has no meaning %s --serve", flag,
						map[bool]string{true: "without", false: "with"}[servesOnly])
				}
			}
			account, err := loadAccount(o.account)
			if err != nil {
				return err
			}
			server := &awsemu.Server{Account: account, EnforceIAM: o.enforceIAM}
			if o.serve {
				return serve(cmd, account, server, o.listen)
			}
			return runLocal(cmd, account, server, o)
		},
	}
	cmd.Flags().StringVar(&o.account, "account", "",
		"a YAML file that describes the account (default: an example that drifted)")
	cmd.Flags().StringVar(&o.event, "event", "",
		"a file with the event (default: the one EventBridge Scheduler sends)")
	cmd.Flags().StringVar(&o.function, "function", "",
		"the function's binary (default: bootstrap, beside this command)")
	cmd.Flags().BoolVar(&o.serve, "serve", false,
		"keep the embedded AWS up until interrupted, for any AWS client")
	cmd.Flags().BoolVar(&o.enforceIAM, "enforce-iam", false,
		"refuse callers what their policies do not allow; the administrator may do everything")
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:0",
		"with --serve: the loopback address to listen on")
	return cmd
}

func loadAccount(file string) (*awsemu.Account, error) {
	if file == "" {
		return awsemu.Load(examples.FS, "drifted/account.yaml")
	}
	if _, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("--account: %w", err)
	}
	return awsemu.Load(os.DirFS(filepath.Dir(file)), filepath.Base(file))
}

// credentials are accepted by the embedded AWS, which verifies no signature.
const (
	administratorKey = "AKIAADMINISTRATOR000"
	anySecret        = "local"
)

// defaultRegion is where the function runs, and the command looks, if nothing says otherwise;
// defaultName is what it is called.
const (
	defaultRegion = "us-east-1"
	defaultName   = "remotion-audit"
)

func serve(cmd *cobra.Command, account *awsemu.Account, server *awsemu.Server,
	listen string) error {
	endpoint, err := server.Listen(listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	out := cmd.OutOrStdout()
	region := cmp.Or(account.Function.Region, defaultRegion)
	fmt.Fprintf(out,
		"export AWS_ENDPOINT_URL=%s\nexport AWS_ACCESS_KEY_ID=%s\nexport "+
			"AWS_SECRET_ACCESS_KEY=%s\nexport AWS_REGION=%s AWS_DEFAULT_REGION=%s\n",
		endpoint.URL, administratorKey, anySecret, region, region)
	fmt.Fprintln(out,
		"# these are the account's administrator's, who is no user in it: name whom to audit with "+
			"--callers")
	for _, name := range slices.Sorted(maps.Keys(account.Users)) {
		for _, key := range account.Users[name].AccessKeys {
			fmt.Fprintf(out, "# to call as user/%s: export AWS_ACCESS_KEY_ID=%s\n", name, key)
		}
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "the embedded AWS is up; interrupt to end it")
	<-cmd.Context().Done()
	received(cmd.ErrOrStderr(), server)
	return endpoint.Close()
}

// received tells what clients sent while the embedded AWS was up.
func received(out io.Writer, server *awsemu.Server) {
	fmt.Fprintf(out, "\n%s answered\n", report.Plural(len(server.Calls()), "call"))
	for _, m := range server.Messages() {
		title(out, "Message to "+m.TopicARN)
		fmt.Fprintf(out, "Subject: %s\n\n%s\n", m.Subject, m.Body("email"))
	}
	if datums := server.Metrics(); len(datums) > 0 {
		title(out, "Metrics")
		metrics(out, datums)
	}
}

func runLocal(cmd *cobra.Command, account *awsemu.Account, server *awsemu.Server,
	o localOptions) error {
	if account.Function.Environment[contract.EnvCallers] == "" {
		return errors.New("the account file does not say whom to audit: add function: {environment: " +
			"{CALLERS: user/NAME}}, or CALLERS: none")
	}
	event, name, err := loadEvent(o.event)
	if err != nil {
		return err
	}
	binary, err := functionBinary(o.function)
	if err != nil {
		return err
	}
	keys, err := functionKeys(account, server)
	if err != nil {
		return err
	}
	endpoint, err := server.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer endpoint.Close()
	result, err := invoke(cmd.Context(), account, endpoint.URL, keys, binary, event, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	shown := show(out, name, event, server, result)
	if audited(result) && !shown {
		if err := reportAnew(cmd.Context(), out, account, server, endpoint.URL); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if result.FunctionError != "" {
		return fmt.Errorf("the function failed: %s", result.ErrorMessage)
	}
	return nil
}

func loadEvent(file string) (event []byte, name string, err error) {
	if file == "" {
		event, err = fs.ReadFile(events.FS, "scheduler.json")
		return event, "events/scheduler.json", err
	}
	if event, err = os.ReadFile(file); err != nil {
		return nil, "", fmt.Errorf("--event: %w", err)
	}
	var syntax *json.SyntaxError
	if err := json.Unmarshal(event, new(any)); errors.As(err, &syntax) {
		return nil, "", fmt.Errorf("--event: %s is not JSON: %w at byte %d", file, err, syntax.Offset)
	}
	return event, file, nil
}

// functionBinary finds the function: what `make run` builds beside this command, or what
// `go install …/function@latest` put there.
func functionBinary(file string) (string, error) {
	if file != "" {
		return filepath.Abs(file)
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	for _, name := range []string{"bootstrap", "function"} {
		file := filepath.Join(filepath.Dir(self), name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file, nil
		}
	}
	return "",
		errors.New("the function's binary is not beside this command: build it with `go build -tags " +
			"lambda.norpc -o bootstrap ./function` and name it with --function, or use `make run`")
}

// functionKeys are the credentials the function runs with: a session of its role, as Lambda has
// them, or the administrator's.
func functionKeys(account *awsemu.Account, server *awsemu.Server) (awsemu.Keys, error) {
	f := account.Function
	if f.Role == "" {
		return awsemu.Keys{AccessKeyID: administratorKey, SecretAccessKey: anySecret}, nil
	}
	keys, err := server.ServiceSession("lambda.amazonaws.com", f.Role, cmp.Or(f.Name, defaultName))
	if err != nil {
		return awsemu.Keys{}, fmt.Errorf("function.role of the account: %w", err)
	}
	return keys, nil
}

func invoke(ctx context.Context, account *awsemu.Account, url string, keys awsemu.Keys,
	binary string, event []byte, log io.Writer) (runtimeapi.Result, error) {
	f := account.Function
	env := maps.Clone(f.Environment) // it has CALLERS at least
	maps.Copy(env, map[string]string{
		"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": keys.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY": keys.SecretAccessKey,
	})
	if keys.SessionToken != "" {
		env["AWS_SESSION_TOKEN"] = keys.SessionToken
	}
	rt, err := runtimeapi.New(runtimeapi.Config{
		Binary: binary, FunctionARN: functionARN(account), Timeout: f.Timeout, MemoryMB: f.Memory,
		Env: env, Log: log,
	})
	if err != nil {
		return runtimeapi.Result{}, err
	}
	defer rt.Close()
	return rt.Invoke(ctx, event)
}

func functionARN(account *awsemu.Account) string {
	return fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", cmp.Or(account.Partition, "aws"),
		cmp.Or(account.Function.Region, defaultRegion),
		cmp.Or(account.ID, "123456789012"), cmp.Or(account.Function.Name, defaultName))
}

// show prints what went in and what came out, and says whether a message held a report.
func show(out io.Writer, name string, event []byte, server *awsemu.Server,
	result runtimeapi.Result) (reported bool) {
	title(out, "Event, "+name)
	fmt.Fprintln(out, strings.TrimSpace(string(event)))
	messages := server.Messages()
	for _, m := range messages {
		if r, err := alert.ReportIn(m.Body("default")); err == nil {
			reported = true
			title(out, "Report")
			_ = report.Text(out, r) // to the same writer as everything else
		}
	}
	for _, m := range messages {
		title(out, "Alert, as a mail from "+m.TopicARN)
		fmt.Fprintf(out, "Subject: %s\n\n%s", m.Subject, m.Body("email"))
	}
	if len(messages) == 0 {
		title(out, "Alert")
		fmt.Fprintln(out, "none was sent")
	}
	title(out, "Metrics")
	metrics(out, server.Metrics())
	title(out, "Answer of the function")
	fmt.Fprintln(out, strings.TrimSpace(string(result.Payload)))
	fmt.Fprintf(out, "\n%s to AWS, %s from start to first event, %s for the event, %.0f MB at most\n",
		report.Plural(len(server.Calls()), "call"), result.InitDuration.Round(time.Millisecond/10),
		result.Duration.Round(time.Millisecond), float64(result.MaxRSS)/(1<<20))
	return reported
}

func audited(result runtimeapi.Result) bool {
	var answer app.RunResult
	return result.FunctionError == "" && json.Unmarshal(result.Payload, &answer) == nil &&
		answer.Status != ""
}

// reportAnew audits once more, in this process and with what is wrong with the embedded AWS mended,
// when the function sent no report along.
func reportAnew(ctx context.Context, out io.Writer, account *awsemu.Account, server *awsemu.Server,
	url string) error {
	server.SetFaults()
	cfg, err := app.ConfigFromEnv(func(name string) string {
		return account.Function.Environment[name]
	})
	if err != nil {
		return err
	}
	place, err := app.ParseFunctionARN(functionARN(account))
	if err != nil {
		return err
	}
	clients, _, err := app.LoadClients(ctx, slog.New(slog.DiscardHandler),
		config.WithRegion(place.Region), config.WithBaseEndpoint(url),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(administratorKey,
			anySecret, "")))
	if err != nil {
		return err
	}
	auditor := app.App{Config: cfg, Clients: clients}
	r, err := auditor.Report(ctx, place, "")
	if err != nil {
		return err
	}
	title(out, "Report, asked for anew: the function sent none")
	return report.Text(out, r)
}

func title(out io.Writer, text string) {
	fmt.Fprintf(out, "\n== %s %s\n\n", text, strings.Repeat("=", max(0, 90-len(text))))
}

func metrics(out io.Writer, datums []awsemu.Datum) {
	if len(datums) == 0 {
		fmt.Fprintln(out, "none were published")
		return
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "METRIC\tTARGET\tVALUE\tUNIT")
	for _, d := range datums {
		target := "(account)"
		for _, dimension := range d.Dimensions {
			target = dimension.Value
		}
		value := "(several)" // other clients may send statistics, or lists of values
		if d.Value != nil {
			value = strconv.FormatFloat(math.Round(*d.Value*100)/100, 'f', -1, 64)
		}
		fmt.Fprintf(w, "%s/%s\t%s\t%s\t%s\n", d.Namespace, d.Name, target, value, d.Unit)
	}
	_ = w.Flush() // as above
}
