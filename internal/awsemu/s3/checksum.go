package s3

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A checksum is the stored checksum of an object: the name of its header, and its value.
type checksum struct{ header, value string }

type checksumKind struct {
	header string
	hash   func() hash.Hash
}

// checksums are the checksums of S3 that the standard library can compute. S3 computes the first
// one for an upload without a checksum.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
var checksums = []checksumKind{
	{"X-Amz-Checksum-Crc64nvme", func() hash.Hash {
		return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5))
	}},
	{"X-Amz-Checksum-Crc32", func() hash.Hash { return crc32.NewIEEE() }},
	{"X-Amz-Checksum-Crc32c", func() hash.Hash {
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	}},
	{"X-Amz-Checksum-Sha1", sha1.New},
	{"X-Amz-Checksum-Sha256", sha256.New},
	{"X-Amz-Checksum-Sha512", sha512.New},
	{"X-Amz-Checksum-Md5", md5.New},
	{"Content-Md5", md5.New},
}

func sum(h hash.Hash, body []byte) string {
	h.Write(body) // a hash never returns an error
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// verifyChecksums compares a body with the checksums in the header. It returns the checksum to
// store, which is empty if the header contains no checksum except Content-Md5.
func verifyChecksums(body []byte, header http.Header) (checksum, *wire.Error) {
	stored := checksum{}
	for name := range header {
		if isChecksum := strings.HasPrefix(name, "X-Amz-Checksum-"); isChecksum &&
			!slices.Contains([]string{"X-Amz-Checksum-Mode", "X-Amz-Checksum-Type",
				"X-Amz-Checksum-Algorithm"}, name) &&
			!slices.ContainsFunc(checksums, func(known checksumKind) bool { return known.header == name }) {
			return stored, notImplemented("PutObject with the header %s", name)
		}
	}
	for _, known := range checksums {
		sent := header.Get(known.header)
		if sent == "" {
			continue
		}
		if actual := sum(known.hash(), body); sent != actual {
			return stored,
				wire.Refuse(http.StatusBadRequest, "BadDigest",
					"The %s you specified did not match the calculated checksum.", known.header)
		}
		if known.header != "Content-Md5" {
			stored = checksum{known.header, sent}
		}
	}
	return stored, nil
}
