package s3

import (
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

var bucketPolicy = service.Table[call]{
	"GetBucketPolicy":       {Do: inBucket(getBucketPolicy), Needs: service.On(bucketARN)},
	"GetBucketPolicyStatus": {Do: inBucket(getBucketPolicyStatus), Needs: service.On(bucketARN)},
	"PutBucketPolicy":       {Do: inBucket(putBucketPolicy), Needs: service.On(bucketARN)},
	"DeleteBucketPolicy":    {Do: inBucket(deleteBucketPolicy), Needs: service.On(bucketARN)},
}

func noBucketPolicy(b *bucket) error {
	return ofBucket(wire.Refuse(http.StatusNotFound, "NoSuchBucketPolicy",
		"The bucket policy does not exist"), b)
}

// getBucketPolicy returns the text of the policy.
func getBucketPolicy(_ call, b *bucket) (any, error) {
	if b.policy == "" {
		return nil, noBucketPolicy(b)
	}
	return wire.RestResult{Body: []byte(b.policy),
		Header: http.Header{"Content-Type": {"application/json"}}}, nil
}

func getBucketPolicyStatus(_ call, b *bucket) (any, error) {
	if b.policy == "" {
		return nil, noBucketPolicy(b)
	}
	public, _ := isPublicPolicy(b.policy) // a policy that does not parse grants nothing
	return wire.RestResult{Body: struct {
		XMLName  xml.Name
		IsPublic bool
	}{inNamespace("PolicyStatus"), public}}, nil
}

// putBucketPolicy stores the text of a policy.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
func putBucketPolicy(c call, b *bucket) (any, error) {
	text := string(c.Body)
	malformed := func(format string, args ...any) error {
		return wire.Refuse(http.StatusBadRequest, "MalformedPolicy", format, args...)
	}
	switch {
	case b.owner != c.account.ID:
		return nil, wire.Refuse(http.StatusMethodNotAllowed, "MethodNotAllowed",
			"The specified method is not allowed against this resource.")
	case strings.TrimSpace(text) == "":
		return nil, wire.Refuse(http.StatusBadRequest, "MissingRequestBodyError",
			"Request Body is empty")
	case text[0] != '{':
		return nil, malformed("Policies must be valid JSON and the first byte must be '{'")
	}
	public, err := isPublicPolicy(text)
	switch {
	case err != nil:
		return nil, malformed("%v", err)
	case public && c.effectiveBlock(b).BlockPublicPolicy:
		return nil, blocked(c, "PutBucketPolicy", bucketARN(c), "policies", "BlockPublicPolicy")
	}
	b.policy = text
	return wire.RestResult{Status: http.StatusNoContent}, nil
}

func deleteBucketPolicy(_ call, b *bucket) (any, error) {
	b.policy = ""
	return wire.RestResult{Status: http.StatusNoContent}, nil
}
