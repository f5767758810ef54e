package iam

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// tagWrites are the operations that change the tags of users, roles and policies.
var tagWrites = table{
	"TagUser":     {Do: forEntity(service.KindUser, tagEntity), Needs: onUser},
	"TagRole":     {Do: forRole(tagEntity), Needs: onRole},
	"TagPolicy":   {Do: tagPolicy, Needs: onPolicy},
	"UntagUser":   {Do: forEntity(service.KindUser, untagEntity), Needs: onUser},
	"UntagRole":   {Do: forRole(untagEntity), Needs: onRole},
	"UntagPolicy": {Do: untagPolicy, Needs: onPolicy},
}

// The limits of IAM for tags.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxTags, maxTagKey, maxTagValue = 50, 128, 256

// withoutTag returns a copy of tags without a key. Upper and lower case of the key do not matter.
func withoutTag(tags map[string]string, key string) map[string]string {
	rest := maps.Clone(tags)
	maps.DeleteFunc(rest, func(k, _ string) bool { return strings.EqualFold(k, key) })
	return rest
}

// addTags returns a copy of tags with those of the parameter Tags.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules
func (c call) addTags(tags map[string]string) (map[string]string, error) {
	all := maps.Clone(tags)
	if all == nil {
		all = make(map[string]string)
	}
	var keys []string
	for _, tag := range c.Form.List("Tags", "member") {
		key, value := tag.Get("Key"), tag.Get("Value")
		switch {
		case key == "":
			return nil, wire.Constraint("tags.member.key",
				"Member must have length greater than or equal to 1")
		case utf8.RuneCountInString(key) > maxTagKey:
			return nil, wire.Constraint("tags.member.key",
				"Member must have length less than or equal to %d", maxTagKey)
		case utf8.RuneCountInString(value) > maxTagValue:
			return nil, wire.Constraint("tags.member.value",
				"Member must have length less than or equal to %d", maxTagValue)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return nil, invalidInput("System tags cannot be added/updated by requester")
		case slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, key) }):
			return nil, invalidInput(
				"Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		keys = append(keys, key)
		all = withoutTag(all, key)
		all[key] = value
	}
	if len(all) > maxTags {
		return nil, limitExceeded("The number of tags has reached the maximum limit.")
	}
	return all, nil
}

// removeTags returns a copy of tags without those that the parameter TagKeys names.
func (c call) removeTags(tags map[string]string) map[string]string {
	for _, key := range c.Form.Members("TagKeys") {
		tags = withoutTag(tags, key)
	}
	return tags
}

func tagEntity(c call, e *entity) (any, error) {
	tags, err := c.addTags(e.tags)
	if err == nil {
		e.tags = tags
	}
	return nil, err
}

func untagEntity(c call, e *entity) (any, error) {
	e.tags = c.removeTags(e.tags)
	return nil, nil
}

func tagPolicy(c call) (any, error) {
	p, err := c.ownPolicy()
	if err != nil {
		return nil, err
	}
	tags, err := c.addTags(p.tags)
	if err == nil {
		p.tags = tags
	}
	return nil, err
}

func untagPolicy(c call) (any, error) {
	p, err := c.ownPolicy()
	if err == nil {
		p.tags = c.removeTags(p.tags)
	}
	return nil, err
}
