package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
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

// envFileFlags are --env-file and --no-env-file.
type envFileFlags struct {
	file string
	none bool
}

func (f *envFileFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.file, "env-file", "",
		"file with AWS credentials and region, as .env (default: .env in a Remotion project)")
	cmd.Flags().BoolVar(&f.none, "no-env-file", false, "read no .env file")
}

// An envFile is a .env file, of which the command uses the variables of credentials and of the
// region.
type envFile struct {
	// name is the path for messages. It is empty without a file.
	name      string
	variables map[string]string
}

// read returns the file of the flags, or .env in the working directory of a Remotion project. As
// for Remotion's CLI, a .env without permission to read it sets nothing; warnings then names it.
func (f envFileFlags) read(ctx context.Context, warnings io.Writer) (envFile, error) {
	if f.none {
		if f.file != "" {
			return envFile{},
				errors.New("--env-file and --no-env-file exclude each other: set one of them")
		}
		return envFile{}, nil
	}
	name := f.file
	if name == "" {
		if info, err := os.Stat(".env"); err != nil || info.IsDir() || !inRemotionProject() {
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
	case f.file != "":
		return envFile{}, fmt.Errorf("--env-file: %w", err)
	case errors.Is(err, fs.ErrPermission):
		fmt.Fprintf(warnings, ".env is not used: %v\n", err)
		return envFile{}, nil
	}
	return envFile{}, fmt.Errorf("reading .env failed (leave it out with --no-env-file): %w", err)
}

// maxParents is the number of directories in which Remotion searches package.json: the working
// directory and those above it.
const maxParents = 5

// inRemotionProject reports whether the nearest package.json depends on Remotion.
func inRemotionProject() bool {
	dir, err := os.Getwd()
	for range maxParents {
		if err != nil {
			return false
		}
		var text []byte
		text, err = readFile(filepath.Join(dir, "package.json"), maxEnvFile)
		if errors.Is(err, fs.ErrNotExist) {
			dir, err = filepath.Dir(dir), nil
			continue
		}
		var manifest struct {
			Dependencies, DevDependencies, PeerDependencies, OptionalDependencies map[string]any
		}
		if err != nil || json.Unmarshal(text, &manifest) != nil {
			return false
		}
		return slices.ContainsFunc([]map[string]any{manifest.Dependencies, manifest.DevDependencies,
			manifest.PeerDependencies, manifest.OptionalDependencies}, func(list map[string]any) bool {
			return list["remotion"] != nil || list["@remotion/lambda"] != nil ||
				list["@remotion/lambda-client"] != nil
		})
	}
	return false
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

func awsNames(prefix string) []string {
	return []string{prefix + envAccessKey, prefix + envSecretKey, prefix + envSessionToken,
		prefix + envProfile, prefix + envRegion}
}

// describe returns lines that name the file and the variables with the credentials and the region.
// They contain no value, because a variable may have a secret by mistake.
func (id awsIdentity) describe() (lines []string) {
	var parts []string
	for _, name := range id.used {
		_, source := id.variables.find(name)
		parts = append(parts, fmt.Sprintf("%s (%s)", name, source))
	}
	if id.used == nil {
		parts = []string{"those that the AWS SDK finds without REMOTION_AWS_* and AWS_* variables"}
	}
	lines = []string{"credentials: " + strings.Join(parts, ", ")}
	if id.ignored != nil {
		lines = append(lines, "not used: "+strings.Join(id.ignored, "; "))
	}
	if name := id.regionVariable(); name != "" {
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
		if !awsname.IsRegion(id.region) {
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

// loadClients creates the AWS clients with the credentials that Remotion would use, and writes to
// log which these are. Later options override the region of the variables.
func loadClients(ctx context.Context, flags envFileFlags, log io.Writer, sdk *slog.Logger,
	later ...func(*config.LoadOptions) error) (app.Clients, aws.Config, error) {
	file, err := flags.read(ctx, log)
	if err != nil {
		return app.Clients{}, aws.Config{}, err
	}
	id := selectIdentity(awsVariables{environment: os.LookupEnv, file: file})
	for _, line := range id.describe() {
		fmt.Fprintln(log, textfmt.OneLine(line))
	}
	options, err := id.options()
	if err != nil {
		return app.Clients{}, aws.Config{}, err
	}
	options = append(options, config.WithDefaultRegion(defaultRegion))
	clients, cfg, err := app.LoadClients(ctx, sdk, append(options, later...)...)
	var unknown config.SharedConfigProfileNotExistError
	if errors.As(err, &unknown) {
		err = errors.New("the profile of " + strings.Join(id.used, "") +
			" is not in the AWS configuration files: list the profiles with `aws configure list-profiles`")
	}
	return clients, cfg, err
}
