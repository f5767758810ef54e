package terraform

import (
	"encoding/json"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
)

const (
	mayRead  = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`
	mayWrite = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}}`
)

type values = map[string]any

// changeOf returns a change of a resource.
func changeOf(address, kind, name, action string, before, after, unknown values) values {
	c := values{"actions": []string{action}, "after_unknown": unknown}
	if before != nil {
		c["before"] = before
	}
	if after != nil {
		c["after"] = after
	}
	return values{"address": address, "mode": "managed", "type": kind, "name": name, "change": c}
}

func created(kind, name string, after, unknown values) values {
	return changeOf(kind+"."+name, kind, name, "create", nil, after, unknown)
}

// TestPlansInWhichPoliciesConflict has plans with a role, in which other resources, or what the
// plan lacks, can change what the role is granted: s3:GetObject, and not s3:PutObject.
func TestPlansInWhichPoliciesConflict(t *testing.T) {
	t.Parallel()
	role := func(name string) values {
		return created("aws_iam_role", name, values{"name": "r"}, values{"arn": true})
	}
	inline := func(address, name, policy string) values {
		return created("aws_iam_role_policy", address,
			values{"name": name, "role": "r", "policy": policy}, nil)
	}
	read := inline("read", "read", mayRead)
	attachment := created("aws_iam_role_policy_attachment", "s3", values{"role": "r",
		"policy_arn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"}, nil)
	forgotten := changeOf("aws_iam_role_policy.read", "aws_iam_role_policy", "read", "forget",
		values{"name": "read", "role": "r", "policy": mayRead}, nil, nil)
	exclusive := func(arns ...any) values {
		return created("aws_iam_role_policy_attachments_exclusive", "only",
			values{"role_name": "r", "policy_arns": arns}, nil)
	}
	for _, tt := range []struct {
		name      string
		plan      values
		resources []values
		// reads and writes are what the role is granted: in any case, in no case, or perhaps.
		reads, writes string
	}{
		{"one policy", nil, []values{role("x"), read}, "always", "never"},
		{"two policies of one name", nil, []values{role("x"), read, inline("w", "read", mayWrite)},
			"perhaps", "perhaps"},
		{"three policies of one name", nil, []values{role("x"), read, inline("w", "read", mayWrite),
			inline("v", "read", mayRead)}, "perhaps", "perhaps"},
		{"two policies of two names", nil, []values{role("x"), read, inline("w", "write", mayWrite)},
			"always", "always"},
		{"two roles of one name", nil, []values{role("x"), role("y"), read}, "perhaps", "perhaps"},
		{"a plan with an error", values{"errored": true}, []values{role("x"), read}, "perhaps",
			"perhaps"},
		{"a plan with targets", values{"complete": false}, []values{role("x"), read}, "perhaps",
			"perhaps"},
		{"a policy that Terraform forgets", nil, []values{role("x"), forgotten}, "always", "never"},
		{"an attachment that another resource detaches", nil, []values{role("x"), attachment,
			exclusive()}, "perhaps", "perhaps"},
		{"an attachment that another resource confirms", nil, []values{role("x"), attachment,
			exclusive("arn:aws:iam::aws:policy/AmazonS3FullAccess")}, "always", "always"},
		{"names of policies that are not known", nil, []values{role("x"), read,
			created("aws_iam_role_policies_exclusive", "only", values{"role_name": "r"},
				values{"policy_names": true})}, "perhaps", "never"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			plan := values{"format_version": "1.2", "resource_changes": tt.resources,
				"planned_values": values{"root_module": values{}}}
			for key, v := range tt.plan {
				plan[key] = v
			}
			text, err := json.Marshal(plan)
			if err != nil {
				t.Fatal(err)
			}
			file, err := Read(text)
			if err != nil {
				t.Fatal(err)
			}
			if len(file.Principals) == 0 || file.Principals[0].Address != "aws_iam_role.x" {
				t.Fatalf("the first principal is no role: %+v", file.Principals)
			}
			for action, want := range map[string]string{"s3:GetObject": tt.reads,
				"s3:PutObject": tt.writes} {
				if got := granted(file.Principals[0].Policies, action); got != want {
					t.Errorf("%s is granted %s, want %s", action, got, want)
				}
			}
		})
	}
}

// granted returns when policies grant an action on an object.
func granted(list []policyfile.Document, action string) string {
	var least, most iampolicy.Grants
	for _, d := range list {
		least.Identity = append(least.Identity, iampolicy.Policy{ID: "p", Document: d.AtLeast})
		most.Identity = append(most.Identity, iampolicy.Policy{ID: "p", Document: d.AtMost})
	}
	r := iampolicy.Request{Action: action, Resource: "arn:aws:s3:::bucket/key"}
	switch {
	case least.Evaluate(r).Decision == iampolicy.Allowed:
		return "always"
	case most.Evaluate(r).Decision == iampolicy.Allowed:
		return "perhaps"
	}
	return "never"
}
