package awsemu

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// maxKey is the maximum length of a key in bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const maxKey = 1024

// storedHeaders are stored with an object and returned with it, in addition to x-amz-meta-*.
var storedHeaders = []string{"Content-Type", "Content-Encoding", "Content-Disposition",
	"Content-Language", "Cache-Control", "Expires"}

// put makes o the current version of a key. It sets the ETag and the version of o, and the checksum
// if o has none.
func (b *bucket) put(st *store, key string, o *object) {
	digest := md5.Sum(o.body)
	o.etag = `"` + hex.EncodeToString(digest[:]) + `"`
	if o.checksum.header == "" {
		o.checksum = checksum{checksums[0].header, sum(checksums[0].hash(), o.body)}
	}
	if b.versioned {
		o.version = b.newVersion(st)
	}
	b.objects[key] = o
}

func (b *bucket) newVersion(st *store) string {
	st.made++
	return fmt.Sprintf("version-%012d", st.made)
}

func getObject(c *call) (any, error) {
	_, o, err := c.object()
	if err != nil {
		return nil, err
	}
	header := o.header.Clone()
	if header == nil {
		header = http.Header{"Content-Type": {"binary/octet-stream"}}
	}
	header.Set("ETag", o.etag)
	header.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	header.Set("Accept-Ranges", "bytes")
	header.Set("X-Amz-Server-Side-Encryption", "AES256")
	if o.version != "" {
		header.Set("X-Amz-Version-Id", o.version)
	}
	if c.s3.header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		header.Set(o.checksum.header, o.checksum.value)
		header.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
	return wire.RestResult{Header: header, Body: o.body}, nil
}

func putObject(c *call) (any, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	if len(c.s3.key) > maxKey {
		return nil, wire.Refuse(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	}
	if err := c.checkConditions(b); err != nil {
		return nil, err
	}
	sent, problem := verifyChecksums(c.s3.body, c.s3.header)
	if problem != nil {
		return nil, problem
	}
	o := &object{body: c.s3.body, modified: c.time(), header: make(http.Header), checksum: sent}
	for name, values := range c.s3.header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			// Clients use the part after x-amz-meta- unchanged, so that the name must be in lower case.
			o.header[strings.ToLower(name)] = values
		}
	}
	for _, name := range storedHeaders {
		value := c.s3.header.Get(name)
		if name == "Content-Encoding" { // aws-chunked describes this request, not the object
			value = strings.TrimSuffix(strings.TrimSuffix(value, "aws-chunked"), ",")
		}
		if value != "" {
			o.header.Set(name, value)
		}
	}
	if o.header.Get("Content-Type") == "" {
		o.header.Set("Content-Type", "binary/octet-stream")
	}
	b.put(c.store, c.s3.key, o)
	header := http.Header{"Etag": {o.etag}, "X-Amz-Server-Side-Encryption": {"AES256"}}
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
func (c *call) checkConditions(b *bucket) error {
	match, noneMatch := c.s3.header.Get("If-Match"), c.s3.header.Get("If-None-Match")
	current := b.objects[c.s3.key]
	failed := wire.Refuse(http.StatusPreconditionFailed, "PreconditionFailed",
		"At least one of the pre-conditions you specified did not hold")
	switch {
	case match != "" && noneMatch != "", noneMatch != "" && noneMatch != "*":
		return notImplemented("a write with both conditions, or with If-None-Match of an ETag")
	case noneMatch == "*" && current != nil:
		return failed
	case match != "" && current == nil && c.mayListKeys():
		return noSuchKey()
	case match != "" && current == nil:
		return accessDenied()
	case match != "" && match != "*" && strings.Trim(match, `"`) != strings.Trim(current.etag, `"`):
		return failed
	}
	return nil
}

// deleteObject deletes the object with a key. A missing key is not an error.
func deleteObject(c *call) (any, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	if c.s3.header.Get("If-Match") != "" {
		if err := c.checkConditions(b); err != nil {
			return nil, err
		}
	}
	delete(b.objects, c.s3.key)
	header := make(http.Header)
	if b.versioned {
		header.Set("X-Amz-Delete-Marker", "true")
		header.Set("X-Amz-Version-Id", b.newVersion(c.store))
	}
	return wire.RestResult{Status: http.StatusNoContent, Header: header}, nil
}
