package calls

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A Setting is the account at the start of a scenario.
type Setting struct {
	// Function deploys the function of the release.
	Function bool
	// Buckets are the names of existing buckets.
	Buckets []string
}

// The buckets of the scenarios: one that Remotion named, one with a name from before 3.3.13, and
// one for output.
const (
	remotionBucket = "remotionlambda-useast1-abcdefghij"
	oldBucket      = "remotionlambda-abcdefghij"
	outputBucket   = "acme-output"
)

const account = "123456789012"

// extra are the permissions that options of the scenarios need and the documented policies lack:
// for own layers, an output bucket, parts of an upload, and a bucket that the role creates.
var extra = map[policies.PolicyKind][]string{
	policies.User: {"lambda:GetFunctionConfiguration", "lambda:UpdateFunctionConfiguration",
		"lambda:GetLayerVersion", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket",
		"s3:AbortMultipartUpload"},
	policies.Role: {"s3:GetObject", "s3:PutObject", "s3:PutObjectAcl", "s3:ListBucket",
		"s3:CreateBucket", "s3:DeleteObject", "s3:AbortMultipartUpload",
		"s3:PutBucketOwnershipControls", "s3:PutBucketPublicAccessBlock", "s3:PutBucketPolicy",
		"s3:PutBucketAcl", "s3:PutBucketWebsite", "s3:GetBucketLocation", "s3:ListAllMyBuckets"},
}

// statement returns a policy with one statement.
func statement(effect, resource string, actions ...string) string {
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{
		map[string]any{"Effect": effect, "Action": actions, "Resource": resource}}})
	if err != nil {
		panic(err) // strings can be encoded
	}
	return string(text)
}

// serve starts a new server with the account of a setting, and returns the keys of the role.
func (h *host) serve(setting Setting) (awsemu.Keys, error) {
	release, err := policies.Find(h.release.Version)
	if err != nil {
		return awsemu.Keys{}, err
	}
	// The policies are managed ones, so that an inline policy with a denial has room.
	a := &awsemu.Account{
		ID: account, PageSize: 50,
		Policies: map[string]awsemu.ManagedPolicy{},
		Users:    map[string]awsemu.User{},
		Roles:    map[string]awsemu.Role{},
		Buckets:  map[string]awsemu.Bucket{},
	}
	managed := func(kind policies.PolicyKind) []string {
		documented, more := string(kind)+"-documented", string(kind)+"-extra"
		a.Policies[documented] = awsemu.ManagedPolicy{Document: release.Document(kind)}
		a.Policies[more] = awsemu.ManagedPolicy{Document: statement("Allow", "*", extra[kind]...)}
		return []string{documented, more}
	}
	a.Users[userName] = awsemu.User{AccessKeys: []string{userKey}, Managed: managed(policies.User)}
	a.Roles[policies.RoleName] = awsemu.Role{Managed: managed(policies.Role),
		Trust: `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
			"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}`}
	if setting.Function {
		a.Functions = []awsemu.LambdaFunction{{Name: h.release.FunctionName(), Role: policies.RoleName,
			Memory: 2048, Timeout: 120, Storage: 2048}}
	}
	for _, name := range setting.Buckets {
		a.Buckets[name] = awsemu.Bucket{}
	}
	h.scenario++
	name := strconv.Itoa(h.scenario)
	s := &awsemu.Server{Account: a, EnforceIAM: true,
		Invoke: func(ctx context.Context, in awsemu.Invocation) ([]byte, error) {
			return h.invoke(ctx, h.stage.Load().name, in)
		}}
	h.stage.Store(&stage{name, s})
	return s.ServiceSession("lambda.amazonaws.com", policies.RoleName, "function")
}
