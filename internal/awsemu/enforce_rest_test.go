package awsemu

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
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
		do               func(c clients) error
	}{
		{"s3:ListAllMyBuckets", "*", func(c clients) error {
			_, err := c.s3.ListBuckets(t.Context(), nil)
			return err
		}},
		{"s3:ListBucket", bucket, func(c clients) error {
			_, err := c.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &name})
			return err
		}},
		{"s3:GetObject", object, func(c clients) error {
			_, err := c.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &name, Key: &key})
			return err
		}},
		{"s3:GetObject", object, func(c clients) error {
			_, err := c.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &name, Key: &key})
			return err
		}},
		{"s3:PutObject", object, func(c clients) error {
			_, err := c.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key})
			return err
		}},
		{"s3:DeleteObject", object, func(c clients) error {
			_, err := c.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &name, Key: &key})
			return err
		}},
		{"lambda:ListFunctions", "*", func(c clients) error {
			_, err := c.lambda.ListFunctions(t.Context(), nil)
			return err
		}},
		{"lambda:GetFunction", function, func(c clients) error {
			_, err := c.lambda.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: &fn})
			return err
		}},
		{"lambda:ListTags", function, func(c clients) error {
			arn := function
			_, err := c.lambda.ListTags(t.Context(), &lambda.ListTagsInput{Resource: &arn})
			return err
		}},
	}
	for _, test := range tests {
		t.Run(test.action, func(t *testing.T) {
			callUnder := func(document string) error {
				account := callerWith(document)
				account.Buckets = map[string]Bucket{name: {Objects: map[string]string{key: "{}"}}}
				account.Functions = []LambdaFunction{{Name: fn, Role: "r2"}}
				return test.do(dial(t, listen(t, &Server{Account: account, EnforceIAM: true}), userKey))
			}
			if err := callUnder(documentOf(`{"Effect":"Allow","Action":"` + test.action + `","Resource":"` +
				test.resource + `"}`)); err != nil {
				t.Error(err)
			}
			var refused smithy.APIError
			err := callUnder(documentOf(`{"Effect":"Allow","NotAction":"` + test.action +
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
		documentOf(
			`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`): "NoSuchKey",
		documentOf(
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::evidence*"}`): "AccessDenied",
	} {
		account := callerWith(document)
		account.Buckets = map[string]Bucket{name: {}}
		c := dial(t, listen(t, &Server{Account: account, EnforceIAM: true}), userKey)
		_, err := c.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &name, Key: &key})
		var refused smithy.APIError
		if !errors.As(err, &refused) || refused.ErrorCode() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
