package account_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/s3"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

func TestLoadReadsBucketsKeysAndNetworks(t *testing.T) {
	const text = `
roles: {worker: {}}
functions:
  - name: clips
    role: worker
    timeout: 240
    storage: 2048
    state: Failed
    stateReason: no addresses
    stateReasonCode: SubnetOutOfIPAddresses
    updateStatus: Failed
    updateReason: no key
    updateReasonCode: DisabledKMSKey
    kmsKey: arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab
    logGroup: /clips
    reservedConcurrency: 0
    policy: {unchecked: "{}"}
    vpc: {id: vpc-1, subnets: [subnet-1], securityGroups: [sg-1]}
buckets:
  clips:
    publicAccessBlock: {blockPublicAcls: true, restrictPublicBuckets: true}
    ownership: ObjectWriter
    acl: public-read
    policy: {file: bucket.json}
    encryption: {key: alias/video, bucketKey: true}
    lifecycle: [{prefix: renders/, days: 7}, {id: old, days: 90, disabled: true}]
  plain: {encryption: {algorithm: AES256}, publicAccessBlock: {all: true}}
publicAccessBlock: {ignorePublicAcls: true, blockPublicPolicy: true}
keys:
  - {alias: alias/video, state: Disabled, policy: {file: key.json}, description: clips}
  - {id: 1234abcd-12ab-34cd-56ef-1234567890ab, region: eu-west-1}
logGroups: [{name: /clips, region: eu-west-1, retention: 14,
  kmsKey: "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"}]
deletedLayers: ["arn:aws:lambda:us-east-1:678892195805:layer:fonts:1"]
concurrentExecutions: {default: 500, us-east-1: 10}
vpcEndpoints:
  - {id: vpce-1, vpc: vpc-1, service: s3, region: eu-west-1, type: Gateway, state: pending,
     policy: {file: bucket.json}}
`
	bucket := emutest.DocumentOf(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`)
	key := emutest.DocumentOf(`{"Effect":"Allow","Principal":{"AWS":"123456789012"},` +
		`"Action":"kms:*","Resource":"*"}`)
	got, err := load(text, map[string]string{"bucket.json": bucket, "key.json": key})
	if err != nil {
		t.Fatal(err)
	}
	zero := 0
	want := &awsemu.Account{
		Roles: map[string]awsemu.Role{"worker": {}},
		Functions: []awsemu.LambdaFunction{{Name: "clips", Role: "worker", Timeout: 240, Storage: 2048,
			State: "Failed", StateReason: "no addresses", StateReasonCode: "SubnetOutOfIPAddresses",
			UpdateStatus: "Failed", UpdateReason: "no key", UpdateReasonCode: "DisabledKMSKey",
			KMSKey:   "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
			LogGroup: "/clips", Reserved: &zero, Policy: "{}", VPC: "vpc-1",
			Subnets: []string{"subnet-1"}, SecurityGroups: []string{"sg-1"}}},
		Buckets: map[string]awsemu.Bucket{
			"clips": {AccessBlock: &awsemu.PublicAccessBlock{BlockPublicAcls: true,
				RestrictPublicBuckets: true}, Ownership: "ObjectWriter", ACL: "public-read", Policy: bucket,
				Encryption: s3.Encryption{Algorithm: "aws:kms", Key: "alias/video", BucketKey: true},
				Lifecycle: []s3.LifecycleRule{{ID: "rule-1", Prefix: "renders/", Days: 7},
					{ID: "old", Days: 90, Disabled: true}}},
			"plain": {Encryption: s3.Encryption{Algorithm: "AES256"}, AccessBlock: &s3.BlockAll},
		},
		PublicAccessBlock: &awsemu.PublicAccessBlock{IgnorePublicAcls: true, BlockPublicPolicy: true},
		Keys: []awsemu.Key{{Alias: "alias/video", State: "Disabled", Policy: key, Description: "clips"},
			{ID: "1234abcd-12ab-34cd-56ef-1234567890ab", Region: "eu-west-1"}},
		LogGroups: []awsemu.LogGroup{{Name: "/clips", Region: "eu-west-1", Retention: 14,
			KMSKey: "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"}},
		DeletedLayers:        []string{"arn:aws:lambda:us-east-1:678892195805:layer:fonts:1"},
		ConcurrentExecutions: map[string]int{"": 500, "us-east-1": 10},
		VPCEndpoints: []awsemu.VPCEndpoint{{ID: "vpce-1", VPC: "vpc-1", Service: "s3",
			Region: "eu-west-1", Type: "Gateway", State: "pending", Policy: bucket}},
		Simulator: awsemu.Simulator{PageSize: 100},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", emutest.AsJSON(got), emutest.AsJSON(want))
	}
	if reply, ok := serve(got); !ok {
		t.Errorf("the server refuses the account: %s", reply)
	}
}

func TestMistakesInBucketsKeysAndNetworks(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"an unknown ownership", "buckets: {clips: {ownership: Owner}}\n",
			`"Owner" is not one of BucketOwnerEnforced, BucketOwnerPreferred, ObjectWriter`},
		{"an ACL on a bucket without ACLs",
			"buckets: {clips: {ownership: BucketOwnerEnforced, acl: public-read}}\n",
			"a bucket with the ownership BucketOwnerEnforced has no ACL: remove one of the two"},
		{"a bucket policy without a principal", "buckets:\n  clips:\n    policy:\n      Version: " +
			"\"2012-10-17\"\n      Statement: [{Effect: Deny, Action: \"s3:*\", Resource: \"*\"}]\n",
			"a.yaml:4: buckets.clips.policy: "},
		{"a key of AES256", "buckets: {clips: {encryption: {algorithm: AES256, key: alias/v}}}\n",
			"the algorithm AES256 has no key: remove one of the two"},
		{"an encryption of nothing", "buckets: {clips: {encryption: {bucketKey: true}}}\n",
			"the encryption needs an algorithm or a key"},
		{"a rule without an age", "buckets: {clips: {lifecycle: [{id: x}]}}\n",
			"a rule needs days: add the age at which S3 deletes the objects"},
		{"a setting that is not a flag", "publicAccessBlock: {all: yes please}\n",
			"a.yaml:1: publicAccessBlock.all: expected true or false"},
		{"a key without a name", "keys: [{state: Enabled}]\n",
			"a.yaml:1: keys[0]: a key needs an id or an alias: add one of the keys"},
		{"a key with another id", "keys: [{id: mine}]\n", `keys[0].id: "mine" is not the id of a key`},
		{"an alias of AWS", "keys: [{alias: alias/aws/s3}]\n", `"alias/aws/s3" is not an alias`},
		{"a key twice", "keys: [{alias: alias/a}, {alias: alias/a}]\n", "keys[1]: duplicate key alias/a"},
		{"an unknown state of a key", "keys: [{alias: alias/a, state: Gone}]\n",
			`"Gone" is not one of Enabled, Disabled, PendingDeletion`},
		{"a function's key that is a name", "roles: {r: {}}\nfunctions: [{name: f, role: r, kmsKey: k}]\n",
			`functions[0].kmsKey: "k" is not an ARN of kms`},
		{"a log group with a space", "logGroups: [{name: a b}]\n",
			`logGroups[0]: "a b" is not the name of a log group`},
		{"a layer without a version", "deletedLayers: [\"arn:aws:lambda:us-east-1:123456789012:layer:a\"]\n",
			"deletedLayers[0]: "},
		{"a quota of no region", "concurrentExecutions: {everywhere: 5}\n",
			`"everywhere" is neither a region nor default`},
		{"a quota of nothing", "concurrentExecutions: {us-east-1: 0}\n",
			`"0" is not a number from 1 to 1048576`},
		{"an endpoint of no VPC", "vpcEndpoints: [{service: s3}]\n",
			"a VPC endpoint needs the id of a VPC and a service"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := load(test.text, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}
