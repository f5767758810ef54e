package lambda_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

var (
	clips, plain = aws.String("clips"), aws.String("plain")

	ownLayer     = "arn:aws:lambda:us-east-1:123456789012:layer:own:2"
	foreignLayer = "arn:aws:lambda:us-east-1:678892195805:layer:fonts:1"
)

// broken returns an account with a function that cannot run, and with a plain one.
func broken() *awsemu.Account {
	const role = "arn:aws:iam::123456789012:role/r2"
	return &awsemu.Account{
		Functions: []awsemu.LambdaFunction{
			{Name: "clips", Role: role, State: "Failed", StateReason: "no addresses",
				StateReasonCode: "SubnetOutOfIPAddresses", UpdateStatus: "Failed",
				UpdateReasonCode: "DisabledKMSKey", KMSKey: "arn:aws:kms:us-east-1:123456789012:key/k",
				Subnets: []string{"subnet-1"}, SecurityGroups: []string{"sg-1"}, LogGroup: "/clips",
				Reserved: aws.Int(300), Policy: emutest.AllowAll},
			{Name: "plain", Role: role},
		},
		DeletedLayers:        []string{ownLayer, foreignLayer},
		ConcurrentExecutions: map[string]int{"eu-west-1": 10},
	}
}

func TestTheStateOfAFunction(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: broken()}).Lambda
	get, err := c.GetFunctionConfiguration(t.Context(),
		&lambda.GetFunctionConfigurationInput{FunctionName: clips})
	if err != nil {
		t.Fatal(err)
	}
	if get.State != types.StateFailed || *get.StateReason != "no addresses" ||
		get.StateReasonCode != types.StateReasonCodeSubnetOutOfIPAddresses ||
		get.LastUpdateStatus != types.LastUpdateStatusFailed || *get.VpcConfig.VpcId != "vpc-1" ||
		*get.KMSKeyArn != "arn:aws:kms:us-east-1:123456789012:key/k" ||
		*get.LoggingConfig.LogGroup != "/clips" {
		t.Errorf("%s", emutest.AsJSON(get))
	}
	list, err := c.ListFunctions(t.Context(), nil)
	if err != nil || list.Functions[0].State != "" || *list.Functions[0].KMSKeyArn != *get.KMSKeyArn {
		t.Errorf("ListFunctions returns no state: %s, %v", emutest.AsJSON(list), err)
	}
	_, err = c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: clips})
	emutest.WantError(t, err, "ResourceConflictException", "")

	policy, err := c.GetPolicy(t.Context(), &lambda.GetPolicyInput{FunctionName: clips})
	if err != nil || *policy.Policy != emutest.AllowAll {
		t.Errorf("%s, %v", emutest.AsJSON(policy), err)
	}
	_, err = c.GetPolicy(t.Context(), &lambda.GetPolicyInput{FunctionName: plain})
	emutest.WantError(t, err, "ResourceNotFoundException",
		"The resource you requested does not exist.")
	updated, err := c.UpdateFunctionConfiguration(t.Context(),
		&lambda.UpdateFunctionConfigurationInput{FunctionName: clips, Timeout: aws.Int32(240),
			KMSKeyArn: aws.String(""), VpcConfig: &types.VpcConfig{SubnetIds: []string{}}})
	if err != nil || *updated.Timeout != 240 || updated.KMSKeyArn != nil || updated.VpcConfig != nil ||
		updated.LastUpdateStatus != types.LastUpdateStatusSuccessful {
		t.Errorf("after the repair: %s, %v", emutest.AsJSON(updated), err)
	}
}

func TestExecutionsAreReservedWithinTheQuota(t *testing.T) {
	srv := &awsemu.Server{Account: broken()}
	c := emutest.Connect(t, srv).Lambda
	unreserved := func(want int32) {
		t.Helper()
		out, err := c.GetAccountSettings(t.Context(), nil)
		if err != nil || out.AccountLimit.ConcurrentExecutions != 1000 ||
			*out.AccountLimit.UnreservedConcurrentExecutions != want ||
			out.AccountUsage.FunctionCount != 2 {
			t.Errorf("want %d unreserved: %s, %v", want, emutest.AsJSON(out), err)
		}
	}
	put := func(n int32) error {
		_, err := c.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{
			FunctionName: plain, ReservedConcurrentExecutions: &n})
		return err
	}
	unreserved(700)
	emutest.WantError(t, put(601), "InvalidParameterValueException",
		"Specified ReservedConcurrentExecutions for function decreases account's "+
			"UnreservedConcurrentExecution below its minimum value of [100].")
	if err := put(600); err != nil {
		t.Error(err)
	}
	unreserved(100)
	if err := put(0); err != nil {
		t.Error(err)
	}
	_, err := c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: plain})
	emutest.WantError(t, err, "TooManyRequestsException", "")
	got, err := c.GetFunctionConcurrency(t.Context(),
		&lambda.GetFunctionConcurrencyInput{FunctionName: plain})
	if err != nil || *got.ReservedConcurrentExecutions != 0 {
		t.Errorf("%s, %v", emutest.AsJSON(got), err)
	}
	if _, err := c.DeleteFunctionConcurrency(t.Context(),
		&lambda.DeleteFunctionConcurrencyInput{FunctionName: plain}); err != nil {
		t.Error(err)
	}
	got, err = c.GetFunctionConcurrency(t.Context(),
		&lambda.GetFunctionConcurrencyInput{FunctionName: plain})
	if err != nil || got.ReservedConcurrentExecutions != nil {
		t.Errorf("%s, %v", emutest.AsJSON(got), err)
	}
	far, err := c.GetAccountSettings(t.Context(), nil,
		func(o *lambda.Options) { o.Region = "eu-west-1" })
	if err != nil || far.AccountLimit.ConcurrentExecutions != 10 {
		t.Errorf("%s, %v", emutest.AsJSON(far), err)
	}
}

func TestLayerVersions(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: broken()}).Lambda
	byARN := func(arn string) error {
		_, err := c.GetLayerVersionByArn(t.Context(),
			&lambda.GetLayerVersionByArnInput{Arn: &arn})
		return err
	}
	const denied = "User: arn:aws:iam::123456789012:user/administrator is not authorized to perform: " +
		"lambda:GetLayerVersion on resource: arn:aws:lambda:us-east-1:678892195805:layer:fonts:1 because " +
		"no resource-based policy allows the lambda:GetLayerVersion action"
	emutest.WantError(t, byARN(ownLayer), "ResourceNotFoundException",
		"The resource you requested does not exist.")
	emutest.WantError(t, byARN(foreignLayer), "AccessDeniedException", denied)
	emutest.WantError(t, byARN("fonts"), "InvalidParameterValueException", "")
	out, err := c.GetLayerVersion(t.Context(), &lambda.GetLayerVersionInput{
		LayerName:     aws.String("arn:aws:lambda:us-east-1:678892195805:layer:fonts"),
		VersionNumber: aws.Int64(2)})
	if err != nil || out.Version != 2 || *out.LayerVersionArn !=
		"arn:aws:lambda:us-east-1:678892195805:layer:fonts:2" {
		t.Errorf("%s, %v", emutest.AsJSON(out), err)
	}
	_, err = c.GetLayerVersion(t.Context(), &lambda.GetLayerVersionInput{
		LayerName: aws.String("own"), VersionNumber: aws.Int64(2)})
	emutest.WantError(t, err, "ResourceNotFoundException", "")
	update := func(layer string) error {
		_, err := c.UpdateFunctionConfiguration(t.Context(),
			&lambda.UpdateFunctionConfigurationInput{FunctionName: plain, Layers: []string{layer}})
		return err
	}
	emutest.WantError(t, update(ownLayer), "InvalidParameterValueException",
		"Layer version "+ownLayer+" does not exist.")
	emutest.WantError(t, update(foreignLayer), "AccessDeniedException", denied)
	if err := update("arn:aws:lambda:us-east-1:678892195805:layer:fonts:2"); err != nil {
		t.Error(err)
	}
}
