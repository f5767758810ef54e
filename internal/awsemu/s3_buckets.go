package awsemu

import (
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

type ownerXML struct{ ID, DisplayName string }

// listBuckets lists the account's own buckets in one page.
func listBuckets(c *call) (any, error) {
	type bucketXML struct{ Name, CreationDate, BucketRegion string }
	var own []bucketXML
	for _, b := range sortedValues(c.store.buckets) {
		if b.owner == c.store.account {
			own = append(own, bucketXML{b.name, stamp(b.created), b.region})
		}
	}
	return restReply{body: struct {
		XMLName xml.Name    `xml:"ListAllMyBucketsResult"`
		Buckets []bucketXML `xml:"Buckets>Bucket"`
		Owner   ownerXML
	}{Buckets: own, Owner: ownerXML{c.store.account, ""}}}, nil
}

func createBucket(c *call) (any, error) {
	name := c.s3.bucket
	if !awsname.IsBucket(name) {
		return nil, refuse(http.StatusBadRequest, "InvalidBucketName",
			"The specified bucket is not valid.")
	}
	var wanted struct{ LocationConstraint string }
	if len(c.s3.body) > 0 {
		if err := xml.Unmarshal(c.s3.body, &wanted); err != nil {
			return nil, refuse(http.StatusBadRequest, "MalformedXML",
				"The XML you provided was not well-formed or did not validate against our published schema")
		}
	}
	if region := cmp.Or(wanted.LocationConstraint, defaultRegion); region != c.region {
		return nil, refuse(http.StatusBadRequest, "IllegalLocationConstraintException",
			"The %s location constraint is incompatible for the region specific endpoint this request was "+
				"sent to.", cmp.Or(wanted.LocationConstraint, "unspecified"))
	}
	switch b := c.store.buckets[name]; {
	case b == nil:
		c.store.addBucket(name, Bucket{Region: c.region}, c.time())
	case b.owner != c.store.account:
		return nil, refuse(http.StatusConflict, "BucketAlreadyExists",
			"The requested bucket name is not available. The bucket namespace is shared by all users of "+
				"the system. Please select a different name and try again.")
	case c.region != defaultRegion: // in us-east-1, creating a bucket again succeeds
		return nil, refuse(http.StatusConflict, "BucketAlreadyOwnedByYou",
			"Your previous request to create the named bucket succeeded and you already own it.")
	}
	return restReply{header: http.Header{"Location": {"/" + name}}}, nil
}

func headBucket(c *call) (any, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	return restReply{header: http.Header{"X-Amz-Bucket-Region": {b.region}}}, nil
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
func listObjects(c *call) (any, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	get := c.s3.query.Get
	size := c.pageSize()
	if text := get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, refuse(http.StatusBadRequest, "InvalidArgument",
				"Provided max-keys not an integer or within integer range")
		}
		size = min(size, n)
	}
	after := get("start-after")
	if token := get("continuation-token"); token != "" {
		text, err := base64.StdEncoding.DecodeString(token)
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "InvalidArgument",
				"The continuation token provided is incorrect")
		}
		after = string(text)
	}
	encoded := func(s string) string {
		if get("encoding-type") == "url" {
			return encode(s)
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
		contents = append(contents, contentsXML{encoded(key), stamp(o.modified), o.etag, len(o.body),
			"STANDARD"})
	}
	next := ""
	if truncated {
		next = base64.StdEncoding.EncodeToString([]byte(last))
	}
	return restReply{body: struct {
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
