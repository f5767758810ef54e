package bench_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/terraform"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
)

// planWith returns the JSON of a plan that creates n resources. Of ten resources, one is a role,
// one its inline policy, one a data source with a policy document that is known after apply, one a
// policy with this document, and one attaches it to the role. The others are buckets.
func planWith(tb testing.TB, n int) []byte {
	tb.Helper()
	type object = map[string]any
	var planned, changes, configuration []any
	add := func(kind, name string, values, unknown, expressions object) {
		mode, address, actions := "managed", kind+"."+name, []string{"create"}
		if kind == "aws_iam_policy_document" {
			mode, address, actions = "data", "data."+address, []string{"read"}
		}
		resource := func(more object) object {
			o := object{"address": address, "mode": mode, "type": kind, "name": name,
				"provider_name": "registry.terraform.io/hashicorp/aws", "schema_version": 0}
			for key, value := range more {
				o[key] = value
			}
			return o
		}
		planned = append(planned, resource(object{"values": values, "sensitive_values": object{}}))
		changes = append(changes, resource(object{"change": object{"actions": actions, "before": nil,
			"after": values, "after_unknown": unknown, "before_sensitive": false,
			"after_sensitive": object{}}}))
		configuration = append(configuration, resource(object{"provider_config_key": "aws",
			"expressions": expressions}))
	}
	references := func(list ...string) object { return object{"references": list} }
	for i := 0; len(planned) < n; i++ {
		name := fmt.Sprintf("r%d", i)
		add("aws_iam_role", name, object{"name": "role-" + name, "assume_role_policy": "{}", "path": "/",
			"max_session_duration": 3600, "permissions_boundary": nil, "tags": object{"team": "video"}},
			object{"arn": true, "id": true, "inline_policy": true, "managed_policy_arns": true,
				"unique_id": true}, object{"name": object{"constant_value": "role-" + name}})
		role := references("aws_iam_role."+name+".name", "aws_iam_role."+name)
		add("aws_iam_role_policy", name, object{"name": "inline", "policy": policies.Latest().Document(
			policies.Role)}, object{"id": true, "role": true}, object{"policy": object{}, "role": role})
		add("aws_iam_policy_document", name, object{"statement": []object{{"actions": []string{
			"s3:GetObject", "s3:PutObject"}, "resources": []string{"arn:aws:s3:::remotionlambda-*"},
			"condition": []any{}, "effect": nil, "sid": "1"}}}, object{"json": true, "statement": []object{{
			"actions": []bool{false, false}, "resources": []bool{false, true}}}}, object{"statement": []object{{
			"actions":   object{"constant_value": []string{"s3:GetObject", "s3:PutObject"}},
			"resources": references("aws_s3_bucket." + name + "_5.arn")}}})
		add("aws_iam_policy", name, object{"name": "policy-" + name, "path": "/"}, object{"arn": true,
			"id": true, "policy": true}, object{"policy": references("data.aws_iam_policy_document."+name+
			".json", "data.aws_iam_policy_document."+name)})
		add("aws_iam_role_policy_attachment", name, object{}, object{"id": true, "policy_arn": true,
			"role": true}, object{"role": role, "policy_arn": references("aws_iam_policy."+name+".arn",
			"aws_iam_policy."+name)})
		for j := 5; j < 10; j++ {
			add("aws_s3_bucket", fmt.Sprintf("%s_%d", name, j), object{"bucket": "b", "force_destroy": false,
				"tags": object{"team": "video", "stage": "production"}, "timeouts": nil}, object{
				"acceleration_status": true, "acl": true, "arn": true, "bucket_domain_name": true,
				"cors_rule": true, "grant": true, "id": true, "lifecycle_rule": true, "logging": true,
				"policy": true, "region": true, "tags": object{}, "tags_all": object{}, "versioning": true,
				"website": true}, object{"bucket": object{"constant_value": "b"}})
		}
	}
	text, err := json.Marshal(object{"format_version": "1.2", "terraform_version": "1.9.8",
		"planned_values":   object{"root_module": object{"resources": planned}},
		"resource_changes": changes, "configuration": object{"root_module": object{
			"resources": configuration}}})
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// BenchmarkPlan reads a plan of 5,000 resources, and in the same run decodes it with terraform-json
// alone.
func BenchmarkPlan(b *testing.B) {
	text := planWith(b, 5000)
	b.SetBytes(int64(len(text)))
	var decoding time.Duration
	for b.Loop() {
		b.StopTimer()
		start := time.Now()
		var plan tfjson.Plan
		if err := json.Unmarshal(text, &plan); err != nil {
			b.Fatal(err)
		}
		decoding += time.Since(start)
		b.StartTimer()
		file, err := terraform.Read(text)
		if err != nil || len(file.Principals) != 500 || len(file.Principals[0].Policies) != 2 {
			b.Fatalf("%d principals, error %v, want 500 roles with 2 policies", len(file.Principals), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(decoding), "x-decode")
}

// TestPlanTakesLittleMoreMemoryThanDecodingIt bounds the memory of reading a plan by that of
// terraform-json alone. The texts of the policies and of the unknown parts are added, and what no
// policy depends on is left out.
func TestPlanTakesLittleMoreMemoryThanDecodingIt(t *testing.T) {
	text := planWith(t, 2000)
	var plan tfjson.Plan
	decoding := memory.Allocated(func() {
		if err := json.Unmarshal(text, &plan); err != nil {
			t.Fatal(err)
		}
	})
	memory.AtMost(t, 2*decoding, func() {
		if _, err := terraform.Read(text); err != nil {
			t.Fatal(err)
		}
	})
}
