package audit

import (
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

const (
	allowAll = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	office   = `{"Sid":"Office","Effect":"Deny","Action":"*","Resource":"*","Condition":{` +
		`"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}`
	officeOrVPC = `{"Sid":"Office","Effect":"Deny","Action":"*","Resource":"*","Condition":{` +
		`"NotIpAddressIfExists":{"aws:SourceIp":"203.0.113.0/24"},` +
		`"StringNotEqualsIfExists":{"aws:SourceVpc":"vpc-1"}}}`
	mfaOnly = `{"Sid":"Mfa","Effect":"Deny","Action":"*","Resource":"*","Condition":{` +
		`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`
	blanket   = `{"Sid":"No","Effect":"Deny","Action":"s3:*","Resource":"*"}`
	taggedSCP = `{"Sid":"Tag","Effect":"Deny","Action":"*","Resource":"*","Condition":{` +
		`"StringNotEquals":{"aws:PrincipalTag/team":"video"}}}`
	regional = `{"Sid":"Region","Effect":"Deny","Action":"*","Resource":"*","Condition":{` +
		`"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}}}`
)

// TestDecideOrganization checks the rows about service control policies of the table in
// docs/how-it-judges.md. AWS reports in each case that the organization denies the request.
func TestDecideOrganization(t *testing.T) {
	none := []Function{{Name: "remotion-render-x", Region: "us-east-1"}}
	vpc := []Function{{Name: "remotion-render-x", Region: "us-east-1", Subnets: []string{"subnet-1"}}}
	allowed := &Answer{Decision: iampolicy.Allowed}
	stillDenied := &Answer{Decision: iampolicy.ExplicitDeny, OrganizationDenies: true}
	tests := []struct {
		name      string
		role      bool
		functions []Function
		tags      map[string]string
		assumed   iampolicy.Context
		scp       string // empty if it is not known
		documents string // empty for allowAll
		plausible *Answer
		status    Status
		cause     Cause
		assuming  bool
		why       string // part of it
	}{
		{name: "the SCP is unknown and plausible values do not help: denied, and no more is claimed",
			plausible: stillDenied, status: Denied, cause: SCP, assuming: true,
			why: "requests of Remotion may fail: a service control policy (SCP) denies the action under " +
				"the assumed context. If it has a condition on network or device, give it with " +
				"ASSUMED_CONTEXT (for example aws:SourceIp=203.0.113.7) or the SCP with --scp"},
		{name: "the SCP is unknown and AWS did not answer again: denied, and no more is claimed",
			status: Denied, cause: SCP, assuming: true, why: "under the assumed context"},
		{name: "the SCP is unknown and plausible values help: conditional, with the keys",
			plausible: allowed, status: Conditional, cause: SCP,
			why: "not with other values of aws:SourceIp, aws:SourceVpc or aws:MultiFactorAuthPresent"},
		{name: "the network is given and the SCP still denies: denied for certain",
			assumed:   iampolicy.Context{"AWS:sourceip": {"192.0.2.7"}},
			plausible: stillDenied, status: Denied, cause: SCP,
			why: "denies the action in the context that ASSUMED_CONTEXT gives"},
		{name: "the network in ASSUMED_CONTEXT is not that of a render role", role: true,
			assumed:   iampolicy.Context{"aws:SourceIp": {"203.0.113.7"}},
			plausible: stillDenied, status: Denied, cause: SCP, assuming: true,
			why: "renders may fail: a service control policy (SCP) denies the action under the assumed " +
				"context, in which the network is that of Lambda"},
		{name: "the network of a render role in a VPC can be given", role: true, functions: vpc,
			plausible: stillDenied, status: Denied, cause: SCP, assuming: true,
			why: "renders may fail: a service control policy (SCP) denies the action under the assumed " +
				"context. If it has a condition on network or device, give it with ASSUMED_CONTEXT (for " +
				"example aws:SourceVpc=vpc-0123456789abcdef0) or the SCP with --scp"},
		{name: "plausible values show that the boundary denies, too",
			plausible: &Answer{BoundaryDenies: true}, status: Denied, cause: PermissionsBoundary,
			why: "permissions boundary"},
		{name: "the documents do not grant the action: missing",
			documents: `{"Effect":"Allow","Action":"sqs:*","Resource":"*"}`,
			plausible: allowed, status: Missing, cause: NoGrant, why: "no statement grants the action"},

		{name: "a known SCP denies everything: denied", scp: blanket, status: Denied, cause: SCP,
			why: "statement 1 (Sid No) of scp denies the action"},
		{name: "a known SCP has a condition that is met: denied", scp: regional, status: Denied,
			cause: SCP, why: "and the request has aws:RequestedRegion=us-east-1"},
		{name: "a known SCP has a condition on the network of a caller: conditional", scp: office,
			status: Conditional, cause: SCP,
			why: "statement 1 (Sid Office) of scp denies the action under the condition NotIpAddress " +
				"aws:SourceIp=203.0.113.0/24: the value of aws:SourceIp is unknown"},
		{name: "a known SCP has a condition on the network, which is given: denied", scp: office,
			assumed: iampolicy.Context{"aws:SourceIp": {"192.0.2.7"}}, status: Denied, cause: SCP,
			why: "and the request has aws:SourceIp=192.0.2.7"},
		{name: "a known SCP has a condition on MFA: conditional for a caller", scp: mfaOnly,
			status: Conditional, cause: SCP, why: "the value of aws:MultiFactorAuthPresent is unknown"},
		{name: "a known SCP has a condition on MFA: denied for a render role", scp: mfaOnly, role: true,
			status: Denied, cause: SCP, why: "and the request has no aws:MultiFactorAuthPresent"},
		{name: "a render role does not have the network of an office: denied", scp: office, role: true,
			status: Denied, cause: SCP,
			why: ": the requests of a render role come from the network of Lambda"},
		{name: "a render role without functions may be used in a VPC: conditional", scp: officeOrVPC,
			role: true, status: Conditional, cause: SCP, why: "aws:SourceVpc"},
		{name: "the VPC in ASSUMED_CONTEXT is that of a render role in a VPC", role: true, functions: vpc,
			assumed: iampolicy.Context{"aws:SourceVpc": {"vpc-2"}}, plausible: stillDenied,
			status: Denied, cause: SCP, why: "in the context that ASSUMED_CONTEXT gives"},
		{name: "a render role whose functions are in no VPC: denied", scp: officeOrVPC, role: true,
			functions: none, status: Denied, cause: SCP, why: "aws:SourceVpc=vpc-1"},
		{name: "a render role with a function in a VPC: conditional", scp: officeOrVPC, role: true,
			functions: vpc, status: Conditional, cause: SCP, why: "aws:SourceVpc"},
		{name: "a known SCP wants a tag that the user does not have: denied", scp: taggedSCP,
			status: Denied, cause: SCP, why: "and the request has no aws:PrincipalTag/team"},
		{name: "a known SCP wants another value of a tag: denied", scp: taggedSCP,
			tags: map[string]string{"team": "sound"}, status: Denied, cause: SCP,
			why: "and the request has aws:PrincipalTag/team=sound"},
		{name: "the known SCPs do not deny: another SCP does",
			scp: `{"Effect":"Deny","Action":"sqs:*","Resource":"*"}`, plausible: allowed,
			status: Conditional, cause: SCP, why: "not with other values of"},
		{name: "the documents do not grant the action, and a known SCP denies it: missing",
			documents: `{"Effect":"Allow","Action":"sqs:*","Resource":"*"}`, scp: blanket,
			status: Missing, cause: NoGrant, why: "no statement grants the action"},
	}
	q := needs.SimulationRequest{Action: "s3:GetObject",
		Resource: "arn:aws:s3:::remotionlambda-useast1-r3m0t10n4u/renders/x", Region: "us-east-1"}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			facts := TargetFacts{Kind: Caller, Name: "user/ci", ARN: "arn:aws:iam::123456789012:user/ci",
				Presence: Present, Functions: test.functions, Tags: test.tags, Assumed: test.assumed,
				Purpose: policies.All, Scope: needs.Scope{Account: "123456789012"}}
			if test.role {
				facts.Kind, facts.Name, facts.ARN = RenderRole, "role/r", "arn:aws:iam::123456789012:role/r"
			}
			if test.documents == "" {
				test.documents = allowAll
			}
			facts.Grants = grants(t, test.documents)
			if test.scp != "" {
				facts.Grants.Organization = [][]iampolicy.Policy{{{ID: "scp", Document: policytest.Parse(t,
					`{"Version":"2012-10-17","Statement":[`+test.scp+`,`+allowAll+`]}`)}}}
			}
			facts.Answers = map[needs.SimulationRequest]Answer{q: {Decision: iampolicy.ExplicitDeny,
				OrganizationDenies: true, Plausible: test.plausible,
				UnknownKeys: []string{"aws:SourceIp", "aws:SourceVpc", "aws:MultiFactorAuthPresent"}}}
			v := facts.decide(needs.Need{SimulationRequest: q,
				Pattern: "arn:aws:s3:::remotionlambda-useast1-*/*"})
			if v.status != test.status || v.cause != test.cause || v.assumed != test.assuming ||
				!strings.Contains(v.why, test.why) {
				t.Errorf("got  %s %s, assumed %t: %s\nwant %s %s, assumed %t: …%s…", v.status, v.cause,
					v.assumed, v.why, test.status, test.cause, test.assuming, test.why)
			}
		})
	}
}

// TestKnownSCPsDecideWhatAWSAllows checks that known service control policies are documents like
// others if AWS allows the sample.
func TestKnownSCPsDecideWhatAWSAllows(t *testing.T) {
	q := needs.SimulationRequest{Action: "s3:ListBucket", Resource: bucket, Region: "us-east-1"}
	for _, test := range []struct {
		name, scp string
		status    Status
		cause     Cause
	}{
		{"the SCP allows: satisfied", `{"Effect":"Deny","Action":"sqs:*","Resource":"*"}`, Satisfied, ""},
		{"the SCP denies another resource: partial", `{"Effect":"Deny","Action":"s3:*",` +
			`"Resource":"arn:aws:s3:::remotionlambda-useast1-secret*"}`, Partial, SCP},
		{"the SCP denies the sample: unverified, because AWS disagrees", blanket, Unverified, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			facts := TargetFacts{Name: "user/ci", ARN: "arn:aws:iam::123456789012:user/ci",
				Presence: Present, Grants: grants(t, allowAll)}
			facts.Grants.Organization = [][]iampolicy.Policy{{{ID: "scp", Document: policytest.Parse(t,
				`{"Version":"2012-10-17","Statement":[`+test.scp+`,`+allowAll+`]}`)}}}
			facts.Answers = map[needs.SimulationRequest]Answer{q: {Decision: iampolicy.Allowed}}
			v := facts.decide(needs.Need{SimulationRequest: q,
				Pattern: "arn:aws:s3:::remotionlambda-useast1-*"})
			if v.status != test.status || v.cause != test.cause {
				t.Errorf("got %s %s (%s), want %s %s", v.status, v.cause, v.why, test.status, test.cause)
			}
		})
	}
}

// TestResourceControlPolicies checks the status of a need with resource control policies, which
// AWS's simulator does not evaluate.
func TestResourceControlPolicies(t *testing.T) {
	t.Parallel()
	const (
		everything = `"Resource":"*"`
		secret     = `"Resource":"arn:aws:s3:::remotionlambda-useast1-secret*"`
		otherOrg   = everything + `,"Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-a"}}`
		network    = everything + `,"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}`
	)
	bucketNeed := needs.Need{Pattern: "arn:aws:s3:::remotionlambda-useast1-*",
		SimulationRequest: needs.SimulationRequest{Action: "s3:ListBucket", Resource: bucket,
			Region: "us-east-1"}}
	layer := needs.Need{Pattern: "arn:aws:s3:us-east-1:999999999999:x", Literal: true,
		SimulationRequest: needs.SimulationRequest{Action: "s3:ListBucket",
			Resource: "arn:aws:s3:us-east-1:999999999999:x", Region: "us-east-1"}}
	tests := []struct {
		name, rcp string
		need      needs.Need
		documents string
		answer    iampolicy.Decision
		memberOf  string
		status    Status
		cause     Cause
		note      string // part of it
	}{
		{"a Deny of everything", everything, bucketNeed, allowAll, iampolicy.Allowed, "", Denied, RCP, ""},
		{"a Deny of some resources", secret, bucketNeed, allowAll, iampolicy.Allowed, "", Partial, RCP,
			""},
		{"a Deny for other organizations", otherOrg, bucketNeed, allowAll, iampolicy.Allowed, "o-a",
			Satisfied, "", ""},
		{"a Deny for other organizations, and the organization is unknown", otherOrg, bucketNeed,
			allowAll, iampolicy.Allowed, "", Conditional, RCP, ""},
		{"a Deny outside a network", network, bucketNeed, allowAll, iampolicy.Allowed, "o-a", Conditional,
			RCP, ""},
		{"a Deny of a resource of another account", everything, layer, allowAll, iampolicy.Allowed, "",
			Satisfied, "", ""},
		{"a need that is not granted", everything, bucketNeed,
			`{"Effect":"Allow","Action":"sqs:*","Resource":"*"}`, iampolicy.ImplicitDeny, "", Missing,
			NoGrant, "a resource control policy of the organization also denies the action"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			facts := TargetFacts{Name: "user/ci", ARN: "arn:aws:iam::123456789012:user/ci",
				Presence: Present, Grants: grants(t, test.documents), MemberOf: test.memberOf}
			facts.Scope.Account = "123456789012"
			doc, err := iampolicy.ParseResourceControl(`{"Version":"2012-10-17","Statement":{"Sid":"No",` +
				`"Effect":"Deny","Principal":"*","Action":"s3:*",` + test.rcp + `}}`)
			if err != nil {
				t.Fatal(err)
			}
			facts.Grants.ResourceControl = [][]iampolicy.Policy{{{ID: "rcp", Document: doc}}}
			facts.Answers = map[needs.SimulationRequest]Answer{
				test.need.SimulationRequest: {Decision: test.answer}}
			v := facts.decide(test.need)
			if v.status != test.status || v.cause != test.cause || !strings.Contains(v.note, test.note) {
				t.Errorf("got %s %s (%s; %s), want %s %s (%s)", v.status, v.cause, v.why, v.note, test.status,
					test.cause, test.note)
			}
			if v.cause == RCP && (len(v.statements) != 1 || v.statements[0].Sid != "No") {
				t.Errorf("statements %+v", v.statements)
			}
		})
	}
}

// TestPlausibleKeys checks which keys are unknown, and that known keys keep their values.
func TestPlausibleKeys(t *testing.T) {
	network := []string{"aws:SourceIp", "aws:SourceVpc", "aws:SourceVpce", "aws:VpcSourceIp",
		"aws:VpceAccount", "aws:VpceOrgID"}
	identity := []string{"aws:MultiFactorAuthPresent", "aws:PrincipalOrgID", "aws:ResourceOrgID",
		"aws:ResourceAccount"}
	functions := []Function{{Name: "f"}}
	own := needs.SimulationRequest{Action: "s3:GetObject", Resource: bucket + "/x",
		Region: "us-east-1"}
	for _, test := range []struct {
		name  string
		facts TargetFacts
		want  []string
	}{
		{"the network and the device of a caller are unknown", TargetFacts{Kind: Caller},
			slices.Concat(network, identity)},
		{"a caller whose network is given", TargetFacts{Kind: Caller,
			Assumed: iampolicy.Context{"AWS:SourceVpce": {"vpce-1"}}}, identity},
		{"a caller whose device is given", TargetFacts{Kind: Caller,
			Assumed: iampolicy.Context{"aws:multifactorauthpresent": {"false"}}},
			slices.Concat(network, identity[1:])},
		{"the organization is known", TargetFacts{Kind: Caller, OrganizationID: "o-1"},
			slices.Concat(network, identity[:1])},
		{"a render role without functions has no MFA", TargetFacts{Kind: RenderRole},
			slices.Concat(network, identity[1:])},
		{"a render role outside a VPC", TargetFacts{Kind: RenderRole, Functions: functions},
			slices.Concat(network[:1], identity[1:])},
		{"a render role in a VPC", TargetFacts{Kind: RenderRole,
			Functions: []Function{{Name: "f", Subnets: []string{"subnet-1"}}}},
			slices.Concat(network, identity[1:])},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := test.facts.PlausibleKeys(own)
			slices.Sort(got)
			slices.Sort(test.want)
			if !slices.Equal(got, test.want) || len(got) != len(test.facts.PlausibleContext(own)) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			ip := test.facts.PlausibleContext(own)["aws:SourceIp"]
			if inside := test.facts.Kind == RenderRole && test.facts.vpc() != inVPC; inside &&
				!slices.Equal(ip, lambdaAddresses[:1]) {
				t.Errorf("the address of a function is %q, want one of Lambda", ip)
			}
		})
	}
}

// TestRequestContextHasWhatIsKnown checks the keys of a simulated request.
func TestRequestContextHasWhatIsKnown(t *testing.T) {
	q := needs.SimulationRequest{Action: "iam:PassRole", Region: "eu-west-1"}
	facts := TargetFacts{Kind: RenderRole, Tags: map[string]string{"team": "video", "env": "prod"},
		OrganizationID: "o-1", Assumed: iampolicy.Context{"aws:principaltag/ENV": {"test"},
			"aws:SourceIp": {"203.0.113.7"}}, Scope: needs.Scope{Account: "123456789012"}}
	got := contextLines(facts.RequestContext(q))
	want := []string{"aws:PrincipalIsAWSService=false", "aws:PrincipalOrgID=o-1",
		"aws:PrincipalTag/team=video", "aws:RequestedRegion=us-east-1", "aws:SecureTransport=true",
		"aws:ViaAWSService=false", "aws:principaltag/ENV=test",
		"iam:PassedToService=lambda.amazonaws.com"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for resource, owner := range map[string]Ownership{
		bucket: OwnedByAccount, bucket + "/renders/x": OwnedByAccount,
		"arn:aws:s3:::acme-output": OwnerUnknown, "*": OwnerUnknown,
		"arn:aws:iam::123456789012:role/r":                                    OwnedByAccount,
		"arn:aws:lambda:us-east-1:678892195805:layer:remotion-binaries-fonts": OwnedByOther,
	} {
		q.Resource = resource
		known := slices.Equal(facts.RequestContext(q)["aws:ResourceOrgID"], []string{"o-1"})
		varied := facts.PlausibleContext(q)["aws:ResourceOrgID"] != nil
		if facts.Owner(resource) != owner || known != (owner == OwnedByAccount) ||
			varied != (owner == OwnerUnknown) {
			t.Errorf("%s: owner %d, its organization is known: %t, varied: %t", resource,
				facts.Owner(resource), known, varied)
		}
	}
}

// TestConditionsOnAbsentKeysAreCertain checks that a condition on a key that the requests are known
// not to have is no reason for a conditional gap.
func TestConditionsOnAbsentKeysAreCertain(t *testing.T) {
	const tagged = `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{` +
		`"aws:PrincipalTag/team":"video"}}}`
	q := needs.SimulationRequest{Action: "s3:ListBucket", Resource: bucket, Region: "us-east-1"}
	for _, test := range []struct {
		name, target string
		kind         TargetKind
		presence     Presence
		statement    string
		status       Status
		cause        Cause
	}{
		{"a user without the tag", "user/ci", Caller, Present, tagged, Missing, Condition},
		{"a role can have a session tag", "role/ci", Caller, Present, tagged, Conditional, Condition},
		{"a render role has no session tags", "role/r", RenderRole, Present, tagged, Missing, Condition},
		{"a render role has no MFA", "role/r", RenderRole, Present, allowAll + "," + mfaOnly, Denied,
			IdentityDeny},
		{"a user may have MFA", "user/ci", Caller, Present, allowAll + "," + mfaOnly, Conditional,
			Condition},
	} {
		t.Run(test.name, func(t *testing.T) {
			facts := TargetFacts{Kind: test.kind, Name: test.target,
				ARN: "arn:aws:iam::123456789012:" + test.target, Presence: test.presence,
				Grants: grants(t, test.statement)}
			decision := iampolicy.ImplicitDeny
			if strings.Contains(test.statement, "Deny") {
				decision = iampolicy.ExplicitDeny
			}
			facts.Answers = map[needs.SimulationRequest]Answer{q: {Decision: decision}}
			v := facts.decide(needs.Need{SimulationRequest: q,
				Pattern: "arn:aws:s3:::remotionlambda-useast1-*"})
			if v.status != test.status || v.cause != test.cause {
				t.Errorf("got %s %s (%s), want %s %s", v.status, v.cause, v.why, test.status, test.cause)
			}
		})
	}
}
