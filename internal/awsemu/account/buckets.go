package account

import (
	"encoding/json"
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
	}
	if in.Objects != nil {
		b.Objects = make(map[string]string)
	}
	for _, k := range inOrder(l, in.Objects, join(at, "objects")) {
		b.Objects[string(k)] = l.objectText(in.Objects[k], join(at, "objects."+string(k)))
	}
	return b
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
