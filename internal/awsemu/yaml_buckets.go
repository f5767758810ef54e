package awsemu

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

// buckets reads S3 buckets by name. An object is a text, or {file: NAME}.
func (l *loader) buckets(n ast.Node, at string) map[string]Bucket {
	found := make(map[string]Bucket)
	for _, kv := range l.pairs(n, at) {
		if !awsname.IsBucket(kv.key) {
			l.addProblem(kv.node, at,
				"%q is not a bucket's name: use 3 to 63 lowercase letters, digits, '-' and '.'", kv.key)
			continue
		}
		found[kv.key] = l.bucket(kv.value, join(at, kv.key))
	}
	return found
}

func (l *loader) bucket(n ast.Node, at string) Bucket {
	var b Bucket
	l.section(n, at, map[string]func(ast.Node, string){
		"owner":     func(n ast.Node, at string) { b.Owner = l.accountID(n, at) },
		"region":    func(n ast.Node, at string) { b.Region = l.text(n, at) },
		"versioned": func(n ast.Node, at string) { b.Versioned = l.flag(n, at) },
		"objects": func(n ast.Node, at string) {
			b.Objects = make(map[string]string)
			for _, kv := range l.pairs(n, at) {
				b.Objects[kv.key] = l.objectText(kv.value, join(at, kv.key))
			}
		},
	})
	return b
}

func (l *loader) objectText(n ast.Node, at string) string {
	m, isMapping := l.resolve(n).(*ast.MappingNode)
	if !isMapping {
		return l.text(n, at)
	}
	text := ""
	l.section(m, at, map[string]func(ast.Node, string){
		"file": func(n ast.Node, at string) { text, _ = l.readFile(n, at) },
	})
	return text
}

// subscriptions reads the subscriptions to the topics.
func (l *loader) subscriptions(n ast.Node, at string) []Subscription {
	var all []Subscription
	for _, item := range l.items(n, at) {
		var s Subscription
		l.section(item, at, map[string]func(ast.Node, string){
			"topic": func(n ast.Node, at string) { s.Topic = l.text(n, at) },
			"protocol": func(n ast.Node, at string) {
				s.Protocol = l.oneOf(n, at, slices.Sorted(maps.Keys(protocols))...)
			},
			"endpoint": func(n ast.Node, at string) { s.Endpoint = l.text(n, at) },
			"pending":  func(n ast.Node, at string) { s.Pending = l.flag(n, at) },
			"filterPolicy": func(n ast.Node, at string) {
				if s.FilterPolicy = l.text(n, at); !json.Valid([]byte(s.FilterPolicy)) {
					l.addProblem(n, at,
						"the filter policy is not JSON: write it as for SNS, such as "+
							"'{\"severity\":[\"critical\"]}'")
				}
			},
		})
		if s.Topic == "" || s.Protocol == "" || s.Endpoint == "" {
			l.addProblem(item, at,
				"a subscription needs a topic, a protocol and an endpoint: add the missing keys")
		}
		l.checkLater(func() {
			if !slices.Contains(l.acc.Topics, s.Topic) {
				l.addProblem(item, at, "there is no topic %q: add it under topics, with the same spelling",
					s.Topic)
			}
		})
		all = append(all, s)
	}
	return all
}
