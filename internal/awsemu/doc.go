// Package awsemu emulates parts of AWS in memory, on a loopback endpoint: IAM, STS, Organizations,
// SNS topics, S3 buckets and objects, Lambda functions, KMS keys, VPC endpoints, log groups and
// CloudWatch PutMetricData, in the protocols that AWS clients use. Local mode runs the function
// against the emulator. Tests set the SDK's BaseEndpoint to the emulator, so
// that they use the SDK's own signing, encoding, pagination and retries.
//
//	srv := &awsemu.Server{Account: &awsemu.Account{Users: map[string]awsemu.User{"ci": {}}}}
//	end, err := srv.Listen("127.0.0.1:0")
//	defer end.Close()
//	client := iam.NewFromConfig(cfg, func(o *iam.Options) { o.BaseEndpoint = &end.URL })
//
// An account is a Go literal, or a YAML file that package account reads. A [Fault] makes calls fail
// or wait.
// [Server.Calls], [Server.Messages] and [Server.Metrics] return the calls of the clients, and the
// messages and metrics that the clients sent.
//
// One endpoint serves every service. The credential scope of the signature selects the service and
// the region, and the form of the request selects the protocol: the Query protocol (IAM, STS and
// SNS), that of EC2, REST XML (S3), REST JSON (Lambda), Smithy RPC v2 CBOR and JSON 1.0/1.1 (the
// others).
//
// # Callers
//
// The server does not verify signatures. A user's access key identifies the user, and a session's
// access key identifies the session. Any other key identifies the account's administrator,
// arn:aws:iam::123456789012:user/administrator. The administrator is not an IAM user of the
// account: GetUser without a name returns it, but SimulatePrincipalPolicy fails with NoSuchEntity
// for its ARN. If the account has a user with the name administrator, that user is the
// administrator.
//
// By default, the server does not check permissions. With [Server.EnforceIAM], each service has a
// table of the permissions that its operations need. The caller's identity policies, the
// permissions boundary, the organization's policies and the policy of a bucket or key must allow
// these permissions. The administrator needs no permissions.
//
// # Fidelity
//
// By default, a list has two items per page. IAM's replies contain documents percent-encoded as in
// RFC 3986. The server refuses the names, documents and sizes that IAM refuses, with IAM's error
// codes. It answers SimulatePrincipalPolicy and SimulateCustomPolicy in the shape that AWS has used
// since 2026-07-30; a [Simulator] can select the earlier shape.
//
// # Limits
//
// Package iampolicy makes the decisions for the emulator and for the auditor. Tests against the
// emulator therefore check requests and replies: they cannot find an error in the evaluation of
// policies. The policies of functions, log groups and VPC endpoints are stored, and decide about no
// call. There are no session policies. An account can contain documents that do not parse. Such a
// document grants and denies nothing; a boundary or a key policy with such a document allows
// nothing.
// The server refuses an operation that it does not offer, and a parameter that would change the
// answer if the server ignored it. The error names the operation or the parameter.
package awsemu
