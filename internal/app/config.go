package app

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Config is what the function is told by its environment. The README's table follows these
// comments.
type Config struct {
	// Callers are the principals that run Remotion's CLI or SDK: user/NAME, role/NAME,
	// sso/PERMISSION-SET or ARNs, separated by commas, each with =render, =deploy or =all (the
	// default) behind it. "none" audits no caller, and has to be typed. Required.
	Callers Callers `env:"CALLERS,required,notEmpty"`
	// RenderRole is the name of the role Remotion's functions run under.
	RenderRole RoleName `env:"RENDER_ROLE" envDefault:"remotion-lambda-role"`
	// RemotionVersion is the release to audit for: auto (what the deployed functions need, else the
	// newest known), latest, or x.y.z.
	RemotionVersion Version `env:"REMOTION_VERSION" envDefault:"auto"`
	// Regions are the regions to audit for: auto (the function's own, and every enabled one with
	// functions of Remotion's), all, or a list with commas.
	Regions Regions `env:"REGIONS" envDefault:"auto"`
	// Buckets are buckets by name, with commas: remotionlambda-… ones that really exist, to be asked
	// about instead of a made-up one, and custom site or output buckets.
	Buckets Buckets `env:"BUCKETS"`
	// AssumedContext is request context, key=value with commas, that every simulated request carries
	// beyond the defaults.
	AssumedContext Context `env:"ASSUMED_CONTEXT"`
	// TopicARN is the SNS topic that is told. Empty: nobody is told, and metrics alone are published.
	TopicARN TopicARN `env:"TOPIC_ARN"`
	// HTTPSFormat is what https subscribers get: chat, a card for Slack and Teams by Amazon Q
	// Developer, or json, the document that machines get.
	HTTPSFormat Format `env:"HTTPS_FORMAT" envDefault:"chat"`
	// MetricNamespace is the CloudWatch namespace of the metrics.
	MetricNamespace Namespace `env:"METRIC_NAMESPACE" envDefault:"RemotionAudit"`
	// EvidenceBucket is the S3 bucket where state, mutes and reports are kept. Empty: there is no
	// state, and every failing run alerts.
	EvidenceBucket BucketName `env:"EVIDENCE_BUCKET"`
	// AuditorID names this auditor in reports, and its state in the bucket. Empty: the function's
	// name.
	AuditorID AuditorID `env:"AUDITOR_ID"`
	// RepeatAfter is how long an unchanged gap stays quiet before it is told again: the first time
	// this long, then three and seven times as long; a critical one keeps the first. A Go duration, up
	// to 720h. Zero tells it on every run.
	RepeatAfter RepeatAfter `env:"REPEAT_AFTER" envDefault:"24h"`
	// ReadScope is what may be read: account (any user, role, group and policy; functions and
	// permission sets are discovered), or named (those that the deployment lists in NamedPrincipals).
	// With named nothing is discovered: functions are not listed, so auto is the function's own region
	// and the newest known release, all is every region, and the role of a permission set is named by
	// its ARN.
	ReadScope ReadScope `env:"READ_SCOPE" envDefault:"account"`
}

// ConfigFromEnv reads the configuration. Its error joins every problem there is, each with the name
// of its variable.
func ConfigFromEnv(getenv func(string) string) (Config, error) {
	environment := map[string]string{}
	for _, name := range contract.Environment() {
		if value := strings.TrimSpace(getenv(name)); value != "" {
			environment[name] = value
		}
	}
	var c Config
	err := env.ParseWithOptions(&c, env.Options{Environment: environment})
	return c, errors.Join(named(err), c.checkReadScope())
}

// checkReadScope is the error of callers that have to be searched for, if nothing is.
func (c Config) checkReadScope() error {
	var errs []error
	for _, caller := range c.Callers {
		if set, ok := strings.CutPrefix(caller.Name, "sso/"); ok && c.ReadScope.named() {
			errs = append(errs,
				fmt.Errorf("%s: %s has to be searched for, and %s=%s searches for nothing: write the ARN of "+
					"its role, "+
					"arn:aws:iam::<account>:role/aws-reserved/sso.amazonaws.com/…/AWSReservedSSO_%s_…",
					contract.EnvCallers, caller.Name, contract.EnvReadScope, c.ReadScope, set))
		}
	}
	return errors.Join(errs...)
}

// named puts the variable's name before each problem: the library names the field.
func named(err error) error {
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
				list = append(list, fmt.Errorf("%s: %w", variable(parse.Name), p))
			}
		case errors.As(e, &unset):
			list = append(list, missing(unset.Key))
		case errors.As(e, &empty):
			list = append(list, missing(empty.Key))
		default:
			list = append(list, e)
		}
	}
	return errors.Join(list...)
}

func missing(name string) error {
	if name == contract.EnvCallers {
		return fmt.Errorf("%s: is not set: name who runs Remotion's CLI or SDK, such as "+
			"user/remotion-user, or write none", name)
	}
	return fmt.Errorf("%s: is not set", name)
}

func variable(field string) string {
	f, _ := reflect.TypeFor[Config]().FieldByName(field)
	name, _, _ := strings.Cut(f.Tag.Get("env"), ",")
	return name
}

// items splits a list with commas, and drops what is blank.
func items(text []byte) (list []string) {
	for _, item := range strings.Split(string(text), ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// Callers are the audited callers.
type Callers []Caller

// A Caller is one entry of CALLERS.
type Caller struct {
	collect.Caller
	// Account is that of an ARN, empty otherwise: it has to be the audited one.
	Account string
}

var (
	iamName   = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
	principal = regexp.MustCompile(`^arn:aws(?:-[a-z]+)*:iam::(\d{12}):((?:user|role)/.+)$`)
)

// UnmarshalText reads CALLERS, and reports every entry that is wrong.
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
	for _, entry := range entries {
		if entry == "none" {
			errs = append(errs, errors.New("none stands alone: write it, or whom to audit"))
			continue
		}
		caller, err := parseCaller(entry)
		if err == nil && slices.ContainsFunc(*c, func(o Caller) bool { return o.Name == caller.Name }) {
			err = fmt.Errorf("%q is named twice", entry)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		*c = append(*c, caller)
	}
	return errors.Join(errs...)
}

var errNoCallers = errors.New("names nobody: write none if no caller is to be audited")

func parseCaller(entry string) (c Caller, err error) {
	const form = "write user/NAME, role/NAME, sso/PERMISSION-SET or an ARN, and =render, =deploy or " +
		"=all behind it if need be"
	name := entry
	c.Purpose = policies.All
	if i := strings.LastIndexByte(entry, '='); i >= 0 {
		switch p := policies.Purpose(entry[i+1:]); p {
		case policies.Render, policies.Deploy, policies.All:
			c.Purpose, name = p, entry[:i]
		default:
			return c, fmt.Errorf("%q has an unknown purpose %q: %s", entry, p, form)
		}
	}
	if strings.HasPrefix(name, "arn:") {
		m := principal.FindStringSubmatch(name)
		if m == nil {
			return c,
				fmt.Errorf("%q is not the ARN of a user or a role (a session's or the root's cannot be "+
					"audited): %s", entry, form)
		}
		c.ARN, c.Account, name = name, m[1], m[2]
	}
	kind, rest, _ := strings.Cut(name, "/")
	last := rest[strings.LastIndexByte(rest, '/')+1:]
	if kind != "user" && kind != "role" && kind != "sso" || !iamName.MatchString(last) {
		return c, fmt.Errorf("%q names no principal: %s", entry, form)
	}
	c.Name = kind + "/" + last
	return c, nil
}

// RoleName is the name of a role.
type RoleName string

// UnmarshalText reads RENDER_ROLE.
func (r *RoleName) UnmarshalText(text []byte) error {
	name := strings.TrimPrefix(string(text), "role/")
	if !iamName.MatchString(name) || len(name) > 64 {
		return fmt.Errorf("%q is not the name of a role: write it without path or ARN, such as "+
			"remotion-lambda-role", text)
	}
	*r = RoleName(name)
	return nil
}

// Version is a release of Remotion, and the range of the catalogue it belongs to.
type Version struct {
	Requested string
	Release   policies.Release
}

// UnmarshalText reads REMOTION_VERSION.
func (v *Version) UnmarshalText(text []byte) (err error) {
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
		return errors.New("names no region: write auto, all, or names such as us-east-1,eu-central-1")
	}
	var errs []error
	for i, name := range *r {
		switch {
		case !slices.ContainsFunc(policies.Partitions(), func(partition string) bool {
			return isRegion(partition, name)
		}):
			errs = append(errs,
				fmt.Errorf("%q is not a region of Remotion Lambda: write auto, all, or some of %s", name,
					strings.Join(policies.Regions(policies.AWS), ", ")))
		case slices.Index(*r, name) < i:
			errs = append(errs, fmt.Errorf("%q is named twice", name))
		}
	}
	return errors.Join(errs...)
}

// isRegion reports whether functions of Remotion's may be in a region.
func isRegion(partition, name string) bool {
	return slices.Contains(policies.Regions(partition), name) ||
		slices.Contains(policies.FormerRegions(partition), name)
}

// In lists the regions that are audited in any case by whoever runs in a place, and further ones to
// look into: all that can be, or with auto those where functions are.
func (r Regions) In(p Location) (named, further []string) {
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

// Buckets are names of buckets.
type Buckets []string

// UnmarshalText reads BUCKETS.
func (b *Buckets) UnmarshalText(text []byte) error {
	*b = items(text)
	var errs []error
	for _, name := range *b {
		errs = append(errs, policies.ValidateBucketName(name))
	}
	return errors.Join(errs...)
}

// Context is request context.
type Context iampolicy.Context

// UnmarshalText reads ASSUMED_CONTEXT.
func (c *Context) UnmarshalText(text []byte) error {
	*c = Context{}
	var errs []error
	for _, item := range items(text) {
		key, value, ok := strings.Cut(item, "=")
		switch {
		case !ok || value == "":
			errs = append(errs, fmt.Errorf("%q is not key=value", item))
		case len(key) < 5 || len(key) > 256 || !strings.Contains(key, ":"):
			errs = append(errs, fmt.Errorf("%q is not a context key: write one such as aws:SourceVpc", key))
		default:
			// Keys that differ in case alone are one key; it has the values of both.
			for known := range *c {
				if strings.EqualFold(known, key) {
					key = known
				}
			}
			(*c)[key] = append((*c)[key], value)
		}
	}
	return errors.Join(errs...)
}

// TopicARN is that of a standard SNS topic.
type TopicARN string

var topicARN = regexp.MustCompile(`^arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$`)

// UnmarshalText reads TOPIC_ARN. A FIFO topic is refused: it reaches queues only, no mail and no
// chat.
func (t *TopicARN) UnmarshalText(text []byte) error {
	if strings.HasSuffix(string(text), ".fifo") {
		return fmt.Errorf("%q is a FIFO topic, which reaches neither mail nor chat: use a standard topic",
			text)
	}
	if !topicARN.Match(text) {
		return fmt.Errorf("%q is not a topic's ARN, such as "+
			"arn:aws:sns:us-east-1:123456789012:remotion-audit", text)
	}
	*t = TopicARN(text)
	return nil
}

// Format is a form of the https body.
type Format alert.Format

// UnmarshalText reads HTTPS_FORMAT.
func (f *Format) UnmarshalText(text []byte) error {
	switch alert.Format(text) {
	case alert.Chat, alert.JSON:
		*f = Format(text)
		return nil
	}
	return fmt.Errorf("%q is not a format: write chat, or json", text)
}

// BucketName is the name of a bucket.
type BucketName string

// UnmarshalText reads EVIDENCE_BUCKET.
func (b *BucketName) UnmarshalText(text []byte) error {
	if err := policies.ValidateBucketName(string(text)); err != nil {
		return err
	}
	*b = BucketName(text)
	return nil
}

// AuditorID is the name of an auditor: a part of a key in S3.
type AuditorID string

var auditorID = regexp.MustCompile(`^[\w-]{1,64}$`)

// UnmarshalText reads AUDITOR_ID.
func (id *AuditorID) UnmarshalText(text []byte) error {
	if !auditorID.Match(text) {
		return fmt.Errorf("%q is not a name for an auditor: up to 64 letters, digits, - and _", text)
	}
	*id = AuditorID(text)
	return nil
}

// RepeatAfter is how long something unchanged stays quiet.
type RepeatAfter time.Duration

// maxRepeat is the longest REPEAT_AFTER: whoever wants to hear less often mutes, with a reason.
const maxRepeat = 30 * 24 * time.Hour

// defaultRepeat is REPEAT_AFTER's default, for when what is said cannot be read.
const defaultRepeat = RepeatAfter(24 * time.Hour)

// UnmarshalText reads REPEAT_AFTER.
func (r *RepeatAfter) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 || d > maxRepeat {
		return fmt.Errorf("%q is not a time from 0s to 720h: write one such as 24h", text)
	}
	*r = RepeatAfter(d)
	return nil
}

// Namespace is a CloudWatch namespace.
type Namespace string

var namespace = regexp.MustCompile(`^[\w./#:-]{1,255}$`)

// UnmarshalText reads METRIC_NAMESPACE.
func (n *Namespace) UnmarshalText(text []byte) error {
	if !namespace.Match(text) || strings.HasPrefix(string(text), "AWS/") || text[0] == ':' {
		return fmt.Errorf("%q is not a namespace of one's own: up to 255 of letters, digits and . - _ "+
			"/ # :, not starting with AWS/", text)
	}
	*n = Namespace(text)
	return nil
}

// ReadScope is contract.ReadScopeAccount or contract.ReadScopeNamed.
type ReadScope string

// UnmarshalText reads READ_SCOPE.
func (r *ReadScope) UnmarshalText(text []byte) error {
	switch string(text) {
	case contract.ReadScopeAccount, contract.ReadScopeNamed:
		*r = ReadScope(text)
		return nil
	}
	return fmt.Errorf("%q is not a scope: write account, or named", text)
}

func (r ReadScope) named() bool { return r == contract.ReadScopeNamed }
