package awsemu_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
)

func Example() {
	const policy = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::remotionlambda-*"}]}`
	server := &awsemu.Server{
		Account: &awsemu.Account{Users: map[string]awsemu.User{
			"ci": {Inline: map[string]string{"render": policy}},
		}},
		Faults: []awsemu.Fault{{Operation: "iam:SimulatePrincipalPolicy", Throttle: true, Times: 1}},
	}
	end, err := server.Listen("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = end.Close() }()

	client := iam.New(iam.Options{
		Region: "us-east-1", BaseEndpoint: &end.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAUNLISTEDKEY00000", "any", ""),
	})
	out, err := client.SimulatePrincipalPolicy(context.Background(), &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: aws.String("arn:aws:iam::123456789012:user/ci"),
		ActionNames:     []string{"s3:PutObject", "s3:ListAllMyBuckets"},
		ResourceArns:    []string{"arn:aws:s3:::remotionlambda-useast1-abc/out.mp4"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range out.EvaluationResults {
		fmt.Println(*r.EvalActionName, r.EvalDecision)
	}
	for _, call := range server.Calls() {
		fmt.Println(call.Service, call.Operation, call.Code)
	}
	// Output:
	// s3:PutObject allowed
	// s3:ListAllMyBuckets implicitDeny
	// iam SimulatePrincipalPolicy Throttling
	// iam SimulatePrincipalPolicy
}
