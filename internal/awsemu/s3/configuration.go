package s3

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// configuration are the operations for buckets. Settings of a website are accepted without an
// effect, apart from checking that the bucket exists.
var configuration = service.Table[call]{
	"ListBuckets": {Do: listBuckets, Needs: []service.Need[call]{{Action: "ListAllMyBuckets"}}},
	"HeadBucket":  {Do: inBucket(headBucket), Needs: mayListBucket},
	"CreateBucket": {Do: createBucket, Needs: []service.Need[call]{{Resource: bucketARN},
		{Action: "PutBucketAcl", Resource: withACL(bucketARN)},
		{Action: "PutBucketOwnershipControls", Resource: withHeader(ownershipHeader, bucketARN)}}},
	"GetBucketLocation": {Do: getBucketLocation, Needs: service.On(bucketARN)},
	"PutBucketWebsite":  {Do: accept(http.StatusOK), Needs: service.On(bucketARN)},
}

// subresources maps the method and the query parameter of a request for a bucket to its operation.
var subresources = map[string]string{
	"GET location":             "GetBucketLocation",
	"GET acl":                  "GetBucketAcl",
	"PUT acl":                  "PutBucketAcl",
	"GET policy":               "GetBucketPolicy",
	"PUT policy":               "PutBucketPolicy",
	"DELETE policy":            "DeleteBucketPolicy",
	"GET policyStatus":         "GetBucketPolicyStatus",
	"PUT website":              "PutBucketWebsite",
	"GET lifecycle":            "GetBucketLifecycleConfiguration",
	"PUT lifecycle":            "PutBucketLifecycleConfiguration",
	"DELETE lifecycle":         "DeleteBucketLifecycle",
	"GET encryption":           "GetBucketEncryption",
	"PUT encryption":           "PutBucketEncryption",
	"DELETE encryption":        "DeleteBucketEncryption",
	"GET ownershipControls":    "GetBucketOwnershipControls",
	"PUT ownershipControls":    "PutBucketOwnershipControls",
	"DELETE ownershipControls": "DeleteBucketOwnershipControls",
	"GET publicAccessBlock":    "GetPublicAccessBlock",
	"PUT publicAccessBlock":    "PutPublicAccessBlock",
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
	case method == http.MethodHead:
		return "HeadBucket"
	}
	return ""
}

// withACL returns a function for the resource of the permission to set an ACL. A write needs that
// permission if its request contains an ACL.
func withACL(resource func(call) string) func(call) string {
	return func(c call) string {
		if _, given, _ := sentACL(c, c.account.ID); !given {
			return ""
		}
		return resource(c)
	}
}

// withHeader returns a function for the resource of a permission that a call with a header needs.
func withHeader(name string, resource func(call) string) func(call) string {
	return func(c call) string {
		if c.Header.Get(name) == "" {
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

// listBuckets lists the buckets of the account, of every region. A call with a parameter gets
// pages, and the region of each bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
func listBuckets(c call) (any, error) {
	type bucketXML struct {
		Name, CreationDate string
		BucketRegion       string `xml:",omitempty"`
	}
	query := c.Query
	paged := false
	for _, name := range knownParameters["ListBuckets"] {
		paged = paged || query.Has(name)
	}
	list := []bucketXML{}
	for _, b := range service.SortedValues(c.buckets) {
		region := query.Get("bucket-region")
		if b.owner != c.account.ID || region != "" && region != b.region ||
			!strings.HasPrefix(b.name, query.Get("prefix")) {
			continue
		}
		item := bucketXML{Name: b.name, CreationDate: wire.Stamp(b.created)}
		if paged {
			item.BucketRegion = b.region
		}
		list = append(list, item)
	}
	token := ""
	if paged {
		badToken := wire.Refuse(http.StatusBadRequest, "InvalidArgument",
			"The continuation token provided is incorrect")
		size := c.PageSize
		if text := query.Get("max-buckets"); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > 10_000 {
				return nil, wire.Refuse(http.StatusBadRequest, "InvalidArgument",
					"Argument max-buckets must be an integer between 1 and 10000")
			}
			size = min(size, n)
		}
		w, err := wire.WindowAt(query.Get("continuation-token"), c.Operation, size, badToken)
		if err != nil {
			return nil, err
		}
		shown, page := wire.PageOf(list, w, c.Operation)
		list, token = shown, page.Marker
	}
	return wire.RestResult{Body: struct {
		XMLName           xml.Name
		Owner             string      `xml:"Owner>ID"`
		Buckets           []bucketXML `xml:"Buckets>Bucket"`
		ContinuationToken string      `xml:",omitempty"`
		Prefix            string      `xml:",omitempty"`
	}{inNamespace("ListAllMyBucketsResult"), canonicalID(c.account.ID), list, token,
		query.Get("prefix")}}, nil
}

// bucketName matches the names that S3 accepts.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// ownershipHeader is the header with the object ownership of a new bucket.
const ownershipHeader = "X-Amz-Object-Ownership"

// createBucket creates a bucket. Since 2023, a new bucket blocks public access and disables ACLs.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html
func createBucket(c call) (any, error) {
	var input struct{ LocationConstraint string }
	if len(c.Body) > 0 {
		if err := readXML(c, &input); err != nil {
			return nil, err
		}
	}
	owner := cmp.Or(c.Header.Get(ownershipHeader), BucketOwnerEnforced)
	grants, _, err := sentACL(c, c.account.ID)
	switch b := c.buckets[c.bucketName]; {
	case err != nil:
		return nil, err
	case !bucketName.MatchString(c.bucketName):
		return nil, wire.Refuse(http.StatusBadRequest, "InvalidBucketName",
			"The specified bucket is not valid: %s", c.bucketName)
	case b != nil && b.owner == c.account.ID:
		return nil, wire.Refuse(http.StatusConflict, "BucketAlreadyOwnedByYou",
			"Your previous request to create the named bucket succeeded and you already own it.")
	case b != nil:
		return nil, wire.Refuse(http.StatusConflict, "BucketAlreadyExists",
			"The requested bucket name is not available.")
	case !slices.Contains(Ownerships(), owner):
		return nil, wire.Refuse(http.StatusBadRequest, "InvalidArgument",
			"Invalid x-amz-object-ownership header: %s", owner)
	case len(grants) > 0 && owner == BucketOwnerEnforced:
		return nil, aclWithOwnership()
	case isPublicACL(grants):
		return nil, blocked(c, "CreateBucket", bucketARN(c), "ACLs", "BlockPublicAcls")
	}
	block := BlockAll
	b := c.addBucket(c.bucketName, Bucket{Region: cmp.Or(input.LocationConstraint, c.Region),
		AccessBlock: &block, Ownership: owner})
	b.acl, b.created = grants, c.Now()
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
		XMLName xml.Name
		Region  string `xml:",chardata"`
	}{inNamespace("LocationConstraint"), region}}, nil
}
