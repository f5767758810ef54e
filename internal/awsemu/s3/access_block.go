package s3

import (
	"encoding/xml"
	"net/http"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A PublicAccessBlock has the settings of Block Public Access, of a bucket or of the account. If
// both have settings, the stricter one counts for each.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
type PublicAccessBlock struct {
	BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets bool
}

// BlockAll has all settings, as a bucket that a client creates.
var BlockAll = PublicAccessBlock{true, true, true, true}

var accessBlock = service.Table[call]{
	"GetPublicAccessBlock": {Do: inBucket(getAccessBlock),
		Needs: []service.Need[call]{{Action: "GetBucketPublicAccessBlock", Resource: bucketARN}}},
	"PutPublicAccessBlock":    {Do: inBucket(putAccessBlock), Needs: mayPutAccessBlock},
	"DeletePublicAccessBlock": {Do: inBucket(deleteAccessBlock), Needs: mayPutAccessBlock},
}

var mayPutAccessBlock = []service.Need[call]{{Action: "PutBucketPublicAccessBlock",
	Resource: bucketARN}}

// noAccessBlock is the error for a bucket or an account without settings.
func noAccessBlock() *wire.Error {
	return wire.Refuse(http.StatusNotFound, "NoSuchPublicAccessBlockConfiguration",
		"The public access block configuration was not found")
}

type accessBlockXML struct {
	XMLName xml.Name
	PublicAccessBlock
}

// readAccessBlock reads the settings from the body of a call. An absent setting is false.
func readAccessBlock(c call) (*PublicAccessBlock, error) {
	var in struct {
		XMLName                                  xml.Name `xml:"PublicAccessBlockConfiguration"`
		BlockPublicAcls, IgnorePublicAcls        *bool
		BlockPublicPolicy, RestrictPublicBuckets *bool
	}
	if err := readXML(c, &in); err != nil {
		return nil, err
	}
	given := 0
	set := func(v *bool) bool {
		if v != nil {
			given++
		}
		return v != nil && *v
	}
	block := &PublicAccessBlock{set(in.BlockPublicAcls), set(in.IgnorePublicAcls),
		set(in.BlockPublicPolicy), set(in.RestrictPublicBuckets)}
	if given == 0 {
		return nil, wire.Refuse(http.StatusBadRequest, "InvalidRequest",
			"Must specify at least one configuration.")
	}
	return block, nil
}

func getAccessBlock(_ call, b *bucket) (any, error) {
	if b.accessBlock == nil {
		return nil, ofBucket(noAccessBlock(), b)
	}
	return wire.RestResult{Body: accessBlockXML{inNamespace("PublicAccessBlockConfiguration"),
		*b.accessBlock}}, nil
}

func putAccessBlock(c call, b *bucket) (any, error) {
	block, err := readAccessBlock(c)
	if err != nil {
		return nil, err
	}
	b.accessBlock = block
	return wire.RestResult{}, nil
}

func deleteAccessBlock(_ call, b *bucket) (any, error) {
	b.accessBlock = nil
	return wire.RestResult{Status: http.StatusNoContent}, nil
}

// effectiveBlock returns the settings that count for a bucket.
func (s *Service) effectiveBlock(b *bucket) PublicAccessBlock {
	var all PublicAccessBlock
	for _, block := range []*PublicAccessBlock{s.accessBlock, b.accessBlock} {
		if block != nil {
			all.BlockPublicAcls = all.BlockPublicAcls || block.BlockPublicAcls
			all.IgnorePublicAcls = all.IgnorePublicAcls || block.IgnorePublicAcls
			all.BlockPublicPolicy = all.BlockPublicPolicy || block.BlockPublicPolicy
			all.RestrictPublicBuckets = all.RestrictPublicBuckets || block.RestrictPublicBuckets
		}
	}
	return all
}

// blocked returns the error for a call that a setting of Block Public Access prevents.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
func blocked(c call, action, resource, what, setting string) *wire.Error {
	return wire.Refuse(http.StatusForbidden, "AccessDenied",
		"User: %s is not authorized to perform: s3:%s on resource: \"%s\" because public %s are "+
			"prevented by the %s setting in S3 Block Public Access.", c.Caller.ARN, action, resource, what,
		setting)
}
