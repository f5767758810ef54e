package iam

import (
	"regexp"
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
)

// These resource types are the ARN formats of the Service Authorization Reference without
// "arn:PARTITION:".
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
const (
	typeBucket      = "s3:::${BucketName}"
	typeObject      = "s3:::${BucketName}/${KeyName}"
	typeFunction    = "lambda:${Region}:${Account}:function:${FunctionName}"
	typeLayer       = "lambda:${Region}:${Account}:layer:${LayerName}:${LayerVersion}"
	typeLogGroup    = "logs:${Region}:${Account}:log-group:${LogGroupName}"
	typeLogStream   = "logs:${Region}:${Account}:log-group:${LogGroupName}:log-stream:${LogStreamName}"
	typeQuota       = "servicequotas:${Region}:${Account}:${ServiceCode}/${QuotaCode}"
	typeIAMUser     = "iam::${Account}:user/${UserNameWithPath}"
	typeIAMGroup    = "iam::${Account}:group/${GroupNameWithPath}"
	typeIAMRole     = "iam::${Account}:role/${RoleNameWithPath}"
	typeIAMPolicy   = "iam::${Account}:policy/${PolicyNameWithPath}"
	typeTopic       = "sns:${Region}:${Account}:${TopicName}"
	typeEventSource = "lambda:${Region}:${Account}:event-source-mapping:${UUID}"
	typeCodeSigning = "lambda:${Region}:${Account}:code-signing-config:${CodeSigningConfigId}"
	typeInterface   = "ec2:${Region}:${Account}:network-interface/${NetworkInterfaceId}"
	typeSubnet      = "ec2:${Region}:${Account}:subnet/${SubnetId}"
	typeSecGroup    = "ec2:${Region}:${Account}:security-group/${SecurityGroupId}"
)

// resourceTypes maps each action that Remotion or its auditor needs, in lower case, to the resource
// types that the action accepts. An action without resource types accepts only "*". An action that
// is not in the map accepts every resource. A simulation on several resources returns the first
// type as the name of the resource.
var resourceTypes = func() map[string][]string {
	m := make(map[string][]string)
	set := func(types []string, actions string) {
		for _, a := range strings.Fields(actions) {
			m[strings.ToLower(a)] = types
		}
	}
	set(nil, `servicequotas:GetAWSDefaultServiceQuota s3:ListAllMyBuckets lambda:ListFunctions
		iam:ListRoles iam:ListUsers iam:ListPolicies sts:GetCallerIdentity cloudwatch:PutMetricData
		ec2:DescribeNetworkInterfaces ec2:DescribeSecurityGroups ec2:DescribeSubnets
		ec2:DescribeVpcs`)
	set([]string{typeInterface, typeSubnet, typeSecGroup}, `ec2:CreateNetworkInterface`)
	set([]string{typeInterface}, `ec2:DeleteNetworkInterface`)
	set([]string{typeQuota},
		`servicequotas:GetServiceQuota servicequotas:RequestServiceQuotaIncrease
		servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota`)

	// The simulator accepts bucket and object ARNs for all of these actions. typeBucket matches both.
	set([]string{typeBucket},
		`s3:CreateBucket s3:DeleteBucket s3:ListBucket s3:GetBucketLocation s3:PutBucketAcl
		s3:PutBucketOwnershipControls s3:PutBucketPublicAccessBlock s3:PutLifecycleConfiguration
		s3:PutBucketPolicy s3:PutBucketWebsite s3:DeleteBucketWebsite`)
	set([]string{typeObject, typeBucket}, `s3:GetObject s3:PutObject s3:DeleteObject s3:PutObjectAcl`)

	set([]string{typeFunction},
		`lambda:GetFunction lambda:InvokeFunction lambda:InvokeAsync lambda:CreateFunction
		lambda:DeleteFunction lambda:PutFunctionEventInvokeConfig lambda:PutRuntimeManagementConfig
		lambda:GetFunctionConfiguration lambda:UpdateFunctionConfiguration`)
	set([]string{typeFunction, typeEventSource, typeCodeSigning}, `lambda:TagResource`)
	set([]string{typeLayer}, `lambda:GetLayerVersion`)
	set([]string{typeLogGroup}, `logs:CreateLogGroup logs:CreateLogStream logs:PutRetentionPolicy`)
	set([]string{typeLogStream}, `logs:PutLogEvents`)

	set([]string{typeIAMRole}, `iam:PassRole iam:GetRole iam:ListRolePolicies iam:GetRolePolicy
		iam:ListAttachedRolePolicies iam:CreateServiceLinkedRole sts:AssumeRole`)
	set([]string{typeIAMUser},
		`iam:GetUser iam:ListUserPolicies iam:GetUserPolicy iam:ListAttachedUserPolicies
		iam:ListGroupsForUser`)
	set([]string{typeIAMGroup},
		`iam:GetGroup iam:ListGroupPolicies iam:GetGroupPolicy iam:ListAttachedGroupPolicies`)
	set([]string{typeIAMPolicy}, `iam:GetPolicy iam:GetPolicyVersion iam:ListPolicyVersions`)
	set([]string{typeIAMUser, typeIAMGroup, typeIAMRole}, `iam:SimulatePrincipalPolicy`)
	set([]string{typeTopic}, `sns:Publish sns:ListSubscriptionsByTopic`)
	return m
}()

// resourceTemplate returns EvalResourceName for an action that is simulated on several resources.
func resourceTemplate(partition, action string) string {
	types := resourceTypes[strings.ToLower(action)]
	if len(types) == 0 {
		return "*"
	}
	return "arn:" + partition + ":" + types[0]
}

// eligible reports whether the resource can have one of the action's resource types. Here, and only
// here in a simulation, stars in the ARN are wildcards: published clients simulate patterns such as
// layer:remotion-binaries-*, and AWS accepts them.
func eligible(action, arn string) bool {
	types, known := resourceTypes[strings.ToLower(action)]
	if !known {
		return true
	}
	for _, t := range types {
		if matchesResourceType(arn, t) {
			return true
		}
	}
	return false
}

var placeholder = regexp.MustCompile(`\$\{\w+\}`)

// matchesResourceType reports whether an ARN, which may contain wildcards, can have a resource
// type. It compares the service, the region, the account and the resource separately.
func matchesResourceType(arn, resourceType string) bool {
	fields, n := awsarn.Split(arn)
	want := strings.SplitN(resourceType, ":", 4)
	if n < len(fields) {
		return false
	}
	for i, w := range want {
		if !overlap(patternTokens(fields[i+2]), patternTokens(placeholder.ReplaceAllString(w, "\x00*"))) {
			return false
		}
	}
	return true
}

// A token of a pattern is a byte of text, or one of these values.
const (
	anyByte = -1
	anyRun  = -2
)

// patternTokens splits a pattern into tokens. A star matches any run of bytes. A zero byte, which
// no ARN contains, matches any single byte.
func patternTokens(s string) []int {
	tokens := make([]int, len(s))
	for i := range len(s) {
		switch s[i] {
		case '*':
			tokens[i] = anyRun
		case 0:
			tokens[i] = anyByte
		default:
			tokens[i] = int(s[i])
		}
	}
	return tokens
}

// literalTokens splits a text without wildcards into tokens.
func literalTokens(s string) []int {
	tokens := make([]int, len(s))
	for i := range len(s) {
		tokens[i] = int(s[i])
	}
	return tokens
}

// overlap reports whether some text matches both patterns. reach[j] is true if some text matches
// both the tokens of a so far and the first j tokens of b.
func overlap(a, b []int) bool {
	reach := make([]bool, len(b)+1)
	next := make([]bool, len(b)+1)
	reach[0] = true
	skipEmptyRuns := func(row []bool) { // a run in b may match no byte
		for j, token := range b {
			if token == anyRun && row[j] {
				row[j+1] = true
			}
		}
	}
	skipEmptyRuns(reach)
	for _, token := range a {
		for j := range next {
			next[j] = false
		}
		for j := range reach {
			if !reach[j] {
				continue
			}
			if token == anyRun {
				next[j] = true
				continue
			}
			if j < len(b) && b[j] == anyRun {
				next[j] = true // the run in b matches the byte
			}
			if j < len(b) && b[j] != anyRun && (token == b[j] || token == anyByte || b[j] == anyByte) {
				next[j+1] = true
			}
		}
		if token == anyRun { // the run matches any number of tokens of b
			for j := range b {
				next[j+1] = next[j+1] || next[j]
			}
		}
		skipEmptyRuns(next)
		reach, next = next, reach
	}
	return reach[len(b)]
}
