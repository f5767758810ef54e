package awsemu_test

import (
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// TestQuotaRequestsNeedALinkedRoleInAnOrganization checks that the first request of an account in
// an organization needs the permission to create the role.
func TestQuotaRequestsNeedALinkedRoleInAnOrganization(t *testing.T) {
	role := map[string]awsemu.Role{"AWSServiceRoleForServiceQuotas": {
		Path: "/aws-service-role/servicequotas.amazonaws.com/", Trust: "servicequotas.amazonaws.com"}}
	organization := awsemu.Organization{{awsemu.FullAWSAccess}}
	for _, test := range []struct {
		name         string
		roles        map[string]awsemu.Role
		organization awsemu.Organization
		status       int
		want         string
	}{
		{"in no organization", nil, nil, 200, "PENDING"},
		{"in an organization with the role", role, organization, 200, "PENDING"},
		{"in an organization without the role", nil, organization, 400,
			"is not authorized to perform: iam:CreateServiceLinkedRole on resource: " +
				"arn:aws:iam::123456789012:role/aws-service-role/servicequotas.amazonaws.com/" +
				"AWSServiceRoleForServiceQuotas because no identity-based policy allows"},
	} {
		t.Run(test.name, func(t *testing.T) {
			account := emutest.CallerWith(emutest.DocumentOf(
				`{"Effect":"Allow","Action":"servicequotas:*","Resource":"*"}`))
			account.Roles, account.ServiceControlPolicies = test.roles, test.organization
			url := emutest.Listen(t, &awsemu.Server{Account: account, EnforceIAM: true})
			status, body := emutest.CallJSON(t, url, emutest.UserKey, "servicequotas",
				"ServiceQuotasV20190624.RequestServiceQuotaIncrease",
				`{"ServiceCode": "lambda", "QuotaCode": "L-B99A9384", "DesiredValue": 5000}`)
			if status != test.status {
				t.Errorf("status %d: %s", status, body)
			}
			emutest.WantText(t, body, test.want)
		})
	}
}

func TestLogGroupsAndQuotas(t *testing.T) {
	const key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-4234-a6ef-1234567890ab"
	url := emutest.Listen(t, &awsemu.Server{Account: &awsemu.Account{
		Keys: []awsemu.Key{{ID: "1234abcd-12ab-4234-a6ef-1234567890ab", Policy: emutest.DocumentOf(
			`{"Effect":"Allow","Principal":{"Service":"logs.us-east-1.amazonaws.com"},` +
				`"Action":"kms:*","Resource":"*"}`)}, {Alias: "alias/other"}},
		LogGroups: []awsemu.LogGroup{{Name: "/clips", KMSKey: key},
			{Name: "/far", Region: "eu-west-1"}},
		ConcurrentExecutions: map[string]int{"us-east-1": 500}}})
	const lambdaQuota = `{"ServiceCode": "lambda", "QuotaCode": "L-B99A9384"`
	for _, test := range []struct {
		name, service, operation, body string
		status                         int
		want                           string
	}{
		{"a retention of a group that does not exist is refused", "logs",
			"Logs_20140328.PutRetentionPolicy", `{"logGroupName": "/aws/lambda/f", "retentionInDays": 14}`,
			400, "ResourceNotFoundException"},
		{"a log group is created", "logs", "Logs_20140328.CreateLogGroup",
			`{"logGroupName": "/aws/lambda/f"}`, 200, ""},
		{"a log group is created only once", "logs", "Logs_20140328.CreateLogGroup",
			`{"logGroupName": "/aws/lambda/f"}`, 400, "The specified log group already exists"},
		{"a retention is set", "logs", "Logs_20140328.PutRetentionPolicy",
			`{"logGroupName": "/aws/lambda/f", "retentionInDays": 14}`, 200, ""},
		{"a retention of 13 days is refused", "logs", "Logs_20140328.PutRetentionPolicy",
			`{"logGroupName": "/aws/lambda/f", "retentionInDays": 13}`, 400, "got 13"},
		{"a name with a space is refused", "logs", "Logs_20140328.CreateLogGroup",
			`{"logGroupName": "a b"}`, 400, "InvalidParameterException"},
		{"log groups are described with their keys", "logs", "Logs_20140328.DescribeLogGroups",
			`{"logGroupNamePrefix": "/"}`, 200, `"logGroupName":"/clips","creationTime":`},
		{"a log group names its key", "logs", "Logs_20140328.DescribeLogGroups",
			`{"logGroupNamePattern": "CLIPS"}`, 200, `"kmsKeyId":"` + key + `"`},
		{"log groups of another region are not described", "logs",
			"Logs_20140328.DescribeLogGroups", `{"logGroupNamePrefix": "/far"}`, 200, `"logGroups":[]`},
		{"the retention of a log group is described", "logs", "Logs_20140328.DescribeLogGroups",
			`{"logGroupNamePrefix": "/aws"}`, 200, `"retentionInDays":14`},
		{"a prefix and a pattern are refused", "logs", "Logs_20140328.DescribeLogGroups",
			`{"logGroupNamePrefix": "/", "logGroupNamePattern": "a"}`, 400, "mutually exclusive"},
		{"a log group gets a key", "logs", "Logs_20140328.AssociateKmsKey",
			`{"logGroupName": "/aws/lambda/f", "kmsKeyId": "` + key + `"}`, 200, ""},
		{"a log group loses its key", "logs", "Logs_20140328.DisassociateKmsKey",
			`{"logGroupName": "/clips"}`, 200, ""},
		{"a key whose policy does not name Logs is refused", "logs", "Logs_20140328.CreateLogGroup",
			`{"logGroupName": "/g", "kmsKeyId": "alias/other"}`, 400, "The specified KMS key does not " +
				"exist or is not allowed to be used with Arn"},
		{"a quota has a value", "servicequotas", "ServiceQuotasV20190624.GetServiceQuota",
			lambdaQuota + "}", 200, `"Value":500`},
		{"a quota has a default", "servicequotas", "ServiceQuotasV20190624.GetAWSDefaultServiceQuota",
			lambdaQuota + "}", 200, `"Value":1000`},
		{"a quota of another service is unknown", "servicequotas",
			"ServiceQuotasV20190624.GetServiceQuota", `{"ServiceCode": "ec2", "QuotaCode": "L-1"}`, 400,
			"has only quotas of lambda"},
		{"a lower value is refused", "servicequotas",
			"ServiceQuotasV20190624.RequestServiceQuotaIncrease", lambdaQuota + `, "DesiredValue": 10}`,
			400, "must be greater than 500"},
		{"a higher value is requested", "servicequotas",
			"ServiceQuotasV20190624.RequestServiceQuotaIncrease", lambdaQuota +
				`, "DesiredValue": 5000}`, 200, `"Status":"PENDING"`},
		{"a second request is refused", "servicequotas",
			"ServiceQuotasV20190624.RequestServiceQuotaIncrease", lambdaQuota +
				`, "DesiredValue": 6000}`, 400, "Only one open service quota increase request"},
		{"the requests are listed", "servicequotas",
			"ServiceQuotasV20190624.ListRequestedServiceQuotaChangeHistoryByQuota", lambdaQuota + "}",
			200, `"DesiredValue":5000`},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, body := emutest.CallJSON(t, url, emutest.AnyKey, test.service, test.operation,
				test.body)
			if status != test.status {
				t.Errorf("status %d: %s", status, body)
			}
			emutest.WantText(t, body, test.want)
		})
	}
}
