package ec2_test

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// describe sends DescribeVpcEndpoints, and returns the status and the body.
func describe(t *testing.T, endpoint, key string, params url.Values) (int, string) {
	t.Helper()
	params.Set("Action", "DescribeVpcEndpoints")
	params.Set("Version", "2016-11-15")
	resp, body := emutest.Do(t, http.MethodPost, endpoint, map[string]string{
		"Content-Type":  "application/x-www-form-urlencoded",
		"Authorization": emutest.Authorization(key, "us-east-1", "ec2")}, params.Encode())
	return resp.StatusCode, body
}

// account returns an account with an endpoint that denies, another service, and another region.
func account(policy string) *awsemu.Account {
	a := emutest.CallerWith(policy)
	a.VPCEndpoints = []awsemu.VPCEndpoint{
		{ID: "vpce-a", VPC: "vpc-1", Service: "s3", Policy: emutest.DocumentOf(
			`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`)},
		{ID: "vpce-b", VPC: "vpc-1", Service: "lambda"},
		{ID: "vpce-c", VPC: "vpc-2", Service: "s3"},
		{ID: "vpce-d", VPC: "vpc-3", Service: "s3", Region: "eu-west-1"},
	}
	return a
}

func TestEndpointsAreFiltered(t *testing.T) {
	endpoint := emutest.Listen(t, &awsemu.Server{Account: account(emutest.AllowAll)})
	for _, test := range []struct {
		name   string
		params url.Values
		want   []string
	}{
		{"no filter", url.Values{}, []string{"vpce-a", "vpce-b"}}, // a page has two
		{"a VPC", url.Values{"Filter.1.Name": {"vpc-id"}, "Filter.1.Value.1": {"vpc-2"}},
			[]string{"vpce-c"}},
		{"a VPC and a service", url.Values{"Filter.1.Name": {"vpc-id"},
			"Filter.1.Value.1": {"vpc-1"}, "Filter.1.Value.2": {"vpc-3"}, "Filter.2.Name": {"service-name"},
			"Filter.2.Value.1": {"com.amazonaws.*.s3"}}, []string{"vpce-a"}},
		{"ids", url.Values{"VpcEndpointId.1": {"vpce-c"}}, []string{"vpce-c"}},
		{"nothing", url.Values{"Filter.1.Name": {"vpc-id"}, "Filter.1.Value.1": {"vpc-9"}}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, body := describe(t, endpoint, emutest.AnyKey, test.params)
			var out struct {
				XMLName xml.Name `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeVpcEndpointsResponse"`
				IDs     []string `xml:"vpcEndpointSet>item>vpcEndpointId"`
			}
			if err := xml.Unmarshal([]byte(body), &out); err != nil || status != http.StatusOK {
				t.Fatalf("status %d, %v\n%s", status, err, body)
			}
			if got, want := emutest.AsJSON(out.IDs), emutest.AsJSON(test.want); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	_, body := describe(t, endpoint, emutest.AnyKey, url.Values{"VpcEndpointId.1": {"vpce-a"}})
	emutest.WantText(t, body, "<requestId>", "<serviceName>com.amazonaws.us-east-1.s3</serviceName>",
		"<policyDocument>{&#34;Version&#34;:&#34;2012-10-17&#34;", "<vpcEndpointType>Gateway<")
}

func TestRefusedDescriptions(t *testing.T) {
	endpoint := emutest.Listen(t, &awsemu.Server{Account: account(emutest.DocumentOf(
		emutest.AllowPublish)), EnforceIAM: true})
	for _, test := range []struct {
		name, key string
		params    url.Values
		status    int
		want      string
	}{
		{"a caller without the permission", emutest.UserKey, url.Values{}, 403,
			"<Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this operation. " +
				"User: arn:aws:iam::123456789012:user/caller is not authorized to perform: " +
				"ec2:DescribeVpcEndpoints because no identity-based policy allows the " +
				"ec2:DescribeVpcEndpoints action</Message>"},
		{"an unknown filter", emutest.AnyKey, url.Values{"Filter.1.Name": {"colour"}}, 400,
			"<Response><Errors><Error><Code>InvalidParameterValue</Code><Message>The filter " +
				"&#39;colour&#39; is invalid</Message></Error></Errors><RequestID>"},
		{"an unknown endpoint", emutest.AnyKey, url.Values{"VpcEndpointId.1": {"vpce-d"}}, 400,
			"InvalidVpcEndpointId.NotFound"},
		{"a bad token", emutest.AnyKey, url.Values{"NextToken": {"x"}}, 400, "InvalidNextToken"},
		{"a dry run", emutest.AnyKey, url.Values{"DryRun": {"true"}}, 412, "DryRunOperation"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, body := describe(t, endpoint, test.key, test.params)
			if status != test.status {
				t.Errorf("status %d: %s", status, body)
			}
			emutest.WantText(t, body, test.want)
		})
	}
}
