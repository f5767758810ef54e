package organizations

import (
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// A policyKind is a type of policies, with its quotas and the policy that AWS attaches to each
// root, unit and account by default.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
type policyKind struct {
	name                    string // as in the API
	prefix                  string // of the names of the policies that an account describes
	maxContent, maxAttached int    // characters of a document, and policies of a level
	fullID, fullName        string
	fullText, fullContent   string // description and document
	inseparable             bool   // true if no level can lose the policy of AWS
	checkDocument           func(text string) error
}

// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
var serviceControl = &policyKind{
	name: "SERVICE_CONTROL_POLICY", prefix: "scp", maxContent: 10240, maxAttached: 10,
	fullID: "p-FullAWSAccess", fullName: "FullAWSAccess",
	fullText:    "Allows access to every operation",
	fullContent: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
	checkDocument: func(text string) error {
		_, err := iampolicy.Parse(text)
		return err
	},
}

// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
var resourceControl = &policyKind{
	name: "RESOURCE_CONTROL_POLICY", prefix: "rcp", maxContent: 5120, maxAttached: 5,
	fullID: "p-RCPFullAWSAccess", fullName: "RCPFullAWSAccess",
	fullText: "Allows access to every resource", fullContent: RCPFullAWSAccess, inseparable: true,
	checkDocument: CheckResourceControlPolicy,
}

// RCPFullAWSAccess is the resource control policy of that name, which AWS attaches to every level
// and which no client can detach.
const RCPFullAWSAccess = iampolicy.FullResourceAccess

// kinds are the types of policies that the server has.
var kinds = []*policyKind{serviceControl, resourceControl}

// kind returns the type of policies that a member of the input names. The server has no policies of
// the other types of AWS.
func (c call) kind(member string) (*policyKind, error) {
	name := c.text(member)
	for _, kind := range kinds {
		if kind.name == name {
			return kind, nil
		}
	}
	return nil, invalid("INVALID_ENUM_POLICY_TYPE", "You specified an invalid policy type string: "+
		"the embedded AWS has SERVICE_CONTROL_POLICY and RESOURCE_CONTROL_POLICY, not %q.", name)
}

// check checks a document. White space counts.
func (k *policyKind) check(text string) error {
	if utf8.RuneCountInString(text) > k.maxContent {
		return refuse("ConstraintViolationException", "You have exceeded the maximum policy size.")
	}
	if err := k.checkDocument(text); err != nil {
		return refuse("MalformedPolicyDocumentException",
			"The provided policy document does not meet the requirements of the specified policy type. "+
				"(%v)", err)
	}
	return nil
}
