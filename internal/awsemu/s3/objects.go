package s3

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// maxKey is the maximum length of a key in bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const maxKey = 1024

// storedHeaders are stored with an object and returned with it, in addition to x-amz-meta-*.
var storedHeaders = []string{"Content-Type", "Content-Encoding", "Content-Disposition",
	"Content-Language", "Cache-Control", "Expires"}

// An object is the current version of an S3 object.
type object struct {
	body     []byte
	etag     string // quoted, as in the header
	version  string // empty if the bucket is not versioned
	modified time.Time
	header   http.Header // content type and metadata, as the client sent them
	checksum checksum
	// encryption are the headers about the encryption, and key is the ARN of a key of KMS that the
	// account chose.
	encryption http.Header
	key        string
}

func accessDenied() *wire.Error {
	return wire.Refuse(http.StatusForbidden, "AccessDenied", "Access Denied")
}

// object returns the bucket and the object of a call. For a missing key, the error is NoSuchKey, or
// AccessDenied if the caller may not list the bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (c call) object() (*bucket, *object, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, nil, err
	}
	if o := b.objects[c.key]; o != nil {
		return b, o, nil
	}
	if !c.May("ListObjectsV2") {
		return nil, nil, accessDenied()
	}
	return nil, nil, noSuchKey()
}

func noSuchKey() *wire.Error {
	return wire.Refuse(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

// put makes o the current version of a key. It sets the ETag and the version of o, and the checksum
// if o has none.
func (b *bucket) put(account *service.Account, key string, o *object) {
	o.etag = etagOf(o.body)
	if o.checksum.header == "" {
		o.checksum = checksum{checksums[0].header, sum(checksums[0].hash(), o.body)}
	}
	if b.versioned {
		o.version = b.newVersion(account)
	}
	b.objects[key] = o
}

// etagOf returns the quoted ETag of a body.
func etagOf(body []byte) string {
	digest := md5.Sum(body)
	return `"` + hex.EncodeToString(digest[:]) + `"`
}

// objectHeader returns the headers of a write that are stored with the object.
func objectHeader(sent http.Header) http.Header {
	header := make(http.Header)
	for name, values := range sent {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			// Clients use the part after x-amz-meta- unchanged, so that the name must be in lower case.
			header[strings.ToLower(name)] = values
		}
	}
	for _, name := range storedHeaders {
		value := sent.Get(name)
		if name == "Content-Encoding" { // aws-chunked describes this request, not the object
			value = strings.TrimSuffix(strings.TrimSuffix(value, "aws-chunked"), ",")
		}
		if value != "" {
			header.Set(name, value)
		}
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "binary/octet-stream")
	}
	return header
}

func (b *bucket) newVersion(account *service.Account) string {
	return fmt.Sprintf("version-%012d", account.Next())
}

func getObject(c call) (any, error) {
	b, o, err := c.object()
	if err != nil {
		return nil, err
	}
	if o.key != "" {
		if _, problem := c.FindKey(b.region, o.key); problem != nil {
			return nil, problem
		}
	}
	header := o.header.Clone()
	if header == nil {
		header = http.Header{"Content-Type": {"binary/octet-stream"}}
	}
	header.Set("ETag", o.etag)
	header.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	header.Set("Accept-Ranges", "bytes")
	header.Set("X-Amz-Server-Side-Encryption", algorithmAES)
	maps.Copy(header, o.encryption)
	if o.version != "" {
		header.Set("X-Amz-Version-Id", o.version)
	}
	if c.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		header.Set(o.checksum.header, o.checksum.value)
		header.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
	return wire.RestResult{Header: header, Body: o.body}, nil
}

func putObject(c call) (any, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	if len(c.key) > maxKey {
		return nil, wire.Refuse(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	}
	if err := c.checkConditions(b); err != nil {
		return nil, err
	}
	sent, problem := verifyChecksums(c.Body, c.Header)
	if problem != nil {
		return nil, problem
	}
	if err := c.checkObjectACL(b); err != nil {
		return nil, err
	}
	o := &object{body: c.Body, modified: c.Now(), header: objectHeader(c.Header), checksum: sent,
		key: keyOfBucket(c)}
	if o.encryption, err = c.encryptionHeader(b); err != nil {
		return nil, err
	}
	b.put(c.account, c.key, o)
	header := http.Header{"Etag": {o.etag}}
	maps.Copy(header, o.encryption)
	if sent.header != "" {
		header.Set(sent.header, sent.value)
	}
	if o.version != "" {
		header.Set("X-Amz-Version-Id", o.version)
	}
	return wire.RestResult{Header: header}, nil
}

// checkConditions returns an error if a condition of a write, If-Match or If-None-Match, fails.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func (c call) checkConditions(b *bucket) error {
	match, noneMatch := c.Header.Get("If-Match"), c.Header.Get("If-None-Match")
	current := b.objects[c.key]
	failed := wire.Refuse(http.StatusPreconditionFailed, "PreconditionFailed",
		"At least one of the pre-conditions you specified did not hold")
	switch {
	case match != "" && noneMatch != "", noneMatch != "" && noneMatch != "*":
		return notImplemented("a write with both conditions, or with If-None-Match of an ETag")
	case noneMatch == "*" && current != nil:
		return failed
	case match != "" && current == nil && c.May("ListObjectsV2"):
		return noSuchKey()
	case match != "" && current == nil:
		return accessDenied()
	case match != "" && match != "*" && strings.Trim(match, `"`) != strings.Trim(current.etag, `"`):
		return failed
	}
	return nil
}

// deleteObject deletes the object with a key. A missing key is not an error.
func deleteObject(c call) (any, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	if c.Header.Get("If-Match") != "" {
		if err := c.checkConditions(b); err != nil {
			return nil, err
		}
	}
	delete(b.objects, c.key)
	header := make(http.Header)
	if b.versioned {
		header.Set("X-Amz-Delete-Marker", "true")
		header.Set("X-Amz-Version-Id", b.newVersion(c.account))
	}
	return wire.RestResult{Status: http.StatusNoContent, Header: header}, nil
}
