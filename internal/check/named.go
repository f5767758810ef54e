package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Function is a function with a name that the account chose. An empty Region means every region of
// the target.
type Function struct{ Name, Region string }

// ParseFunction reads the name of a function, perhaps with @ and its region: my-render@us-east-1.
func ParseFunction(text string) (Function, error) {
	name, region, hasRegion := strings.Cut(text, "@")
	if !awsname.IsFunction(name) || hasRegion && region == "" {
		return Function{}, fmt.Errorf("%s is not a function: write NAME or NAME@REGION, with 1 to 64 "+
			"letters, digits, _ and - in the name", textfmt.Quote(text, 200))
	}
	return Function{name, region}, nil
}

// ParseBucket reads the name of a bucket, perhaps with = and its roles, as the setting BUCKETS has
// it. A check has no account in which Remotion's own bucket can be found. So a bucket without a
// role is the bucket of the deployment with any name: renders name it with forceBucketName.
func ParseBucket(text string) (policies.Bucket, error) {
	b, err := policies.ParseBucket(text)
	if err == nil && b.Assumed {
		b.Roles = []policies.BucketRole{policies.MainBucket}
	}
	return b, err
}

// regions returns the regions of the target: the given ones, else those of the functions, else any
// region.
func (t Target) regions() (list []string) {
	if len(t.Regions) > 0 {
		return t.Regions
	}
	for _, f := range t.Functions {
		if f.Region != "" && !slices.Contains(list, f.Region) {
			list = append(list, f.Region)
		}
	}
	if list == nil {
		return []string{needs.AnyRegion}
	}
	return list
}

// setNamed sets the buckets and functions of a scope with regions. If a bucket is that of the
// deployment, the scope needs no other bucket of Remotion.
func (t Target) setNamed(scope *needs.Scope) {
	scope.Buckets = t.Buckets
	scope.NamedBuckets = slices.ContainsFunc(t.Buckets, policies.Bucket.Main)
	scope.Functions = map[string][]string{}
	for _, region := range scope.Regions {
		for _, f := range t.Functions {
			if f.Region == "" || f.Region == region {
				scope.Functions[region] = append(scope.Functions[region], f.Name)
			}
		}
	}
}

// names reports whether a resource pattern has the name of a bucket or function of the target.
func (t Target) names(pattern string) bool {
	a, _ := arn.Parse(pattern)
	return slices.ContainsFunc(t.Buckets, func(b policies.Bucket) bool {
		return a.Service == "s3" && (a.Resource == b.Name || strings.HasPrefix(a.Resource, b.Name+"/"))
	}) || slices.ContainsFunc(t.Functions, func(f Function) bool {
		return a.Resource == "function:"+f.Name ||
			strings.HasPrefix(a.Resource+":", "log-group:/aws/lambda/"+f.Name+":")
	})
}

// searches reports whether an action of the target is only for the search for Remotion's bucket,
// and the search cannot succeed: it looks at names from Remotion alone, and the bucket of the
// deployment has another name, which renders must give. Users list the buckets for other reasons,
// too.
func (t Target) searches(action string) bool {
	if action != "s3:GetBucketLocation" &&
		(action != "s3:ListAllMyBuckets" || t.Kind != policies.Role) {
		return false
	}
	named := false
	for _, b := range t.Buckets {
		if b.Main() && policies.BucketNamedByRemotion(b.Name) {
			return false
		}
		named = named || b.Main()
	}
	return named
}

// InferAccount returns the target with the account of its named functions, if it has none: the one
// in the ARNs of the functions in the identity policies. A function is in one account, so a policy
// that names it need not grant it in any account.
func (t Target) InferAccount(grants iampolicy.Grants) Target {
	if t.Account != "" || len(t.Functions) == 0 {
		return t
	}
	account := ""
	for _, p := range grants.Identity {
		if p.Document == nil {
			continue
		}
		for _, s := range p.Document.Statements {
			for _, resource := range s.Resource {
				a, _ := arn.Parse(resource)
				name, isFunction := strings.CutPrefix(a.Resource, "function:")
				name, _, _ = strings.Cut(name, ":") // the version
				if s.Effect != iampolicy.Allow || a.Service != "lambda" || !isFunction ||
					!awsname.IsAccount(a.Account) ||
					!slices.ContainsFunc(t.Functions, func(f Function) bool { return f.Name == name }) {
					continue
				}
				if account != "" && account != a.Account {
					return t
				}
				account = a.Account
			}
		}
	}
	t.Account, t.inferred = account, account != ""
	return t
}

// notes returns sentences about the assumptions on the target.
func (t Target) notes() (list []string) {
	for _, b := range t.Buckets {
		if b.Assumed && !policies.BucketNamedByRemotion(b.Name) {
			list = append(list, fmt.Sprintf("bucket %s is the bucket of the deployment, in place of "+
				"%s*; for a bucket that only receives outputs, write %s=output", b.Name, policies.BucketPrefix,
				b.Name))
		}
	}
	if t.inferred {
		list = append(list, fmt.Sprintf("account %s is that of the functions in the policy: set "+
			"--account for another", t.Account))
	}
	return list
}
