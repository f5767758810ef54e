package awsemu

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

var s3Service = &service{
	name: "s3", scope: "s3", prefix: "s3", version: "2006-03-01",
	xmlns:  "http://s3.amazonaws.com/doc/2006-03-01/",
	denial: "AccessDenied",
	throttled: func() *apiError {
		return refuse(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	},
	operations: map[string]func(*call) (any, error){
		"ListBuckets":   listBuckets,
		"CreateBucket":  createBucket,
		"HeadBucket":    headBucket,
		"ListObjectsV2": listObjects,
		"GetObject":     getObject,
		"HeadObject":    getObject, // net/http sends no body in a reply to HEAD
		"PutObject":     putObject,
		"DeleteObject":  deleteObject,
	},
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
	permissions: permissions{
		"ListBuckets":   {{action: "ListAllMyBuckets", resource: anyResource}},
		"HeadBucket":    {mayListBucket},
		"ListObjectsV2": {mayListBucket},
		"HeadObject":    {{action: "GetObject", resource: objectARN}},
	}.need(bucketARN, "CreateBucket").need(objectARN, "GetObject PutObject DeleteObject"),
}

var mayListBucket = permission{action: "ListBucket", resource: bucketARN}

// bucketARN returns the ARN of the bucket that a call names.
func bucketARN(c *call) string {
	return awsarn.ARN{Partition: c.store.partition, Service: "s3", Resource: c.s3.bucket}.String()
}

// objectARN returns the ARN of the object that a call names.
func objectARN(c *call) string { return bucketARN(c) + "/" + c.s3.key }

// A Bucket is an S3 bucket. The server has no bucket policies, so that a bucket of another account
// is as accessible as an own bucket. The server refuses a request that expects another owner.
type Bucket struct {
	// Owner is the id of the account that owns the bucket. Empty means the server's account.
	Owner string
	// Region is the region of the bucket. Empty means Function.Region. The server answers a request
	// that is signed for another region with a redirect.
	Region string
	// Versioned adds a version id to the replies about objects. Old versions cannot be read.
	Versioned bool
	// Objects are the texts of the objects by key.
	Objects map[string]string
}

type bucket struct {
	name, owner, region string
	versioned           bool
	created             time.Time
	objects             map[string]*object
}

// An object is the current version of an S3 object.
type object struct {
	body     []byte
	etag     string // quoted, as in the header
	version  string // empty if the bucket is not versioned
	modified time.Time
	header   http.Header // content type and metadata, as the client sent them
	checksum checksum
}

func (st *store) addBucket(name string, described Bucket, created time.Time) *bucket {
	b := &bucket{
		name: name, owner: cmp.Or(described.Owner, st.account),
		region:    cmp.Or(described.Region, st.region),
		versioned: described.Versioned, created: created, objects: make(map[string]*object),
	}
	for _, key := range slices.Sorted(maps.Keys(described.Objects)) {
		b.put(st, key, &object{body: []byte(described.Objects[key]), modified: created})
	}
	st.buckets[name] = b
	return b
}

// Objects returns the current objects of a bucket, by key; nil if there is no such bucket.
func (s *Server) Objects(name string) map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.start() != nil || s.store.buckets[name] == nil {
		return nil
	}
	found := make(map[string][]byte)
	for key, o := range s.store.buckets[name].objects {
		found[key] = slices.Clone(o.body)
	}
	return found
}

// bucket returns the bucket of a call, after checking the region and the expected owner.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func (c *call) bucket() (*bucket, error) {
	b := c.store.buckets[c.s3.bucket]
	switch {
	case b == nil:
		return nil, refuse(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	case b.region != c.region:
		return nil, refuse(http.StatusMovedPermanently, "PermanentRedirect",
			"The bucket you are attempting to access must be addressed using the specified endpoint. "+
				"Please send all future requests to this endpoint: it is in %s.", b.region)
	}
	if expected := c.s3.header.Get("X-Amz-Expected-Bucket-Owner"); expected != "" &&
		expected != b.owner {
		return nil, accessDenied()
	}
	return b, nil
}

func accessDenied() *apiError {
	return refuse(http.StatusForbidden, "AccessDenied", "Access Denied")
}

// object returns the bucket and the object of a call. For a missing key, the error is NoSuchKey, or
// AccessDenied if the caller may not list the bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (c *call) object() (*bucket, *object, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, nil, err
	}
	if o := b.objects[c.s3.key]; o != nil {
		return b, o, nil
	}
	if !c.mayListKeys() {
		return nil, nil, accessDenied()
	}
	return nil, nil, noSuchKey()
}

func noSuchKey() *apiError {
	return refuse(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

// mayListKeys reports whether the caller may list the bucket of the call. A fault must not deny the
// listing, and with Server.EnforceIAM the caller's policies must allow it. mayListKeys does not
// count as a call for the faults.
func (c *call) mayListKeys() bool {
	for _, t := range c.activeFaults {
		if t.Deny && t.matches("s3", "ListObjectsV2", c.region, nil) && t.applies() {
			return false
		}
	}
	return !c.EnforceIAM || c.caller.administrator ||
		c.decide(c.store.grantsOf(c.caller.entity, nil), mayListBucket,
			bucketARN(c)).Decision == iampolicy.Allowed
}
