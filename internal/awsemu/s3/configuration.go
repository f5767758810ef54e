package s3

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"regexp"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// configuration are the operations for buckets. The server stores which buckets exist. It accepts
// settings of a bucket without an effect, apart from checking that the bucket exists.
var configuration = service.Table[call]{
	"ListBuckets": {Do: listBuckets, Needs: []service.Need[call]{{Action: "ListAllMyBuckets"}}},
	"CreateBucket": {Do: createBucket, Needs: []service.Need[call]{{Resource: bucketARN},
		{Action: "PutBucketAcl", Resource: withACL(bucketARN)}}},
	"GetBucketLocation": {Do: getBucketLocation, Needs: service.On(bucketARN)},
	"PutBucketAcl":      {Do: accept(http.StatusOK), Needs: service.On(bucketARN)},
	"PutBucketPolicy": {Do: accept(http.StatusNoContent),
		Needs: service.On(bucketARN)},
	"PutBucketWebsite":                {Do: accept(http.StatusOK), Needs: service.On(bucketARN)},
	"DeleteBucketOwnershipControls":   {Do: accept(http.StatusNoContent), Needs: mayPutOwnership},
	"DeletePublicAccessBlock":         {Do: accept(http.StatusNoContent), Needs: mayPutAccessBlock},
	"PutBucketLifecycleConfiguration": {Do: accept(http.StatusOK), Needs: mayPutLifecycle},
	"DeleteBucketLifecycle":           {Do: accept(http.StatusNoContent), Needs: mayPutLifecycle},
}

// The actions of the deleting operations are those of the writing ones.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
var (
	mayPutOwnership = []service.Need[call]{{Action: "PutBucketOwnershipControls",
		Resource: bucketARN}}
	mayPutAccessBlock = []service.Need[call]{{Action: "PutBucketPublicAccessBlock",
		Resource: bucketARN}}
	mayPutLifecycle = []service.Need[call]{{Action: "PutLifecycleConfiguration",
		Resource: bucketARN}}
)

// subresources maps the method and the query parameter of a request for a bucket to its operation.
var subresources = map[string]string{
	"GET location":             "GetBucketLocation",
	"PUT acl":                  "PutBucketAcl",
	"PUT policy":               "PutBucketPolicy",
	"PUT website":              "PutBucketWebsite",
	"PUT lifecycle":            "PutBucketLifecycleConfiguration",
	"DELETE lifecycle":         "DeleteBucketLifecycle",
	"DELETE ownershipControls": "DeleteBucketOwnershipControls",
	"DELETE publicAccessBlock": "DeletePublicAccessBlock",
}

// bucketOperation returns the operation of a request for a bucket, or an empty string.
func bucketOperation(method string, query map[string][]string) string {
	for name := range query {
		if operation := subresources[method+" "+name]; operation != "" {
			return operation
		}
	}
	switch {
	case method == http.MethodGet && slices.Equal(query["list-type"], []string{"2"}):
		return "ListObjectsV2"
	case method == http.MethodPut:
		return "CreateBucket"
	}
	return ""
}

// withACL returns a function for the resource of the permission to set an ACL. A write needs that
// permission if its request contains an ACL.
func withACL(resource func(call) string) func(call) string {
	return func(c call) string {
		if c.Header.Get("X-Amz-Acl") == "" {
			return ""
		}
		return resource(c)
	}
}

// accept returns an operation that only checks that the bucket exists.
func accept(status int) func(call) (any, error) {
	return func(c call) (any, error) {
		if _, err := c.bucket(); err != nil {
			return nil, err
		}
		return wire.RestResult{Status: status}, nil
	}
}

// listBuckets lists all buckets of the account, of every region.
func listBuckets(c call) (any, error) {
	type bucketXML struct{ Name, CreationDate string }
	type ownerXML struct{ ID string }
	list := []bucketXML{}
	for _, b := range service.SortedValues(c.buckets) {
		if b.owner == c.account.ID {
			created := service.CreationTime(c.account.ID, "bucket", b.name)
			list = append(list, bucketXML{b.name, wire.Stamp(created)})
		}
	}
	return wire.RestResult{Body: struct {
		XMLName xml.Name `xml:"ListAllMyBucketsResult"`
		Owner   ownerXML
		Buckets []bucketXML `xml:"Buckets>Bucket"`
	}{Owner: ownerXML{c.account.ID}, Buckets: list}}, nil
}

// bucketName matches the names that S3 accepts.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func createBucket(c call) (any, error) {
	var input struct{ LocationConstraint string }
	if len(c.Body) > 0 {
		if err := xml.Unmarshal(c.Body, &input); err != nil {
			return nil, wire.Refuse(http.StatusBadRequest, "MalformedXML",
				"The XML you provided was not well-formed: %v", err)
		}
	}
	switch b := c.buckets[c.bucketName]; {
	case !bucketName.MatchString(c.bucketName):
		return nil, wire.Refuse(http.StatusBadRequest, "InvalidBucketName",
			"The specified bucket is not valid: %s", c.bucketName)
	case b != nil && b.owner == c.account.ID:
		return nil, wire.Refuse(http.StatusConflict, "BucketAlreadyOwnedByYou",
			"Your previous request to create the named bucket succeeded and you already own it.")
	case b != nil:
		return nil, wire.Refuse(http.StatusConflict, "BucketAlreadyExists",
			"The requested bucket name is not available.")
	}
	c.addBucket(c.bucketName, Bucket{Region: cmp.Or(input.LocationConstraint, c.Region)})
	return wire.RestResult{Header: http.Header{"Location": {"/" + c.bucketName}}}, nil
}

// getBucketLocation returns the region of a bucket, from every region. The region us-east-1 is an
// empty text.
func getBucketLocation(c call) (any, error) {
	b := c.buckets[c.bucketName]
	if b == nil {
		return nil, noSuchBucket()
	}
	if expected := c.Header.Get("X-Amz-Expected-Bucket-Owner"); expected != "" &&
		expected != b.owner {
		return nil, accessDenied()
	}
	region := b.region
	if region == service.DefaultRegion {
		region = ""
	}
	return wire.RestResult{Body: struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: region}}, nil
}
