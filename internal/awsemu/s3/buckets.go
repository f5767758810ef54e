package s3

import (
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A Bucket is an S3 bucket. A bucket of another account is as accessible as an own bucket. The
// server refuses a request that expects another owner.
type Bucket struct {
	// Owner is the id of the account that owns the bucket. Empty means the server's account.
	Owner string
	// Region is the region of the bucket. Empty means the default region of the account. The server
	// answers a request that is signed for another region with a redirect.
	Region string
	// Versioned adds a version id to the replies about objects. Old versions cannot be read.
	Versioned bool
	// Objects are the texts of the objects by key.
	Objects map[string]string

	// AccessBlock are the settings of Block Public Access. Nil means that the bucket has none, as a
	// bucket of Remotion.
	AccessBlock *PublicAccessBlock
	// Ownership is the object ownership; see [Ownerships]. Empty means that the bucket has no
	// ownership controls, as a bucket of Remotion, so that it accepts ACLs.
	Ownership string
	// ACL is the name of a predefined ACL; see [CannedACLs]. Empty means private.
	ACL string
	// Policy is the text of the bucket policy. Empty means that there is none.
	Policy string
	// Encryption is the default encryption. The zero value means that of S3.
	Encryption Encryption
	// Lifecycle are the rules that delete objects.
	Lifecycle []LifecycleRule
}

type bucket struct {
	name, owner, region string
	versioned           bool
	objects             map[string]*object

	accessBlock *PublicAccessBlock // nil without settings
	ownership   string             // empty without ownership controls
	acl         []grant            // in addition to the grant of the owner
	policy      string             // empty without a policy
	encryption  Encryption
	lifecycle   []ruleXML
	created     time.Time
}

func (s *Service) addBucket(name string, described Bucket) *bucket {
	created := service.CreationTime(s.account.ID, "bucket", name)
	b := &bucket{
		name: name, owner: cmp.Or(described.Owner, s.account.ID),
		region:    cmp.Or(described.Region, s.account.Region),
		versioned: described.Versioned, objects: make(map[string]*object),
		accessBlock: described.AccessBlock, ownership: described.Ownership, policy: described.Policy,
		acl: cannedACLs[described.ACL], encryption: described.Encryption,
		lifecycle: rules(described.Lifecycle), created: created,
	}
	for _, key := range slices.Sorted(maps.Keys(described.Objects)) {
		b.put(s.account, key, &object{body: []byte(described.Objects[key]), modified: created})
	}
	s.buckets[name] = b
	return b
}

// bucket returns the bucket of a call, after checking the region and the expected owner.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func (c call) bucket() (*bucket, error) {
	b := c.buckets[c.bucketName]
	switch {
	case b == nil:
		return nil, noSuchBucket()
	case b.region != c.Region:
		e := ofBucket(wire.Refuse(http.StatusMovedPermanently, "PermanentRedirect",
			"The bucket you are attempting to access must be addressed using the specified endpoint. "+
				"Please send all future requests to this endpoint: it is in %s.", b.region), b)
		e.Header = http.Header{regionHeader: {b.region}}
		return nil, e
	}
	if expected := c.Header.Get("X-Amz-Expected-Bucket-Owner"); expected != "" &&
		expected != b.owner {
		return nil, accessDenied()
	}
	return b, nil
}

// regionHeader is the header with the region of a bucket.
const regionHeader = "X-Amz-Bucket-Region"

// inBucket wraps an operation on the bucket of a call.
func inBucket(do func(call, *bucket) (any, error)) func(call) (any, error) {
	return func(c call) (any, error) {
		b, err := c.bucket()
		if err != nil {
			return nil, err
		}
		return do(c, b)
	}
}

// ofBucket adds the name of a bucket to an error.
func ofBucket(e *wire.Error, b *bucket) *wire.Error {
	e.Members = map[string]string{"BucketName": b.name}
	return e
}

// inNamespace returns the name of an element in the namespace of S3.
func inNamespace(local string) xml.Name {
	return xml.Name{Space: "http://s3.amazonaws.com/doc/2006-03-01/", Local: local}
}

// readXML reads the body of a call.
func readXML(c call, into any) error {
	if err := xml.Unmarshal(c.Body, into); err != nil {
		return malformedXML()
	}
	return nil
}

func malformedXML() *wire.Error {
	return wire.Refuse(http.StatusBadRequest, "MalformedXML",
		"The XML you provided was not well-formed or did not validate against our published schema")
}

// headBucket returns the region of a bucket.
func headBucket(_ call, b *bucket) (any, error) {
	return wire.RestResult{Header: http.Header{regionHeader: {b.region},
		"X-Amz-Access-Point-Alias": {"false"}, "Content-Type": {"application/xml"}}}, nil
}

func noSuchBucket() *wire.Error {
	return wire.Refuse(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
}

type contentsXML struct {
	Key, LastModified, ETag string
	Size                    int
	StorageClass            string
}

type prefixXML struct{ Prefix string }

// listObjects lists keys in order, and combines keys with the same text up to the delimiter into a
// common prefix. A page has at most pageSize keys and prefixes, or max-keys if that is smaller.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
func listObjects(c call) (any, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	get := c.Query.Get
	size := c.PageSize
	if text := get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, wire.Refuse(http.StatusBadRequest, "InvalidArgument",
				"Provided max-keys not an integer or within integer range")
		}
		size = min(size, n)
	}
	after := get("start-after")
	if token := get("continuation-token"); token != "" {
		text, err := base64.StdEncoding.DecodeString(token)
		if err != nil {
			return nil, wire.Refuse(http.StatusBadRequest, "InvalidArgument",
				"The continuation token provided is incorrect")
		}
		after = string(text)
	}
	encoded := func(s string) string {
		if get("encoding-type") == "url" {
			return wire.Encode(s)
		}
		return s
	}
	prefix, delimiter := get("prefix"), get("delimiter")
	var contents []contentsXML
	var prefixes []prefixXML
	last, truncated := "", false
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		rest, under := strings.CutPrefix(key, prefix)
		if !under {
			continue
		}
		name := key // the listed name: the key, or its common prefix
		at := strings.Index(rest, delimiter)
		isPrefix := delimiter != "" && at >= 0
		if isPrefix {
			name = prefix + rest[:at+len(delimiter)]
		}
		if name <= after || name == last {
			continue
		}
		if len(contents)+len(prefixes) == size {
			truncated = size > 0
			break
		}
		last = name
		if isPrefix {
			prefixes = append(prefixes, prefixXML{encoded(name)})
			continue
		}
		o := b.objects[key]
		contents = append(contents, contentsXML{encoded(key), wire.Stamp(o.modified), o.etag, len(o.body),
			"STANDARD"})
	}
	next := ""
	if truncated {
		next = base64.StdEncoding.EncodeToString([]byte(last))
	}
	return wire.RestResult{Body: struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Name, Prefix          string
		Delimiter, StartAfter string `xml:",omitempty"`
		EncodingType          string `xml:",omitempty"`
		ContinuationToken     string `xml:",omitempty"`
		NextContinuationToken string `xml:",omitempty"`
		KeyCount, MaxKeys     int
		IsTruncated           bool
		Contents              []contentsXML
		CommonPrefixes        []prefixXML
	}{
		Name: b.name, Prefix: encoded(prefix), Delimiter: encoded(delimiter),
		StartAfter: encoded(get("start-after")), EncodingType: get("encoding-type"),
		ContinuationToken: get("continuation-token"), NextContinuationToken: next,
		KeyCount: len(contents) + len(prefixes), MaxKeys: size, IsTruncated: truncated,
		Contents: contents, CommonPrefixes: prefixes,
	}}, nil
}
