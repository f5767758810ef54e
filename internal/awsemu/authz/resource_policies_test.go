package authz_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// statementFor returns a statement about the objects of the bucket evidence.
func statementFor(effect, principal, action string) string {
	return emutest.DocumentOf(`{"Effect":"` + effect + `","Principal":` + principal + `,"Action":"` +
		action + `","Resource":"arn:aws:s3:::evidence/*"}`)
}

const (
	callerARN = `{"AWS":"arn:aws:iam::123456789012:user/caller"}`
	rootARN   = `{"AWS":"arn:aws:iam::123456789012:root"}`
)

func TestBucketPoliciesDecideWithIdentityPolicies(t *testing.T) {
	none := emutest.DocumentOf(emutest.AllowPublish)
	for _, test := range []struct{ name, identity, bucket, want string }{
		{"the bucket policy allows the user", none, statementFor("Allow", callerARN, "s3:GetObject"), ""},
		{"the bucket policy allows the account", none, statementFor("Allow", rootARN, "s3:GetObject"),
			"because no identity-based policy allows the s3:GetObject action"},
		{"the bucket policy denies everyone", emutest.AllowAll,
			statementFor("Deny", `"*"`, "s3:GetObject"), "with an explicit deny in a resource-based policy"},
		{"the bucket policy denies another user", emutest.AllowAll, statementFor("Deny",
			`{"AWS":"arn:aws:iam::123456789012:user/bob"}`, "s3:GetObject"), ""},
		{"the bucket policy denies plain HTTP", emutest.AllowAll, emutest.DocumentOf(
			`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::evidence/*",` +
				`"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`), ""},
		{"the bucket policy denies other organizations", emutest.AllowAll, emutest.DocumentOf(
			`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::evidence/*",` +
				`"Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-r3m0t10n4u"}}}`), ""},
		{"a bucket policy that does not parse", none, "{",
			"because no identity-based policy allows the s3:GetObject action"},
	} {
		t.Run(test.name, func(t *testing.T) {
			account := emutest.CallerWith(test.identity)
			account.ServiceControlPolicies = awsemu.Organization{{awsemu.FullAWSAccess}}
			account.Buckets = map[string]awsemu.Bucket{"evidence": {Policy: test.bucket,
				Objects: map[string]string{"k": "{}"}}}
			c := emutest.Dial(t, emutest.Listen(t, &awsemu.Server{Account: account, EnforceIAM: true}),
				emutest.UserKey).S3
			_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("evidence"),
				Key: aws.String("k")})
			wantRefusal(t, err, test.want)
		})
	}
}

// wantRefusal checks that an error has the cause of a denial. An empty cause is no error.
func wantRefusal(t *testing.T, err error, cause string) {
	t.Helper()
	switch {
	case cause == "" && err != nil:
		t.Errorf("got %v, want no error", err)
	case cause != "" && (err == nil || !strings.Contains(err.Error(), cause)):
		t.Errorf("got %v, want an error with %q", err, cause)
	}
}

func TestObjectsOfAKeyNeedItsPolicy(t *testing.T) {
	const delegation, user = rootARN, callerARN
	allow := func(principal, actions string) string {
		return emutest.DocumentOf(`{"Effect":"Allow","Principal":` + principal + `,"Action":` + actions +
			`,"Resource":"*"}`)
	}
	s3Only := emutest.DocumentOf(emutest.AllowS3)
	for _, test := range []struct{ name, identity, key, put, get string }{
		{"the key lets IAM decide, and IAM allows", emutest.AllowAll,
			allow(delegation, `"kms:*"`), "", ""},
		{"the key lets IAM decide, and IAM does not allow", s3Only, allow(delegation, `"kms:*"`),
			"because no identity-based policy allows the kms:GenerateDataKey action",
			"because no identity-based policy allows the kms:Decrypt action"},
		{"the key allows the user", s3Only, allow(user, `["kms:GenerateDataKey","kms:Decrypt"]`), "", ""},
		{"the key allows the user to write", s3Only, allow(user, `"kms:GenerateDataKey"`), "",
			"because no identity-based policy allows the kms:Decrypt action"},
		{"the key allows another user", emutest.AllowAll,
			allow(`{"AWS":"arn:aws:iam::123456789012:user/bob"}`, `"kms:*"`),
			"because no resource-based policy allows the kms:GenerateDataKey action",
			"because no resource-based policy allows the kms:Decrypt action"},
	} {
		t.Run(test.name, func(t *testing.T) {
			account := emutest.CallerWith(test.identity)
			account.Keys = []awsemu.Key{{Alias: "alias/video", Policy: test.key}}
			account.Buckets = map[string]awsemu.Bucket{"evidence": {}}
			b := account.Buckets["evidence"]
			b.Encryption.Algorithm, b.Encryption.Key = "aws:kms", "alias/video"
			account.Buckets["evidence"] = b
			url := emutest.Listen(t, &awsemu.Server{Account: account, EnforceIAM: true})
			c := emutest.Dial(t, url, emutest.UserKey).S3
			in := &s3.PutObjectInput{Bucket: aws.String("evidence"), Key: aws.String("k")}
			_, err := c.PutObject(t.Context(), in)
			wantRefusal(t, err, test.put)
			if _, err := emutest.Dial(t, url, emutest.AnyKey).S3.PutObject(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: in.Bucket, Key: in.Key})
			wantRefusal(t, err, test.get)
		})
	}
}

func TestResourceControlPoliciesDeny(t *testing.T) {
	account := emutest.CallerWith(emutest.AllowAll)
	account.ServiceControlPolicies = awsemu.Organization{{awsemu.FullAWSAccess}}
	account.ResourceControlPolicies = awsemu.Organization{{emutest.DocumentOf(
		`{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"*"}`)}}
	account.Buckets = map[string]awsemu.Bucket{"evidence": {}}
	c := emutest.Dial(t, emutest.Listen(t, &awsemu.Server{Account: account, EnforceIAM: true}),
		emutest.UserKey).S3
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("evidence"),
		Key: aws.String("k"), ACL: types.ObjectCannedACLPrivate})
	wantRefusal(t, err, "with an explicit deny in a resource control policy")
	if _, err := c.ListObjectsV2(t.Context(),
		&s3.ListObjectsV2Input{Bucket: aws.String("evidence")}); err != nil {
		t.Errorf("another action: %v", err)
	}
}
