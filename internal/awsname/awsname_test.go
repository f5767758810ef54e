package awsname

import (
	"strings"
	"testing"
)

func TestForms(t *testing.T) {
	tests := []struct {
		name    string
		is      func(string) bool
		yes, no []string
	}{
		{name: "accounts", is: IsAccount, yes: []string{"123456789012"},
			no: []string{"12345678901", "1234567890123", "aws", "12345678901x", "123456789012\n"}},
		{name: "regions", is: IsRegion,
			yes: []string{"us-east-1", "ap-southeast-7", "us-gov-west-1", "us-isob-east-1", "mx-central-1",
				"eusc-de-east-1", "us-east-10"},
			no: []string{"us-east", "us-east-1a", "US-EAST-1", "u-east-1", "us--1", "*", "us-*-1"}},
		{name: "partitions", is: partition.MatchString,
			yes: []string{"aws", "aws-cn", "aws-us-gov", "aws-iso-b", "aws-eusc"},
			no:  []string{"awscn", "aws-", "aws--cn", "*"}},
		{name: "buckets", is: IsBucket,
			yes: []string{"abc", "remotionlambda-useast1-abc123", "videos.example",
				strings.Repeat("a", 63)},
			no: []string{"ab", "Videos", "-videos", "videos-", "a_b_c", "s3://videos",
				strings.Repeat("a", 64)}},
		{name: "functions", is: IsFunction, yes: []string{"clips", "Clips_2", strings.Repeat("a", 64)},
			no: []string{"*", "a?b", "${aws:username}", "a\nb", "a.b", "a:b",
				strings.Repeat("a", 65)}},
		{name: "topics", is: IsTopic, yes: []string{"alerts", strings.Repeat("a", 256)},
			no: []string{"alerts.fifo", "a b", strings.Repeat("a", 257)}},
		{name: "topic ARNs", is: IsTopicARN,
			yes: []string{"arn:aws:sns:us-east-1:123456789012:alerts",
				"arn:aws-cn:sns:cn-north-1:123456789012:alerts"},
			no: []string{"alerts", "arn:aws:sns:us-east-1:123456789012:alerts:1",
				"arn:aws:sqs:us-east-1:123456789012:alerts", "arn:aws:sns:nowhere:123456789012:alerts",
				"arn:aws:sns:us-east-1::alerts"}},
		{name: "IAM names", is: IsIAMName, yes: []string{"a", "ci+=,.@_-", strings.Repeat("a", 128)},
			no: []string{"a/b", "a b", "a*", "ä", strings.Repeat("a", 129)}},
		{name: "role names", is: IsRoleName, yes: []string{strings.Repeat("a", 64)},
			no: []string{"a/b", strings.Repeat("a", 65)}},
		{name: "IAM paths", is: IsIAMPath,
			yes: []string{"/", "/teams/", "/a/b:c/", "/" + strings.Repeat("a", 510) + "/"},
			no:  []string{"//", "teams/", "/teams", "/a b/", "/ä/", "/" + strings.Repeat("a", 511) + "/"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, s := range test.yes {
				if !test.is(s) {
					t.Errorf("%q is refused", s)
				}
			}
			for _, s := range append(test.no, "") {
				if test.is(s) {
					t.Errorf("%q is accepted", s)
				}
			}
		})
	}
}

func TestValidateBucket(t *testing.T) {
	if err := ValidateBucket("videos"); err != nil {
		t.Error(err)
	}
	if err := ValidateBucket("s3://videos"); err == nil ||
		!strings.Contains(err.Error(), `"s3://videos" is not a bucket name`) {
		t.Errorf("got %v", err)
	}
}
