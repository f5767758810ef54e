package replay

import (
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
)

// A keyType is one of the simulator's types of context keys, with the operators for this type.
type keyType struct {
	operator     string // prefix of the operators, without the set prefix and Not
	scalar, list types.ContextKeyTypeEnum
	fits         func(string) bool // whether a value has this type
}

// keyTypes lists the types of context keys except string, which is the type of all other keys. The
// simulator rejects a value that does not have the type of its key.
var keyTypes = []keyType{
	{"Numeric", types.ContextKeyTypeEnumNumeric, types.ContextKeyTypeEnumNumericList,
		func(s string) bool {
			_, err := strconv.ParseFloat(s, 64)
			return err == nil
		}},
	{"Date", types.ContextKeyTypeEnumDate, types.ContextKeyTypeEnumDateList, func(s string) bool {
		_, err := time.Parse(time.RFC3339Nano, s)
		return err == nil
	}},
	{"Bool", types.ContextKeyTypeEnumBoolean, types.ContextKeyTypeEnumBooleanList,
		func(s string) bool {
			return s == "true" || s == "false"
		}},
	{"Binary", types.ContextKeyTypeEnumBinary, types.ContextKeyTypeEnumBinaryList,
		func(s string) bool {
			_, err := base64.StdEncoding.DecodeString(s)
			return err == nil
		}},
	{"Ip", types.ContextKeyTypeEnumIp, types.ContextKeyTypeEnumIpList, func(s string) bool {
		_, err := netip.ParseAddr(s)
		return err == nil
	}},
}

// contextTypes maps each context key, in lower case, to the operator with which the policies of a
// case compare the key. It omits keys that only string operators, ARN operators or Null compare.
func contextTypes(c corpus.Case) map[string]string {
	found := make(map[string]string)
	documents := slices.Concat(c.Identity, slices.Concat(c.Organization...))
	if c.Boundary != nil {
		documents = append(documents, *c.Boundary)
	}
	for _, d := range documents {
		var tree any
		if json.Unmarshal([]byte(d), &tree) == nil {
			collectOperators(tree, found)
		}
	}
	return found
}

// collectOperators adds the context keys of a document and their operators to found. It reads every
// object under the name of an operator as the keys of a condition.
func collectOperators(tree any, found map[string]string) {
	switch tree := tree.(type) {
	case []any:
		for _, t := range tree {
			collectOperators(t, found)
		}
	case map[string]any:
		for name, t := range tree {
			keys, ok := t.(map[string]any)
			if _, bare, set := strings.Cut(name, ":"); set {
				name = bare
			}
			name = strings.TrimPrefix(name, "Not")
			if ok &&
				slices.ContainsFunc(keyTypes, func(k keyType) bool {
					return strings.HasPrefix(name,
						k.operator)
				}) {
				for key := range keys {
					found[strings.ToLower(key)] = name
				}
			}
			collectOperators(t, found)
		}
	}
}

// contextType returns the type of the operator if all values have that type, else the string type.
func contextType(operator string, v corpus.Values) types.ContextKeyTypeEnum {
	for _, k := range keyTypes {
		if strings.HasPrefix(operator, k.operator) &&
			!slices.ContainsFunc(v.Elements, func(s string) bool { return !k.fits(s) }) {
			if v.List {
				return k.list
			}
			return k.scalar
		}
	}
	if v.List {
		return types.ContextKeyTypeEnumStringList
	}
	return types.ContextKeyTypeEnumString
}
