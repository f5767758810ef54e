package iamactions

// operation is an operation of an API that another action permits.
type operation struct{ name, action string }

// operations are the operations of the services in the list whose names are no actions, with the
// action that they need first.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html
var operations = []operation{
	{"s3:CompleteMultipartUpload", "s3:PutObject"},
	{"s3:CopyObject", "s3:PutObject"},
	{"s3:CreateMultipartUpload", "s3:PutObject"},
	{"s3:UploadPart", "s3:PutObject"},
	{"s3:UploadPartCopy", "s3:PutObject"},
	{"s3:DeleteObjects", "s3:DeleteObject"},
	{"s3:HeadBucket", "s3:ListBucket"},
	{"s3:HeadObject", "s3:GetObject"},
	{"s3:SelectObjectContent", "s3:GetObject"},
	{"s3:ListBuckets", "s3:ListAllMyBuckets"},
	{"s3:ListObjects", "s3:ListBucket"},
	{"s3:ListObjectsV2", "s3:ListBucket"},
	{"s3:ListObjectVersions", "s3:ListBucketVersions"},
	{"s3:ListMultipartUploads", "s3:ListBucketMultipartUploads"},
	{"s3:ListParts", "s3:ListMultipartUploadParts"},
	{"s3:DeleteBucketCors", "s3:PutBucketCORS"},
	{"s3:DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"},
	{"s3:GetBucketLifecycle", "s3:GetLifecycleConfiguration"},
	{"s3:GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration"},
	{"s3:PutBucketLifecycle", "s3:PutLifecycleConfiguration"},
	{"s3:PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration"},
	{"s3:DeleteBucketEncryption", "s3:PutEncryptionConfiguration"},
	{"s3:GetBucketEncryption", "s3:GetEncryptionConfiguration"},
	{"s3:PutBucketEncryption", "s3:PutEncryptionConfiguration"},
	{"s3:DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls"},
	{"s3:DeleteBucketTagging", "s3:PutBucketTagging"},
	{"s3:DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock"},
	{"s3:GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"},
	{"s3:PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"},
	{"s3:DeleteBucketReplication", "s3:PutReplicationConfiguration"},
	{"s3:GetBucketReplication", "s3:GetReplicationConfiguration"},
	{"s3:PutBucketReplication", "s3:PutReplicationConfiguration"},
	{"s3:GetBucketAccelerateConfiguration", "s3:GetAccelerateConfiguration"},
	{"s3:PutBucketAccelerateConfiguration", "s3:PutAccelerateConfiguration"},
	{"s3:GetBucketNotificationConfiguration", "s3:GetBucketNotification"},
	{"s3:PutBucketNotificationConfiguration", "s3:PutBucketNotification"},
	{"s3:GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration"},
	{"s3:PutObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration"},
	{"lambda:Invoke", "lambda:InvokeFunction"},
	{"lambda:InvokeWithResponseStream", "lambda:InvokeFunction"},
	{"lambda:GetLayerVersionByArn", "lambda:GetLayerVersion"},
	{"kms:ReEncrypt", "kms:ReEncryptFrom"},
}

// unlisted are operations of AWS's SDKs, in lower case, for which the Service Authorization
// Reference has no action of any name. They may be actions.
var unlisted = []string{"iam:updatedelegationrequest", "logs:getlogobject"}
