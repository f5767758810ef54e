package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/remotion-audit/remotion-audit/internal/denial"
	"github.com/remotion-audit/remotion-audit/internal/denial/advice"
	"github.com/remotion-audit/remotion-audit/internal/output"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// errorOptions are the flags of `explain --error TEXT`.
type errorOptions struct {
	text   string
	decode bool
	verify bool
}

func (o *errorOptions) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.text, "error", "",
		"error text to explain: of AWS, an SDK or Remotion, a CloudTrail record, or a log with one of "+
			"them; - for standard input")
	cmd.Flags().BoolVar(&o.decode, "decode", true,
		"with --error: decode an encoded authorization message if there are credentials that may "+
			"(sts:DecodeAuthorizationMessage)")
	cmd.Flags().BoolVar(&o.verify, "verify", false,
		"with --error: also derive the decision on the denied request from the account of the "+
			"credentials")
}

// withErrors are the flags that apply to an error text.
var withErrors = append([]string{"error", "decode", "verify", "format", "no-color", "verbose",
	"quiet", "all"}, accessFlagNames...)

// notForErrors are the flags that an error text ignores even with --verify.
var notForErrors = append([]string{"target", "policy"}, requestFileFlags...)

// decodeTimeout is the time limit for decoding a message.
const decodeTimeout = 10 * time.Second

// reads reports whether the command explains an error text: with --error, or without ACTION when
// standard input is no terminal.
func (o *errorOptions) reads(cmd *cobra.Command, args []string) bool {
	if cmd.Flags().Changed("error") {
		return true
	}
	return len(args) == 0 && !isTerminal(cmd.InOrStdin())
}

// isTerminal reports whether a reader is a terminal or the null device, which have no text to
// explain.
func isTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err != nil || info.Mode()&os.ModeCharDevice != 0
}

// runExplainError explains an error text. Its exit status is 0 if the text is explained, else 2.
func runExplainError(cmd *cobra.Command, o errorOptions, request requestOptions) error {
	if err := o.checkFlags(cmd); err != nil {
		return err
	}
	chosen, err := output.ErrorFormats().Find(request.format.name)
	if err != nil {
		return fmt.Errorf("--format %w", err)
	}
	text, err := o.read(cmd)
	if cmd.Context().Err() != nil {
		return interrupted(cmd)
	}
	if err != nil {
		return err
	}
	m := denial.Read(text)
	if o.decode && m.EncodedMessage.Known() && m.Kind == denial.Encoded {
		m = decoded(cmd, m, request.access)
	}
	if err := chosen.Write(cmd.OutOrStdout(), advice.For(m),
		viewOf(cmd, cmd.OutOrStdout())); err != nil {
		return err
	}
	switch {
	case m.Kind == denial.Unknown:
		return exitError(exitUnverified)
	case o.verify:
		return verifyError(cmd, m, request)
	}
	return nil
}

// verifyError derives the decision on the denied request from the account of the credentials.
func verifyError(cmd *cobra.Command, m denial.Message, request requestOptions) error {
	if m.Kind != denial.Denied || !m.Action.Known() {
		return errors.New("--verify: the text names no denied action: give an error that names one")
	}
	if err := checkAccount(cmd, m, request); err != nil {
		return err
	}
	args := []string{string(m.Action)}
	if m.Resource.Known() && m.Resource != "*" {
		args = append(args, string(m.Resource))
	}
	request.target = ""
	if m.Target.Known() {
		request.target = string(m.Target)
	}
	fmt.Fprintln(cmd.OutOrStdout(), "\nTHE ACCOUNT")
	return runExplainRequest(cmd, request, args)
}

// checkAccount returns an error if the credentials are of another account than the principal of the
// error: a role with the same name in another account would be judged.
func checkAccount(cmd *cobra.Command, m denial.Message, request requestOptions) error {
	ctx, stop := context.WithTimeout(cmd.Context(), decodeTimeout)
	defer stop()
	clients, _, err := loadClients(ctx, request.access, io.Discard, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	id, err := callerIdentity(ctx, clients.STS)
	if err != nil {
		return err
	}
	if m.Account.Known() && id.Account != string(m.Account) {
		return fmt.Errorf("--verify: the error is about account %s, but the credentials are of account "+
			"%s: use credentials of account %[1]s", m.Account, id.Account)
	}
	return nil
}

// checkFlags returns an error for flags of a request or of an account, which an error text ignores.
func (o *errorOptions) checkFlags(cmd *cobra.Command) error {
	var errs []error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch {
		case slices.Contains(withErrors, f.Name):
		case !o.verify || slices.Contains(notForErrors, f.Name):
			errs = append(errs, fmt.Errorf("--%s needs ACTION: it does not apply to an error text", f.Name))
		}
	})
	if o.verify && cmd.Flag("format").Value.String() != "text" {
		errs = append(errs, errors.New("--verify prints text only: for JSON, use the command that "+
			"--error prints"))
	}
	return errors.Join(errs...)
}

// read returns the error text of --error or of standard input.
func (o errorOptions) read(cmd *cobra.Command) (string, error) {
	text := o.text
	if text == "" || text == "-" {
		in := cmd.InOrStdin()
		content, err := interruptible(cmd.Context(), func() ([]byte, error) {
			return readAndDrain(in, maxErrorText)
		})
		if err != nil {
			return "", fmt.Errorf("--error -: %w", err)
		}
		text = string(content)
	}
	if isBlank(text) {
		return "", errors.New("--error: standard input is empty: give the text of the error")
	}
	return text, nil
}

// maxErrorText is the number of bytes of standard input that the command keeps.
const maxErrorText = 64 << 20

// readAndDrain returns the start of a stream and reads the rest. Without reading it, a program that
// writes its log into the pipe would fail.
func readAndDrain(in io.Reader, most int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(in, most))
	if err == nil {
		_, err = io.Copy(io.Discard, in)
	}
	return content, err
}

// decoded returns the message with the facts of the decoded message, if AWS decodes it for the
// credentials in the environment. Otherwise it adds a note with the reason.
func decoded(cmd *cobra.Command, m denial.Message, access accessFlags) denial.Message {
	ctx, stop := context.WithTimeout(cmd.Context(), decodeTimeout)
	defer stop()
	text, err := decodeMessage(ctx, cmd, string(m.EncodedMessage), access)
	if err == nil {
		with, ok := m.WithDecoded(text)
		if ok {
			return with
		}
		err = errors.New("the decoded message has no known form")
	}
	m.Notes = append(m.Notes, "the message is not decoded: "+
		textfmt.Truncate(textfmt.OneLine(decodeProblem(err)), 300))
	return m
}

// decodeMessage asks AWS to decode a message.
func decodeMessage(ctx context.Context, cmd *cobra.Command, encoded string,
	access accessFlags) (string, error) {
	_, cfg, err := loadClients(ctx, access, notes(cmd), slog.New(slog.DiscardHandler))
	if errors.Is(err, errNoCredentials) {
		return "", errors.New("there are no credentials: use the command below with credentials of " +
			"the account")
	}
	if err != nil {
		return "", err
	}
	out, err := sts.NewFromConfig(cfg).DecodeAuthorizationMessage(ctx,
		&sts.DecodeAuthorizationMessageInput{EncodedMessage: &encoded})
	if err != nil {
		return "", err
	}
	if out.DecodedMessage == nil {
		return "", errors.New("AWS returned no message")
	}
	return *out.DecodedMessage, nil
}

// decodeProblem returns the reason of an error of decoding, without the SDK's words around it.
func decodeProblem(err error) string {
	var refused smithy.APIError
	if !errors.As(err, &refused) {
		return err.Error()
	}
	switch code := refused.ErrorCode(); {
	case strings.Contains(code, "AccessDenied"):
		return "the credentials may not use sts:DecodeAuthorizationMessage"
	case strings.Contains(code, "InvalidAuthorizationMessage"):
		return "AWS does not accept the message: it is cut, changed or too old, or it belongs to " +
			"another account"
	default:
		return code + ": " + refused.ErrorMessage()
	}
}
