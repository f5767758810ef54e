package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A grant is an entry of an ACL, in addition to the full control of the owner.
type grant struct{ grantee, permission string } // grantee is a canonical user or the URI of a group

// The groups of ACLs.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
const (
	allUsers           = "http://acs.amazonaws.com/groups/global/AllUsers"
	authenticatedUsers = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
	logDelivery        = "http://acs.amazonaws.com/groups/s3/LogDelivery"
)

// cannedACLs are the predefined ACLs, with their grants besides that of the owner.
var cannedACLs = map[string][]grant{
	"private":            {},
	"public-read":        {{allUsers, "READ"}},
	"public-read-write":  {{allUsers, "READ"}, {allUsers, "WRITE"}},
	"authenticated-read": {{authenticatedUsers, "READ"}},
	"log-delivery-write": {{logDelivery, "WRITE"}, {logDelivery, "READ_ACP"}},
	// The ACLs below concern objects that another account writes.
	"aws-exec-read": {}, "bucket-owner-read": {}, "bucket-owner-full-control": {},
}

// CannedACLs are the names of the predefined ACLs of buckets.
func CannedACLs() []string {
	return []string{"private", "public-read", "public-read-write", "authenticated-read",
		"log-delivery-write"}
}

var acl = service.Table[call]{
	"GetBucketAcl": {Do: inBucket(getBucketACL), Needs: service.On(bucketARN)},
	"PutBucketAcl": {Do: inBucket(putBucketACL), Needs: service.On(bucketARN)},
}

// canonicalID returns the canonical user id of an account.
func canonicalID(account string) string {
	sum := sha256.Sum256([]byte("canonical\x00" + account))
	return hex.EncodeToString(sum[:])
}

type granteeXML struct {
	XSI  string `xml:"xmlns:xsi,attr"`
	Type string `xml:"xsi:type,attr"`
	ID   string `xml:",omitempty"`
	URI  string `xml:",omitempty"`
}

type grantXML struct {
	Grantee    granteeXML
	Permission string
}

func (g grant) xml() grantXML {
	who := granteeXML{XSI: "http://www.w3.org/2001/XMLSchema-instance", Type: "CanonicalUser",
		ID: g.grantee}
	if strings.HasPrefix(g.grantee, "http:") {
		who.Type, who.ID, who.URI = "Group", "", g.grantee
	}
	return grantXML{who, g.permission}
}

func getBucketACL(_ call, b *bucket) (any, error) {
	owner := canonicalID(b.owner)
	grants := []grantXML{grant{owner, "FULL_CONTROL"}.xml()}
	for _, g := range b.acl {
		grants = append(grants, g.xml())
	}
	return wire.RestResult{Body: struct {
		XMLName xml.Name
		Owner   string     `xml:"Owner>ID"`
		Grants  []grantXML `xml:"AccessControlList>Grant"`
	}{inNamespace("AccessControlPolicy"), owner, grants}}, nil
}

// sentACL returns the grants of the ACL in the headers of a call, without those of the owner. given
// is false for a call without an ACL.
func sentACL(c call, owner string) (grants []grant, given bool, err error) {
	if canned := c.Header.Get("X-Amz-Acl"); canned != "" {
		grants, known := cannedACLs[canned]
		if !known {
			return nil, true, wire.Refuse(http.StatusBadRequest, "InvalidArgument", "Argument value %s "+
				"is not a canned ACL", canned)
		}
		return grants, true, nil
	}
	for header, permission := range map[string]string{"X-Amz-Grant-Full-Control": "FULL_CONTROL",
		"X-Amz-Grant-Read": "READ", "X-Amz-Grant-Read-Acp": "READ_ACP", "X-Amz-Grant-Write": "WRITE",
		"X-Amz-Grant-Write-Acp": "WRITE_ACP"} {
		for who := range strings.SplitSeq(c.Header.Get(header), ",") {
			kind, grantee, found := strings.Cut(strings.TrimSpace(who), "=")
			switch grantee = strings.Trim(grantee, `"`); {
			case who == "":
				continue
			case !found || kind != "id" && kind != "uri":
				return nil, true, wire.Refuse(http.StatusBadRequest, "InvalidArgument",
					"the embedded AWS accepts grants with id= and uri=, got %q", who)
			}
			given = true
			if grantee != canonicalID(owner) {
				grants = append(grants, grant{grantee, permission})
			}
		}
	}
	slices.SortFunc(grants, func(a, b grant) int {
		return strings.Compare(a.grantee+a.permission, b.grantee+b.permission)
	})
	return grants, given, nil
}

func isPublicACL(grants []grant) bool {
	return slices.ContainsFunc(grants, func(g grant) bool {
		return g.grantee == allUsers || g.grantee == authenticatedUsers
	})
}

// putBucketACL replaces the ACL of a bucket by the one in the headers or in the body.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html
func putBucketACL(c call, b *bucket) (any, error) {
	grants, given, err := sentACL(c, b.owner)
	if err == nil && !given {
		grants, err = readACL(c, b)
	}
	switch {
	case err != nil:
		return nil, err
	case isPublicACL(grants) && c.effectiveBlock(b).BlockPublicAcls:
		return nil, blocked(c, "PutBucketAcl", bucketARN(c), "ACLs", "BlockPublicAcls")
	case b.ownership == BucketOwnerEnforced:
		return nil, aclsDisabled(b)
	}
	b.acl = grants
	return wire.RestResult{}, nil
}

// readACL reads the ACL in the body of a call.
func readACL(c call, b *bucket) ([]grant, error) {
	var in struct {
		XMLName xml.Name `xml:"AccessControlPolicy"`
		Grants  []struct {
			ID         string `xml:"Grantee>ID"`
			URI        string `xml:"Grantee>URI"`
			Permission string
		} `xml:"AccessControlList>Grant"`
	}
	if err := readXML(c, &in); err != nil {
		return nil, err
	}
	var grants []grant
	for _, g := range in.Grants {
		if (g.ID == "") == (g.URI == "") || g.Permission == "" {
			return nil, wire.Refuse(http.StatusBadRequest, "MalformedACLError",
				"The XML you provided was not well-formed or did not validate against our published schema")
		}
		if g.ID != canonicalID(b.owner) {
			grants = append(grants, grant{g.ID + g.URI, g.Permission})
		}
	}
	return grants, nil
}

func aclsDisabled(b *bucket) *wire.Error {
	return ofBucket(wire.Refuse(http.StatusBadRequest, "AccessControlListNotSupported",
		"The bucket does not allow ACLs"), b)
}

// checkObjectACL returns an error if a bucket does not accept the ACL of a write. A bucket that
// disables ACLs accepts the full control of its owner.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ensure-object-ownership.html
func (c call) checkObjectACL(b *bucket) error {
	grants, given, err := sentACL(c, b.owner)
	switch {
	case err != nil:
		return err
	case !given:
		return nil
	case isPublicACL(grants) && c.effectiveBlock(b).BlockPublicAcls:
		return blocked(c, "PutObject", objectARN(c), "ACLs", "BlockPublicAcls")
	case b.ownership != BucketOwnerEnforced,
		c.Header.Get("X-Amz-Acl") == "bucket-owner-full-control",
		c.Header.Get("X-Amz-Acl") == "" && len(grants) == 0:
		return nil
	}
	return aclsDisabled(b)
}
