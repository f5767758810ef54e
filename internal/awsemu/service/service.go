package service

import (
	"net/http"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A Service is one AWS service with its data. The server calls Definition once.
type Service interface {
	Definition() Definition
}

// A Definition contains the names of a service, its errors and its operations.
type Definition struct {
	Name   string // the name in the operations of faults and in the record of calls
	Scope  string // the name in the credential scope of a signature
	Prefix string // the prefix of the actions, spelled as in the service's errors
	// Version is the version of the API, and XMLNS is its XML namespace.
	Version, XMLNS string
	// Target is the name of the service in a path of Smithy RPC v2 and in X-Amz-Target. Empty means
	// that the service uses the Query protocol or REST instead.
	Target string

	Denial       string     // the error code for a missing permission
	DenialStatus int        // the status of that error; zero means 403
	DenialPrefix string     // the text before the message of that error
	Throttled    wire.Error // the error of a throttled call

	// Protocol is the protocol of forms. Nil means the Query protocol.
	Protocol wire.Protocol

	Operations Operations
	// ConditionKeys sets the service's own condition keys for a call; set ignores empty values. Nil
	// means that the service has no own keys.
	ConditionKeys func(c *Call, set func(key, value string))
	// Accepts reports whether a REST request with the scope is for the service. Nil accepts all; a
	// service that accepts some comes before one with the same scope that accepts all.
	Accepts func(*http.Request) bool
	// Parse reads the operation and the parameters of a REST request. Nil means that the service uses
	// other protocols.
	Parse func(*wire.Request, *http.Request) *wire.Error
}

// Operations maps the names of operations to the operations.
type Operations map[string]Operation

// An Operation is one operation of a service.
type Operation struct {
	// Do performs a call. It runs with the server's mutex held. It may return a function that
	// computes the result from data that the mutex does not guard; that function runs without the
	// mutex.
	Do func(*Call) (any, error)
	// Needs are the permissions that the caller needs. Nil refuses all callers except the
	// administrator; an empty list refuses no caller.
	Needs []Permission
}

// A Permission is an action on a resource that the caller's policies must allow for an operation.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
type Permission struct {
	// Action is the action's name without the service, or with the prefix of another service. Empty
	// means the name of the operation.
	Action string
	// Resource returns the ARN of the resource, or "*". Nil means an action without resource types:
	// it is evaluated on "*", and the service's error does not contain a resource. If Resource
	// returns an empty ARN, the server does not check the permission: either the call does not need
	// it, or the operation will refuse the call's parameters.
	Resource func(*Call) string
	// DecidedByOperation is true if the operation itself makes the decision, because the decision
	// depends on more than the caller's policies.
	DecidedByOperation bool
	// Resources returns the ARNs of several resources. The caller needs the permission on each of
	// them. It replaces Resource, unless it is nil.
	Resources func(*Call) []string
}

// Each returns the permissions on single resources that p consists of for a call.
func (p Permission) Each(c *Call) []Permission {
	if p.Resources == nil {
		return []Permission{p}
	}
	var each []Permission
	for _, arn := range p.Resources(c) {
		each = append(each, Permission{Action: p.Action, DecidedByOperation: p.DecidedByOperation,
			Resource: func(*Call) string { return arn }})
	}
	return each
}

// A Table contains operations of a service. C is the service's own type of a call, which combines
// the call with the data of the service.
type Table[C any] map[string]Row[C]

// A Row is one operation of a [Table]; see [Operation].
type Row[C any] struct {
	Do    func(C) (any, error)
	Needs []Need[C]
}

// A Need is one permission of a [Row]; see [Permission].
type Need[C any] struct {
	Action             string
	Resource           func(C) string
	DecidedByOperation bool
	Resources          func(C) []string
}

// Bind returns the operations of tables. bind combines a call with the data of the service.
func Bind[C any](bind func(*Call) C, tables ...Table[C]) Operations {
	all := make(Operations)
	for _, table := range tables {
		for name, row := range table {
			o := Operation{Do: func(c *Call) (any, error) { return row.Do(bind(c)) }}
			if row.Needs != nil {
				o.Needs = make([]Permission, len(row.Needs))
			}
			for i, need := range row.Needs {
				o.Needs[i] = Permission{Action: need.Action, DecidedByOperation: need.DecidedByOperation}
				if need.Resource != nil {
					o.Needs[i].Resource = func(c *Call) string { return need.Resource(bind(c)) }
				}
				if need.Resources != nil {
					o.Needs[i].Resources = func(c *Call) []string { return need.Resources(bind(c)) }
				}
			}
			all[name] = o
		}
	}
	return all
}

// On returns the permission for the operation itself on a resource. See [Permission] about nil.
func On[C any](resource func(C) string) []Need[C] { return []Need[C]{{Resource: resource}} }

// OnAny returns the permission for the operation itself on "*". It is for actions without resource
// types if the service's error contains the resource "*".
func OnAny[C any]() []Need[C] { return On(func(C) string { return "*" }) }
