// Package awsemu is a small AWS in memory that listens on loopback: IAM, STS, Lambda, SNS topics,
// S3 objects and CloudWatch's PutMetricData, for unchanged AWS clients. Local mode runs the
// function against it. Tests use it through the SDK's BaseEndpoint, so that signing, encoding,
// pagination and retries are real.
//
//	srv := &awsemu.Server{Account: &awsemu.Account{Users: map[string]awsemu.User{"ci": {}}}}
//	end, err := srv.Listen("127.0.0.1:0")
//	defer end.Close()
//	client := iam.NewFromConfig(cfg, func(o *iam.Options) { o.BaseEndpoint = &end.URL })
//
// An account is a Go literal or a YAML file for [Load]. A [Fault] makes calls fail.
// [Server.Calls], [Server.Messages] and [Server.Metrics] record what clients sent.
//
// One endpoint serves all services. The credential scope of the signature selects the service and
// the region, the form of the request selects the protocol: Query (IAM, STS, SNS and CloudWatch),
// REST XML (S3), REST JSON (Lambda), Smithy RPC v2 CBOR and JSON 1.0/1.1 (CloudWatch).
//
// # Callers
//
// Signatures are not verified. The access key identifies the caller: a user of the account, a
// session of AssumeRole, or, for any other key, the account's administrator,
// arn:aws:iam::123456789012:user/administrator. IAM does not know the administrator: GetUser
// without a name describes it, but a simulation of it returns NoSuchEntity. By default every call
// is allowed. With [Server.EnforceIAM] each operation needs the permissions of its service's table,
// decided by the caller's policies, its boundary and the service control policies. The
// administrator needs none.
//
// # Fidelity
//
// Lists have pages of two items. Documents are percent-encoded as in RFC 3986. Names, documents and
// sizes that IAM refuses are refused with IAM's error codes. SimulatePrincipalPolicy and
// SimulateCustomPolicy answer in the form since 2026-07-30, or in the earlier form if configured.
//
// # Limits
//
// Package iampolicy makes all decisions, so the emulator does not verify the meaning of policies.
// Trust policies are the only resource policies; there are no session policies and no resource
// control policies. A stored document that does not parse grants nothing and, as a boundary, allows
// nothing. Unsupported operations are refused by name, and so are parameters that would change an
// answer if they were ignored.
package awsemu
