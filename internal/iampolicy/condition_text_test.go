package iampolicy

import (
	"slices"
	"strings"
	"testing"
)

// TestExplanationNamesTheKeyTheWantedAndTheActualValue checks what Explanation says about a gap
// that a condition causes.
func TestExplanationNamesTheKeyTheWantedAndTheActualValue(t *testing.T) {
	const grant = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`
	withCondition := func(effect, condition string) string {
		return `{"Sid":"S","Effect":"` + effect +
			`","Action":"s3:GetObject","Resource":"*","Condition":{` + condition + `}}`
	}
	tests := []struct{ name, statements, want string }{
		{"one value is wanted and the request has another",
			withCondition("Allow", `"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`),
			"grants the action only under the condition StringEquals aws:RequestedRegion=eu-west-1, " +
				"but the request has aws:RequestedRegion=us-east-1"},
		{"many values are wanted",
			withCondition("Allow", `"StringEquals":{"aws:RequestedRegion":["r1","r2","r3","r4","r5"]}`),
			"grants the action only under the condition StringEquals aws:RequestedRegion=r1 or r2 or r3 " +
				"and 2 more, but the request has aws:RequestedRegion=us-east-1"},
		{"only the condition that is not met is named",
			withCondition("Allow", `"StringLike":{"aws:RequestedRegion":"us-*"},`+
				`"Bool":{"aws:SecureTransport":"false"}`),
			"grants the action only under the condition Bool aws:SecureTransport=false, " +
				"but the request has aws:SecureTransport=true"},
		{"an unknown value is named as unknown",
			withCondition("Allow", `"IpAddress":{"aws:SourceIp":["192.0.2.0/24","198.51.100.0/24"]}`),
			"grants the action under the condition IpAddress aws:SourceIp=192.0.2.0/24 or " +
				"198.51.100.0/24: the value of aws:SourceIp is unknown"},
		{"a Deny depends on two unknown values", grant + "," +
			withCondition("Deny", `"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"},`+
				`"StringNotEquals":{"aws:SourceVpc":"vpc-1"}`),
			"denies the action under the conditions NotIpAddress aws:SourceIp=192.0.2.0/24 and " +
				"StringNotEquals aws:SourceVpc=vpc-1: the values of aws:SourceIp and aws:SourceVpc are " +
				"unknown"},
		{"a known condition of a Deny is not named as unknown", grant + "," +
			withCondition("Deny", `"StringEquals":{"aws:RequestedRegion":"us-east-1"},`+
				`"StringNotEquals":{"aws:SourceVpc":"vpc-1"}`),
			"denies the action under the condition StringNotEquals aws:SourceVpc=vpc-1: the value of " +
				"aws:SourceVpc is unknown"},
		{"a variable in a wanted value is unknown", grant + "," +
			withCondition("Deny", `"StringNotEquals":{"aws:RequestedRegion":"${aws:PrincipalTag/home}"}`),
			"denies the action under the condition StringNotEquals " +
				"aws:RequestedRegion=${aws:PrincipalTag/home}: the value of aws:PrincipalTag/home is unknown"},
		{"a Deny is met", grant + "," +
			withCondition("Deny", `"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}`),
			"denies the action under the condition StringNotEquals aws:RequestedRegion=eu-west-1, and " +
				"the request has aws:RequestedRegion=us-east-1"},
		{"a long value is shortened",
			withCondition("Allow", `"StringEquals":{"aws:RequestedRegion":"`+strings.Repeat("x", 500)+`"}`),
			"grants the action only under the condition StringEquals aws:RequestedRegion=" +
				strings.Repeat("x", 100) + "…, but the request has aws:RequestedRegion=us-east-1"},
	}
	ctx := Context{"aws:RequestedRegion": {"us-east-1"}, "aws:SecureTransport": {"true"}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			doc, err := Parse(`{"Version":"2012-10-17","Statement":[` + test.statements + `]}`)
			if err != nil {
				t.Fatal(err)
			}
			c := Grants{Identity: []Policy{{ID: `inline policy "p"`, Document: doc}}}.
				Cover(need(t, "s3:GetObject", "arn:aws:s3:::b/*"), ctx)
			number := "1"
			if strings.HasPrefix(test.statements, grant) {
				number = "2"
			}
			want := "statement " + number + ` (Sid S) of inline policy "p" ` + test.want
			if got := c.Explanation(); got != want {
				t.Errorf("%s\n got %s\nwant %s", c.Status, got, want)
			}
		})
	}
}

func TestUnknownKeysOfAStatement(t *testing.T) {
	doc, err := Parse(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*",
		"Resource":["arn:aws:s3:::b/${aws:username}","arn:aws:s3:::b/${AWS:SourceVpc}"],
		"Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1","aws:RequestedRegion":"us-east-1"},
		"Bool":{"aws:MultiFactorAuthPresent":"true"}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	m := Match{Statement: &doc.Statements[0]}
	got := m.UnknownKeys(Context{"aws:RequestedRegion": {"eu-west-1"}})
	slices.Sort(got)
	want := []string{"aws:MultiFactorAuthPresent", "aws:SourceVpc", "aws:username"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
