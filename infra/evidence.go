package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
)

// newEvidence returns the evidence bucket: the bucket in the props, or a new bucket, which remains
// when the stack is deleted.
func (a *permissionAuditor) newEvidence(p PermissionAuditorProps) awss3.IBucket {
	const id = "EvidenceBucket"
	if p.EvidenceBucket != nil {
		return awss3.Bucket_FromBucketName(a, jsii.String(id), p.EvidenceBucket)
	}
	props := &awss3.BucketProps{
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		Versioned:         jsii.Bool(true),
		// The bucket of a failed first deploy is empty, and the next deploy creates another.
		RemovalPolicy: awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE,
		// Only reports expire: the next run needs the state and the mutes. Each run replaces the state,
		// so its older versions expire, except the newest ones.
		LifecycleRules: &[]*awss3.LifecycleRule{{
			Id: jsii.String("reports"), Prefix: jsii.String("reports/"),
			Expiration:                  awscdk.Duration_Days(p.ReportRetentionDays),
			NoncurrentVersionExpiration: awscdk.Duration_Days(jsii.Number(30)),
		}, {
			Id: jsii.String("state"), Prefix: jsii.String("state/"),
			NoncurrentVersionExpiration: awscdk.Duration_Days(jsii.Number(30)),
			NoncurrentVersionsToRetain:  jsii.Number(10),
		}},
	}
	if p.EvidenceKey != nil {
		props.Encryption, props.EncryptionKey = awss3.BucketEncryption_KMS, p.EvidenceKey
		props.BucketKeyEnabled = jsii.Bool(true) // fewer requests to KMS
	}
	bucket := awss3.NewBucket(a, jsii.String(id), props)
	bucket.AddToResourcePolicy(tlsOnly("s3:*", bucket.BucketArn(),
		bucket.ArnForObjects(jsii.String("*"))))
	// Only the auditor may write state and reports; administrators may not. The statement omits
	// mutes.yaml, because people write it.
	bucket.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("OnlyTheAuditorWrites"), Effect: awsiam.Effect_DENY,
		Principals: &[]awsiam.IPrincipal{awsiam.NewAnyPrincipal()},
		Actions: jsii.Strings("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion",
			// Replication into the bucket writes and deletes without the actions above.
			"s3:ReplicateObject", "s3:ReplicateDelete"),
		Resources: &[]*string{bucket.ArnForObjects(jsii.String("state/*")),
			bucket.ArnForObjects(jsii.String("reports/*"))},
		Conditions: &map[string]any{"ArnNotEquals": map[string]any{"aws:PrincipalArn": a.role.RoleArn()}},
	}))
	// The policy remains with the bucket, so that evidence cannot be changed after the stack is
	// deleted.
	bucket.Policy().ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE)
	return bucket
}

// tlsOnly returns a statement that denies the action to all principals if a request does not use
// TLS.
func tlsOnly(action string, resources ...*string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("TLSOnly"), Effect: awsiam.Effect_DENY,
		Principals: &[]awsiam.IPrincipal{awsiam.NewAnyPrincipal()},
		Actions:    jsii.Strings(action), Resources: &resources,
		Conditions: &map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
	})
}
