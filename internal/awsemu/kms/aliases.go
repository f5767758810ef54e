package kms

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// listAliases lists the aliases of a region, or those of one key. The aliases of keys that AWS
// manages exist before their keys.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html
func listAliases(c call) (any, error) {
	type item struct {
		AliasName    string
		AliasArn     string
		TargetKeyID  string  `json:"TargetKeyId,omitempty"`
		CreationDate float64 `json:",omitempty"`
	}
	var of *key
	if name := c.text("KeyId"); name != "" {
		k, problem := c.find(c.Region, name)
		if problem != nil {
			return nil, problem
		}
		of = k
	}
	prefix := c.aliasARN(c.Region, "")
	names := map[string]*key{}
	for _, name := range managedAliases {
		names[name] = nil
	}
	for arn, k := range c.aliases {
		if name, ofRegion := strings.CutPrefix(arn, prefix); ofRegion {
			names[name] = k
		}
	}
	list := []item{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		k := names[name]
		if of != nil && k != of {
			continue
		}
		i := item{AliasName: name, AliasArn: prefix + name}
		if k != nil {
			i.TargetKeyID, i.CreationDate = k.id, seconds(k.created)
		}
		list = append(list, i)
	}
	w, err := c.window()
	if err != nil {
		return nil, err
	}
	shown, page := wire.PageOf(list, w, c.Operation)
	return struct {
		Aliases    []item
		NextMarker string `json:",omitempty"`
		Truncated  bool
	}{shown, page.Marker, page.IsTruncated}, nil
}

// aliasName matches the names of aliases of customers.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
var aliasName = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]{1,250}$`)

// IsAlias reports whether a text is the name of an alias that a customer can create.
func IsAlias(name string) bool {
	return aliasName.MatchString(name) && !strings.HasPrefix(name, "alias/aws/")
}

// IsKeyID reports whether a text is the id of a key.
func IsKeyID(id string) bool { return keyID.MatchString(id) }

func createAlias(c call) (any, error) {
	name := c.text("AliasName")
	switch {
	case strings.HasPrefix(name, "alias/aws/"):
		return nil, refuse("NotAuthorizedException", "")
	case !strings.HasPrefix(name, "alias/"):
		return nil, refuse("InvalidAliasNameException", "Alias must start with the prefix \"alias/\". "+
			"Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html")
	case !IsAlias(name):
		return nil, validation("1 validation error detected: Value '%s' at 'aliasName' failed to "+
			"satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$", name)
	case c.aliases[newAliasARN(c)] != nil:
		return nil, refuse("AlreadyExistsException", "An alias with the name %s already exists",
			newAliasARN(c))
	}
	k, problem := c.find(c.Region, c.text("TargetKeyId"))
	switch {
	case problem != nil:
		return nil, problem
	case k.state == PendingDeletion:
		return nil, pendingDeletion(k)
	}
	c.aliases[newAliasARN(c)] = k
	return nil, nil
}
