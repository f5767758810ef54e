package awsemu_test

import (
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

func TestLogGroupsAndQuotas(t *testing.T) {
	url := emutest.Listen(t, &awsemu.Server{})
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
		{"a quota has a value", "servicequotas", "ServiceQuotasV20190624.GetServiceQuota",
			lambdaQuota + "}", 200, `"Value":1000`},
		{"a quota of another service is unknown", "servicequotas",
			"ServiceQuotasV20190624.GetServiceQuota", `{"ServiceCode": "ec2", "QuotaCode": "L-1"}`, 400,
			"has only quotas of lambda"},
		{"a lower value is refused", "servicequotas",
			"ServiceQuotasV20190624.RequestServiceQuotaIncrease", lambdaQuota + `, "DesiredValue": 10}`,
			400, "must be greater than 1000"},
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
