package s3_test

import (
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

func TestABucketIsCreatedAndListed(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: emutest.Video()}).S3
	name := aws.String("remotionlambda-useast1-abcdefghij")
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: name}); err != nil {
		t.Fatal(err)
	}
	_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: name})
	emutest.WantError(t, err, "BucketAlreadyOwnedByYou",
		"Your previous request to create the named bucket succeeded and you already own it.")
	list, err := c.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil || len(list.Buckets) != 1 || *list.Buckets[0].Name != *name {
		t.Errorf("%+v, %v", list, err)
	}
	if out, err := c.GetBucketLocation(t.Context(),
		&s3.GetBucketLocationInput{Bucket: name}); err != nil || out.LocationConstraint != "" {
		t.Errorf("%+v, %v", out, err)
	}
	for what, err := range map[string]error{
		"ownership": second(c.DeleteBucketOwnershipControls(t.Context(),
			&s3.DeleteBucketOwnershipControlsInput{Bucket: name})),
		"access": second(c.DeletePublicAccessBlock(t.Context(),
			&s3.DeletePublicAccessBlockInput{Bucket: name})),
		"policy": second(c.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: name})),
		"acl": second(c.PutBucketAcl(t.Context(), &s3.PutBucketAclInput{Bucket: name,
			ACL: types.BucketCannedACLPrivate})),
		"lifecycle": second(c.DeleteBucketLifecycle(t.Context(),
			&s3.DeleteBucketLifecycleInput{Bucket: name})),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = c.PutBucketAcl(t.Context(), &s3.PutBucketAclInput{Bucket: aws.String("no-such-bucket"),
		ACL: types.BucketCannedACLPrivate})
	emutest.WantError(t, err, "NoSuchBucket", "The specified bucket does not exist")
}

func second[T any](_ T, err error) error { return err }

func TestAnObjectIsUploadedInParts(t *testing.T) {
	srv := &awsemu.Server{Account: emutest.Evidence()}
	c := emutest.Connect(t, srv).S3
	var bucket *string
	for name := range srv.Account.Buckets {
		bucket = &name
	}
	key := aws.String("movie.mp4")
	begun, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket,
		Key: key, ContentType: aws.String("video/mp4")})
	if err != nil {
		t.Fatal(err)
	}
	var done []types.CompletedPart
	for i, text := range []string{"one ", "two"} {
		part, err := c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: bucket, Key: key,
			UploadId: begun.UploadId, PartNumber: aws.Int32(int32(i + 1)),
			Body: strings.NewReader(text)})
		if err != nil {
			t.Fatal(err)
		}
		done = append(done, types.CompletedPart{ETag: part.ETag, PartNumber: aws.Int32(int32(i + 1))})
	}
	complete := func() error {
		_, err := c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
			Bucket: bucket, Key: key, UploadId: begun.UploadId,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: done}})
		return err
	}
	if err := complete(); err != nil {
		t.Fatal(err)
	}
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(out.Body); err != nil || string(text) != "one two" ||
		*out.ContentType != "video/mp4" {
		t.Errorf("%q, %v", text, err)
	}
	if err := complete(); err == nil || !strings.Contains(err.Error(), "NoSuchUpload") {
		t.Errorf("%v", err)
	}
	again, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket,
		Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: bucket,
		Key: key, UploadId: again.UploadId}); err != nil {
		t.Error(err)
	}
}
