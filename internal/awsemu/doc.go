// Package awsemu is a small AWS on loopback, in memory: IAM, STS, SNS topics, S3 objects and
// CloudWatch PutMetricData, as the clients people have speak them. Local mode runs the function
// against it, and tests reach it through the SDK's BaseEndpoint, so that signing, encoding,
// pagination and retries are all real.
//
//	srv := &awsemu.Server{Account: &awsemu.Account{Users: map[string]awsemu.User{"ci": {}}}}
//	end, err := srv.Listen("127.0.0.1:0")
//	defer end.Close()
//	client := iam.NewFromConfig(cfg, func(o *iam.Options) { o.BaseEndpoint = &end.URL })
//
// An account is a Go literal, or one YAML file read by [Load]. What a test wants to see go wrong is
// a [Fault]; what the clients did is in [Server.Calls], [Server.Messages] and [Server.Metrics].
//
// One endpoint serves every service. The credential scope of the signature says which service and
// region a request is for, the request's form says which protocol: the Query protocol (IAM, STS,
// SNS and CloudWatch), REST XML (S3), Smithy RPC v2 CBOR and JSON 1.0/1.1 (CloudWatch).
//
// # Who calls
//
// Signatures are not verified. An access key the account knows is its user's, one that AssumeRole
// gave is that session's, and any other is the account's administrator:
// arn:aws:iam::123456789012:user/administrator. That one is nobody IAM knows: GetUser without a
// name describes it, a simulation of it is NoSuchEntity. Nobody is refused anything, unless a fault
// says so, or [Server.EnforceIAM]: then every operation needs what its service's permissions say of
// it, by the caller's policies, its boundary and the organization's. The administrator needs
// nothing.
//
// # Faithful where it has hurt
//
// Lists page in twos, documents come back percent-encoded as RFC 3986 has it, names, documents and
// sizes that IAM refuses are refused with IAM's codes, and [Server] answers SimulatePrincipalPolicy
// and SimulateCustomPolicy in the shape the service has had since 2026-07-30 (or, when told to, the
// one before).
//
// # Limits
//
// Decisions come from package iampolicy: the emulator proves the plumbing, not the meaning of
// policies. There are no resource policies but roles' trust policies, no session policies and no
// resource control policies. A document kept unchecked that does not parse counts for nothing; as a
// boundary it allows nothing. Operations that are not offered are refused by name, as are
// parameters whose silent loss would change an answer.
package awsemu
