package app

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/caarlos0/env/v11"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/checks"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/settings"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// maxVariable is the maximum length of a variable in bytes. Lambda allows 4 KB for all variables.
// The flags of the command have the same limit, for about 2,000 callers.
const maxVariable = 64 << 10

// maxQuotedSetting is the number of bytes of a value that an error quotes.
const maxQuotedSetting = 200

// quoted quotes the start of a value for an error.
func quoted[T ~string | ~[]byte](value T) string {
	return textfmt.Quote(string(value), maxQuotedSetting)
}

// ConfigFromEnv reads the configuration. Its error joins all errors, each with the name of its
// variable.
func ConfigFromEnv(getenv func(string) string) (Config, error) {
	environment, tooLong := map[string]string{}, map[string]error{}
	for field := range reflect.TypeFor[Config]().Fields() {
		name := variable(field)
		switch value := strings.TrimSpace(getenv(name)); {
		case len(value) > maxVariable:
			tooLong[name] = fmt.Errorf("%s: must have at most %d bytes, got %d", name, maxVariable,
				len(value))
		case value != "":
			environment[name] = value
		}
	}
	var c Config
	err := env.ParseWithOptions(&c, env.Options{Environment: environment})
	errs := []error{withVariableNames(err, tooLong)}
	for _, name := range slices.Sorted(maps.Keys(tooLong)) {
		errs = append(errs, tooLong[name])
	}
	return c, errors.Join(append(errs, c.checkReadScope())...)
}

// checkReadScope returns an error for each permission set if the read scope does not allow
// searching for the role of the set.
func (c Config) checkReadScope() error {
	var errs []error
	for _, caller := range c.Callers {
		if set, ok := strings.CutPrefix(caller.Name, "sso/"); ok && c.ReadScope.named() {
			errs = append(errs,
				fmt.Errorf("%s: %s needs a search for its role, which %s=%s does not allow: use the role's "+
					"ARN, arn:aws:iam::<account>:role/aws-reserved/sso.amazonaws.com/…/AWSReservedSSO_%s_…",
					settings.EnvCallers, caller.Name, settings.EnvReadScope, c.ReadScope, set))
		}
	}
	return errors.Join(errs...)
}

// withVariableNames puts the name of the variable before each error. The errors of the library name
// the field instead. It leaves out that a variable is not set if the variable is too long.
func withVariableNames(err error, tooLong map[string]error) error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return err
	}
	var list []error
	for _, e := range all.Errors {
		var parse env.ParseError
		var unset env.VarIsNotSetError
		var empty env.EmptyVarError
		switch {
		case errors.As(e, &parse):
			problems := []error{parse.Err}
			if joined, ok := parse.Err.(interface{ Unwrap() []error }); ok {
				problems = joined.Unwrap()
			}
			for _, p := range problems {
				field, _ := reflect.TypeFor[Config]().FieldByName(parse.Name)
				list = append(list, fmt.Errorf("%s: %w", variable(field), p))
			}
		case errors.As(e, &unset):
			if tooLong[unset.Key] == nil {
				list = append(list, notSet(unset.Key))
			}
		case errors.As(e, &empty):
			list = append(list, notSet(empty.Key))
		default:
			list = append(list, e)
		}
	}
	return errors.Join(list...)
}

func notSet(name string) error {
	if name == settings.EnvCallers {
		return fmt.Errorf("%s: is not set: set it to the users and roles that run Remotion's CLI or "+
			`SDK, such as user/remotion-user, or to "none"`, name)
	}
	return fmt.Errorf("%s: is not set", name)
}

// variable returns the environment variable of a field of Config.
func variable(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
	return name
}

// unmarshalMatch reads a text that matches a pattern and does not have a reserved prefix. An empty
// prefix reserves nothing. In the error for other texts, want describes a valid text.
func unmarshalMatch[T ~string](value *T, text []byte, pattern *regexp.Regexp,
	reservedPrefix, want string) error {
	if !pattern.Match(text) ||
		reservedPrefix != "" && strings.HasPrefix(string(text), reservedPrefix) {
		return fmt.Errorf("%s is not %s", quoted(text), want)
	}
	*value = T(text)
	return nil
}

// maxListed is the number of errors about one list.
const maxListed = 10

// joinFirst joins the first errors about a list, and counts the others.
func joinFirst(errs []error) error {
	if more := len(errs) - maxListed; more > 0 {
		errs = append(errs[:maxListed:maxListed], errors.New(textfmt.More(more, "error")))
	}
	return errors.Join(errs...)
}

// items splits a list with commas and drops blank elements.
func items(text []byte) (list []string) {
	for _, item := range strings.Split(string(text), ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// Callers are the audited callers. Plan returns an error for an ARN of another account or
// partition.
type Callers []collect.Caller

// UnmarshalText reads CALLERS. Its error lists all invalid entries.
func (c *Callers) UnmarshalText(text []byte) error {
	*c = nil
	entries := items(text)
	if slices.Equal(entries, []string{"none"}) {
		return nil
	}
	if len(entries) == 0 {
		return errNoCallers
	}
	var errs []error
	// IAM ignores the case of names.
	seen := map[string]bool{}
	for _, entry := range entries {
		if entry == "none" {
			errs = append(errs, errors.New(`"none" cannot be combined with other callers: use "none" `+
				`alone, or a list of callers`))
			continue
		}
		caller, err := parseCaller(entry)
		if folded := strings.ToLower(caller.Name); err == nil && seen[folded] {
			err = fmt.Errorf("duplicate %s: name each caller once, and join its operations with +",
				quoted(entry))
		} else {
			seen[folded] = true
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		*c = append(*c, caller)
	}
	return joinFirst(errs)
}

var errNoCallers = errors.New(`must name at least one caller: to audit no caller, use "none"`)

// maxPermissionSet is the largest length of the name of a permission set, which has the characters
// of names in IAM.
// https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreatePermissionSet.html
const maxPermissionSet = 32

// parseCaller reads one caller. A path of a user or a role may have only the characters of names,
// although IAM allows all printable ASCII in a path. Otherwise entries that another character than
// a comma separates would be one entry with a path: user/a;role/b.
func parseCaller(entry string) (c collect.Caller, err error) {
	const form = "use user/NAME, role/NAME, sso/PERMISSION-SET or an ARN, optionally followed by " +
		"= and a purpose such as =render or =deploy+delete-render, and commas between callers"
	name := entry
	c.Purpose = policies.All
	if i := strings.LastIndexByte(entry, '='); i >= 0 {
		purpose, err := policies.ParsePurpose(entry[i+1:])
		if err != nil {
			return c, fmt.Errorf("%s: %w; between callers write commas", quoted(entry), err)
		}
		c.Purpose, name = purpose, entry[:i]
	}
	if arn.HasPrefix(name) {
		if c, name, err = withARN(c, name); err != nil {
			return c, fmt.Errorf("%s %w: %s", quoted(entry), err, form)
		}
	}
	if !isPrincipal(name) {
		return c, fmt.Errorf("%s is not a principal: %s", quoted(entry), form)
	}
	kind, rest, _ := strings.Cut(name, "/")
	c.Name = kind + "/" + arn.Name(rest)
	return c, nil
}

// withARN returns the caller with the ARN of an entry, and the resource that the ARN names. A
// session of a role is read as the role, because the role has the policies. The ARN of a session
// does not have the path of the role.
func withARN(c collect.Caller, text string) (collect.Caller, string, error) {
	a, _ := arn.Parse(text)
	role, session := a.Session()
	switch {
	case a.Service == "sts" && awsname.IsRoleName(role) && awsname.IsSession(session) &&
		awsname.IsIAMARN(arn.ARN{Partition: a.Partition, Service: "iam", Account: a.Account,
			Resource: "role/" + role}):
		c.Session = session
		c.ARN = arn.IAM(a.Partition, a.Account, "role/"+role)
		return c, "role/" + role, nil
	case a.Resource == "root" && a.Service == "iam":
		return c, "", errors.New("is the root user, which has no policies and cannot be audited")
	case a.Service == "sts" && a.Kind() == "federated-user":
		return c, "", errors.New("is a federated user, which cannot be audited: its permissions depend " +
			"on those of the user that called sts:GetFederationToken, so audit that user")
	case !awsname.IsIAMARN(a) || a.Account == "aws" || a.Kind() != "user" && a.Kind() != "role" ||
		!isPrincipal(a.Resource):
		return c, "", errors.New("is not the ARN of a user, of a role or of a session of a role")
	}
	c.ARN = text
	return c, a.Resource, nil
}

// Sessions returns the callers that the configuration names by a session of the role.
func (c Config) Sessions() (list []collect.Caller) {
	for _, caller := range c.Callers {
		if caller.Session != "" {
			list = append(list, caller)
		}
	}
	return list
}

// isPrincipal reports whether a text is a kind of principal, perhaps a path, and a name.
func isPrincipal(s string) bool {
	kind, rest, _ := strings.Cut(s, "/")
	switch kind {
	case "sso":
		return awsname.IsIAMName(rest) && len(rest) <= maxPermissionSet
	case "user", "role":
		parts := strings.Split(rest, "/")
		name := parts[len(parts)-1]
		for _, part := range parts {
			if !awsname.IsIAMName(part) {
				return false
			}
		}
		return awsname.IsRoleName(name) && len(rest)-len(name) < awsname.MaxIAMPath
	}
	return false
}

// RoleName is the name of a role.
type RoleName string

// UnmarshalText reads RENDER_ROLE.
func (r *RoleName) UnmarshalText(text []byte) error {
	name := strings.TrimPrefix(string(text), "role/")
	if !awsname.IsRoleName(name) {
		return fmt.Errorf("%s is not the name of a role: use the name without path or ARN, such as "+
			"remotion-lambda-role", quoted(text))
	}
	*r = RoleName(name)
	return nil
}

// RemotionVersion is REMOTION_VERSION and the release that it selects.
type RemotionVersion struct {
	Requested string
	Release   policies.Release
}

// maxVersion is the maximum length of REMOTION_VERSION.
const maxVersion = 64

// UnmarshalText reads REMOTION_VERSION.
func (v *RemotionVersion) UnmarshalText(text []byte) (err error) {
	if len(text) > maxVersion {
		return fmt.Errorf("%s is not a Remotion release: use auto, latest or a release such as 4.0.418",
			quoted(text))
	}
	v.Requested = string(text)
	v.Release, err = policies.Find(v.Requested)
	return err
}

// Regions is REGIONS: auto, all, or region names.
type Regions []string

// UnmarshalText reads REGIONS.
func (r *Regions) UnmarshalText(text []byte) error {
	*r = items(text)
	if slices.Equal(*r, []string{"auto"}) || slices.Equal(*r, []string{"all"}) {
		return nil
	}
	if len(*r) == 0 {
		return errors.New("must name a region: use auto, all, or names such as us-east-1,eu-central-1")
	}
	var errs []error
	for i, name := range *r {
		switch {
		case !slices.ContainsFunc(policies.Partitions(), func(partition string) bool {
			return isRegion(partition, name)
		}):
			errs = append(errs,
				fmt.Errorf("%s is not a region of Remotion Lambda: use auto, all, or some of %s", quoted(name),
					strings.Join(policies.Regions(policies.AWS), ", ")))
		case slices.Index(*r, name) < i:
			errs = append(errs, fmt.Errorf("duplicate %s", quoted(name)))
		}
	}
	return joinFirst(errs)
}

// isRegion reports whether Remotion supports a region.
func isRegion(partition, name string) bool {
	return slices.Contains(policies.Regions(partition), name) ||
		slices.Contains(policies.FormerRegions(partition), name)
}

// SplitAt returns the regions that an audit at a location always covers, and further regions that
// the audit searches for functions.
func (r Regions) SplitAt(p Location) (named, further []string) {
	if len(r) > 0 && r[0] != "auto" && r[0] != "all" {
		return slices.Clone(r), nil
	}
	further = policies.Regions(p.Partition)
	named = []string{p.Region}
	if r.all() {
		if !slices.Contains(further, p.Region) {
			named = further[:1]
		}
	} else {
		further = append(further, policies.FormerRegions(p.Partition)...)
	}
	return named, slices.DeleteFunc(slices.Clone(further), func(region string) bool {
		return region == named[0]
	})
}

func (r Regions) all() bool { return len(r) == 1 && r[0] == "all" }

// Buckets are buckets with their roles.
type Buckets []policies.Bucket

// UnmarshalText reads BUCKETS.
func (b *Buckets) UnmarshalText(text []byte) error {
	*b = nil
	var errs []error
	for _, item := range items(text) {
		bucket, err := policies.ParseBucket(item)
		if err == nil && slices.ContainsFunc(*b, func(o policies.Bucket) bool {
			return o.Name == bucket.Name
		}) {
			err = fmt.Errorf("duplicate bucket %s: join its roles with +", bucket.Name)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		*b = append(*b, bucket)
	}
	return joinFirst(errs)
}

// String returns the text that UnmarshalText reads.
func (b Buckets) String() string {
	words := make([]string, len(b))
	for i, bucket := range b {
		words[i] = bucket.String()
	}
	return strings.Join(words, ",")
}

// Checks are the checks of an audit.
type Checks struct{ checks.Set }

// UnmarshalText reads CHECKS.
func (c *Checks) UnmarshalText(text []byte) (err error) {
	c.Set, err = checks.ParseSet(string(text))
	return err
}

// AssumedContext is request context.
type AssumedContext iampolicy.Context

// UnmarshalText reads ASSUMED_CONTEXT.
func (c *AssumedContext) UnmarshalText(text []byte) error {
	*c = AssumedContext{}
	var errs []error
	// Keys that differ only in case are one key with the values of both.
	known := map[string]string{}
	for _, item := range items(text) {
		key, value, ok := strings.Cut(item, "=")
		folded := strings.ToLower(key)
		switch {
		case !ok || value == "":
			errs = append(errs, fmt.Errorf("%s is not key=value", quoted(item)))
		case len(key) < 5 || len(key) > 256 || !isContextKey(key):
			errs = append(errs, fmt.Errorf("%s is not a context key: use a key such as aws:SourceVpc",
				quoted(key)))
		case anotherPair.MatchString(value), strings.ContainsFunc(value, unicode.IsControl):
			errs = append(errs, fmt.Errorf("%s has more than one value: use commas between pairs of key "+
				"and value", quoted(item)))
		case iampolicy.CheckContextValue(key, value) != nil:
			errs = append(errs, iampolicy.CheckContextValue(key, value))
		default:
			if known[folded] == "" {
				known[folded] = key
			}
			(*c)[known[folded]] = append((*c)[known[folded]], value)
		}
	}
	return joinFirst(errs)
}

// isContextKey reports whether a text is a key with its prefix. The key of a tag may have blanks
// and further characters, also letters and digits of other scripts. This is no regular expression,
// because one with all letters takes a quarter of a millisecond at each start of the function.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html
func isContextKey(s string) bool {
	prefix, name, _ := strings.Cut(s, ":")
	isOther := func(allowed string) func(rune) bool {
		return func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !strings.ContainsRune(allowed, r)
		}
	}
	return prefix != "" && name != "" && name == strings.Trim(name, " ") &&
		!strings.ContainsFunc(prefix, func(r rune) bool { return r > unicode.MaxASCII }) &&
		!strings.ContainsFunc(prefix, isOther("_.-")) && !strings.ContainsFunc(name, isOther("_./:+@ -"))
}

// anotherPair is a pair of key and value within a value, after another character than a comma.
var anotherPair = regexp.MustCompile(`[\s;|][A-Za-z0-9_.-]+:[A-Za-z0-9_./:-]+=`)

// TopicARN is the ARN of a standard SNS topic.
type TopicARN string

// UnmarshalText reads TOPIC_ARN. It refuses FIFO topics, because they deliver only to queues.
func (t *TopicARN) UnmarshalText(text []byte) error {
	if strings.HasSuffix(string(text), ".fifo") {
		return fmt.Errorf("%s is a FIFO topic, which delivers neither mail nor chat: use a standard "+
			"topic", quoted(text))
	}
	if !awsname.IsTopicARN(string(text)) {
		return fmt.Errorf("%s is not the ARN of a topic, such as "+
			"arn:aws:sns:us-east-1:123456789012:remotion-audit", quoted(text))
	}
	*t = TopicARN(text)
	return nil
}

// BucketName is the name of a bucket.
type BucketName string

// UnmarshalText reads EVIDENCE_BUCKET.
func (b *BucketName) UnmarshalText(text []byte) error {
	if err := awsname.ValidateBucket(string(text)); err != nil {
		return err
	}
	*b = BucketName(text)
	return nil
}

// RepeatAfter is the time until the first reminder.
type RepeatAfter time.Duration

// maxRepeat is the longest REPEAT_AFTER. To hide a gap for longer, mute it with a reason.
const maxRepeat = 30 * 24 * time.Hour

// defaultRepeat is the default of REPEAT_AFTER. An alert about an invalid configuration uses it if
// RepeatAfter is zero.
const defaultRepeat = RepeatAfter(24 * time.Hour)

// UnmarshalText reads REPEAT_AFTER.
func (r *RepeatAfter) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 || d > maxRepeat {
		return fmt.Errorf("%s is not a duration from 0s to 720h: use a value such as 24h", quoted(text))
	}
	*r = RepeatAfter(d)
	return nil
}

func (r ReadScope) named() bool { return r == contract.ReadScopeNamed }
