package main

import (
	"bufio"
	"bytes"
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
	"github.com/remotion-audit/remotion-audit/internal/alert/render"
	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/runtimeapi"
	"github.com/remotion-audit/remotion-audit/internal/settings"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

type localOptions struct {
	account, event, function string
	serve, enforceIAM        bool
	listen                   string
}

func localCommand() *cobra.Command {
	var o localOptions
	cmd := &cobra.Command{
		Use:   "local",
		Short: "Run the function against an embedded AWS on this machine",
		Long: `Run the real function with an event against an embedded AWS on this machine, without
an AWS account or credentials. The command prints the report, the alert as a mail,
the metrics and the function's answer. With --verbose it also prints the event and
the function's logs; the logs are printed as well if the function fails. With --serve
it starts the embedded AWS for other AWS clients instead.

Exit status: 0 if the function succeeded, with or without gaps, else 2.`,
		Example: `  remotion-audit local
  remotion-audit local --account account.yaml --event event.json
  remotion-audit local --serve --enforce-iam`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("listen") && !o.serve {
				return errors.New("--listen requires --serve")
			}
			for _, flag := range []string{"event", "function"} {
				if cmd.Flags().Changed(flag) && o.serve {
					return fmt.Errorf("--%s cannot be combined with --serve", flag)
				}
			}
			account, err := interruptible(cmd.Context(), func() (*awsemu.Account, error) {
				return loadAccount(o.account)
			})
			if cmd.Context().Err() != nil {
				return interrupted(cmd)
			}
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
		"YAML file that describes the account (default: examples/drifted/account.yaml)")
	cmd.Flags().StringVar(&o.event, "event", "",
		"file with the event (default: the event from EventBridge Scheduler)")
	cmd.Flags().StringVar(&o.function, "function", "",
		"binary of the function (default: bootstrap in the directory of this command)")
	cmd.Flags().BoolVar(&o.serve, "serve", false,
		"start the embedded AWS for other AWS clients, until interrupted")
	cmd.Flags().BoolVar(&o.enforceIAM, "enforce-iam", false,
		"enforce the policies of callers; the administrator may do everything")
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:0",
		"with --serve: loopback address to listen on")
	return cmd
}

func loadAccount(file string) (*awsemu.Account, error) {
	if file == "" {
		return account.Load(examples.FS, "drifted/account.yaml")
	}
	folder, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("--account: %w", err)
	}
	defer folder.Close()
	account, err := account.Load(accountFolder{folder.FS(), file}, filepath.Base(file))
	if err != nil {
		return nil, fmt.Errorf("--account %s: %w", file, err)
	}
	return account, nil
}

// An accountFolder is the folder of an account's file. Other files than that one are in the folder
// or below it: a symbolic link out of it is an error, because another person may have written the
// account.
type accountFolder struct {
	fs.FS
	file string
}

// Open implements fs.FS. The file that the flag names may be a link or a pipe.
func (f accountFolder) Open(name string) (fs.File, error) {
	if name == filepath.Base(f.file) {
		return os.Open(f.file)
	}
	return f.FS.Open(name)
}

// Stat implements fs.StatFS. Without it, fs.Stat opens the file, and opening a pipe blocks.
func (f accountFolder) Stat(name string) (fs.FileInfo, error) {
	if name == filepath.Base(f.file) {
		return os.Stat(f.file)
	}
	return fs.Stat(f.FS, name)
}

// administratorKey and anySecret are the credentials of the administrator of the embedded AWS. The
// embedded AWS does not verify signatures.
const (
	administratorKey = "AKIAADMINISTRATOR000"
	anySecret        = "local"
)

// defaultRegion is the region of the function and of the command if none is configured. defaultName
// is the name of the function.
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
		"# These are credentials of an administrator who is not a user of the account: set --callers to "+
			"the principals to audit.")
	for _, name := range slices.Sorted(maps.Keys(account.Users)) {
		for _, key := range account.Users[name].AccessKeys {
			fmt.Fprintf(out, "# To call as user/%s: export AWS_ACCESS_KEY_ID=%s\n", name, key)
		}
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "embedded AWS started; press Ctrl-C to stop it")
	<-cmd.Context().Done()
	writeReceived(cmd.ErrOrStderr(), viewOf(cmd, cmd.ErrOrStderr()), server)
	return endpoint.Close()
}

// writeReceived writes the calls, messages and metrics that the embedded AWS received.
func writeReceived(out io.Writer, v textfmt.View, server *awsemu.Server) {
	fmt.Fprintf(out, "\n%s answered\n", textfmt.Plural(len(server.Calls()), "call"))
	for _, m := range server.Messages() {
		writeTitle(out, v, "Message to "+m.TopicARN)
		fmt.Fprintf(out, "Subject: %s\n\n%s\n", m.Subject, m.Body("email"))
	}
	if datums := server.Metrics(); len(datums) > 0 {
		writeTitle(out, v, "Metrics")
		writeMetrics(out, datums)
	}
}

func runLocal(cmd *cobra.Command, account *awsemu.Account, server *awsemu.Server,
	o localOptions) error {
	if account.Function.Environment[settings.EnvCallers] == "" {
		return errors.New("the account file has no callers to audit: add function: {environment: " +
			"{CALLERS: user/NAME}}, or CALLERS: none")
	}
	event, err := interruptible(cmd.Context(), func() ([]byte, error) { return loadEvent(o.event) })
	if cmd.Context().Err() != nil {
		return interrupted(cmd)
	}
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
	view := viewOf(cmd, cmd.OutOrStdout())
	var held bytes.Buffer // the logs, until it is known whether the function fails
	log := cmd.ErrOrStderr()
	if !view.Verbose {
		log = &held
	}
	result, err := invoke(cmd.Context(), account, endpoint.URL, keys, binary, event, log)
	if err != nil || result.FunctionError != "" {
		_, _ = held.WriteTo(cmd.ErrOrStderr()) // the error follows, also if this fails
	}
	if err != nil {
		return err
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	run := localRun{view: view, server: server, result: result, event: event,
		bucket:    account.Function.Environment["EVIDENCE_BUCKET"],
		eventName: cmp.Or(o.event, "events/scheduler.json")}
	if hasReport(result) && !run.writeReports(out) {
		if err := auditAgain(cmd.Context(), out, view, account, server, endpoint.URL); err != nil {
			return err
		}
	}
	run.write(out)
	if err := out.Flush(); err != nil {
		return err
	}
	if result.FunctionError != "" {
		return fmt.Errorf("the function failed: %s", result.ErrorMessage)
	}
	return nil
}

func loadEvent(file string) ([]byte, error) {
	if file == "" {
		return fs.ReadFile(events.FS, "scheduler.json")
	}
	event, err := readFile(file, runtimeapi.MaxPayload)
	if err != nil {
		return nil, fmt.Errorf("--event: %w", err)
	}
	if len(event) > runtimeapi.MaxPayload {
		return nil, fmt.Errorf("--event: %s must have at most %d bytes", file, runtimeapi.MaxPayload)
	}
	var syntax *json.SyntaxError
	if err := json.Unmarshal(event, new(any)); errors.As(err, &syntax) {
		return nil, fmt.Errorf("--event: %s is not JSON: %w at byte %d", file, err, syntax.Offset)
	}
	return event, nil
}

// functionBinary returns the path of the function's binary. If file is empty, it searches the
// directory of this command, where `make local` builds the binary.
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
		errors.New(
			"no binary of the function in the directory of this command: use `make run`, or build " +
				"it with `go build -tags lambda.norpc -o bootstrap ./function` and set --function")
}

// functionKeys returns the credentials of the function: a session of its role, or the
// administrator's if the account file names no role.
func functionKeys(account *awsemu.Account, server *awsemu.Server) (awsemu.Keys, error) {
	f := account.Function
	if f.Role == "" {
		return awsemu.Keys{AccessKeyID: administratorKey, SecretAccessKey: anySecret}, nil
	}
	keys, err := server.ServiceSession("lambda.amazonaws.com", f.Role, cmp.Or(f.Name, defaultName))
	if err != nil {
		return awsemu.Keys{}, fmt.Errorf("function.role in the account file: %w", err)
	}
	return keys, nil
}

func invoke(ctx context.Context, account *awsemu.Account, url string, keys awsemu.Keys,
	binary string, event []byte, log io.Writer) (runtimeapi.Invocation, error) {
	f := account.Function
	env := maps.Clone(f.Environment) // not nil: Environment contains CALLERS
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
		return runtimeapi.Invocation{}, err
	}
	defer rt.Close()
	return rt.Invoke(ctx, event)
}

func functionARN(account *awsemu.Account) string {
	return arn.ARN{Partition: cmp.Or(account.Partition, "aws"), Service: "lambda",
		Region:   cmp.Or(account.Function.Region, defaultRegion),
		Account:  cmp.Or(account.ID, "123456789012"),
		Resource: "function:" + cmp.Or(account.Function.Name, defaultName)}.String()
}

// localRun is what one run of the function received and sent.
type localRun struct {
	view      textfmt.View
	server    *awsemu.Server
	result    runtimeapi.Invocation
	event     []byte
	eventName string
	// bucket is the evidence bucket; empty for none.
	bucket string
}

// writeReports prints the report of each message that contains one, or else the report that the
// function stored, and reports whether there was one.
func (run localRun) writeReports(out io.Writer) bool {
	objects := run.server.Objects(run.bucket)
	var list []audit.Report
	for _, m := range run.server.Messages() {
		if r, err := render.ReportIn(m.Body("default")); err == nil {
			if stored, ok := storedReport(objects, r.Run.ID); ok {
				r = stored // it has the satisfied and the muted findings, too
			}
			list = append(list, r)
		}
	}
	if stored, ok := storedReport(objects, run.result.RequestID); ok && list == nil {
		list = append(list, stored)
	}
	for _, r := range list {
		writeTitle(out, run.view, "Report")
		_ = report.Text(out, r, run.view) // out reports a write error later
	}
	return list != nil
}

// storedReport returns the report of a run in an evidence bucket.
func storedReport(objects map[string][]byte, run string) (r audit.Report, ok bool) {
	for key, text := range objects {
		if run != "" && strings.HasPrefix(key, "reports/") && strings.HasSuffix(key, "/"+run+".json") {
			ok = json.Unmarshal(text, &r) == nil && r.SchemaVersion == audit.SchemaVersion
			return r, ok
		}
	}
	return r, false
}

// write prints the alert, the metrics and the answer. With View.Verbose it also prints the event.
func (run localRun) write(out io.Writer) {
	messages := run.server.Messages()
	for _, m := range messages {
		writeTitle(out, run.view, "Alert, as a mail from "+m.TopicARN)
		fmt.Fprintf(out, "Subject: %s\n\n%s", m.Subject, m.Body("email"))
	}
	if len(messages) == 0 {
		writeTitle(out, run.view, "Alert")
		fmt.Fprintln(out, "no alert was sent")
	}
	writeTitle(out, run.view, "Metrics")
	writeMetrics(out, run.server.Metrics())
	if run.view.Verbose {
		writeTitle(out, run.view, "Event, "+run.eventName)
		fmt.Fprintln(out, strings.TrimSpace(string(run.event)))
	}
	writeTitle(out, run.view, "Answer of the function")
	fmt.Fprintln(out, strings.TrimSpace(string(run.result.Payload)))
	fmt.Fprintf(out, "\n%s to AWS, %s until the first event, %s for the event, peak memory %.0f MB\n",
		textfmt.Plural(len(run.server.Calls()), "call"),
		run.result.InitDuration.Round(time.Millisecond/10),
		run.result.Duration.Round(time.Millisecond), float64(run.result.MaxRSS)/(1<<20))
	if !run.view.Verbose {
		fmt.Fprintln(out, "--verbose also prints the event and the function's logs")
	}
}

func hasReport(result runtimeapi.Invocation) bool {
	var answer app.RunResult
	return result.FunctionError == "" && json.Unmarshal(result.Payload, &answer) == nil &&
		answer.Status != ""
}

// auditAgain audits the account in this process, without the configured faults, and writes the
// report. It is for a run in which the function sent no report.
func auditAgain(ctx context.Context, out io.Writer, v textfmt.View, account *awsemu.Account,
	server *awsemu.Server, url string) error {
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
	writeTitle(out, v, "Report of a second audit: the function sent none")
	return report.Text(out, r, v)
}

// writeTitle writes the title of a part of the output, with a rule up to the width of the view.
func writeTitle(out io.Writer, v textfmt.View, text string) {
	title := "== " + text + " "
	title += strings.Repeat("=", max(2, v.Columns()-len(title)))
	fmt.Fprintf(out, "\n%s\n\n", v.Painted(textfmt.Strong, title))
}

func writeMetrics(out io.Writer, datums []awsemu.Datum) {
	if len(datums) == 0 {
		fmt.Fprintln(out, "no metrics were published")
		return
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "METRIC\tTARGET\tVALUE\tUNIT")
	for _, d := range datums {
		target := "(account)"
		for _, dimension := range d.Dimensions {
			target = dimension.Value
		}
		value := "(several)" // other clients can send statistics or lists of values
		if d.Value != nil {
			value = strconv.FormatFloat(math.Round(*d.Value*100)/100, 'f', -1, 64)
		}
		fmt.Fprintf(w, "%s/%s\t%s\t%s\t%s\n", d.Namespace, d.Name, target, value, d.Unit)
	}
	_ = w.Flush() // out reports a write error later
}
