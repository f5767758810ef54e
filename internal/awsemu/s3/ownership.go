package s3

import (
	"encoding/xml"
	"net/http"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// The values of object ownership. The first one disables ACLs.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
const (
	BucketOwnerEnforced  = "BucketOwnerEnforced"
	BucketOwnerPreferred = "BucketOwnerPreferred"
	ObjectWriter         = "ObjectWriter"
)

// Ownerships are the values of object ownership.
func Ownerships() []string {
	return []string{BucketOwnerEnforced, BucketOwnerPreferred, ObjectWriter}
}

var ownership = service.Table[call]{
	"GetBucketOwnershipControls":    {Do: inBucket(getOwnership), Needs: service.On(bucketARN)},
	"PutBucketOwnershipControls":    {Do: inBucket(putOwnership), Needs: service.On(bucketARN)},
	"DeleteBucketOwnershipControls": {Do: inBucket(deleteOwnership), Needs: mayPutOwnership},
}

var mayPutOwnership = []service.Need[call]{{Action: "PutBucketOwnershipControls",
	Resource: bucketARN}}

type ownershipXML struct {
	XMLName   xml.Name
	Ownership string `xml:"Rule>ObjectOwnership"`
}

func getOwnership(_ call, b *bucket) (any, error) {
	if b.ownership == "" {
		return nil, ofBucket(wire.Refuse(http.StatusNotFound, "OwnershipControlsNotFoundError",
			"The bucket ownership controls were not found"), b)
	}
	return wire.RestResult{Body: ownershipXML{inNamespace("OwnershipControls"), b.ownership}}, nil
}

func putOwnership(c call, b *bucket) (any, error) {
	var in ownershipXML
	if err := readXML(c, &in); err != nil {
		return nil, err
	}
	switch in.Ownership {
	case BucketOwnerEnforced:
		if len(b.acl) > 0 {
			return nil, aclWithOwnership()
		}
	case BucketOwnerPreferred, ObjectWriter:
	default:
		return nil, malformedXML()
	}
	b.ownership = in.Ownership
	return wire.RestResult{}, nil
}

// aclWithOwnership is the error for a bucket that would have an ACL and disable ACLs.
func aclWithOwnership() *wire.Error {
	return wire.Refuse(http.StatusBadRequest, "InvalidBucketAclWithObjectOwnership",
		"Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
}

func deleteOwnership(_ call, b *bucket) (any, error) {
	b.ownership = ""
	return wire.RestResult{Status: http.StatusNoContent}, nil
}
