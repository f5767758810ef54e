package kms

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A keyRule restricts the keys that an operation accepts.
type keyRule int

const (
	orAlias    keyRule = iota // the operation also accepts aliases
	ofCustomer                // the operation changes a key, and AWS does not let it change its own
)

// onKey wraps an operation on the key that KeyId names.
func onKey(do func(call, *key) (any, error), rules ...keyRule) func(call) (any, error) {
	return func(c call) (any, error) {
		name, aliases, customer := c.text("KeyId"), false, false
		for _, rule := range rules {
			aliases, customer = aliases || rule == orAlias, customer || rule == ofCustomer
		}
		switch {
		case name == "":
			return nil, required("keyId")
		case c.foreign(name):
			return nil, notAllowed(c, name, "because the resource does not exist in this Region, no "+
				"resource-based policies allow access, or a resource-based policy explicitly denies access")
		case !aliases && strings.Contains(name, "alias/"):
			return nil, refuse("NotFoundException", "Invalid keyId '%s'", name)
		}
		k, problem := c.find(c.Region, name)
		switch {
		case problem != nil:
			return nil, problem
		case customer && k.ofAWS:
			return nil, notAllowed(c, k.arn, "because no resource-based policy allows the kms:"+
				c.Operation+" action")
		}
		return do(c, k)
	}
}

func notAllowed(c call, resource, reason string) *wire.Error {
	return refuse(denial, "User: %s is not authorized to perform: kms:%s on resource: %s %s",
		c.Caller.ARN, c.Operation, resource, reason)
}

func validation(format string, args ...any) *wire.Error {
	return refuse("ValidationException", format, args...)
}

func malformed(err error) *wire.Error {
	return refuse("MalformedPolicyDocumentException", "The new key policy is not valid: %v", err)
}

func required(member string) *wire.Error {
	return validation("1 validation error detected: Value null at '%s' failed to satisfy constraint: "+
		"Member must not be null", member)
}

// namedKeyARN returns the ARN of the key that a call names. An unknown id has an ARN, too.
func namedKeyARN(c call) string { return c.resolved(c.text("KeyId")) }

// targetKeyARN returns the ARN of the key for a new alias.
func targetKeyARN(c call) string { return c.resolved(c.text("TargetKeyId")) }

func newAliasARN(c call) string { return c.aliasARN(c.Region, c.text("AliasName")) }

// resolved returns the ARN of the key that a text names, or an empty string.
func (c call) resolved(name string) string {
	k, problem := c.find(c.Region, name)
	switch {
	case problem == nil:
		return k.arn
	case keyID.MatchString(name):
		return c.keyARN(c.Region, name)
	}
	return ""
}

// metadata contains the members of KeyMetadata of a symmetric key.
type metadata struct {
	AWSAccountID          string `json:"AWSAccountId"`
	KeyID                 string `json:"KeyId"`
	Arn                   string
	CreationDate          float64
	Enabled               bool
	Description           string
	KeyUsage              string
	KeyState              string
	DeletionDate          float64 `json:",omitempty"`
	Origin                string
	KeyManager            string
	CustomerMasterKeySpec string
	KeySpec               string
	EncryptionAlgorithms  []string
	MultiRegion           bool
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (c call) metadata(k *key) any {
	m := metadata{AWSAccountID: c.account.ID, KeyID: k.id, Arn: k.arn,
		CreationDate: seconds(k.created), Enabled: k.state == Enabled,
		Description: k.description, KeyUsage: "ENCRYPT_DECRYPT", KeyState: k.state, Origin: "AWS_KMS",
		KeyManager: "CUSTOMER", CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
		KeySpec: "SYMMETRIC_DEFAULT", EncryptionAlgorithms: []string{"SYMMETRIC_DEFAULT"},
		MultiRegion: strings.HasPrefix(k.id, "mrk-")}
	if k.ofAWS {
		m.KeyManager = "AWS"
	}
	if k.state == PendingDeletion {
		m.DeletionDate = seconds(k.deletion)
	}
	return struct{ KeyMetadata metadata }{m}
}

func describeKey(c call, k *key) (any, error) { return c.metadata(k), nil }

// checkPolicyName checks the name of a key policy, of which there is one.
func (c call) checkPolicyName() error {
	if name := c.text("PolicyName"); name != "" && name != "default" {
		return refuse("NotFoundException", "No such policy exists")
	}
	return nil
}

func getKeyPolicy(c call, k *key) (any, error) {
	if err := c.checkPolicyName(); err != nil {
		return nil, err
	}
	return struct{ Policy, PolicyName string }{k.policy, "default"}, nil
}

func putKeyPolicy(c call, k *key) (any, error) {
	if err := c.checkPolicyName(); err != nil {
		return nil, err
	}
	text := c.text("Policy")
	if text == "" {
		return nil, required("policy")
	}
	if err := CheckPolicy(text); err != nil {
		return nil, malformed(err)
	}
	k.policy = text
	return nil, nil
}

// setState changes the state of a key that is not pending deletion.
func setState(k *key, state string) (any, error) {
	if k.state == PendingDeletion {
		return nil, pendingDeletion(k)
	}
	k.state = state
	return nil, nil
}

func enableKey(_ call, k *key) (any, error) { return setState(k, Enabled) }

func disableKey(_ call, k *key) (any, error) { return setState(k, Disabled) }

func scheduleDeletion(c call, k *key) (any, error) {
	days := maxWindow
	if value, given := c.Input["PendingWindowInDays"]; given {
		n, _ := wire.Number(value)
		if days = int(n); days < minWindow || days > maxWindow {
			rule := "greater than or equal to 7"
			if days > maxWindow {
				rule = "less than or equal to 30"
			}
			return nil, validation("1 validation error detected: Value '%v' at 'pendingWindowInDays' "+
				"failed to satisfy constraint: Member must have value %s", value, rule)
		}
	}
	if k.state == PendingDeletion {
		return nil, pendingDeletion(k)
	}
	k.state, k.deletion = PendingDeletion, c.Now().AddDate(0, 0, days)
	return struct {
		KeyID               string `json:"KeyId"`
		DeletionDate        float64
		KeyState            string
		PendingWindowInDays int
	}{k.arn, seconds(k.deletion), k.state, days}, nil
}

// cancelDeletion leaves the key disabled.
func cancelDeletion(_ call, k *key) (any, error) {
	if k.state != PendingDeletion {
		return nil, invalidState("%s is not pending deletion.", k.arn)
	}
	k.state, k.deletion = Disabled, time.Time{}
	return map[string]string{"KeyId": k.arn}, nil
}

func createKey(c call) (any, error) {
	for member, only := range map[string]string{"KeySpec": "SYMMETRIC_DEFAULT",
		"CustomerMasterKeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT",
		"Origin": "AWS_KMS"} {
		if value := c.text(member); value != "" && value != only {
			return nil, refuse("UnsupportedOperationException",
				"the embedded AWS creates only keys with the %s %s, got %q", member, only, value)
		}
	}
	if len(c.keys) >= maxKeys {
		return nil, refuse("LimitExceededException", "the embedded AWS has at most %d keys", maxKeys)
	}
	policy := cmp.Or(c.text("Policy"), c.defaultPolicy())
	if err := CheckPolicy(policy); err != nil {
		return nil, malformed(err)
	}
	id := KeyID(c.account.ID, c.Region, fmt.Sprint(c.account.Next()))
	k := &key{id: id, arn: c.keyARN(c.Region, id), region: c.Region, policy: policy, state: Enabled,
		description: c.text("Description"), created: c.Now()}
	c.keys = append(c.keys, k)
	return c.metadata(k), nil
}

// window returns the part of a list that a call selects.
func (c call) window() (wire.Window, error) {
	size := c.PageSize
	if value, given := c.Input["Limit"]; given {
		n, _ := wire.Number(value)
		if n < 1 || n > 1000 {
			return wire.Window{}, validation("1 validation error detected: Value '%v' at 'limit' failed "+
				"to satisfy constraint: Member must be between 1 and 1000", value)
		}
		size = min(size, int(n))
	}
	return wire.WindowAt(c.text("Marker"), c.Operation, size,
		refuse("InvalidMarkerException", "Invalid marker"))
}

func listKeys(c call) (any, error) {
	type item struct {
		KeyID  string `json:"KeyId"`
		KeyArn string
	}
	list := []item{}
	for _, k := range c.keys {
		if k.region == c.Region {
			list = append(list, item{k.id, k.arn})
		}
	}
	w, err := c.window()
	if err != nil {
		return nil, err
	}
	shown, page := wire.PageOf(list, w, c.Operation)
	return struct {
		Keys       []item
		NextMarker string `json:",omitempty"`
		Truncated  bool
	}{shown, page.Marker, page.IsTruncated}, nil
}
