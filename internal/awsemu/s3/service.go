// Package s3 emulates buckets and objects of S3.
package s3

import (
	"maps"
	"net/http"
	"slices"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A Service contains the buckets with their objects.
type Service struct {
	account *service.Account
	buckets map[string]*bucket
	uploads map[string]*upload
	// accessBlock are the settings of Block Public Access of the account; nil without settings.
	accessBlock *PublicAccessBlock

	// FindKey finds keys of KMS.
	FindKey KeyFinder
}

// New returns a service with buckets by name. block are the settings of the account.
func New(account *service.Account, buckets map[string]Bucket, block *PublicAccessBlock) *Service {
	s := &Service{account: account, buckets: make(map[string]*bucket), accessBlock: block}
	for _, name := range slices.Sorted(maps.Keys(buckets)) {
		s.addBucket(name, buckets[name])
	}
	return s
}

// A call is a call of S3.
type call struct {
	*service.Call
	*Service
	bucketName, key string
}

// The permissions are those of
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
var operations = service.Table[call]{
	"ListObjectsV2": {Do: listObjects, Needs: mayListBucket},
	"GetObject":     {Do: getObject, Needs: mayGetObject},
	// net/http sends no body in a reply to HEAD.
	"HeadObject":   {Do: getObject, Needs: mayGetObject},
	"PutObject":    {Do: putObject, Needs: mayPutObject},
	"DeleteObject": {Do: deleteObject, Needs: service.On(objectARN)},
}

var mayGetObject = []service.Need[call]{{Action: "GetObject", Resource: objectARN},
	{Action: "kms:Decrypt", Resource: keyOfObject}}

var mayListBucket = []service.Need[call]{{Action: "ListBucket", Resource: bucketARN}}

// Definition implements [service.Service].
func (s *Service) Definition() service.Definition {
	return service.Definition{
		Name: "s3", Scope: "s3", Prefix: "s3", Version: "2006-03-01",
		XMLNS:  "http://s3.amazonaws.com/doc/2006-03-01/",
		Denial: "AccessDenied",
		Throttled: wire.Error{Status: http.StatusServiceUnavailable, Code: "SlowDown",
			Message: "Please reduce your request rate."},
		Operations: service.Bind(func(c *service.Call) call {
			return call{c, s, c.Params.Get("Bucket"), c.Params.Get("Key")}
		}, operations, configuration, multipart, accessBlock, ownership, acl, bucketPolicy, encryption,
			lifecycle),
		Parse:         parse,
		ConditionKeys: s.setConditionKeys,
	}
}

// setConditionKeys sets the condition keys of S3, and those of calls that S3 makes to KMS.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
func (s *Service) setConditionKeys(c *service.Call, set func(key, value string)) {
	set("s3:x-amz-acl", c.Header.Get("X-Amz-Acl"))
	for _, parameter := range []string{"prefix", "delimiter", "max-keys"} {
		set("s3:"+parameter, c.Query.Get(parameter))
	}
	if b := s.buckets[c.Params.Get("Bucket")]; b != nil {
		set("s3:ResourceAccount", b.owner)
		set("aws:ResourceAccount", b.owner)
	}
	set("kms:CallerAccount", s.account.ID)
	set("kms:ViaService", "s3."+c.Region+".amazonaws.com")
}

// bucketARN returns the ARN of the bucket that a call names.
func bucketARN(c call) string {
	return awsarn.ARN{Partition: c.account.Partition, Service: "s3",
		Resource: c.bucketName}.String()
}

// objectARN returns the ARN of the object that a call names.
func objectARN(c call) string { return bucketARN(c) + "/" + c.key }

// Objects returns the current objects of a bucket, by key; nil if there is no such bucket.
func (s *Service) Objects(name string) map[string][]byte {
	b := s.buckets[name]
	if b == nil {
		return nil
	}
	found := make(map[string][]byte)
	for key, o := range b.objects {
		found[key] = slices.Clone(o.body)
	}
	return found
}
