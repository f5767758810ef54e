package awsemu

import (
	"regexp"
	"strings"
)

// Resource types as the Service Authorization Reference writes their ARNs, without
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
)

// resourceTypes says of the actions Remotion and its auditor need which resource types each may be
// asked about; none means that it has to be asked with "*". The first is the one a result with
// several resources names. An action that is not here is matched as text with the requested
// about.
var resourceTypes = func() map[string][]string {
	m := make(map[string][]string)
	set := func(types []string, actions string) {
		for _, a := range strings.Fields(actions) {
			m[strings.ToLower(a)] = types
		}
	}
	set(nil, `servicequotas:GetServiceQuota servicequotas:GetAWSDefaultServiceQuota
		servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota
		s3:ListAllMyBuckets lambda:ListFunctions iam:ListRoles iam:ListUsers iam:ListPolicies
		sts:GetCallerIdentity cloudwatch:PutMetricData`)
	set([]string{typeQuota}, `servicequotas:RequestServiceQuotaIncrease`)

	// The simulator takes any S3 ARN for bucket and object actions alike.
	set([]string{typeBucket},
		`s3:CreateBucket s3:DeleteBucket s3:ListBucket s3:GetBucketLocation s3:PutBucketAcl
		s3:PutBucketOwnershipControls s3:PutBucketPublicAccessBlock s3:PutLifecycleConfiguration
		s3:PutBucketPolicy s3:PutBucketWebsite s3:DeleteBucketWebsite`)
	set([]string{typeObject, typeBucket}, `s3:GetObject s3:PutObject s3:DeleteObject s3:PutObjectAcl`)

	set([]string{typeFunction},
		`lambda:GetFunction lambda:InvokeFunction lambda:InvokeAsync lambda:CreateFunction
		lambda:DeleteFunction lambda:PutFunctionEventInvokeConfig lambda:PutRuntimeManagementConfig`)
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

// resourceTemplate is what EvalResourceName says of an action asked about several resources.
func resourceTemplate(partition, action string) string {
	types := resourceTypes[strings.ToLower(action)]
	if len(types) == 0 {
		return "*"
	}
	return "arn:" + partition + ":" + types[0]
}

// eligible reports whether an ARN may be of one of the action's resource types. The ARN's own stars
// are taken for wildcards here, unlike anywhere else in a simulation: the published clients ask
// about patterns such as layer:remotion-binaries-*, and are not refused.
func eligible(action, arn string) bool {
	types, known := resourceTypes[strings.ToLower(action)]
	if !known {
		return true
	}
	for _, t := range types {
		if fits(arn, t) {
			return true
		}
	}
	return false
}

var placeholder = regexp.MustCompile(`\$\{\w+\}`)

// fits compares an ARN with a resource type, field by field up to the resource itself.
func fits(arn, resourceType string) bool {
	fields := strings.SplitN(arn, ":", 6)
	want := strings.SplitN(resourceType, ":", 4)
	if len(fields) != 6 {
		return false
	}
	for i, w := range want {
		if !overlap(wild(fields[i+2]), wild(placeholder.ReplaceAllString(w, "\x00*"))) {
			return false
		}
	}
	return true
}

// The tokens of a pattern: a byte of text, or one of these.
const (
	anyByte = -1
	anyRun  = -2
)

// wild splits a pattern into tokens. A zero byte, which no ARN has, is any one byte.
func wild(s string) []int {
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

// literal is a text without wildcards.
func literal(s string) []int {
	tokens := make([]int, len(s))
	for i := range len(s) {
		tokens[i] = int(s[i])
	}
	return tokens
}

// overlap reports whether some text matches both patterns. reach[j] says whether the texts of a up
// to the token at hand and of b up to j can be the same.
func overlap(a, b []int) bool {
	reach := make([]bool, len(b)+1)
	next := make([]bool, len(b)+1)
	reach[0] = true
	runs := func(row []bool) { // a run in b may be empty
		for j, token := range b {
			if token == anyRun && row[j] {
				row[j+1] = true
			}
		}
	}
	runs(reach)
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
				next[j] = true // b's run takes the byte
			}
			if j < len(b) && b[j] != anyRun && (token == b[j] || token == anyByte || b[j] == anyByte) {
				next[j+1] = true
			}
		}
		if token == anyRun { // it takes as much of b as it likes
			for j := range b {
				next[j+1] = next[j+1] || next[j]
			}
		}
		runs(next)
		reach, next = next, reach
	}
	return reach[len(b)]
}
