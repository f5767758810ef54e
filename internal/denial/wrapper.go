package denial

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

// A wrapper is a sentence of Remotion, Lambda or CloudFormation about a denied request. read gets
// the text behind the phrase.
type wrapper struct {
	phrase string // in the form of page.dense
	read   func(m *Message, behind string)
}

// wrappers are in the order in which they are tried at one place of the text. The sentences of
// Remotion are those of @remotion/lambda-client and @remotion/lambda 4.0.523.
var wrappers = []wrapper{
	{"executionroledoesnothavepermissionstocall", readExecutionRole},
	{"api:", readAPI},
	{"unabletoaccessitem\"", readUnableToAccess},
	{"permissionstocreatelifecyclerulesonthebucket\"", readLifecycle},
	{"permissionstodeletelifecyclerulesonthebucket\"", readLifecycle},
	{"thes3:putbucketpublicaccessblockpermissionisnotgiven",
		actionReader("s3:PutBucketPublicAccessBlock")},
	// Remotion calls DeleteBucketOwnershipControls, which needs this action. Behind "PARTIAL SUCCESS"
	// the same words are about the next call.
	{"error:sinceapril2023,moreawspermissionsarerequired",
		actionReader("s3:PutBucketOwnershipControls")},
	{"couldnotapplyabucketpolicytorestrictpublicaccess", actionReader("s3:PutBucketPolicy")},
	{"didnothavepermissiontotagthefunction", actionReader("lambda:TagResource")},
	{"notauthorizedtoperform:sts:setsourceidentity", actionReader("sts:SetSourceIdentity")},
}

// actionReader returns a reader for a sentence that stands for one action.
func actionReader(action string) func(*Message, string) {
	return func(m *Message, _ string) { m.Action = Fact(action) }
}

// readExecutionRole reads "execution role does not have permissions to call OPERATION on SERVICE".
func readExecutionRole(m *Message, behind string) {
	m.FunctionRole = true
	words := strings.Fields(behind[:min(len(behind), 200)])
	if len(words) < 3 || words[1] != "on" {
		return
	}
	service := strings.ToLower(words[2][:runLength(words[2], isAlphanumeric)])
	action := service + ":" + words[0]
	if isAction(action) && runLength(words[0], isAlphanumeric) == len(words[0]) && exists(action) &&
		slices.Contains(calledByLambda, service) {
		m.Action = Fact(action)
	}
}

// calledByLambda are the services that Lambda calls with the role of a function. The list tells a
// name from a part of one.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
var calledByLambda = []string{"ec2", "sqs", "sns", "s3", "kinesis", "dynamodb", "kafka", "logs",
	"xray", "secretsmanager", "elasticfilesystem", "lambda", "events"}

// readAPI reads "API: s3:PutBucketPolicy Access Denied", the error of CloudFormation.
func readAPI(m *Message, behind string) {
	action := behind[:runLength(behind, isActionByte)]
	rest := strings.ToLower(strings.TrimSpace(behind[len(action):]))
	if isAction(action) && exists(action) &&
		(strings.HasPrefix(rest, "access denied") || strings.HasPrefix(rest, "you are not authorized")) {
		m.Action = Fact(action)
	}
}

// readUnableToAccess reads Remotion's sentence about a HEAD of an object that S3 answered with 403.
func readUnableToAccess(m *Message, behind string) {
	behind = behind[:min(len(behind), 2000)]
	key, rest, ok := strings.Cut(behind, `"`)
	bucket, ok2 := quotedAfter(rest, `from bucket "`)
	m.OneOf = []string{"s3:GetObject", "s3:ListBucket"}
	m.FunctionRole = strings.Contains(behind, "The Lambda role must have permission")
	if ok && ok2 && awsname.IsBucket(bucket) && key != "" && !strings.Contains(key, "\n") {
		m.Notes = append(m.Notes, "the item is in bucket "+bucket)
	}
}

// readLifecycle reads Remotion's sentence about lifecycle rules of a bucket.
func readLifecycle(m *Message, _ string) { m.Action = "s3:PutLifecycleConfiguration" }

// quotedAfter returns the text between a phrase and the next quotation mark.
func quotedAfter(text, phrase string) (string, bool) {
	_, rest, ok := strings.Cut(text, phrase)
	value, _, closed := strings.Cut(rest, `"`)
	return value, ok && closed
}

// wrapperCandidates returns the sentences of wrappers. Each phrase counts once, because a text
// repeats it.
func wrapperCandidates(p page) (list []candidate) {
	for _, w := range wrappers {
		for from, tries := 0, 0; tries < maxCandidates; tries++ {
			i := strings.Index(p.dense[from:], w.phrase)
			if i < 0 {
				break
			}
			at := from + i
			from = at + len(w.phrase)
			m := Message{Kind: Denied}
			w.read(&m, p.after(from))
			if m.Action.Known() || len(m.OneOf) > 0 || m.FunctionRole {
				list = append(list, candidate{m, at})
				break
			}
		}
	}
	return list
}
