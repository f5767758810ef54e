package remedy

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/cloudtrail"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

var (
	inlineOfCI = iampolicy.Location{Kind: iampolicy.InlineLocation, Holder: "user/ci",
		Name: "remotion"}
	trustOfRole = iampolicy.Location{Kind: iampolicy.TrustLocation, Holder: "role/render"}
)

func managed(name string, tags map[string]string) iampolicy.Location {
	return iampolicy.Location{Kind: iampolicy.ManagedLocation, Holder: "user/ci", Name: name,
		ARN: "arn:aws:iam::123456789012:policy/" + name, Tags: tags}
}

// userOrigin returns an origin of user/ci.
func userOrigin(tags map[string]string, at ...iampolicy.Location) Origin {
	return Origin{Target: "user/ci", ARN: "arn:aws:iam::123456789012:user/ci", Tags: tags,
		Locations: at}
}

func roleOrigin(path, name string) Origin {
	return Origin{Target: "role/" + name, ARN: "arn:aws:iam::123456789012:role" + path + name}
}

func changedBy(c cloudtrail.IAMChange, at iampolicy.Location) Origin {
	o := userOrigin(nil, at)
	o.Changes = []cloudtrail.IAMChange{c}
	return o
}

func TestOwnerOf(t *testing.T) {
	type tags = map[string]string
	for _, test := range []struct {
		name      string
		origin    Origin
		tool      Tool
		certainty Certainty
		of        string
		evidence  string
	}{
		{"nothing is known", userOrigin(nil, inlineOfCI), "", UnknownOwner, "", ""},
		{"a tag that names no tool", userOrigin(tags{"Team": "terraform", "Env": "prod"}, inlineOfCI),
			"", UnknownOwner, "", ""},
		{"a system tag of a managed policy", userOrigin(nil, managed("Remotion",
			tags{"aws:cloudformation:stack-name": "render"})), CloudFormation, ProvedOwner, "render",
			"tag aws:cloudformation:stack-name of the policy"},
		{"a system tag with the id of a stack", userOrigin(nil, managed("Remotion",
			tags{"aws:cloudformation:stack-id": "arn:aws:cloudformation:us-east-1:1:stack/render/0a"})),
			CloudFormation, ProvedOwner, "render", "tag aws:cloudformation:stack-id of the policy"},
		{"a system tag with a logical id", userOrigin(nil, managed("Remotion",
			tags{"aws:cloudformation:logical-id": "Policy"})), CloudFormation, ProvedOwner, "",
			"tag aws:cloudformation:logical-id of the policy"},
		{"the inline policy of a user of a stack may be an edit by hand",
			userOrigin(tags{"aws:cloudformation:stack-name": "render"}, inlineOfCI), CloudFormation,
			ProbableOwner, "render", "tag aws:cloudformation:stack-name of user/ci"},
		{"the trust policy of a role of a stack belongs to the stack", Origin{Target: "role/render",
			Tags:      tags{"aws:cloudformation:stack-name": "s"},
			Locations: []iampolicy.Location{trustOfRole}}, CloudFormation, ProvedOwner, "s",
			"tag aws:cloudformation:stack-name of role/render"},
		{"SST", userOrigin(tags{"sst:app": "video", "sst:stage": "prod"}, inlineOfCI), SST,
			ProbableOwner, "video, stage prod", "tag sst:app of user/ci"},
		{"Terraform=true", userOrigin(tags{"Terraform": "True"}, inlineOfCI), Terraform, ProbableOwner,
			"", "tag Terraform of user/ci"},
		{"Terraform=false", userOrigin(tags{"Terraform": "false"}, inlineOfCI), "", UnknownOwner, "",
			""},
		{"ManagedBy=terraform", userOrigin(tags{"managed-by": "Terraform"}, inlineOfCI), Terraform,
			ProbableOwner, "", "tag managed-by of user/ci"},
		{"OpenTofu", userOrigin(tags{"Managed_By": "opentofu"}, inlineOfCI), Terraform, ProbableOwner,
			"", "tag Managed_By of user/ci"},
		{"a key with a prefix", userOrigin(tags{"terraform-workspace": "prod"}, inlineOfCI), Terraform,
			ProbableOwner, "", "tag terraform-workspace of user/ci"},
		{"Pulumi", userOrigin(tags{"pulumi:project": "video"}, inlineOfCI), Pulumi, ProbableOwner, "",
			"tag pulumi:project of user/ci"},
		{"the default policy of CDK", userOrigin(nil, iampolicy.Location{
			Kind: iampolicy.InlineLocation, Holder: "user/ci", Name: "CiUserDefaultPolicy0A1B2C3D"}), CDK,
			ProbableOwner, "", "policy name CiUserDefaultPolicy0A1B2C3D has the form of CDK"},
		{"a role with a name of CDK", roleOrigin("/", "Video-RenderRole0A1B2C3D-x1Yz2Ab3Cd4E"), CDK,
			ProbableOwner, "Video", "role name Video-RenderRole0A1B2C3D-x1Yz2Ab3Cd4E has the form of CDK"},
		{"a role with a name of CloudFormation", roleOrigin("/", "my-stack-RenderRole-1ABCDEFGHIJK2"),
			CloudFormation, ProbableOwner, "my-stack",
			"role name my-stack-RenderRole-1ABCDEFGHIJK2 has the form of CloudFormation"},
		{"a role with an ordinary name", roleOrigin("/", "remotion-lambda-role"), "", UnknownOwner, "",
			""},
		{"a role with a word of twelve letters", roleOrigin("/", "my-render-productionxx"), "",
			UnknownOwner, "", ""},
		{"a name of Terraform", roleOrigin("/", "terraform-20261130090000000100000001"), Terraform,
			ProbableOwner, "",
			"role name terraform-20261130090000000100000001 has the form of Terraform"},
		{"a name with a prefix of Terraform", roleOrigin("/", "render-20261130090000000100000001"),
			Terraform, ProbableOwner, "",
			"role name render-20261130090000000100000001 has the form of Terraform"},
		{"a permission set", roleOrigin("/aws-reserved/sso.amazonaws.com/eu-west-1/",
			"AWSReservedSSO_Video_Dev_0123456789abcdef"), IdentityCenter, ProvedOwner, "Video_Dev",
			"path /aws-reserved/sso.amazonaws.com/"},
		{"a role that looks like a permission set", roleOrigin("/",
			"AWSReservedSSO_Video_0123456789abcdef"), IdentityCenter, ProbableOwner, "Video",
			"role name AWSReservedSSO_…"},
		{"a service-linked role", roleOrigin("/aws-service-role/x.amazonaws.com/", "AWSServiceRoleForX"),
			AWSService, ProvedOwner, "", "path /aws-service-role/"},
		{"CloudFormation changed the policy", changedBy(cloudtrail.IAMChange{Event: "PutUserPolicy",
			UserName: "CI", PolicyName: "remotion",
			Actor: "role/deploy (session x) through cloudformation.amazonaws.com"}, inlineOfCI),
			CloudFormation, ProvedOwner, "",
			"the CloudTrail record of PutUserPolicy names cloudformation.amazonaws.com"},
		{"a client that calls itself CloudFormation", changedBy(cloudtrail.IAMChange{
			Event: "PutUserPolicy", UserName: "ci", PolicyName: "remotion", Actor: "user/x",
			UserAgent: "cloudformation.amazonaws.com"}, inlineOfCI), "", UnknownOwner, "", ""},
		{"Terraform changed the policy", changedBy(cloudtrail.IAMChange{Event: "PutUserPolicy",
			UserName: "ci", PolicyName: "remotion", Actor: "user/x",
			UserAgent: "APN/1.0 HashiCorp/1.0 Terraform/1.15.0 (+https://www.terraform.io)"}, inlineOfCI),
			Terraform, ProbableOwner, "",
			"the CloudTrail record of PutUserPolicy names user agent Terraform/"},
		{"Pulumi changed the policy", changedBy(cloudtrail.IAMChange{Event: "CreatePolicyVersion",
			PolicyARN: "arn:aws:iam::123456789012:policy/Remotion", Actor: "user/x",
			UserAgent: "APN/1.0 Pulumi/1.0 Pulumi-Aws/6.1.0 terraform-provider-aws/5.0"},
			managed("Remotion", nil)), Pulumi, ProbableOwner, "",
			"the CloudTrail record of CreatePolicyVersion names user agent Pulumi/"},
		{"Terraform changed another policy", changedBy(cloudtrail.IAMChange{Event: "PutUserPolicy",
			UserName: "ci", PolicyName: "other", UserAgent: "Terraform/1.15.0"}, inlineOfCI), "",
			UnknownOwner, "", ""},
		{"Terraform created the role", Origin{Target: "role/render",
			Locations: []iampolicy.Location{trustOfRole}, Changes: []cloudtrail.IAMChange{{
				Event: "CreateRole", RoleName: "render", UserAgent: "terraform-provider-aws/6.0"}}},
			Terraform, ProbableOwner, "",
			"the CloudTrail record of CreateRole names user agent Terraform/"},
		{"CDK deploys through CloudFormation", Origin{Target: "role/x",
			Locations: []iampolicy.Location{managed("AppDefaultPolicy0A1B2C3D",
				tags{"aws:cloudformation:stack-name": "video"})}}, CDK, ProvedOwner, "video",
			"tag aws:cloudformation:stack-name of the policy, " +
				"policy name AppDefaultPolicy0A1B2C3D has the form of CDK"},
	} {
		got := OwnerOf(test.origin)
		if got.Tool != test.tool || got.Certainty != test.certainty || got.Name != test.of ||
			strings.Join(got.Evidence, ", ") != test.evidence || got.Against != nil {
			t.Errorf("%s: got %+v", test.name, got)
		}
	}
}

func TestEvidenceOfTwoTools(t *testing.T) {
	o := userOrigin(map[string]string{"Terraform": "true"}, managed("Remotion",
		map[string]string{"aws:cloudformation:stack-name": "video"}))
	got := OwnerOf(o)
	if got.Tool != CloudFormation || len(got.Against) != 1 ||
		got.Against[0] != "tag Terraform of user/ci names Terraform" {
		t.Errorf("got %+v", got)
	}
	if text := got.Text(); !strings.HasSuffix(text,
		"But tag Terraform of user/ci names Terraform.") {
		t.Errorf("got %s", text)
	}
}

func TestOwnershipAsText(t *testing.T) {
	for _, test := range []struct {
		name  string
		owner Ownership
		fixed bool
		want  string
	}{
		{"unknown", Ownership{}, false, "Unknown: no tag, name or CloudTrail record names a tool. If a " +
			"tool such as Terraform or CloudFormation writes the policy, make the change there: the tool " +
			"overwrites an edit by hand."},
		{"proved", Ownership{Tool: CloudFormation, Certainty: ProvedOwner, Name: "video",
			Evidence: []string{"tag aws:cloudformation:stack-name of the policy"}}, false,
			"The policy belongs to CloudFormation stack video (tag aws:cloudformation:stack-name of the " +
				"policy). Change the template: an edit by hand will be overwritten."},
		{"probable", Ownership{Tool: Terraform, Certainty: ProbableOwner,
			Evidence: []string{"tag Terraform of user/ci"}}, false,
			"The policy probably belongs to Terraform (tag Terraform of user/ci). Change the Terraform " +
				"configuration: it would overwrite an edit by hand."},
		{"a permission set", Ownership{Tool: IdentityCenter, Certainty: ProvedOwner, Name: "Video",
			Evidence: []string{"path /aws-reserved/sso.amazonaws.com/"}}, true,
			"IAM Identity Center owns the role (path /aws-reserved/sso.amazonaws.com/). IAM refuses edits " +
				"of the role: change the policy of permission set Video instead."},
		{"a service", Ownership{Tool: AWSService, Certainty: ProvedOwner, Evidence: []string{"path"}},
			true, "An AWS service owns the role (path). IAM refuses edits of its policies: use another " +
				"role."},
		{"a hostile name", Ownership{Tool: CDK, Certainty: ProvedOwner, Name: "a\nb\x1b[31m",
			Evidence: []string{"x\ny"}}, false, "The policy belongs to the CDK stack a\uFFFDb\uFFFD[31m " +
			"(x\uFFFDy). Change the CDK app: an edit by hand will be overwritten."},
	} {
		if got := test.owner.Text(); got != test.want || test.owner.Fixed() != test.fixed {
			t.Errorf("%s: got %q (fixed: %v)", test.name, got, test.owner.Fixed())
		}
	}
}

func TestCertaintyInJSON(t *testing.T) {
	text, err := json.Marshal(Ownership{})
	if err != nil || string(text) != `{"certainty":"unknown"}` {
		t.Errorf("got %s, %v", text, err)
	}
	var o Ownership
	if err := json.Unmarshal([]byte(`{"certainty":"proved"}`), &o); err != nil ||
		o.Certainty != ProvedOwner {
		t.Errorf("got %+v, %v", o, err)
	}
	if err := json.Unmarshal([]byte(`{"certainty":"sure"}`), &o); err == nil ||
		err.Error() != `certainty must be unknown, probable or proved, got "sure"` {
		t.Errorf("got %v", err)
	}
}
