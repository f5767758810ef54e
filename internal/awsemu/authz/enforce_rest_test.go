package authz_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// TestObjectsAndFunctionsNeedTheirActions checks the action and the resource that each operation of
// S3 and Lambda needs.
func TestObjectsAndFunctionsNeedTheirActions(t *testing.T) {
	const (
		bucket   = "arn:aws:s3:::evidence"
		object   = bucket + "/state/a"
		function = "arn:aws:lambda:us-east-1:123456789012:function:clips"
	)
	name, key, fn := "evidence", "state/a", "clips"
	tests := []struct {
		action, resource string
		do               func(c emutest.Clients) error
	}{
		{"s3:ListBucket", bucket, func(c emutest.Clients) error {
			_, err := c.S3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &name})
			return err
		}},
		{"s3:GetObject", object, func(c emutest.Clients) error {
			_, err := c.S3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &name, Key: &key})
			return err
		}},
		{"s3:GetObject", object, func(c emutest.Clients) error {
			_, err := c.S3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &name, Key: &key})
			return err
		}},
		{"s3:PutObject", object, func(c emutest.Clients) error {
			_, err := c.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key})
			return err
		}},
		{"s3:DeleteObject", object, func(c emutest.Clients) error {
			_, err := c.S3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &name, Key: &key})
			return err
		}},
		{"lambda:ListFunctions", "*", func(c emutest.Clients) error {
			_, err := c.Lambda.ListFunctions(t.Context(), nil)
			return err
		}},
		{"lambda:GetFunction", function, func(c emutest.Clients) error {
			_, err := c.Lambda.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: &fn})
			return err
		}},
		{"lambda:ListTags", function, func(c emutest.Clients) error {
			arn := function
			_, err := c.Lambda.ListTags(t.Context(), &lambda.ListTagsInput{Resource: &arn})
			return err
		}},
	}
	for _, test := range tests {
		t.Run(test.action, func(t *testing.T) {
			callUnder := func(document string) error {
				account := emutest.CallerWith(document)
				account.Buckets = map[string]awsemu.Bucket{name: {Objects: map[string]string{key: "{}"}}}
				account.Functions = []awsemu.LambdaFunction{{Name: fn, Role: "r2"}}
				return test.do(emutest.Dial(t, emutest.Listen(t, &awsemu.Server{Account: account,
					EnforceIAM: true}), emutest.UserKey))
			}
			if err := callUnder(emutest.DocumentOf(`{"Effect":"Allow","Action":"` + test.action + `","Resource":"` +
				test.resource + `"}`)); err != nil {
				t.Error(err)
			}
			var refused smithy.APIError
			err := callUnder(emutest.DocumentOf(`{"Effect":"Allow","NotAction":"` + test.action +
				`","Resource":"*"}`))
			if !errors.As(err, &refused) {
				t.Errorf("without the permission: %v, want an error of the API", err)
			}
		})
	}
}

// TestAMissingKeyIsForbiddenWithoutListBucket checks that S3 reveals a missing key only to callers
// that may list the bucket.
func TestAMissingKeyIsForbiddenWithoutListBucket(t *testing.T) {
	name, key := "evidence", "none"
	for document, want := range map[string]string{
		emutest.DocumentOf(
			`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`): "NoSuchKey",
		emutest.DocumentOf(
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::evidence*"}`): "AccessDenied",
	} {
		account := emutest.CallerWith(document)
		account.Buckets = map[string]awsemu.Bucket{name: {}}
		c := emutest.Dial(t, emutest.Listen(t, &awsemu.Server{Account: account, EnforceIAM: true}),
			emutest.UserKey)
		_, err := c.S3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &name, Key: &key})
		var refused smithy.APIError
		if !errors.As(err, &refused) || refused.ErrorCode() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
