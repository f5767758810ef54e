package iamactions

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, action, want string }{
		{"an action exists", "s3:GetObject", ""},
		{"an action exists in any case", "S3:getobject", ""},
		{"an action that no release calls exists", "lambda:InvokeAsync", ""},
		{"a plural", "s3:GetObjects", "s3:GetObjects is no action: s3:GetObject?"},
		{"a typo", "s3:GetObejct", "s3:GetObejct is no action: s3:GetObject?"},
		{"a plural in lower case", "s3:putobjects", "s3:putobjects is no action: s3:PutObject?"},
		{"a part of a multipart upload", "s3:UploadPart", "s3:UploadPart is no action: s3:PutObject?"},
		{"the start of a multipart upload", "s3:CreateMultipartUpload",
			"s3:CreateMultipartUpload is no action: s3:PutObject?"},
		{"the API's name of the list of buckets", "s3:ListBuckets",
			"s3:ListBuckets is no action: s3:ListAllMyBuckets?"},
		{"the API's name of the list of objects", "s3:ListObjectsV2",
			"s3:ListObjectsV2 is no action: s3:ListBucket?"},
		{"a name near an operation of the API", "s3:ListObject",
			"s3:ListObject is no action: s3:ListBucket?"},
		{"an operation of Lambda", "lambda:Invoke", "lambda:Invoke is no action: lambda:InvokeFunction?"},
		{"a wrong word", "servicequotas:ListRequestedServiceQuotaChangesByService",
			"servicequotas:ListRequestedServiceQuotaChangesByService is no action: " +
				"servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota?"},
		{"a name with an ending", "s3:PutBucketPolicy-no",
			"s3:PutBucketPolicy-no is no action: s3:PutBucketPolicy?"},
		{"a word too many", "lambda:CreateLambdaFunction",
			"lambda:CreateLambdaFunction is no action: lambda:CreateFunction?"},
		{"a network interface too many", "ec2:CreateNetworkInterfaces",
			"ec2:CreateNetworkInterfaces is no action: ec2:CreateNetworkInterface?"},
		{"a name that is near nothing", "logs:Everything",
			"logs:Everything is not in AWS's list of actions of 2026-09-26"},
		{"no name", "s3:", "s3: is not in AWS's list of actions of 2026-09-26"},
		{"a pattern that matches an action", "s3:Get*", ""},
		{"a pattern of one character", "s3:GetObjec?", ""},
		{"every action", "*", ""},
		{"every action of a service", "s3:*", ""},
		{"a pattern that matches no action", "s3:Upload*",
			"s3:Upload* matches no action in AWS's list of 2026-09-26"},
		{"a service with a hyphen", "service-quotas:GetServiceQuota",
			"service-quotas:GetServiceQuota is no action: servicequotas:GetServiceQuota?"},
		{"a service without its s", "log:PutLogEvents",
			"log:PutLogEvents is no action: logs:PutLogEvents?"},
		{"an action of a service that is not in the list", "dynamodb:GetThings", ""},
		{"an action of a service that AWS does not have", "acme:GetObjects", ""},
		{"an operation that may be an action", "iam:UpdateDelegationRequest", ""},
		{"a service as a pattern", "s?:GetObjects", ""},
		{"a text without a service", "GetObject", ""},
	} {
		u, unknown := Check(test.action)
		if got := u.String(); unknown != (test.want != "") || unknown && got != test.want {
			t.Errorf("%s: %v, %q, want %q", test.name, unknown, got, test.want)
		}
	}
}

// TestLongNames checks that a long name costs little and is cut in messages.
func TestLongNames(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"s3:" + strings.Repeat("GetObject", 10_000),
		"s3:" + strings.Repeat("*a", 5_000) + "*b", strings.Repeat("s", 10_000) + ":GetObject"} {
		if u, unknown := Check(action); unknown && len(u.String()) > 2*maxName {
			t.Errorf("%.40s: a message of %d bytes", action, len(u.String()))
		}
	}
}

// TestOperations checks that no operation is an action, and that each names an action.
func TestOperations(t *testing.T) {
	t.Parallel()
	c := parsed()
	seen := map[string]bool{}
	for _, o := range operations {
		name := strings.ToLower(o.name)
		_, isAction := c.known[name]
		_, known := c.known[strings.ToLower(o.action)]
		if isAction || !known || seen[name] {
			t.Errorf("%s: an action %v, or twice %v; %s: an action %v", o.name, isAction, seen[name],
				o.action, known)
		}
		seen[name] = true
	}
	for _, name := range unlisted {
		if _, listed := c.known[name]; listed {
			t.Errorf("%s is in the list now: remove it from unlisted", name)
		}
	}
}

// TestListIsOfThePinnedPackage checks that `make actions` wrote the list after the last change of
// the version.
func TestListIsOfThePinnedPackage(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("generate/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var pinned struct{ Dependencies map[string]string }
	if err := json.Unmarshal(raw, &pinned); err != nil || len(pinned.Dependencies) != 1 {
		t.Fatalf("%+v, %v", pinned, err)
	}
	for name, version := range pinned.Dependencies {
		if !strings.Contains(list, name+" "+version+" ") {
			t.Errorf("the list is not of %s %s: run make actions", name, version)
		}
	}
}
