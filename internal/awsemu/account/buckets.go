package account

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/s3"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/sns"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

// buckets reads S3 buckets by name. An object is a text, or {file: NAME}.
func (l *loader) buckets(m map[key]section[bucket], at string) map[string]s3.Bucket {
	if m == nil {
		return nil
	}
	found := make(map[string]s3.Bucket)
	for _, k := range inOrder(l, m, at) {
		name := string(k)
		if !awsname.IsBucket(name) {
			l.addProblem(l.keys[join(at, name)], at,
				"%q is not a bucket's name: use 3 to 63 lowercase letters, digits, '-' and '.'", name)
			continue
		}
		found[name] = l.bucket(m[k].of, join(at, name))
	}
	return found
}

func (l *loader) bucket(in bucket, at string) s3.Bucket {
	b := s3.Bucket{
		Owner:     l.accountID(in.Owner, join(at, "owner")),
		Region:    l.text(in.Region, join(at, "region")),
		Versioned: l.flag(in.Versioned, join(at, "versioned")),

		AccessBlock: l.publicAccessBlock(in.PublicAccessBlock, join(at, "publicAccessBlock")),
		Ownership:   l.oneOf(in.Ownership, join(at, "ownership"), s3.Ownerships()...),
		ACL:         l.oneOf(in.ACL, join(at, "acl"), s3.CannedACLs()...),
		Encryption:  l.encryption(in.Encryption, join(at, "encryption")),
		Lifecycle:   l.lifecycle(in.Lifecycle, join(at, "lifecycle")),
	}
	if policyAt := join(at, "policy"); l.node(in.Policy, policyAt) != nil {
		b.Policy = l.checkedDocument(l.node(in.Policy, policyAt), policyAt, 0, s3.CheckPolicy)
	}
	if b.ACL != "" && b.ACL != "private" && b.Ownership == s3.BucketOwnerEnforced {
		l.addProblem(l.node(in.ACL, join(at, "acl")), join(at, "acl"),
			"a bucket with the ownership %s has no ACL: remove one of the two", b.Ownership)
	}
	if in.Objects != nil {
		b.Objects = make(map[string]string)
	}
	for _, k := range inOrder(l, in.Objects, join(at, "objects")) {
		b.Objects[string(k)] = l.objectText(in.Objects[k], join(at, "objects."+string(k)))
	}
	return b
}

// publicAccessBlock reads the settings of Block Public Access, of a bucket or of the account.
func (l *loader) publicAccessBlock(in *publicAccessBlock, at string) *s3.PublicAccessBlock {
	if in == nil {
		return nil
	}
	if l.flag(in.All, join(at, "all")) {
		all := s3.BlockAll
		return &all
	}
	return &s3.PublicAccessBlock{
		BlockPublicAcls:       l.flag(in.BlockPublicAcls, join(at, "blockPublicAcls")),
		IgnorePublicAcls:      l.flag(in.IgnorePublicAcls, join(at, "ignorePublicAcls")),
		BlockPublicPolicy:     l.flag(in.BlockPublicPolicy, join(at, "blockPublicPolicy")),
		RestrictPublicBuckets: l.flag(in.RestrictPublicBuckets, join(at, "restrictPublicBuckets")),
	}
}

// encryption reads the default encryption of a bucket. With a key, the algorithm is aws:kms.
func (l *loader) encryption(in *encryption, at string) s3.Encryption {
	if in == nil {
		return s3.Encryption{}
	}
	e := s3.Encryption{
		Algorithm: l.oneOf(in.Algorithm, join(at, "algorithm"), s3.Algorithms()...),
		Key:       l.text(in.Key, join(at, "key")),
		BucketKey: l.flag(in.BucketKey, join(at, "bucketKey")),
	}
	if e.Algorithm == "" && e.Key != "" {
		e.Algorithm = "aws:kms"
	}
	switch {
	case e.Algorithm == "":
		l.addProblem(l.nodes[at], at, "the encryption needs an algorithm or a key: add one of the keys")
	case e.Algorithm == s3.Algorithms()[0] && e.Key != "":
		l.addProblem(l.nodes[at], at, "the algorithm %s has no key: remove one of the two", e.Algorithm)
	}
	return e
}

// lifecycle reads the rules that delete objects.
func (l *loader) lifecycle(list []section[lifecycleRule], at string) []s3.LifecycleRule {
	var rules []s3.LifecycleRule
	for i, item := range list {
		at := fmt.Sprintf("%s[%d]", at, i)
		r := s3.LifecycleRule{
			ID:       cmp.Or(l.text(item.of.ID, join(at, "id")), fmt.Sprintf("rule-%d", i+1)),
			Prefix:   l.text(item.of.Prefix, join(at, "prefix")),
			Days:     l.number(item.of.Days, join(at, "days"), 1, 1<<30),
			Disabled: l.flag(item.of.Disabled, join(at, "disabled")),
		}
		if r.Days == 0 && !l.hasProblem(at) {
			l.addProblem(l.nodes[at], at, "a rule needs days: add the age at which S3 deletes the objects")
		}
		rules = append(rules, r)
	}
	return rules
}

func (l *loader) objectText(v value, at string) string {
	n := l.node(v, at)
	if _, isMapping := l.resolve(n).(*ast.MappingNode); !isMapping {
		return l.text(v, at)
	}
	text := ""
	for _, kv := range l.pairs(n, at) {
		if kv.key != "file" {
			l.addProblem(kv.node, at, "unknown key %q: use one of file", kv.key)
			continue
		}
		text, _ = l.readFile(kv.value, join(at, kv.key))
	}
	return text
}

// subscriptions reads the subscriptions to the topics.
func (l *loader) subscriptions(list []section[subscription], at string) []sns.Subscription {
	var all []sns.Subscription
	for i, section := range list {
		in, item := section.of, l.item(at, i)
		s := sns.Subscription{
			Topic:        l.text(in.Topic, join(at, "topic")),
			Protocol:     l.oneOf(in.Protocol, join(at, "protocol"), sns.Protocols()...),
			Endpoint:     l.text(in.Endpoint, join(at, "endpoint")),
			Pending:      l.flag(in.Pending, join(at, "pending")),
			FilterPolicy: l.text(in.FilterPolicy, join(at, "filterPolicy")),
		}
		if in.FilterPolicy.node != nil && !json.Valid([]byte(s.FilterPolicy)) {
			l.addProblem(in.FilterPolicy.node, join(at, "filterPolicy"),
				"the filter policy is not JSON: write it as for SNS, such as "+
					"'{\"severity\":[\"critical\"]}'")
		}
		if s.Topic == "" || s.Protocol == "" || s.Endpoint == "" {
			l.addProblem(item, at,
				"a subscription needs a topic, a protocol and an endpoint: add the missing keys")
		}
		if !slices.Contains(l.acc.Topics, s.Topic) {
			l.addProblem(item, at, "there is no topic %q: add it under topics, with the same spelling",
				s.Topic)
		}
		all = append(all, s)
	}
	return all
}
