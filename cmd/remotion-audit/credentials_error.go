package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// metadataTimeout bounds an attempt to reach the instance metadata service (IMDS): a request for a
// token and, if that fails, the request without a token.
const metadataTimeout = time.Second

// quickMetadata reads the credentials of a virtual machine with one attempt, as the AWS CLI does.
// The SDK's client would try three times. On a machine that is no instance of EC2, the address of
// the service often leads nowhere, so that each attempt lasts its whole limit.
type quickMetadata struct {
	// config is the loaded configuration, which can turn the service off or set its endpoint. The SDK
	// reads the credentials only after it is set.
	config aws.Config
	// transport is nil, except in tests.
	transport http.RoundTripper
}

func (m *quickMetadata) option() func(*config.LoadOptions) error {
	return config.WithEC2RoleCredentialOptions(func(o *ec2rolecreds.Options) { o.Client = m })
}

// GetMetadata implements ec2rolecreds.GetMetadataAPIClient.
func (m *quickMetadata) GetMetadata(ctx context.Context, in *imds.GetMetadataInput,
	options ...func(*imds.Options)) (*imds.GetMetadataOutput, error) {
	return imds.NewFromConfig(m.config, func(o *imds.Options) {
		o.Retryer = aws.NopRetryer{}
		o.HTTPClient = &http.Client{Timeout: metadataTimeout / 2, Transport: m.transport}
	}).GetMetadata(ctx, in, options...)
}

// errNoCredentials is in the error for missing credentials.
var errNoCredentials = errors.New("no AWS credentials found")

// configError returns the error for a configuration of AWS that cannot be read.
func (id awsIdentity) configError(err error) error {
	var unknown config.SharedConfigProfileNotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	known := configuredProfiles()
	about, near := "the profile of "+strings.Join(id.used, ""), ""
	if id.profileFlag { // the value of a variable may be a secret by mistake
		about = fmt.Sprintf("--profile: %s", textfmt.Quote(id.profile, 100))
		near = textfmt.DidYouMean(id.profile, "", known)
	}
	about += " is not in the AWS configuration files" + near
	if len(known) == 0 {
		return errors.New(about + ": they have no profile: make one with `aws configure`")
	}
	return errors.New(about + "\nthe files have these profiles: " + textfmt.Enumerate(known, 20))
}

// credentialsError returns the error for credentials that cannot be read, with the remedy.
func (id awsIdentity) credentialsError(ctx context.Context, cfg aws.Config, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("reading the credentials did not end in time: %w", err)
	}
	if command, profile := signIn(cfg); profile != "" {
		command += " --profile " + textfmt.ShellWords(textfmt.OneLine(profile))
		return fmt.Errorf("the sign-in of profile %s has expired or is missing: run `%s` (%w)",
			textfmt.OneLine(profile), command, err)
	}
	var failed *smithy.OperationError
	if !errors.As(err, &failed) || failed.Service() != imds.ServiceID {
		return fmt.Errorf("reading the credentials failed: %w", err)
	}
	about := ""
	if id.profile != "" {
		about = ": the profile has none"
	}
	profiles := ""
	if known := configuredProfiles(); len(known) > 0 {
		profiles = " (" + textfmt.Enumerate(known, 8) + ")"
	}
	return fmt.Errorf(`%w%s. Use one of:
  a profile of the AWS CLI: --profile NAME%s, or make one with aws configure
  a sign-in: aws sso login --profile NAME, then --profile NAME
  access keys: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or REMOTION_AWS_*, also in .env`,
		errNoCredentials, about, profiles)
}

// signIn returns the command and the profile of the sign-in that the credentials come from, perhaps
// through roles: to IAM Identity Center, or with `aws login`. The profile is empty for other
// credentials.
func signIn(cfg aws.Config) (command, profile string) {
	for _, source := range cfg.ConfigSources {
		shared, ok := source.(config.SharedConfig)
		if !ok {
			continue
		}
		for p := &shared; p != nil; p = p.Source {
			switch {
			case p.Source != nil, p.Credentials.HasKeys(), p.CredentialSource != "",
				p.WebIdentityTokenFile != "":
			case p.SSOSessionName != "", p.SSOStartURL != "":
				return "aws sso login", p.Profile
			case p.LoginSession != "":
				return "aws login", p.Profile
			}
		}
	}
	return "", ""
}

// identityError returns the error of the first call to AWS, with the remedy.
func identityError(err error) error {
	var refused smithy.APIError
	if !errors.As(err, &refused) {
		return fmt.Errorf("no connection to AWS (check the network, a proxy and the region): %w", err)
	}
	code := refused.ErrorCode()
	message := textfmt.Truncate(textfmt.OneLine(refused.ErrorMessage()), 300)
	said := fmt.Sprintf(" (AWS answered %s: %s)", textfmt.OneLine(code), message)
	lower := strings.ToLower(message)
	switch {
	case code == "RequestExpired", code == "RequestTimeTooSkewed", code == "RequestInTheFuture",
		strings.Contains(lower, "signature expired"),
		strings.Contains(lower, "signature not yet current"):
		return errors.New("the clock of this machine is wrong: set it, for example with NTP" + said)
	case code == "ExpiredToken", code == "ExpiredTokenException":
		return errors.New("the session token has expired: get new credentials, for example with `aws " +
			"sso login` or `aws sts assume-role`" + said)
	case code == "InvalidClientTokenId", code == "UnrecognizedClientException":
		return errors.New("AWS does not know the access key: it is deleted, inactive or mistyped, its " +
			"session token is missing, or it is of another partition than the region" + said)
	case code == "SignatureDoesNotMatch":
		return errors.New("the secret access key does not belong to the access key: correct it" + said)
	case code == "AccessDenied", code == "AccessDeniedException":
		return errors.New("the credentials may not call sts:GetCallerIdentity: no identity policy can " +
			"deny it, so check the policy of the VPC endpoint and a proxy" + said)
	}
	return fmt.Errorf("reading the identity of the credentials failed (check them with `aws sts "+
		"get-caller-identity`): %w", err)
}

// configuredProfiles lists the profiles in the configuration files of the AWS CLI, sorted. It
// leaves out a file that cannot be read.
func configuredProfiles() (names []string) {
	home, _ := os.UserHomeDir()
	for variable, name := range map[string]string{"AWS_CONFIG_FILE": "config",
		"AWS_SHARED_CREDENTIALS_FILE": "credentials"} {
		path := cmp.Or(os.Getenv(variable), filepath.Join(home, ".aws", name))
		text, err := readFile(path, maxEnvFile)
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(strings.NewReader(string(text)))
		for lines.Scan() {
			section, _, ok := strings.Cut(strings.TrimSpace(lines.Text()), "]")
			section, isSection := strings.CutPrefix(section, "[")
			section = strings.TrimSpace(section)
			if !ok || !isSection || section == "" {
				continue
			}
			profile, isProfile := strings.CutPrefix(section, "profile ")
			if name == "config" && !isProfile && section != "default" {
				continue // sso-session, services and so on
			}
			names = textfmt.AppendNew(names, textfmt.OneLine(strings.Trim(profile, ` '"`)))
		}
	}
	slices.Sort(names)
	return names
}

// allRegions lists the regions of Remotion Lambda in all partitions.
func allRegions() (list []string) {
	for _, partition := range policies.Partitions() {
		list = append(list, policies.Regions(partition)...)
	}
	return list
}
