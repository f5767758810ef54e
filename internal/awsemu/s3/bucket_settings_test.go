package s3_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

var (
	evidence = aws.String("evidence")
	public   = emutest.DocumentOf(`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",` +
		`"Resource":"arn:aws:s3:::evidence/*"}`)
)

func TestSettingsThatABucketDoesNotHave(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: emutest.Evidence()}).S3
	for _, test := range []struct {
		name, code, message string
		err                 error
	}{
		{"block public access", "NoSuchPublicAccessBlockConfiguration",
			"The public access block configuration was not found", second(c.GetPublicAccessBlock(
				t.Context(), &s3.GetPublicAccessBlockInput{Bucket: evidence}))},
		{"ownership controls", "OwnershipControlsNotFoundError",
			"The bucket ownership controls were not found", second(c.GetBucketOwnershipControls(
				t.Context(), &s3.GetBucketOwnershipControlsInput{Bucket: evidence}))},
		{"a policy", "NoSuchBucketPolicy", "The bucket policy does not exist", second(
			c.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: evidence}))},
		{"the status of a policy", "NoSuchBucketPolicy", "The bucket policy does not exist", second(
			c.GetBucketPolicyStatus(t.Context(), &s3.GetBucketPolicyStatusInput{Bucket: evidence}))},
		{"a lifecycle", "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist",
			second(c.GetBucketLifecycleConfiguration(t.Context(),
				&s3.GetBucketLifecycleConfigurationInput{Bucket: evidence}))},
		{"the settings of a bucket of another owner", "AccessDenied", "Access Denied", second(
			c.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: evidence,
				ExpectedBucketOwner: aws.String("999999999999")}))},
		{"the settings of a missing bucket", "NoSuchBucket", "The specified bucket does not exist",
			second(c.GetBucketEncryption(t.Context(),
				&s3.GetBucketEncryptionInput{Bucket: aws.String("missing")}))},
	} {
		t.Run(test.name, func(t *testing.T) {
			emutest.WantError(t, test.err, test.code, test.message)
		})
	}
	out, err := c.GetBucketEncryption(t.Context(), &s3.GetBucketEncryptionInput{Bucket: evidence})
	if err != nil || out.ServerSideEncryptionConfiguration.Rules[0].
		ApplyServerSideEncryptionByDefault.SSEAlgorithm != types.ServerSideEncryptionAes256 {
		t.Errorf("default encryption %s, %v", emutest.AsJSON(out), err)
	}
}

func TestBlockPublicAccessRefusesPublicPoliciesAndACLs(t *testing.T) {
	for _, level := range []string{"bucket", "account"} {
		t.Run(level, func(t *testing.T) {
			account := emutest.Evidence()
			block := &awsemu.PublicAccessBlock{BlockPublicAcls: true, BlockPublicPolicy: true}
			if level == "account" {
				account.PublicAccessBlock = block
			} else {
				b := account.Buckets["evidence"]
				b.AccessBlock = block
				account.Buckets["evidence"] = b
			}
			c := emutest.Connect(t, &awsemu.Server{Account: account}).S3
			const caller = "User: arn:aws:iam::123456789012:user/administrator is not authorized to perform: "
			_, err := c.PutBucketPolicy(t.Context(),
				&s3.PutBucketPolicyInput{Bucket: evidence, Policy: &public})
			emutest.WantError(t, err, "AccessDenied", caller+`s3:PutBucketPolicy on resource: `+
				`"arn:aws:s3:::evidence" because public policies are prevented by the BlockPublicPolicy `+
				`setting in S3 Block Public Access.`)
			_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: evidence, Key: aws.String("k"),
				ACL: types.ObjectCannedACLPublicRead})
			emutest.WantError(t, err, "AccessDenied", caller+`s3:PutObject on resource: `+
				`"arn:aws:s3:::evidence/k" because public ACLs are prevented by the BlockPublicAcls `+
				`setting in S3 Block Public Access.`)
			if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: evidence,
				Key: aws.String("k"), ACL: types.ObjectCannedACLPrivate}); err != nil {
				t.Errorf("a private ACL: %v", err)
			}
		})
	}
}

func TestABucketThatDisablesACLs(t *testing.T) {
	account := emutest.Evidence()
	account.Buckets["evidence"] = awsemu.Bucket{Ownership: "BucketOwnerEnforced"}
	c := emutest.Connect(t, &awsemu.Server{Account: account}).S3
	put := func(acl types.ObjectCannedACL) error {
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: evidence, Key: aws.String("k"),
			ACL: acl})
		return err
	}
	for _, acl := range []types.ObjectCannedACL{"private", "public-read"} {
		emutest.WantError(t, put(acl), "AccessControlListNotSupported",
			"The bucket does not allow ACLs")
	}
	for _, acl := range []types.ObjectCannedACL{"", "bucket-owner-full-control"} {
		if err := put(acl); err != nil {
			t.Errorf("ACL %q: %v", acl, err)
		}
	}
	_, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: evidence,
		Key: aws.String("k"), ACL: types.ObjectCannedACLPrivate})
	emutest.WantError(t, err, "AccessControlListNotSupported", "The bucket does not allow ACLs")
	if _, err := c.DeleteBucketOwnershipControls(t.Context(),
		&s3.DeleteBucketOwnershipControlsInput{Bucket: evidence}); err != nil {
		t.Fatal(err)
	}
	if err := put("public-read"); err != nil {
		t.Errorf("after the repair: %v", err)
	}
}

func TestBucketPoliciesAreStoredAndPublicOrNot(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: emutest.Evidence()}).S3
	statement := func(principal, more string) string {
		return emutest.DocumentOf(`{"Effect":"Allow","Principal":` + principal +
			`,"Action":"s3:GetObject","Resource":"arn:aws:s3:::evidence/*"` + more + `}`)
	}
	for _, test := range []struct {
		name, policy string
		public       bool
	}{
		{"everyone", public, true},
		{"everyone as AWS", statement(`{"AWS":["*"]}`, ""), true},
		{"one account", statement(`{"AWS":"arn:aws:iam::123456789012:root"}`, ""), false},
		{"a Deny", strings.Replace(public, "Allow", "Deny", 1), false},
		{"everyone from one address", statement(`"*"`,
			`,"Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`), false},
		{"everyone from all addresses", statement(`"*"`,
			`,"Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`), true},
		{"everyone of the organization", statement(`"*"`,
			`,"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-r3m0t10n4u"}}`), false},
		{"everyone of any organization", statement(`"*"`,
			`,"Condition":{"StringLike":{"aws:PrincipalOrgID":"o-*"}}`), true},
		{"everyone with a key that fixes no caller", statement(`"*"`,
			`,"Condition":{"StringEquals":{"s3:x-amz-acl":"private"}}`), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := c.PutBucketPolicy(t.Context(),
				&s3.PutBucketPolicyInput{Bucket: evidence, Policy: &test.policy}); err != nil {
				t.Fatal(err)
			}
			got, err := c.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: evidence})
			if err != nil || *got.Policy != test.policy {
				t.Errorf("policy %s, %v", emutest.AsJSON(got), err)
			}
			status, err := c.GetBucketPolicyStatus(t.Context(),
				&s3.GetBucketPolicyStatusInput{Bucket: evidence})
			if err != nil || *status.PolicyStatus.IsPublic != test.public {
				t.Errorf("status %s, %v", emutest.AsJSON(status), err)
			}
		})
	}
	for _, text := range []string{"[]", "{", "{}", emutest.AllowAll,
		emutest.DocumentOf(`{"Effect":"Maybe","Principal":"*","Action":"s3:*","Resource":"*"}`)} {
		_, err := c.PutBucketPolicy(t.Context(),
			&s3.PutBucketPolicyInput{Bucket: evidence, Policy: aws.String(text)})
		emutest.WantError(t, err, "MalformedPolicy", "")
	}
}

func TestLifecycleEncryptionAndACLAreReturnedAsWritten(t *testing.T) {
	account := emutest.Evidence()
	account.Keys = []awsemu.Key{{Alias: "alias/video"}}
	account.Buckets["listed"] = awsemu.Bucket{ACL: "public-read"}
	c := emutest.Connect(t, &awsemu.Server{Account: account}).S3
	_, err := c.PutBucketLifecycleConfiguration(t.Context(),
		&s3.PutBucketLifecycleConfigurationInput{Bucket: evidence,
			LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{
				{ID: aws.String("old"), Status: types.ExpirationStatusEnabled,
					Filter:     &types.LifecycleRuleFilter{Prefix: aws.String("renders/<1>")},
					Expiration: &types.LifecycleExpiration{Days: aws.Int32(3)}}}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.GetBucketLifecycleConfiguration(t.Context(),
		&s3.GetBucketLifecycleConfigurationInput{Bucket: evidence})
	if err != nil || len(got.Rules) != 1 || *got.Rules[0].Filter.Prefix != "renders/<1>" ||
		*got.Rules[0].Expiration.Days != 3 {
		t.Errorf("lifecycle %s, %v", emutest.AsJSON(got), err)
	}
	if _, err := c.PutBucketEncryption(t.Context(), &s3.PutBucketEncryptionInput{Bucket: evidence,
		ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
			Rules: []types.ServerSideEncryptionRule{{BucketKeyEnabled: aws.Bool(true),
				ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{
					SSEAlgorithm:   types.ServerSideEncryptionAwsKms,
					KMSMasterKeyID: aws.String("alias/video")}}}}}); err != nil {
		t.Fatal(err)
	}
	put, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: evidence, Key: aws.String("k")})
	if err != nil || put.ServerSideEncryption != types.ServerSideEncryptionAwsKms ||
		!*put.BucketKeyEnabled || !strings.Contains(*put.SSEKMSKeyId, ":key/") {
		t.Errorf("written %s, %v", emutest.AsJSON(put), err)
	}
	acl, err := c.GetBucketAcl(t.Context(), &s3.GetBucketAclInput{Bucket: aws.String("listed")})
	if err != nil || len(acl.Grants) != 2 ||
		*acl.Grants[1].Grantee.URI != "http://acs.amazonaws.com/groups/global/AllUsers" {
		t.Errorf("ACL %s, %v", emutest.AsJSON(acl), err)
	}
}

func TestANewBucketBlocksPublicAccessAndDisablesACLs(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{}).S3
	name := aws.String("remotionlambda-useast1-abcdefghij")
	_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: name,
		ACL: types.BucketCannedACLPublicRead})
	emutest.WantError(t, err, "InvalidBucketAclWithObjectOwnership", "")
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: name}); err != nil {
		t.Fatal(err)
	}
	block, err := c.GetPublicAccessBlock(t.Context(), &s3.GetPublicAccessBlockInput{Bucket: name})
	if err != nil || !*block.PublicAccessBlockConfiguration.RestrictPublicBuckets {
		t.Errorf("%s, %v", emutest.AsJSON(block), err)
	}
	owner, err := c.GetBucketOwnershipControls(t.Context(),
		&s3.GetBucketOwnershipControlsInput{Bucket: name})
	if err != nil ||
		owner.OwnershipControls.Rules[0].ObjectOwnership != types.ObjectOwnershipBucketOwnerEnforced {
		t.Errorf("%s, %v", emutest.AsJSON(owner), err)
	}
}

func TestTheRegionOfABucketIsKnownFromEveryRegion(t *testing.T) {
	url := emutest.Listen(t, &awsemu.Server{Account: emutest.Evidence()})
	c := emutest.Dial(t, url, emutest.AnyKey).S3
	resp, _ := emutest.Do(t, http.MethodHead, url+"/far", map[string]string{
		"Authorization": emutest.Authorization(emutest.AnyKey, "us-east-1", "s3")}, "")
	if got := resp.Header.Get("X-Amz-Bucket-Region"); resp.StatusCode != http.StatusMovedPermanently ||
		got != "eu-central-1" {
		t.Errorf("status %d, region %q", resp.StatusCode, got)
	}
	head, err := c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: evidence})
	if err != nil || *head.BucketRegion != "us-east-1" {
		t.Errorf("%s, %v", emutest.AsJSON(head), err)
	}
	regions := map[string]string{}
	if err := emutest.Pages(t, s3.NewListBucketsPaginator(c,
		&s3.ListBucketsInput{MaxBuckets: aws.Int32(1)}), func(out *s3.ListBucketsOutput) {
		for _, b := range out.Buckets {
			regions[*b.Name] = *b.BucketRegion
		}
	}); err != nil || len(regions) != 2 || regions["far"] != "eu-central-1" {
		t.Errorf("regions %v, %v", regions, err)
	}
}

func TestSettingsOfTheAccount(t *testing.T) {
	account := emutest.CallerWith(emutest.DocumentOf(
		`{"Effect":"Allow","Action":"s3:GetAccountPublicAccessBlock","Resource":"*"}`))
	url := emutest.Listen(t, &awsemu.Server{Account: account, EnforceIAM: true})
	const settings = "<PublicAccessBlockConfiguration " +
		`xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/"><BlockPublicPolicy>true` +
		"</BlockPublicPolicy></PublicAccessBlockConfiguration>"
	for _, step := range []struct {
		name, key, method, account, body string
		status                           int
		want                             string
	}{
		{"there are none", emutest.UserKey, "GET", "123456789012", "", 404,
			"<ErrorResponse><Error><Code>NoSuchPublicAccessBlockConfiguration</Code><Message>The public " +
				"access block configuration was not found</Message></Error>"},
		{"a caller without the permission may not write", emutest.UserKey, "PUT", "123456789012",
			settings, 403, "s3:PutAccountPublicAccessBlock"},
		{"settings without a value are refused", emutest.AnyKey, "PUT", "123456789012",
			"<PublicAccessBlockConfiguration/>", 400, "Must specify at least one configuration."},
		{"settings are written", emutest.AnyKey, "PUT", "123456789012", settings, 201, ""},
		{"settings are read", emutest.UserKey, "GET", "123456789012", "", 200,
			"<BlockPublicPolicy>true</BlockPublicPolicy>"},
		{"another account is refused", emutest.AnyKey, "GET", "999999999999", "", 403,
			"<Message>Access Denied</Message>"},
		{"no account is refused", emutest.AnyKey, "GET", "", "", 400, "x-amz-account-id"},
		{"settings are deleted", emutest.AnyKey, "DELETE", "123456789012", "", 204, ""},
	} {
		t.Run(step.name, func(t *testing.T) {
			resp, body := emutest.Do(t, step.method,
				url+"/v20180820/configuration/publicAccessBlock", map[string]string{
					"X-Amz-Account-Id": step.account,
					"Authorization":    emutest.Authorization(step.key, "us-east-1", "s3")}, step.body)
			if resp.StatusCode != step.status {
				t.Errorf("status %d: %s", resp.StatusCode, body)
			}
			emutest.WantText(t, body, step.want)
		})
	}
}
