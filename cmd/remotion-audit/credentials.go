package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// The variables of credentials and of the region. Each exists with the prefix REMOTION_ as well.
const (
	envAccessKey    = "AWS_ACCESS_KEY_ID"
	envSecretKey    = "AWS_SECRET_ACCESS_KEY"
	envSessionToken = "AWS_SESSION_TOKEN"
	envProfile      = "AWS_PROFILE"
	envRegion       = "AWS_REGION"
)

// remotionPrefix is the prefix of the variables that Remotion prefers.
const remotionPrefix = "REMOTION_"

// maxEnvFile is the maximum size of a .env file in bytes.
const maxEnvFile = 1 << 20

// accessFlags are the flags that choose the credentials and the region, as the AWS CLI names them,
// and the .env file.
type accessFlags struct {
	profile, region string
	envFile         string
	noEnvFile       bool
}

// accessFlagNames are the names of accessFlags.
var accessFlagNames = []string{"profile", "region", "env-file", "no-env-file"}

func (f *accessFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.profile, "profile", "",
		"profile of the AWS CLI; wins over REMOTION_AWS_* and AWS_* variables")
	flags.StringVar(&f.region, "region", "",
		"AWS region to connect to; wins over REMOTION_AWS_REGION and AWS_REGION")
	flags.StringVar(&f.envFile, "env-file", "",
		"file with AWS credentials and region, as .env (default: .env in a Remotion project)")
	flags.BoolVar(&f.noEnvFile, "no-env-file", false, "read no .env file")
	// An error can only mean that the flag does not exist.
	_ = cmd.RegisterFlagCompletionFunc("profile", func(*cobra.Command, []string,
		string) ([]string, cobra.ShellCompDirective) {
		return configuredProfiles(), cobra.ShellCompDirectiveNoFileComp
	})
	complete(cmd, "region", policies.Regions(policies.AWS)...)
}

// An envFile is a .env file, of which the command uses the variables of credentials and of the
// region.
type envFile struct {
	// name is the path for messages. It is empty without a file.
	name      string
	variables map[string]string
}

// readEnvFile returns the file of the flags, or .env in the working directory of a Remotion
// project. As for Remotion's CLI, a .env without permission to read it sets nothing; warnings then
// names it.
func (f accessFlags) readEnvFile(ctx context.Context, p project,
	warnings io.Writer) (envFile, error) {
	if f.noEnvFile {
		if f.envFile != "" {
			return envFile{},
				errors.New("--env-file and --no-env-file exclude each other: set one of them")
		}
		return envFile{}, nil
	}
	name := f.envFile
	if name == "" {
		if info, err := os.Stat(".env"); err != nil || info.IsDir() || !p.remotion {
			return envFile{}, nil
		}
		name = ".env"
	}
	text, err := interruptible(ctx, func() ([]byte, error) { return readFile(name, maxEnvFile) })
	if err == nil && len(text) > maxEnvFile {
		err = fmt.Errorf("%s must have at most %d bytes", name, maxEnvFile)
	}
	switch {
	case err == nil:
		return envFile{name: name, variables: parseDotenv(string(text))}, nil
	case f.envFile != "":
		return envFile{}, fmt.Errorf("--env-file: %w", err)
	case errors.Is(err, fs.ErrPermission):
		fmt.Fprintf(warnings, ".env is not used: %v\n", err)
		return envFile{}, nil
	}
	return envFile{}, fmt.Errorf("reading .env failed (leave it out with --no-env-file): %w", err)
}

// awsVariables finds the variables of credentials and of the region, as Remotion's CLI does: a
// variable of the environment hides that of the file, also if it is empty, and an empty variable is
// not set.
type awsVariables struct {
	environment func(name string) (string, bool)
	file        envFile
}

func (v awsVariables) get(name string) string {
	value, _ := v.find(name)
	return value
}

// find returns a variable and where it is set.
func (v awsVariables) find(name string) (value, source string) {
	if value, ok := v.environment(name); ok {
		return value, "environment"
	}
	return v.file.variables[name], v.file.name
}

// awsIdentity is the credentials and the region that the variables select.
type awsIdentity struct {
	// profile is the name of a profile, and keys are access keys. At most one of them is set. Without
	// them, the SDK finds the credentials.
	profile string
	keys    aws.Credentials
	// region is the region; empty if no variable sets it.
	region string
	// used are the variables that select the profile or the keys, and ignored describes those that
	// select nothing.
	used, ignored []string
	variables     awsVariables
	// profileFlag and regionFlag are true for values of --profile and --region.
	profileFlag, regionFlag bool
}

// selectIdentity selects credentials and region in the order of Remotion: the profile of
// REMOTION_AWS_PROFILE, the keys of REMOTION_AWS_*, the profile of AWS_PROFILE, the keys of AWS_*.
// Half a pair of keys is ignored.
func selectIdentity(v awsVariables) (id awsIdentity) {
	id.variables = v
	for _, prefix := range []string{remotionPrefix, ""} {
		profile, key, secret, token := prefix+envProfile, prefix+envAccessKey, prefix+envSecretKey,
			prefix+envSessionToken
		if id.region == "" {
			id.region = v.get(prefix + envRegion)
		}
		switch hasKey, hasSecret := v.get(key) != "", v.get(secret) != ""; {
		case id.used != nil:
		case v.get(profile) != "":
			id.profile, id.used = v.get(profile), []string{profile}
		case hasKey && hasSecret:
			id.keys = aws.Credentials{AccessKeyID: v.get(key), SecretAccessKey: v.get(secret),
				SessionToken: v.get(token)}
			id.used = []string{key, secret}
			if id.keys.SessionToken != "" {
				id.used = append(id.used, token)
			}
		case hasKey:
			id.ignored = append(id.ignored, key+" without "+secret)
		case hasSecret:
			id.ignored = append(id.ignored, secret+" without "+key)
		}
	}
	for _, name := range slices.Concat(awsNames(remotionPrefix), awsNames("")) {
		_, inFile := v.file.variables[name]
		if _, source := v.find(name); inFile && source != v.file.name {
			id.ignored = append(id.ignored, name+" of "+v.file.name+", which the environment sets, too")
		}
	}
	return id
}

// withFlags returns the identity with the profile and the region of the flags, which win over the
// variables.
func (id awsIdentity) withFlags(f accessFlags) awsIdentity {
	if f.profile != "" {
		for _, name := range id.used {
			id.ignored = append(id.ignored, name+", because --profile wins")
		}
		id.profile, id.keys, id.used, id.profileFlag = f.profile, aws.Credentials{}, nil, true
	}
	if f.region != "" {
		if name := id.regionVariable(); name != "" {
			id.ignored = append(id.ignored, name+", because --region wins")
		}
		id.region, id.regionFlag = f.region, true
	}
	return id
}

func awsNames(prefix string) []string {
	return []string{prefix + envAccessKey, prefix + envSecretKey, prefix + envSessionToken,
		prefix + envProfile, prefix + envRegion}
}

// describe returns lines that name the file and the variables with the credentials and the region.
// They contain no value of a variable, because it may have a secret by mistake.
func (id awsIdentity) describe() (lines []string) {
	var parts []string
	for _, name := range id.used {
		_, source := id.variables.find(name)
		parts = append(parts, fmt.Sprintf("%s (%s)", name, source))
	}
	switch {
	case id.profileFlag:
		parts = []string{"--profile " + id.profile}
	case id.used == nil:
		parts = []string{"those that the AWS SDK finds without REMOTION_AWS_* and AWS_* variables"}
	}
	lines = []string{"credentials: " + strings.Join(parts, ", ")}
	if id.ignored != nil {
		lines = append(lines, "not used: "+strings.Join(id.ignored, "; "))
	}
	if name := id.regionVariable(); id.regionFlag {
		lines = append(lines, "region: --region "+id.region)
	} else if name != "" {
		_, source := id.variables.find(name)
		lines = append(lines, fmt.Sprintf("region: %s (%s)", name, source))
	}
	return lines
}

func (id awsIdentity) regionVariable() string {
	for _, name := range []string{remotionPrefix + envRegion, envRegion} {
		if id.variables.get(name) != "" {
			return name
		}
	}
	return ""
}

// options returns the options of the SDK for the credentials and the region.
func (id awsIdentity) options() (list []func(*config.LoadOptions) error, err error) {
	if id.region != "" {
		switch {
		case awsname.IsRegion(id.region):
		case id.regionFlag:
			return nil, regionFlagError(id.region)
		default:
			return nil, fmt.Errorf("%s is not a region: set it to a name such as us-east-1",
				id.regionVariable())
		}
		list = append(list, config.WithRegion(id.region))
	}
	switch {
	case id.profile != "":
		list = append(list, config.WithSharedConfigProfile(id.profile))
	case id.keys.HasKeys():
		list = append(list, config.WithCredentialsProvider(credentials.StaticCredentialsProvider{
			Value: id.keys}))
		// The SDK would fail if AWS_PROFILE names a profile that does not exist, although it is not used.
		err = os.Unsetenv(envProfile)
	}
	return list, err
}

// regionFlagError returns the error for a --region that is not one region.
func regionFlagError(region string) error {
	remedy := "use a name such as us-east-1"
	if strings.Contains(region, ",") || region == "all" || region == "auto" {
		remedy = "give one region, and the regions to audit with --regions"
	}
	return fmt.Errorf("--region: %s is not a region%s: %s", textfmt.Quote(region, 100),
		textfmt.DidYouMean(region, "", allRegions()), remedy)
}

// loadClients creates the AWS clients with the credentials that Remotion would use, and writes to
// log which these are. Later options override the region of the variables. It reads the
// credentials, so that an error about them comes before the first call and names the remedy.
func loadClients(ctx context.Context, flags accessFlags, log io.Writer, sdk *slog.Logger,
	later ...func(*config.LoadOptions) error) (app.Clients, aws.Config, error) {
	p := findProject()
	p.writeProblem(log)
	file, err := flags.readEnvFile(ctx, p, log)
	if err != nil {
		return app.Clients{}, aws.Config{}, err
	}
	id := selectIdentity(awsVariables{environment: os.LookupEnv, file: file}).withFlags(flags)
	for _, line := range id.describe() {
		fmt.Fprintln(log, textfmt.OneLine(line))
	}
	options, err := id.options()
	if err != nil {
		return app.Clients{}, aws.Config{}, err
	}
	options = append(options, config.WithDefaultRegion(defaultRegion), withProgress(ctx))
	metadata := &quickMetadata{}
	options = append(options, metadata.option())
	clients, cfg, err := app.LoadClients(ctx, sdk, append(options, later...)...)
	if err != nil {
		return clients, cfg, id.configError(err)
	}
	metadata.config = cfg
	if id.regionFlag && !slices.Contains(allRegions(), id.region) {
		fmt.Fprintf(log, "notice: %s is not a region of Remotion Lambda%s\n", id.region,
			textfmt.DidYouMean(id.region, "", allRegions()))
	}
	if len(later) == 0 && !hasRegion(cfg) {
		fmt.Fprintf(log, "region: %s, because none is set: use --region, AWS_REGION or the profile's "+
			"region\n", cfg.Region)
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return clients, cfg, id.credentialsError(ctx, cfg, err)
	}
	return clients, cfg, nil
}

// hasRegion reports whether a flag, a variable or a profile sets the region.
func hasRegion(cfg aws.Config) bool {
	for _, source := range cfg.ConfigSources {
		switch s := source.(type) {
		case config.LoadOptions:
			if s.Region != "" {
				return true
			}
		case config.EnvConfig:
			if s.Region != "" {
				return true
			}
		case config.SharedConfig:
			if s.Region != "" {
				return true
			}
		}
	}
	return false
}
