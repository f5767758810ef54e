package awsemu

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
)

// A checksum is stored with an object.
type checksum struct{ header, value string }

type checksumKind struct {
	header string
	hash   func() hash.Hash
}

// checksums are the checksums of S3 that the standard library offers. The first is the one that S3
// computes for an upload without a checksum.
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

// verifyChecksums compares a body with the checksums in the header, and returns the checksum to
// store.
func verifyChecksums(body []byte, header http.Header) (checksum, *apiError) {
	kept := checksum{}
	for name := range header {
		if claims := strings.HasPrefix(name, "X-Amz-Checksum-"); claims &&
			!slices.Contains([]string{"X-Amz-Checksum-Mode", "X-Amz-Checksum-Type",
				"X-Amz-Checksum-Algorithm"}, name) &&
			!slices.ContainsFunc(checksums, func(known checksumKind) bool { return known.header == name }) {
			return kept, notImplemented("PutObject with the header %s", name)
		}
	}
	for _, known := range checksums {
		claimed := header.Get(known.header)
		if claimed == "" {
			continue
		}
		if actual := sum(known.hash(), body); claimed != actual {
			return kept,
				refuse(http.StatusBadRequest, "BadDigest",
					"The %s you specified did not match the calculated checksum.", known.header)
		}
		if known.header != "Content-Md5" {
			kept = checksum{known.header, claimed}
		}
	}
	return kept, nil
}
