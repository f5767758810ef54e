package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/remotion-audit/remotion-audit/internal/alert"
)

// Bucket is an evidence bucket in S3. Every call names the account that must own the bucket. If the
// bucket was deleted and another account took its name, reads and writes fail.
type Bucket struct {
	Client *s3.Client
	Name   string
	// Owner is the id of the account that owns the bucket.
	Owner string
}

// maxObject is the number of bytes that Get reads of an object: one more than the longest object
// that a parser accepts. So a longer object is damaged for each parser, and a run replaces such a
// state as it replaces any damaged one.
const maxObject = alert.MaxState + 1

// Get implements Objects. It returns at most the first maxObject bytes of an object.
func (b Bucket) Get(ctx context.Context, key string) ([]byte, string, error) {
	return b.getUpTo(ctx, key, maxObject)
}

// Read returns the first most bytes of an object.
func (b Bucket) Read(ctx context.Context, key string, most int64) ([]byte, error) {
	body, _, err := b.getUpTo(ctx, key, most)
	return body, err
}

func (b Bucket) getUpTo(ctx context.Context, key string, most int64) ([]byte, string, error) {
	out, err := b.Client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.Name, Key: &key,
		ExpectedBucketOwner: &b.Owner})
	if err != nil {
		return nil, "", b.withRemedy("read", key, err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(io.LimitReader(out.Body, most))
	if err != nil {
		return nil, "", b.withRemedy("read", key, err)
	}
	return body, aws.ToString(out.ETag), nil
}

// Put implements Objects.
func (b Bucket) Put(ctx context.Context, key string, body []byte, when Condition) (string, error) {
	in := &s3.PutObjectInput{Bucket: &b.Name, Key: &key, ExpectedBucketOwner: &b.Owner,
		Body: bytes.NewReader(body), ContentType: aws.String(contentType(key))}
	if when.absent {
		in.IfNoneMatch = aws.String("*")
	} else if when.etag != "" {
		in.IfMatch = &when.etag
	}
	out, err := b.Client.PutObject(ctx, in)
	if err != nil {
		return "", b.withRemedy("write", key, err)
	}
	return aws.ToString(out.ETag), nil
}

func contentType(key string) string {
	if key == MutesKey {
		return "application/yaml"
	}
	return "application/json"
}

// withRemedy returns an error of S3 as ErrMissing or ErrChanged, or with a remedy appended. S3
// answers a write with 412 if its condition does not hold, with 409 if another write is in
// progress, and with 404 if the object to replace no longer exists.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func (b Bucket) withRemedy(verb, key string, err error) error {
	var api smithy.APIError
	code := ""
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	status := 0
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		status = response.HTTPStatusCode()
	}
	hint := ""
	switch {
	case code == "NoSuchBucket":
		hint = ": the bucket does not exist: create it, or correct its name"
	case status == http.StatusNotFound && verb == "read":
		err = ErrMissing
	case status == http.StatusNotFound, status == http.StatusConflict,
		status == http.StatusPreconditionFailed:
		err = ErrChanged
	case status == http.StatusForbidden && verb == "list":
		hint = fmt.Sprintf(": grant s3:ListBucket on the bucket, and check that account %s owns it",
			b.Owner)
	case status == http.StatusForbidden && verb == "read":
		hint = fmt.Sprintf(": grant s3:GetObject on the object and s3:ListBucket on the bucket, and "+
			"check that account %s owns the bucket", b.Owner)
	case status == http.StatusForbidden:
		hint = fmt.Sprintf(": grant s3:PutObject on the object, and check that account %s owns the "+
			"bucket", b.Owner)
	case code == "PermanentRedirect":
		hint = ": the bucket is in another region: use a bucket in this region"
	}
	return fmt.Errorf("%s s3://%s/%s: %w%s", verb, b.Name, key, err, hint)
}

// Keys lists the keys that begin with prefix, in the order of S3 (UTF-8 bytes).
func (b Bucket) Keys(ctx context.Context, prefix string) (keys []string, err error) {
	pages := s3.NewListObjectsV2Paginator(b.Client,
		&s3.ListObjectsV2Input{Bucket: &b.Name, Prefix: &prefix, ExpectedBucketOwner: &b.Owner})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, b.withRemedy("list", prefix, err)
		}
		for _, o := range page.Contents {
			keys = append(keys, aws.ToString(o.Key))
		}
	}
	return keys, nil
}

// List lists at most most keys that begin with prefix and come after the key after. more is true if
// there are further keys.
func (b Bucket) List(ctx context.Context, prefix, after string, most int) (keys []string, more bool,
	err error) {
	in := &s3.ListObjectsV2Input{Bucket: &b.Name, Prefix: &prefix, ExpectedBucketOwner: &b.Owner}
	if after != "" {
		in.StartAfter = &after
	}
	pages := s3.NewListObjectsV2Paginator(b.Client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, false, b.withRemedy("list", prefix, err)
		}
		for _, o := range page.Contents {
			if len(keys) == most {
				return keys, true, nil
			}
			keys = append(keys, aws.ToString(o.Key))
		}
	}
	return keys, false, nil
}

// States reads the states of all auditors of the account. It leaves out damaged states and states
// of newer releases.
func (b Bucket) States(ctx context.Context) (states []alert.State, err error) {
	keys, err := b.Keys(ctx, statePrefix(b.Owner))
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if isDocuments(key) {
			continue
		}
		text, _, err := b.Get(ctx, key)
		if err != nil {
			return nil, err
		}
		if s, err := alert.ParseState(text); err == nil {
			states = append(states, s)
		}
	}
	return states, nil
}
