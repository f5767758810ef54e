package awsemu_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// readsAndWrites returns calls of one client that read and write data of every service. Each client
// has a policy name and an object key of its own, and all share the user, the topic and the bucket.
func readsAndWrites(t *testing.T, c emutest.Clients, client int) []func() error {
	ctx := t.Context()
	user, name := aws.String("ci"), aws.String(fmt.Sprintf("client-%d", client))
	bucket, topic := aws.String("evidence"), aws.String(emutest.Alerts)
	drop := func(_ any, err error) error { return err }
	return []func() error{
		func() error {
			return drop(c.IAM.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: user, PolicyName: name,
				PolicyDocument: aws.String(emutest.AllowAll)}))
		},
		func() error {
			return drop(c.IAM.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: user, PolicyName: name}))
		},
		func() error {
			return drop(c.IAM.ListUserPolicies(ctx, &iam.ListUserPoliciesInput{UserName: user}))
		},
		func() error {
			return drop(c.IAM.SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{
				PolicySourceArn: emutest.ARNOf("user/ann"), ActionNames: []string{"s3:GetObject"}}))
		},
		func() error {
			return drop(c.IAM.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{
				RoleName: aws.String("r2"), PolicyDocument: aws.String(trustOfAccount)}))
		},
		func() error { return drop(c.IAM.ListRoles(ctx, &iam.ListRolesInput{})) },
		func() error {
			return drop(c.STS.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: emutest.ARNOf("role/r2"),
				RoleSessionName: name}))
		},
		func() error { return drop(c.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})) },
		func() error {
			return drop(c.SNS.Publish(ctx, &sns.PublishInput{TopicArn: topic, Message: name}))
		},
		func() error {
			return drop(c.SNS.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic,
				Protocol: aws.String("email"), Endpoint: aws.String(*name + "@example.com")}))
		},
		func() error {
			return drop(c.SNS.ListSubscriptionsByTopic(ctx,
				&sns.ListSubscriptionsByTopicInput{TopicArn: topic}))
		},
		func() error {
			return drop(c.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: name,
				Body: strings.NewReader(*name)}))
		},
		func() error {
			out, err := c.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: name})
			if err != nil {
				return err
			}
			defer out.Body.Close()
			if text, err := io.ReadAll(out.Body); err != nil || string(text) != *name {
				return fmt.Errorf("object %q, %w", text, err)
			}
			return nil
		},
		func() error { return drop(c.S3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket})) },
		func() error {
			return drop(c.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: name}))
		},
		func() error { return drop(c.Lambda.ListFunctions(ctx, &lambda.ListFunctionsInput{})) },
		func() error {
			return drop(c.Lambda.ListTags(ctx, &lambda.ListTagsInput{
				Resource: aws.String("arn:aws:lambda:us-east-1:123456789012:function:clips")}))
		},
		func() error { return drop(c.CloudWatch.PutMetricData(ctx, emutest.OneMetric("N"))) },
		func() error {
			return drop(c.IAM.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: user,
				PolicyName: name}))
		},
	}
}

const trustOfAccount = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
	`"Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}]}`

// TestConcurrentReadsAndWritesOfEveryService checks that several clients with connections of their
// own can use every service at once, while the program reads what the server recorded. `make test`
// runs it with the race detector.
func TestConcurrentReadsAndWritesOfEveryService(t *testing.T) {
	account := withServices()
	account.Buckets = emutest.Evidence().Buckets
	srv := &awsemu.Server{Account: account, EnforceIAM: true}
	url := emutest.Listen(t, srv)
	const clients, rounds = 4, 3
	var wg sync.WaitGroup
	for client := range clients {
		calls := readsAndWrites(t, emutest.Dial(t, url, emutest.AnyKey), client)
		wg.Go(func() {
			for range rounds {
				for i, call := range calls {
					if err := call(); err != nil {
						t.Errorf("client %d, call %d: %v", client, i, err)
					}
				}
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			_, _, _, _ = srv.Calls(), srv.Messages(), srv.Metrics(), srv.Objects("evidence")
			_, _ = srv.ServiceSession("lambda.amazonaws.com", "r3", "s")
			srv.SetFaults(awsemu.Fault{Operation: "iam:GetUser", Throttle: true})
		}
	})
	wg.Wait()
	services := map[string]int{}
	for _, call := range srv.Calls() {
		if call.Code != "" {
			t.Errorf("%s:%s failed with %s", call.Service, call.Operation, call.Code)
		}
		services[call.Service]++
	}
	for service, want := range map[string]int{"iam": 7, "sts": 2, "sns": 3, "s3": 4, "lambda": 2,
		"cloudwatch": 1} {
		if got := services[service]; got != want*clients*rounds {
			t.Errorf("%d calls of %s, want %d", got, service, want*clients*rounds)
		}
	}
	if n := len(srv.Objects("evidence")); n != 1 {
		t.Errorf("%d objects remain, want only mutes.yaml", n)
	}
}
