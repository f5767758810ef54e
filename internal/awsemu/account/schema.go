package account

import (
	"reflect"

	"github.com/goccy/go-yaml/ast"
)

// A file is the YAML file of an account, as the YAML library decodes it. Names and values are not
// checked yet. The example in the comment of [Load] shows all keys.
type file struct {
	Account                 value                          `yaml:"account"`
	Partition               value                          `yaml:"partition"`
	Alias                   value                          `yaml:"alias"`
	Groups                  map[key]section[group]         `yaml:"groups"`
	Users                   map[key]section[user]          `yaml:"users"`
	Roles                   map[key]section[role]          `yaml:"roles"`
	Policies                map[key]section[managedPolicy] `yaml:"policies"`
	Functions               []section[lambdaFunction]      `yaml:"functions"`
	DisabledRegions         []value                        `yaml:"disabledRegions"`
	Topics                  []value                        `yaml:"topics"`
	Subscriptions           []section[subscription]        `yaml:"subscriptions" list:"plain"`
	Buckets                 map[key]section[bucket]        `yaml:"buckets"`
	LogGroups               []section[logGroup]            `yaml:"logGroups"`
	DeletedLayers           []value                        `yaml:"deletedLayers"`
	ConcurrentExecutions    map[key]value                  `yaml:"concurrentExecutions"`
	VPCEndpoints            []section[vpcEndpoint]         `yaml:"vpcEndpoints"`
	PublicAccessBlock       *publicAccessBlock             `yaml:"publicAccessBlock"`
	Keys                    []section[kmsKey]              `yaml:"keys"`
	Organization            [][]value                      `yaml:"organization"`
	ResourceControlPolicies [][]value                      `yaml:"resourceControlPolicies"`
	OrganizationAccess      value                          `yaml:"organizationAccess"`
	Simulator               simulator                      `yaml:"simulator"`
	Faults                  []section[fault]               `yaml:"faults" list:"plain"`
	PageSize                value                          `yaml:"pageSize"`
	Function                function                       `yaml:"function"`
}

// A value is a scalar or a document of the file. The library stores its node, so that a mistake in
// the value can be reported with its line. The node of an absent value is nil.
type value struct{ node ast.Node }

// UnmarshalYAML implements the library's NodeUnmarshaler.
func (v *value) UnmarshalYAML(n ast.Node) error {
	v.node = n
	return nil
}

// A key is the key of a mapping with free keys, as it is written in the file.
type key string

// UnmarshalYAML implements the library's NodeUnmarshaler.
func (k *key) UnmarshalYAML(n ast.Node) error {
	*k = key(n.GetToken().Value)
	return nil
}

// A section is a mapping in a list or a mapping. The library would drop the whole section because
// of one mistake in it, and references to it would seem wrong.
type section[T any] struct{ of T }

// UnmarshalYAML implements the library's InterfaceUnmarshaler. It ignores the error: check reports
// every mistake.
func (s *section[T]) UnmarshalYAML(unmarshal func(any) error) error {
	_ = unmarshal(&s.of)
	return nil
}

// content returns the type in a section.
func (section[T]) content() reflect.Type { return reflect.TypeFor[T]() }

type group struct {
	Path    value         `yaml:"path"`
	Inline  map[key]value `yaml:"inline"`
	Managed []value       `yaml:"managed" list:"plain"`
}

type user struct {
	Path       value         `yaml:"path"`
	Inline     map[key]value `yaml:"inline"`
	Managed    []value       `yaml:"managed" list:"plain"`
	Boundary   value         `yaml:"boundary"`
	Groups     []value       `yaml:"groups" list:"plain"`
	AccessKeys []value       `yaml:"accessKeys" list:"plain"`
	Tags       map[key]value `yaml:"tags"`
}

type role struct {
	Path     value         `yaml:"path"`
	Trust    value         `yaml:"trust"`
	Inline   map[key]value `yaml:"inline"`
	Managed  []value       `yaml:"managed" list:"plain"`
	Boundary value         `yaml:"boundary"`
	Tags     map[key]value `yaml:"tags"`
}

// A managedPolicy contains the settings of a managed policy. It is empty if the file has a document
// instead.
type managedPolicy struct {
	Path     value         `yaml:"path"`
	ARN      value         `yaml:"arn"`
	Document value         `yaml:"document"`
	Older    []value       `yaml:"older"`
	Tags     map[key]value `yaml:"tags"`
}

type lambdaFunction struct {
	Name                value         `yaml:"name"`
	Region              value         `yaml:"region"`
	Role                value         `yaml:"role"`
	Description         value         `yaml:"description"`
	Runtime             value         `yaml:"runtime"`
	Memory              value         `yaml:"memory"`
	Timeout             value         `yaml:"timeout"`
	Storage             value         `yaml:"storage"`
	Layers              []value       `yaml:"layers"`
	VPC                 vpc           `yaml:"vpc"`
	Tags                map[key]value `yaml:"tags"`
	KMSKey              value         `yaml:"kmsKey"`
	State               value         `yaml:"state"`
	StateReason         value         `yaml:"stateReason"`
	StateReasonCode     value         `yaml:"stateReasonCode"`
	UpdateStatus        value         `yaml:"updateStatus"`
	UpdateReason        value         `yaml:"updateReason"`
	UpdateReasonCode    value         `yaml:"updateReasonCode"`
	LogGroup            value         `yaml:"logGroup"`
	ReservedConcurrency value         `yaml:"reservedConcurrency"`
	Policy              value         `yaml:"policy"`
}

type vpc struct {
	ID             value   `yaml:"id"`
	Subnets        []value `yaml:"subnets"`
	SecurityGroups []value `yaml:"securityGroups"`
}

// A logGroup is a log group of CloudWatch Logs.
type logGroup struct {
	Name      value `yaml:"name"`
	Region    value `yaml:"region"`
	KMSKey    value `yaml:"kmsKey"`
	Retention value `yaml:"retention"`
}

// A vpcEndpoint connects a VPC with a service.
type vpcEndpoint struct {
	ID      value `yaml:"id"`
	Region  value `yaml:"region"`
	VPC     value `yaml:"vpc"`
	Service value `yaml:"service"`
	Type    value `yaml:"type"`
	Policy  value `yaml:"policy"`
	State   value `yaml:"state"`
}

type subscription struct {
	Topic        value `yaml:"topic"`
	Protocol     value `yaml:"protocol"`
	Endpoint     value `yaml:"endpoint"`
	Pending      value `yaml:"pending"`
	FilterPolicy value `yaml:"filterPolicy"`
}

type bucket struct {
	Owner             value                    `yaml:"owner"`
	Region            value                    `yaml:"region"`
	Versioned         value                    `yaml:"versioned"`
	Objects           map[key]value            `yaml:"objects"`
	PublicAccessBlock *publicAccessBlock       `yaml:"publicAccessBlock"`
	Ownership         value                    `yaml:"ownership"`
	ACL               value                    `yaml:"acl"`
	Policy            value                    `yaml:"policy"`
	Encryption        *encryption              `yaml:"encryption"`
	Lifecycle         []section[lifecycleRule] `yaml:"lifecycle"`
}

type publicAccessBlock struct {
	All                   value `yaml:"all"`
	BlockPublicAcls       value `yaml:"blockPublicAcls"`
	IgnorePublicAcls      value `yaml:"ignorePublicAcls"`
	BlockPublicPolicy     value `yaml:"blockPublicPolicy"`
	RestrictPublicBuckets value `yaml:"restrictPublicBuckets"`
}

type encryption struct {
	Algorithm value `yaml:"algorithm"`
	Key       value `yaml:"key"`
	BucketKey value `yaml:"bucketKey"`
}

type lifecycleRule struct {
	ID       value `yaml:"id"`
	Prefix   value `yaml:"prefix"`
	Days     value `yaml:"days"`
	Disabled value `yaml:"disabled"`
}

// A kmsKey is a customer managed key of KMS.
type kmsKey struct {
	ID          value `yaml:"id"`
	Region      value `yaml:"region"`
	Alias       value `yaml:"alias"`
	Description value `yaml:"description"`
	Policy      value `yaml:"policy"`
	State       value `yaml:"state"`
}

type simulator struct {
	Shape     value   `yaml:"shape"`
	Ungrouped []value `yaml:"ungrouped"`
	PageSize  value   `yaml:"pageSize"`
}

type fault struct {
	Operation value       `yaml:"operation"`
	Target    value       `yaml:"target"`
	Region    value       `yaml:"region"`
	After     value       `yaml:"after"`
	Times     value       `yaml:"times"`
	Throttle  value       `yaml:"throttle"`
	Deny      value       `yaml:"deny"`
	LoseReply value       `yaml:"loseReply"`
	Delay     value       `yaml:"delay"`
	Error     *faultError `yaml:"error"`
}

type faultError struct {
	Code    value `yaml:"code"`
	Message value `yaml:"message"`
	Status  value `yaml:"status"`
}

// A function configures how local mode runs the Lambda function.
type function struct {
	Region      value         `yaml:"region"`
	Name        value         `yaml:"name"`
	Timeout     value         `yaml:"timeout"`
	Memory      value         `yaml:"memory"`
	Role        value         `yaml:"role"`
	Environment map[key]value `yaml:"environment"`
}
