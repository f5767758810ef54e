// Package kms emulates keys of KMS with their policies, states and aliases. It encrypts nothing.
package kms

import (
	"cmp"
	"net/http"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A Service contains the keys of an account, of every region.
type Service struct {
	account *service.Account
	keys    []*key
	// aliases are the keys by the ARNs of their aliases.
	aliases map[string]*key
}

// New returns a service with customer managed keys.
func New(account *service.Account, keys []Key) *Service {
	s := &Service{account: account, aliases: make(map[string]*key)}
	for _, described := range keys {
		s.describe(described)
	}
	return s
}

// describe creates a key of an account's description.
func (s *Service) describe(described Key) {
	region := cmp.Or(described.Region, s.account.Region)
	id := described.ID
	if id == "" {
		id = KeyID(s.account.ID, region, described.Alias)
	}
	k := &key{id: id, arn: s.keyARN(region, id), region: region,
		description: described.Description, policy: cmp.Or(described.Policy, s.defaultPolicy()),
		state: cmp.Or(described.State, Enabled), created: service.CreationTime("key", id)}
	if k.state == PendingDeletion {
		k.deletion = k.created.AddDate(10, 0, 0)
	}
	s.keys = append(s.keys, k)
	if described.Alias != "" {
		s.aliases[s.aliasARN(region, described.Alias)] = k
	}
}

// A call is a call of KMS.
type call struct {
	*service.Call
	*Service
}

// The permissions are those of
// https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html
var operations = service.Table[call]{
	"DescribeKey":         {Do: onKey(describeKey, orAlias), Needs: service.On(namedKeyARN)},
	"GetKeyPolicy":        {Do: onKey(getKeyPolicy), Needs: service.On(namedKeyARN)},
	"PutKeyPolicy":        {Do: onKey(putKeyPolicy, ofCustomer), Needs: service.On(namedKeyARN)},
	"EnableKey":           {Do: onKey(enableKey, ofCustomer), Needs: service.On(namedKeyARN)},
	"DisableKey":          {Do: onKey(disableKey, ofCustomer), Needs: service.On(namedKeyARN)},
	"ScheduleKeyDeletion": {Do: onKey(scheduleDeletion, ofCustomer), Needs: service.On(namedKeyARN)},
	"CancelKeyDeletion":   {Do: onKey(cancelDeletion, ofCustomer), Needs: service.On(namedKeyARN)},
	"CreateKey":           {Do: createKey, Needs: service.OnAny[call]()},
	"ListKeys":            {Do: listKeys, Needs: service.OnAny[call]()},
	"ListAliases":         {Do: listAliases, Needs: service.OnAny[call]()},
	"CreateAlias": {Do: createAlias, Needs: []service.Need[call]{{Resource: newAliasARN},
		{Resource: targetKeyARN}}},
}

// Definition implements [service.Service].
func (s *Service) Definition() service.Definition {
	return service.Definition{
		Name: "kms", Scope: "kms", Prefix: "kms", Version: "2014-11-01", Target: "TrentService",
		Denial: denial, DenialStatus: http.StatusBadRequest,
		Throttled: wire.Error{Status: http.StatusBadRequest, Code: "ThrottlingException",
			Message: "Rate exceeded"},
		Operations: service.Bind(func(c *service.Call) call { return call{c, s} }, operations),
		ConditionKeys: func(_ *service.Call, set func(key, value string)) {
			set("kms:CallerAccount", s.account.ID)
		},
	}
}

const denial = "AccessDeniedException"

func refuse(code, format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, code, format, args...)
}

func (c call) text(member string) string {
	text, _ := c.Input[member].(string)
	return text
}

func (s *Service) keyARN(region, id string) string { return s.arn(region, "key/"+id) }

func (s *Service) aliasARN(region, alias string) string { return s.arn(region, alias) }

func (s *Service) arn(region, resource string) string {
	return awsarn.ARN{Partition: s.account.Partition, Service: "kms", Region: region,
		Account: s.account.ID, Resource: resource}.String()
}
