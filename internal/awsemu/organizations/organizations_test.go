package organizations_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/organizations"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

func TestDescribeOrganization(t *testing.T) {
	describe := func(server *awsemu.Server, key string) (*sdk.DescribeOrganizationOutput, error) {
		url := emutest.Listen(t, server)
		client := sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: &url,
			Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""),
			Retryer:     aws.NopRetryer{}})
		return client.DescribeOrganization(t.Context(), &sdk.DescribeOrganizationInput{})
	}
	account := emutest.CallerWith(emutest.AllowAll)
	account.ServiceControlPolicies = awsemu.Organization{{awsemu.FullAWSAccess}}
	got, err := describe(&awsemu.Server{Account: account}, emutest.UserKey)
	if err != nil || aws.ToString(got.Organization.Id) != organizations.ID ||
		got.Organization.FeatureSet != types.OrganizationFeatureSetAll {
		t.Errorf("got %+v, %v", got, err)
	}

	var outside *types.AWSOrganizationsNotInUseException
	if _, err := describe(&awsemu.Server{}, "AKIA"); !errors.As(err, &outside) {
		t.Errorf("an account without organization: %v", err)
	}

	var denied *types.AccessDeniedException
	account = emutest.CallerWith(emutest.DocumentOf(emutest.AllowPublish))
	account.ServiceControlPolicies = awsemu.Organization{{awsemu.FullAWSAccess}}
	if _, err := describe(&awsemu.Server{Account: account, EnforceIAM: true},
		emutest.UserKey); !errors.As(err, &denied) {
		t.Errorf("a caller without the permission: %v", err)
	}
}
