// Package awsemu emulates a small AWS in memory, on a loopback endpoint: IAM, STS, SNS topics, S3
// objects, Lambda reads and CloudWatch PutMetricData, in the protocols that AWS clients use. Local
// mode runs the function against it. Tests reach it through the SDK's BaseEndpoint, so that
// signing, encoding, pagination and retries are all real.
//
//	srv := &awsemu.Server{Account: &awsemu.Account{Users: map[string]awsemu.User{"ci": {}}}}
//	end, err := srv.Listen("127.0.0.1:0")
//	defer end.Close()
//	client := iam.NewFromConfig(cfg, func(o *iam.Options) { o.BaseEndpoint = &end.URL })
//
// An account is a Go literal, or one YAML file read by [Load]. A [Fault] makes calls fail. The
// calls, messages and metrics of the clients are in [Server.Calls], [Server.Messages] and
// [Server.Metrics].
//
// One endpoint serves every service. The credential scope of the signature selects the service and
// the region, and the form of the request selects the protocol: the Query protocol (IAM, STS, SNS
// and CloudWatch), REST XML (S3), REST JSON (Lambda), Smithy RPC v2 CBOR and JSON 1.0/1.1
// (CloudWatch).
//
// # Callers
//
// Signatures are not verified. An access key that the account lists identifies its user, and a key
// that AssumeRole returned identifies that session. Any other key identifies the account's
// administrator, arn:aws:iam::123456789012:user/administrator. IAM has no user entity for the
// administrator: GetUser without a name describes it, but a simulation of it is NoSuchEntity.
//
// By default a call is refused only by a fault. With [Server.EnforceIAM] every operation also needs
// the permissions in its service's table, granted by the caller's policies within its boundary and
// the organization's policies. The administrator needs no permissions.
//
// # Fidelity
//
// Lists have two items per page. Documents come back percent-encoded as in RFC 3986. Names,
// documents and sizes that IAM refuses are refused with IAM's codes. [Server] answers
// SimulatePrincipalPolicy and SimulateCustomPolicy in the shape that the service has had since
// 2026-07-30; [Simulator] can select the shape before that.
//
// # Limits
//
// Decisions come from package iampolicy: the emulator tests requests and replies, not the meaning
// of policies. The only resource policies are the trust policies of roles. There are no session
// policies and no resource control policies. An unchecked document that does not parse grants and
// denies nothing; as a boundary it allows nothing. Operations that are not offered are refused by
// name, as are parameters that would change the answer if they were ignored.
package awsemu
