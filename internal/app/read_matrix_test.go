package app

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/testing/roundtrips"
)

const (
	// guard is a gap that only a document shows: AWS's simulator is asked about other buckets.
	guard = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:PutObject",
		"Resource":"arn:aws:s3:::remotionlambda-useast1-zzz*/*"}]}`
	allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	allowOne = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
		"Action":"s3:ListAllMyBuckets","Resource":"*"}]}`
	trustEC2 = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
		"Principal":{"Service":"ec2.amazonaws.com"}}]}`
)

// hidden puts a gap behind an operation: nothing else shows it. The account is compliant before.
// The documented policies are managed, so that a failed read of inline policies leaves them.
var hidden = map[string]func(*awsemu.Account, *awsemu.User, *awsemu.Role){
	"iam:ListUserPolicies": inlineOfUser, "iam:GetUserPolicy": inlineOfUser,
	"iam:ListAttachedUserPolicies": managedOfUser,
	"iam:GetPolicy":                managedOfUser, "iam:GetPolicyVersion": managedOfUser,
	"iam:ListGroupsForUser": inlineOfGroup, "iam:ListGroupPolicies": inlineOfGroup,
	"iam:GetGroupPolicy": inlineOfGroup,
	"iam:ListAttachedGroupPolicies": func(a *awsemu.Account, u *awsemu.User, _ *awsemu.Role) {
		a.Groups, u.Groups = map[string]awsemu.Group{"g": {Managed: []string{"guard"}}}, []string{"g"}
	},
	"iam:ListRolePolicies": inlineOfRole, "iam:GetRolePolicy": inlineOfRole,
	"iam:ListAttachedRolePolicies": func(_ *awsemu.Account, _ *awsemu.User, r *awsemu.Role) {
		r.Managed = append(r.Managed, "guard")
	},
	"iam:GetUser": func(a *awsemu.Account, u *awsemu.User, _ *awsemu.Role) {
		a.Policies["bound"] = awsemu.ManagedPolicy{Document: strings.Replace(guard, `"Statement":[`,
			`"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},`, 1)}
		u.Boundary = "bound"
	},
	"iam:GetRole": func(_ *awsemu.Account, _ *awsemu.User, r *awsemu.Role) { r.Trust = trustEC2 },
	"iam:ListRoles": func(a *awsemu.Account, u *awsemu.User, _ *awsemu.Role) {
		a.Roles["AWSReservedSSO_Video_0123456789abcdef"] = awsemu.Role{
			Path: "/aws-reserved/sso.amazonaws.com/", Managed: u.Managed,
			Inline: map[string]string{"guard": guard}}
		a.Function.Environment["CALLERS"] = "sso/Video"
	},
	"iam:SimulatePrincipalPolicy": func(a *awsemu.Account, _ *awsemu.User, _ *awsemu.Role) {
		a.ServiceControlPolicies = awsemu.Organization{{allowAll,
			strings.Replace(allowOne, `"Allow"`, `"Deny"`, 1)}}
	},
	"lambda:ListFunctions": func(a *awsemu.Account, _ *awsemu.User, _ *awsemu.Role) {
		a.Roles["clips"] = awsemu.Role{Inline: map[string]string{"one": allowOne}}
		a.Functions = []awsemu.LambdaFunction{{Role: "clips",
			Name: "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"}}
	},
	"lambda:GetAccountSettings": func(a *awsemu.Account, _ *awsemu.User, _ *awsemu.Role) {
		a.Functions = []awsemu.LambdaFunction{{Role: "remotion-lambda-role",
			Name: "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"}}
		a.ConcurrentExecutions = map[string]int{"us-east-1": 10}
	},
	"lambda:GetFunctionConfiguration": func(a *awsemu.Account, _ *awsemu.User, _ *awsemu.Role) {
		a.Functions = []awsemu.LambdaFunction{{Role: "remotion-lambda-role", State: "Failed",
			Name: "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"}}
	},
	"lambda:GetFunctionConcurrency": func(a *awsemu.Account, _ *awsemu.User, _ *awsemu.Role) {
		stopped := 0
		a.Functions = []awsemu.LambdaFunction{{Role: "remotion-lambda-role", Reserved: &stopped,
			Name: "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"}}
	},
	"lambda:ListTags": func(a *awsemu.Account, _ *awsemu.User, r *awsemu.Role) {
		a.Roles["clips"] = awsemu.Role{Inline: map[string]string{"one": allowOne}}
		a.Functions = []awsemu.LambdaFunction{{Name: "clips", Role: "clips",
			Description: "Renders a Remotion video.", Tags: map[string]string{"remotion-version": "4.0.527"}}}
	},
}

func inlineOfUser(_ *awsemu.Account, u *awsemu.User, _ *awsemu.Role) {
	u.Inline = map[string]string{"guard": guard}
}

func managedOfUser(_ *awsemu.Account, u *awsemu.User, _ *awsemu.Role) {
	u.Managed = append(u.Managed, "guard")
}

func inlineOfGroup(a *awsemu.Account, u *awsemu.User, _ *awsemu.Role) {
	a.Groups = map[string]awsemu.Group{"g": {Inline: map[string]string{"guard": guard}}}
	u.Groups = []string{"g"}
}

func inlineOfRole(_ *awsemu.Account, _ *awsemu.User, r *awsemu.Role) {
	r.Inline = map[string]string{"guard": guard}
}

// withHiddenGap returns an account with a gap behind an operation. Without an operation, the
// account is compliant.
func withHiddenGap(t testing.TB, operation string) *awsemu.Account {
	t.Helper()
	a, err := account.Load(examples.FS, "compliant/account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	u, r := a.Users["remotion-user"], a.Roles["remotion-lambda-role"]
	a.Policies = map[string]awsemu.ManagedPolicy{"guard": {Document: guard}}
	for name, document := range u.Inline {
		a.Policies["user-"+name] = awsemu.ManagedPolicy{Document: document}
		u.Managed = append(u.Managed, "user-"+name)
	}
	for name, document := range r.Inline {
		a.Policies["role-"+name] = awsemu.ManagedPolicy{Document: document}
		r.Managed = append(r.Managed, "role-"+name)
	}
	u.Inline, r.Inline = nil, nil
	if hide := hidden[operation]; hide != nil {
		hide(a, &u, &r)
	}
	a.Users["remotion-user"], a.Roles["remotion-lambda-role"] = u, r
	a.Function.Environment["REGIONS"] = "us-east-1"
	return a
}

// failures are the ways in which an operation fails.
var failures = map[string]func(operation string) awsemu.Fault{
	"denied":            func(string) awsemu.Fault { return awsemu.Fault{Deny: true} },
	"throttled forever": func(string) awsemu.Fault { return awsemu.Fault{Throttle: true} },
	"throttled twice":   func(string) awsemu.Fault { return awsemu.Fault{Throttle: true, Times: 2} },
	"500": func(string) awsemu.Fault {
		return awsemu.Fault{Error: &awsemu.FaultError{Code: "InternalFailure", Status: 500}}
	},
	"empty 200": func(string) awsemu.Fault { return replaced("") },
	"empty root": func(operation string) awsemu.Fault {
		service, name, _ := strings.Cut(operation, ":")
		if service == "lambda" {
			return replaced("{}")
		}
		return replaced("<" + name + "Response/>")
	},
	"empty result": func(operation string) awsemu.Fault {
		service, name, _ := strings.Cut(operation, ":")
		if service == "lambda" {
			return replaced(`{"NextMarker":null}`)
		}
		return replaced("<" + name + "Response><" + name + "Result/><ResponseMetadata><RequestId>r" +
			"</RequestId></ResponseMetadata></" + name + "Response>")
	},
	"other answer": func(operation string) awsemu.Fault {
		if strings.HasPrefix(operation, "lambda:") {
			return replaced(`{"Configuration":{},"AccountUsage":{"FunctionCount":0}}`)
		}
		return replaced("<ListAccountAliasesResponse><ListAccountAliasesResult><AccountAliases/>" +
			"<IsTruncated>false</IsTruncated></ListAccountAliasesResult><ResponseMetadata>" +
			"<RequestId>r</RequestId></ResponseMetadata></ListAccountAliasesResponse>")
	},
	"truncated": func(string) awsemu.Fault {
		return awsemu.Fault{Corrupt: func(body []byte) []byte { return body[:len(body)/2] }}
	},
	"HTML": func(string) awsemu.Fault {
		return replaced("<!DOCTYPE html><html><body><p>Please sign in<br></body></html>")
	},
	"reset": func(string) awsemu.Fault { return awsemu.Fault{LoseReply: true} },
	"hang":  func(string) awsemu.Fault { return awsemu.Fault{Delay: time.Hour} },
	"listed but gone": func(operation string) awsemu.Fault {
		code := "NoSuchEntity"
		if strings.HasPrefix(operation, "lambda:") {
			code = "ResourceNotFoundException"
		}
		return awsemu.Fault{Error: &awsemu.FaultError{Code: code, Message: "not found", Status: 404}}
	},
}

// answersWithNothing are the failures that are valid answers to an operation: Lambda answers with
// an empty object about a function without reserved concurrency.
var answersWithNothing = map[string][]string{"lambda:GetFunctionConcurrency": {"empty root"}}

func replaced(body string) awsemu.Fault {
	return awsemu.Fault{Corrupt: func([]byte) []byte { return []byte(body) }}
}

// readTimeout is the function's default timeout.
const readTimeout = time.Minute

// runInVirtualTime makes one run of the function, and returns its result, its reports and the
// metrics. It fails if the run ends after the deadline.
func runInVirtualTime(t *testing.T, a *awsemu.Account,
	faults ...awsemu.Fault) (result RunResult, reports []audit.Report, metrics []awsemu.Datum) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := &awsemu.Server{Account: a, Faults: faults}
		environment := maps.Clone(a.Function.Environment)
		cfg, err := ConfigFromEnv(func(name string) string { return environment[name] })
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		auditor := App{Config: cfg, Clients: NewClients(roundtrips.Config(t, server)),
			Function: "remotion-audit", Log: slog.New(slog.NewJSONHandler(&log, nil))}
		ctx, stop := context.WithTimeout(t.Context(), readTimeout)
		defer stop()
		ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "r1",
			InvokedFunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:remotion-audit"})
		if result, err = auditor.Handle(ctx, json.RawMessage(`{"command":"audit"}`)); err != nil {
			t.Errorf("the run failed: %v", err)
		}
		if ctx.Err() != nil {
			t.Error("the run ended after the deadline")
		}
		metrics = server.Metrics()
		for key, raw := range server.Objects("remotion-audit-evidence") {
			var r audit.Report
			if !strings.HasPrefix(key, "reports/") {
				continue
			}
			if err := json.Unmarshal(raw, &r); err != nil {
				t.Error(err)
			}
			reports = append(reports, r)
		}
	})
	return result, reports, metrics
}

// TestAHiddenGapIsNeverCompliant runs the function with each operation failing in each way, and
// with a gap that only this operation shows.
func TestAHiddenGapIsNeverCompliant(t *testing.T) {
	if r, _, _ := runInVirtualTime(t, withHiddenGap(t, "")); r.Status != audit.StatusCompliant {
		t.Fatalf("without a gap and a failure: %s", r.Status)
	}
	for operation := range hidden {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			if r, _, _ := runInVirtualTime(t, withHiddenGap(t, operation)); r.Status !=
				audit.StatusGaps {
				t.Fatalf("without a failure: %s, want gaps", r.Status)
			}
			for failure, faultOf := range failures {
				if testing.Short() && failure != "empty result" && failure != "listed but gone" {
					continue
				}
				if slices.Contains(answersWithNothing[operation], failure) {
					continue
				}
				fault := faultOf(operation)
				fault.Operation = operation
				r, reports, metrics := runInVirtualTime(t, withHiddenGap(t, operation), fault)
				checkNeverGreen(t, failure, r, reports, metrics)
				if failure == "throttled twice" && r.Status != audit.StatusGaps {
					t.Errorf("%s: %s, want gaps", failure, r.Status)
				}
			}
		})
	}
}

// checkNeverGreen checks that a run with a failed operation and a hidden gap neither reports nor
// measures success, and that each problem has a remedy or an action to grant.
func checkNeverGreen(t *testing.T, failure string, r RunResult, reports []audit.Report,
	metrics []awsemu.Datum) {
	t.Helper()
	if r.Status != audit.StatusGaps && r.Status != audit.StatusUnverified {
		t.Errorf("%s: the status is %q", failure, r.Status)
	}
	for _, m := range metrics {
		if m.Name == "Gaps" && m.Value != nil && *m.Value == 0 && len(m.Dimensions) == 0 {
			t.Errorf("%s: published Gaps = 0", failure)
		}
	}
	for _, report := range reports {
		if report.Status == audit.StatusUnverified && len(report.Problems) == 0 {
			t.Errorf("%s: no problem explains the report", failure)
		}
		for _, p := range report.Problems {
			if p.Grant == "" && p.Remedy == "" {
				t.Errorf("%s: %s: %s: nothing to grant or to do", failure, p.What, p.Why)
			}
		}
	}
}
