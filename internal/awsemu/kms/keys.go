package kms

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"time"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// A Key is a customer managed key of KMS.
type Key struct {
	// ID is the id of the key. Empty means an id that depends on the alias.
	ID string
	// Region is the region of the key. Empty means the default region of the account.
	Region string
	// Alias is an alias with its prefix, such as alias/video. Empty means no alias.
	Alias       string
	Description string
	// Policy is the text of the key policy. Empty means the default policy, which lets the identity
	// policies of the account decide.
	Policy string
	// State is Enabled, Disabled or PendingDeletion. Empty means Enabled.
	State string
}

// The states of keys.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
const (
	Enabled         = "Enabled"
	Disabled        = "Disabled"
	PendingDeletion = "PendingDeletion"
)

// The limits of the waiting period of a deletion, in days.
const minWindow, maxWindow = 7, 30

// maxKeys is the maximum number of keys that the server stores.
const maxKeys = 10_000

type key struct {
	id, arn, region     string
	description, policy string
	state               string
	ofAWS               bool // a key that AWS manages
	created, deletion   time.Time
}

// KeyID returns an id in the format of KMS. The same parts give the same id.
func KeyID(parts ...string) string {
	sum := sha256.Sum256([]byte("key\x00" + strings.Join(parts, "\x00")))
	digits := hex.EncodeToString(sum[:])
	return digits[:8] + "-" + digits[8:12] + "-4" + digits[13:16] + "-a" + digits[17:20] + "-" +
		digits[20:32]
}

// defaultPolicy is the policy of a key that is created without one.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
func (s *Service) defaultPolicy() string {
	return `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "` + awsarn.IAM(s.account.Partition, s.account.ID, "root") + `"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`
}

// managedAliases are the aliases of the keys that AWS manages, for the services that Remotion and
// the auditor use.
var managedAliases = []string{"alias/aws/lambda", "alias/aws/s3", "alias/aws/sns"}

// protected is what the keys of the services protect, in the words of their descriptions.
var protected = map[string]string{"lambda": "Lambda functions", "s3": "S3 objects",
	"sns": "SNS data"}

// managedPolicy is the policy of a key that AWS manages for a service: the principals of the
// account use the key through the service.
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk
func (s *Service) managedPolicy(region, name string) string {
	return `{
  "Version" : "2012-10-17",
  "Id" : "auto-` + name + `-2",
  "Statement" : [ {
    "Sid" : "Allow access through ` + name + ` for all principals in the account that are ` +
		`authorized to use it",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", ` +
		`"kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {
      "StringEquals" : {
        "kms:CallerAccount" : "` + s.account.ID + `",
        "kms:ViaService" : "` + name + `.` + region + `.amazonaws.com"
      }
    }
  }, {
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "` + awsarn.IAM(s.account.Partition, s.account.ID, "root") + `"
    },
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource" : "*"
  } ]
}`
}

// managed returns the key that AWS manages for an alias, which exists from its first use.
func (s *Service) managed(region, alias string) *key {
	arn := s.aliasARN(region, alias)
	if k := s.aliases[arn]; k != nil || !slices.Contains(managedAliases, alias) {
		return k
	}
	name := strings.TrimPrefix(alias, "alias/aws/")
	id := KeyID(s.account.ID, region, alias)
	k := &key{id: id, arn: s.keyARN(region, id), region: region, state: Enabled, ofAWS: true,
		created: service.CreationTime("key", id), policy: s.managedPolicy(region, name),
		description: "Default key that protects my " + protected[name] +
			" when no other key is defined"}
	s.keys = append(s.keys, k)
	s.aliases[arn] = k
	return k
}

// keyID matches the ids of keys.
var keyID = regexp.MustCompile(`^(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)

// find returns the key that a text names by its id, its ARN, its alias or the ARN of the alias.
func (s *Service) find(region, name string) (*key, *wire.Error) {
	full := name
	switch {
	case awsarn.HasPrefix(name):
		a, ok := awsarn.Parse(name)
		if !ok || a.Service != "kms" {
			return nil, refuse("InvalidArnException", "Invalid arn %s", name)
		}
		if a.Region != region {
			return nil, refuse("NotFoundException", "Invalid arn %s", a.Region)
		}
		name = strings.TrimPrefix(a.Resource, "key/")
	case strings.HasPrefix(name, "alias/"):
		full = s.aliasARN(region, name)
	case keyID.MatchString(name):
		full = s.keyARN(region, name)
	default:
		return nil, refuse("NotFoundException", "Invalid keyId '%s'", name)
	}
	if strings.HasPrefix(name, "alias/aws/") && full == s.aliasARN(region, name) {
		s.managed(region, name)
	}
	if k := s.aliases[full]; k != nil {
		return k, nil
	}
	for _, k := range s.keys {
		if k.arn == full {
			return k, nil
		}
	}
	if strings.HasPrefix(name, "alias/") {
		return nil, refuse("NotFoundException", "Alias %s is not found.", full)
	}
	return nil, refuse("NotFoundException", "Key '%s' does not exist", full)
}

// foreign reports whether a text is the ARN of a key or an alias of another account.
func (s *Service) foreign(name string) bool {
	a, ok := awsarn.Parse(name)
	return ok && a.Service == "kms" && a.Account != s.account.ID
}

// Use returns the ARN of the key that a text names, or an error if no service can use the key. The
// server knows nothing about the keys of other accounts.
func (s *Service) Use(region, name string) (arn string, problem *wire.Error) {
	if s.foreign(name) {
		return name, nil
	}
	k, problem := s.find(region, name)
	switch {
	case problem != nil:
		return "", problem
	case k.state == Disabled:
		return "", refuse("DisabledException", "%s is disabled.", k.arn)
	case k.state == PendingDeletion:
		return "", pendingDeletion(k)
	}
	return k.arn, nil
}

// ResourcePolicy returns the policy of a key of the account. Its document is nil if the policy does
// not parse: nothing then allows a request to the key.
func (s *Service) ResourcePolicy(arn string) (iampolicy.ResourcePolicy, bool) {
	for _, k := range s.keys {
		if k.arn == arn {
			document, err := iampolicy.ParseResourcePolicy(iampolicy.Key, k.policy)
			if err != nil {
				document = nil
			}
			return iampolicy.ResourcePolicy{Kind: iampolicy.Key, ARN: arn, Account: s.account.ID,
				Policy: iampolicy.Policy{ID: "key policy", Document: document}}, true
		}
	}
	return iampolicy.ResourcePolicy{}, false
}

// MayBeUsedBy reports whether the policy of a key names a service, such as
// logs.us-east-1.amazonaws.com, in a statement that allows something.
func (s *Service) MayBeUsedBy(arn, service string) bool {
	policy, found := s.ResourcePolicy(arn)
	return found && policy.Document != nil && slices.ContainsFunc(policy.Document.Statements,
		func(s iampolicy.Statement) bool {
			return s.Effect == iampolicy.Allow && slices.Contains(s.Principal,
				iampolicy.Principal{Type: "Service", Name: service})
		})
}

func invalidState(format string, args ...any) *wire.Error {
	return refuse("KMSInvalidStateException", format, args...)
}

func pendingDeletion(k *key) *wire.Error { return invalidState("%s is pending deletion.", k.arn) }

// CheckPolicy returns an error for a text that is not a key policy.
func CheckPolicy(text string) error {
	_, err := iampolicy.ParseResourcePolicy(iampolicy.Key, text)
	return err
}
