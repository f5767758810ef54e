package denial

import (
	"slices"
	"strings"
)

// A Problem is a class of errors that no missing permission causes.
type Problem struct {
	// ID names the class. It does not change.
	ID string `json:"id"`
	// Title is a noun phrase, Meaning a sentence, and Remedy an instruction.
	Title   string `json:"title"`
	Meaning string `json:"meaning"`
	Remedy  string `json:"remedy"`
	// Page is the URL of Remotion's or AWS's page about the class.
	Page string `json:"page"`
	// phrases are in the form of page.dense. Each one identifies the class.
	phrases []string
	// reasons are phrases that identify the class behind the action of a sentence.
	reasons []string
	// denies is true if AWS also calls the problem AccessDenied.
	denies bool
	// covers are the ids of wider classes that the same error also matches.
	covers []string
}

const (
	remotionDocs = "https://www.remotion.dev/docs/"
	awsDocs      = "https://docs.aws.amazon.com/"
	s3Errors     = awsDocs + "AmazonS3/latest/API/ErrorResponses.html"
	lambdaInvoke = awsDocs + "lambda/latest/dg/troubleshooting-invocation.html"
)

// problems are the classes. If several match a text at the same place, the first one counts.
var problems = []Problem{
	{ID: "block-public-access", denies: true, Title: "S3 Block Public Access",
		Meaning: "S3 refuses a public policy or ACL because Block Public Access is on for the bucket " +
			"or the account. S3 calls this AccessDenied, but no policy of the caller causes it.",
		Remedy: `Turn off the setting that the message names, for the bucket and for the account. Or ` +
			`use the privacy "no-acl", and serve the files in another way.`,
		Page: awsDocs + "AmazonS3/latest/userguide/access-control-block-public-access.html",
		phrases: []string{"blockpublicaccess", "blockpublicaclssetting", "blockpublicaclsblock",
			"blockpublicpolicysetting", "blockpublicpolicyblock", "blockpublicacls)",
			"invalidbucketaclwithblockpublicaccesserror"},
		reasons: []string{"becausepublic"}},
	{ID: "acl-not-supported", Title: "ACLs disabled on the bucket",
		Meaning: "The bucket does not allow ACLs, and Remotion uploads with an ACL. No policy causes " +
			"this.",
		Remedy: `Enable ACLs on the bucket (object ownership "Bucket owner preferred"), or use the ` +
			`privacy "no-acl".`,
		Page: remotionDocs + "lambda/troubleshooting/bucket-disallows-acl",
		phrases: []string{"accesscontrollistnotsupported", "bucketdoesnotallowacls",
			"invalidbucketaclwithobjectownership"}},
	{ID: "blocked-encryption", denies: true, Title: "encryption type refused by the bucket",
		Meaning: "The bucket refuses uploads with customer-provided encryption keys (SSE-C). S3 calls " +
			"this AccessDenied, but no policy causes it.",
		Remedy:  "Upload with another type of encryption, or unblock SSE-C for the bucket.",
		Page:    awsDocs + "AmazonS3/latest/userguide/troubleshoot-403-errors.html",
		reasons: []string{"becausethisbuckethasblocked"}},
	{ID: "concurrency", Title: "concurrency limit of Lambda",
		Meaning: "The account runs as many Lambda functions at once as its quota or the function's " +
			"reserved concurrency allows.",
		Remedy: "Render with a lower concurrency (more framesPerLambda), or raise the quota: `npx " +
			"remotion lambda quotas increase`.",
		Page: remotionDocs + "lambda/troubleshooting/rate-limit",
		phrases: []string{"concurrentinvocationlimitexceeded", "awsconcurrencylimitreached",
			"reservedfunctioninvocationratelimitexceeded", "functioninvocationratelimitexceeded"},
		covers: []string{"rate-exceeded"}},
	{ID: "rate-exceeded", Title: "concurrency limit of Lambda, or request rate of an AWS API",
		Meaning: "AWS refuses requests because too many functions run at once, or because too many " +
			"requests came within a second. No permission is missing.",
		Remedy: "Render with a lower concurrency (more framesPerLambda), poll the progress less often, " +
			"or raise the quota: `npx remotion lambda quotas increase`.",
		Page: remotionDocs + "lambda/troubleshooting/rate-limit",
		phrases: []string{"rateexceeded", "throttlingexception", "throttling:",
			"requestlimitexceeded", "callerratelimitexceeded", "pleasereduceyourrequestrate",
			"(slowdown)", "slowdown:", "provisionedthroughputexceeded", "(throttling)",
			"toomanyrequests"}},
	{ID: "function-timeout", Title: "timeout of the function",
		Meaning: "The function ran longer than its timeout. No permission is missing.",
		Remedy: "Deploy the function with a longer --timeout, or render with a higher concurrency, so " +
			"that each function renders fewer frames.",
		Page: remotionDocs + "lambda/troubleshooting/debug",
		phrases: []string{"themainfunctiontimedout", "tasktimedoutafter", "sandbox.timedout",
			"sandbox.timedoutexception"}},
	{ID: "delay-render", Title: "timeout of delayRender()",
		Meaning: "The composition did not finish loading in time. No permission is missing.",
		Remedy:  "Find what the composition waits for, or raise the timeout of delayRender().",
		Page:    remotionDocs + "timeout",
		phrases: []string{"wascalledbutnotclearedafter", "adelayrender()wascalled",
			"timeoutexceededrenderingthecomponent"}},
	{ID: "out-of-memory", Title: "memory of the function",
		Meaning: "The function ran out of memory. No permission is missing.",
		Remedy:  "Deploy the function with more memory, or render fewer frames per function.",
		Page:    remotionDocs + "lambda/runtime",
		phrases: []string{"runtime.outofmemory", "lambdaranoutofmemory", "signal:killed",
			"javascriptheapoutofmemory", "err_insufficient_resources",
			"thebrowsercrashedwhilerendering", "cannotallocatememory"}},
	{ID: "out-of-disk", Title: "disk space of the function",
		Meaning: "The function used all of its disk space. No permission is missing.",
		Remedy:  "Deploy the function with a larger --disk.",
		Page:    remotionDocs + "lambda/disk-size",
		phrases: []string{"enospc", "nospaceleftondevice", "reachedthestoragelimit"}},
	{ID: "memory-quota", Title: "maximum memory of the account",
		Meaning: "New AWS accounts may not create functions with this much memory.",
		Remedy:  "Deploy with a --memory of at most 3008, or ask AWS support to raise the limit.",
		Page:    awsDocs + "lambda/latest/dg/gettingstarted-limits.html",
		phrases: []string{"'memorysize'valuefailedtosatisfyconstraint"}},
	{ID: "expired-token", Title: "expired credentials",
		Meaning: "The temporary credentials are no longer valid. AWS checked no policy.",
		Remedy: "Get new credentials. In a long-running process, let the SDK renew them instead of " +
			"copying them into variables.",
		Page: awsDocs + "IAM/latest/UserGuide/troubleshoot_general.html",
		phrases: []string{"expiredtoken", "securitytokenincludedintherequestisexpired",
			"theprovidedtokenhasexpired", "requestexpired", "tokenrefreshrequired"}},
	{ID: "sso-expired", Title: "expired sign-in of IAM Identity Center",
		Meaning: "The sign-in of the profile has expired. AWS checked no policy.",
		Remedy:  "Sign in again: `aws sso login --profile NAME`.",
		Page:    awsDocs + "cli/latest/userguide/cli-configure-sso.html",
		phrases: []string{"thessosessionassociatedwiththisprofilehasexpired",
			"thessosessionhasexpired", "errorwhenretrievingtokenfromsso",
			"tokenhasexpiredandrefreshfailed", "thessotokenhasexpired",
			"cachedssotokenisexpired", "cachedssologinisexpired",
			"unauthorizedexception:sessiontokennotfoundorinvalid",
			"(unauthorizedexception)whencallingthegetrolecredentials", "invalidgrantexception"},
		covers: []string{"no-credentials"}},
	{ID: "mixed-credentials", Title: "mixed credentials",
		Meaning: "AWS does not know the access key: often the key of one account or session is " +
			"combined with the secret or the session token of another. AWS checked no policy.",
		Remedy: "Set REMOTION_AWS_ACCESS_KEY_ID and REMOTION_AWS_SECRET_ACCESS_KEY, and with temporary " +
			"credentials also REMOTION_AWS_SESSION_TOKEN.",
		Page: remotionDocs + "lambda/troubleshooting/unrecognizedclientexception",
		phrases: []string{"unrecognizedclientexception", "credentialsprovidedwereprobablymixedup",
			"invalidaccesskeyid", "theawsaccesskeyidyouprovideddoesnotexist"},
		covers: []string{"invalid-token"}},
	{ID: "invalid-token", Title: "invalid security token, or a disabled region",
		Meaning: "AWS does not accept the credentials in this region: the key is wrong or deleted, or " +
			"the account has not enabled the region. AWS checked no policy.",
		Remedy: "Check the key with `aws sts get-caller-identity`. If it works in us-east-1, enable " +
			"the region in the account settings.",
		Page: remotionDocs + "lambda/troubleshooting/security-token",
		phrases: []string{"invalidclienttokenid", "securitytokenincludedintherequestisinvalid",
			"theprovidedtokenismalformed", "invalidtoken:"}},
	{ID: "region-disabled", Title: "disabled region",
		Meaning: "The account has not enabled the region.",
		Remedy:  "Enable the region in the account settings, or use another one.",
		Page:    awsDocs + "accounts/latest/reference/manage-acct-regions.html",
		phrases: []string{"regiondisabledexception", "optinrequired", "isnotasupportedawsregion",
			"stsisnotactivatedinthisregion"}},
	{ID: "signature", denies: true, Title: "wrong secret key",
		Meaning: "The signature does not match: usually the secret access key is wrong, cut, or has " +
			"extra characters. AWS checked no policy.",
		Remedy: "Copy the secret access key again, without blanks and quotation marks.",
		Page:   awsDocs + "IAM/latest/UserGuide/reference_sigv-troubleshooting.html",
		phrases: []string{"signaturedoesnotmatch", "requestsignaturewecalculateddoesnotmatch",
			"incompletesignature", "invalidsignatureexception", "authorizationheadermalformed",
			"missingauthenticationtoken", "headerspresentintherequestwhichwerenotsigned"}},
	{ID: "clock", Title: "wrong clock",
		Meaning: "The clock of this machine differs from AWS's clock by more than 15 minutes. AWS " +
			"checked no policy.",
		Remedy: "Synchronize the clock of the machine.",
		Page:   s3Errors,
		phrases: []string{"requesttimetooskewed",
			"differencebetweentherequesttimeandthecurrenttimeistoolarge",
			"signaturenotyetcurrent", "requestinthefuture"}},
	{ID: "no-credentials", Title: "missing credentials",
		Meaning: "The program found no AWS credentials.",
		Remedy: "Set REMOTION_AWS_ACCESS_KEY_ID and REMOTION_AWS_SECRET_ACCESS_KEY. Remotion's Node.js " +
			"APIs do not read .env by themselves.",
		Page: remotionDocs + "lambda/setup",
		phrases: []string{"couldnotloadcredentialsfromanyproviders", "credentialsprovidererror",
			"unabletolocatecredentials", "missingcredentialsinconfig",
			"havetriedtocallaremotionlambdafunction,buthavenotsettheenvironmentvariable",
			"nocredentialproviders", "failedtorefreshcachedcredentials,noec2imdsrolefound",
			"getcredentials:failedtorefreshcachedcredentials", "unabletoloadcredentials"}},
	{ID: "unknown-profile", Title: "unknown AWS profile",
		Meaning: "The AWS configuration files have no profile with this name.",
		Remedy:  "List the profiles with `aws configure list-profiles`.",
		Page:    awsDocs + "cli/latest/userguide/cli-configure-files.html",
		phrases: []string{"theconfigprofile(", "failedtogetsharedconfigprofile",
			"couldnotbefoundinsharedcredentialsfile"},
		covers: []string{"no-credentials"}},
	{ID: "expired-url", denies: true, Title: "expired link",
		Meaning: "The presigned URL is older than its expiry time. S3 calls this AccessDenied, but no " +
			"policy causes it.",
		Remedy:  "Create a new link, with a longer expiresIn.",
		Page:    remotionDocs + "lambda/presignurl",
		phrases: []string{"requesthasexpired"}},
	{ID: "role-not-assumable", Title: "role that Lambda cannot assume",
		Meaning: "The role does not exist, its trust policy does not trust lambda.amazonaws.com, or it " +
			"is so new that IAM does not know it everywhere. A permission of the caller is not the cause.",
		Remedy: "Create the role as in Remotion's setup guide, with the trust policy for Lambda. Check " +
			"the name, and wait a minute after creating it.",
		Page: remotionDocs + "lambda/setup",
		phrases: []string{"cannotbeassumedbylambda",
			"doesnotexistinyourawsaccountorhasthewrongpolicyassigned"}},
	{ID: "web-identity", denies: true, Title: "trust policy of a role for web identities",
		Meaning: "The role does not trust the token: the trust policy names another repository, " +
			"branch, environment or audience. Policies that grant permissions are not the cause.",
		Remedy: "Compare the sub and aud conditions in the role's trust policy with the token.",
		Page:   awsDocs + "IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html",
		phrases: []string{"notauthorizedtoperformsts:assumerolewithwebidentity",
			"notauthorizedtoperform:sts:assumerolewithwebidentity"}},
	{ID: "version-mismatch", Title: "different versions of Remotion",
		Meaning: "The deployed function or site is of another Remotion version than the package that " +
			"calls it.",
		Remedy: "Deploy a new function and a new site with the version of the package.",
		Page:   remotionDocs + "lambda/upgrading",
		phrases: []string{"versionmismatch:whencalling", "incompatiblesite:",
			"doesnotmatchnamingconvention", "doesnotmatchthenamingconvention"}},
	{ID: "missing-site", Title: "missing site",
		Meaning: "There is no Remotion site at the serve URL, or the URL is no Remotion bundle.",
		Remedy: "List the sites with `npx remotion lambda sites ls`, and deploy it again with `npx " +
			"remotion lambda sites create`.",
		Page: remotionDocs + "lambda/cli/sites",
		phrases: []string{"doesthesiteyouspecifiedexist", "verifythatitisaremotionproject",
			"noversionofremotioncouldbefoundinthesite"}},
	{ID: "missing-function", Title: "missing function",
		Meaning: "The region has no function with this name.",
		Remedy: "List the functions with `npx remotion lambda functions ls`, check the region, and " +
			"deploy one with `npx remotion lambda functions deploy`.",
		Page:    remotionDocs + "lambda/cli/functions",
		phrases: []string{"functionnotfound:"}},
	{ID: "missing-bucket", Title: "missing bucket",
		Meaning: "There is no bucket with this name.",
		Remedy:  "Check the name and the region of the bucket.",
		Page:    s3Errors,
		phrases: []string{"nosuchbucket", "thespecifiedbucketdoesnotexist"}},
	{ID: "missing-object", Title: "missing object or render",
		Meaning: "There is no object with this key, or no render with this id, in the bucket.",
		Remedy:  "Check the key or the render id, the bucket and the region.",
		Page:    s3Errors,
		phrases: []string{"nosuchkey", "thespecifiedkeydoesnotexist", "norenderwithid\""}},
	{ID: "bucket-owner", Title: "bucket of another account, or a taken name",
		Meaning: "The bucket belongs to another account.",
		Remedy:  "Check the name of the bucket and the account of the credentials.",
		Page:    remotionDocs + "lambda/bucket-naming",
		phrases: []string{"bucketownermismatch", "bucketalreadyexists",
			"requestedbucketnameisnotavailable"}},
	{ID: "multiple-buckets", Title: "several buckets of Remotion in one region",
		Meaning: "Remotion expects one bucket in a region.",
		Remedy:  "Delete the buckets that are not used, or pass forceBucketName.",
		Page:    remotionDocs + "lambda/multiple-buckets",
		phrases: []string{"youhavemultiplebuckets("}},
	{ID: "wrong-region", Title: "bucket in another region",
		Meaning: "The bucket is in another region than the request.",
		Remedy:  "Use the region of the bucket: function, site and bucket have to be in one region.",
		Page:    s3Errors,
		phrases: []string{"permanentredirect", "bucketyouareattemptingtoaccessmustbeaddressed",
			"illegallocationconstraint"}},
	{ID: "conflict", Title: "conflict with another change",
		Meaning: "The function or bucket is being changed by another request, or exists already.",
		Remedy:  "Wait until the other change is done, and try again.",
		Page:    lambdaInvoke,
		phrases: []string{"resourceconflictexception", "operationaborted", "functionalreadyexist",
			"anupdateisinprogressforresource", "concurrentmodification"}},
	{ID: "kms", denies: true, Title: "key of KMS",
		Meaning: "Lambda or S3 cannot use the KMS key: it is disabled, deleted, in another region, or " +
			"its grants name a deleted role. Remotion's policies contain no permission for KMS.",
		Remedy: "Check the key and its key policy. After the function's role was created again, assign " +
			"another role to the function and then the right one, which renews the grant.",
		Page: awsDocs + "lambda/latest/dg/troubleshooting-invocation.html",
		phrases: []string{"kmsaccessdeniedexception", "kmsaccesswasdenied",
			"kmsinvalidstateexception", "kmsdisabledexception", "kmsnotfoundexception",
			"ciphertextreferstoacustomermasterkey", "kms.disabledexception",
			"kms.notfoundexception"}},
	{ID: "sub-account-quota", denies: true, Title: "service-linked role of Service Quotas",
		Meaning: "Service Quotas may not create its service-linked role for the caller. The text does " +
			"not say why: the account may belong to an organization that denies it, or the caller may " +
			"lack iam:CreateServiceLinkedRole. Remotion's policies do not contain that permission.",
		Remedy: "Request the increase in the AWS console as an administrator of the account, or ask " +
			"the administrator of the organization.",
		Page: remotionDocs + "lambda/cli/quotas",
		phrases: []string{"dependencyaccessdeniedexception",
			"service-linkedrolecreationaccessdenied",
			"becausethisisasub-accountofanotherawsaccount"}},
	{ID: "payload-too-large", Title: "payload that is too large",
		Meaning: "The input props or the request are larger than Lambda accepts.",
		Remedy:  "Pass large data by URL instead of in the input props.",
		Page:    awsDocs + "lambda/latest/dg/gettingstarted-limits.html",
		phrases: []string{"requesttoolargeexception", "requestentitytoolarge",
			"requestmustbesmallerthan", "payloadsizeexceeded"}},
	{ID: "code-storage", Title: "code storage of Lambda",
		Meaning: "The functions and layers of the region use all of the code storage.",
		Remedy:  "Remove functions that are not used: `npx remotion lambda functions rmall`.",
		Page:    awsDocs + "lambda/latest/dg/gettingstarted-limits.html",
		phrases: []string{"codestorageexceeded"}},
	{ID: "account-suspended", Title: "account without service",
		Meaning: "AWS has suspended the account or the service, or the account is not activated yet.",
		Remedy:  "Sign in to the AWS console, and follow its notices.",
		Page:    s3Errors,
		phrases: []string{"accountproblem", "allaccessdisabled", "awsaccountissuspended",
			"pendingverification", "accountisblocked"}},
	{ID: "network", Title: "network",
		Meaning: "The program did not reach AWS.",
		Remedy: "Check the region, the proxy and the name resolution. A function in a VPC needs a NAT " +
			"gateway or VPC endpoints.",
		Page: awsDocs + "lambda/latest/dg/troubleshooting-networking.html",
		phrases: []string{"getaddrinfoenotfound", "econnrefused", "etimedout", "econnreset",
			"couldnotconnecttotheendpointurl", "nosuchhost", "sockethangup"}},
}

// problemOfReason returns the class of a reason behind the action of a sentence.
func problemOfReason(dense string) *Problem {
	for i := range problems {
		for _, phrase := range problems[i].reasons {
			if strings.HasPrefix(dense, phrase) {
				return &problems[i]
			}
		}
	}
	return nil
}

// A foundProblem is a class, and the index in dense of its first phrase.
type foundProblem struct {
	*Problem
	at int
}

// problemsIn returns the classes whose phrases occur in a text.
func problemsIn(dense string) (list []foundProblem) {
	var covered []string
	for i := range problems {
		first := -1
		for _, phrase := range problems[i].phrases {
			if j := strings.Index(dense, phrase); j >= 0 && (first < 0 || j < first) {
				first = j
			}
		}
		if first >= 0 {
			list = append(list, foundProblem{&problems[i], first})
			covered = append(covered, problems[i].covers...)
		}
	}
	return slices.DeleteFunc(list, func(p foundProblem) bool { return slices.Contains(covered, p.ID) })
}
