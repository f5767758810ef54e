package s3

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"strconv"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// Encryption is the default encryption of a bucket.
type Encryption struct {
	// Algorithm is AES256, aws:kms or aws:kms:dsse.
	Algorithm string
	// Key is the id, the ARN or the alias of a key of KMS, as a client sends it. Empty means the key
	// alias/aws/s3.
	Key string
	// BucketKey is true if S3 uses a bucket key.
	BucketKey bool
}

const algorithmAES = "AES256"

// Algorithms are the algorithms of the default encryption.
func Algorithms() []string { return []string{algorithmAES, "aws:kms", "aws:kms:dsse"} }

// A KeyFinder returns the ARN of a key of KMS that a text names in a region, or the error of a call
// that needs the key. An empty text names the key of AWS for S3.
type KeyFinder func(region, key string) (arn string, problem *wire.Error)

var encryption = service.Table[call]{
	"GetBucketEncryption": {Do: inBucket(getEncryption),
		Needs: []service.Need[call]{{Action: "GetEncryptionConfiguration", Resource: bucketARN}}},
	"PutBucketEncryption":    {Do: inBucket(putEncryption), Needs: mayPutEncryption},
	"DeleteBucketEncryption": {Do: inBucket(deleteEncryption), Needs: mayPutEncryption},
}

var mayPutEncryption = []service.Need[call]{{Action: "PutEncryptionConfiguration",
	Resource: bucketARN}}

type encryptionXML struct {
	XMLName   xml.Name
	Algorithm string `xml:"Rule>ApplyServerSideEncryptionByDefault>SSEAlgorithm"`
	Key       string `xml:"Rule>ApplyServerSideEncryptionByDefault>KMSMasterKeyID,omitempty"`
	BucketKey bool   `xml:"Rule>BucketKeyEnabled"`
}

// getEncryption returns the default encryption, which every bucket has since 2023.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
func getEncryption(_ call, b *bucket) (any, error) {
	return wire.RestResult{Body: encryptionXML{inNamespace("ServerSideEncryptionConfiguration"),
		cmp.Or(b.encryption.Algorithm, algorithmAES), b.encryption.Key, b.encryption.BucketKey}}, nil
}

func putEncryption(c call, b *bucket) (any, error) {
	var in encryptionXML
	if err := readXML(c, &in); err != nil {
		return nil, err
	}
	switch in.Algorithm {
	case algorithmAES:
		if in.Key != "" {
			return nil, wire.Refuse(http.StatusBadRequest, "InvalidArgument",
				"a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or "+
					"aws:kms:dsse")
		}
	case "aws:kms", "aws:kms:dsse":
	default:
		return nil, malformedXML()
	}
	b.encryption = Encryption{in.Algorithm, in.Key, in.BucketKey}
	return wire.RestResult{}, nil
}

// deleteEncryption resets the default encryption to that of S3.
func deleteEncryption(_ call, b *bucket) (any, error) {
	b.encryption = Encryption{}
	return wire.RestResult{Status: http.StatusNoContent}, nil
}

// encryptsWithKey reports whether new objects are encrypted with a key of KMS.
func (b *bucket) encryptsWithKey() bool {
	return cmp.Or(b.encryption.Algorithm, algorithmAES) != algorithmAES
}

// encryptionHeader returns the headers about the encryption of new objects of a bucket, or the
// error of a key that cannot be used.
func (c call) encryptionHeader(b *bucket) (http.Header, error) {
	header := http.Header{}
	header.Set("X-Amz-Server-Side-Encryption", cmp.Or(b.encryption.Algorithm, algorithmAES))
	if !b.encryptsWithKey() {
		return header, nil
	}
	arn, problem := c.FindKey(b.region, b.encryption.Key)
	if problem != nil {
		return nil, problem
	}
	header.Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", arn)
	if b.encryption.BucketKey {
		header.Set("X-Amz-Server-Side-Encryption-Bucket-Key-Enabled",
			strconv.FormatBool(b.encryption.BucketKey))
	}
	return header, nil
}

// keyOfBucket returns the ARN of the key that encrypts new objects of the bucket of a call, or an
// empty string. The permission on the key of AWS for S3 comes from its key policy.
func keyOfBucket(c call) string {
	b := c.buckets[c.bucketName]
	if b == nil || !b.encryptsWithKey() || b.encryption.Key == "" {
		return ""
	}
	arn, problem := c.FindKey(b.region, b.encryption.Key)
	if problem != nil {
		return ""
	}
	return arn
}

// keyOfObject returns the ARN of the key that encrypts the object of a call, or an empty string.
func keyOfObject(c call) string {
	if b := c.buckets[c.bucketName]; b != nil && b.objects[c.key] != nil {
		return b.objects[c.key].key
	}
	return ""
}
