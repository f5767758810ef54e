package awsemu_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

func TestTheZeroServerHasAnEmptyAccount(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{})
	caller, err := c.STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *caller.Arn != "arn:aws:iam::123456789012:user/administrator" {
		t.Errorf("caller %+v, %v", caller, err)
	}
	roles, err := c.IAM.ListRoles(t.Context(), &iam.ListRolesInput{})
	if err != nil || len(roles.Roles) != 0 {
		t.Errorf("roles %+v, %v", roles, err)
	}
}

func TestEveryReplyReportsAnInconsistentAccount(t *testing.T) {
	users := map[string]awsemu.User{"ci": {Groups: []string{"none"}}}
	c := emutest.Connect(t, &awsemu.Server{Account: &awsemu.Account{Users: users}})
	_, err := c.STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	emutest.WantError(t, err, "InternalFailure", "account: user ci: there is no group none")
}

func TestListenRefusesAddressesOutsideLoopback(t *testing.T) {
	for addr, want := range map[string]string{
		"0.0.0.0:0":       "loopback",
		":0":              "loopback",
		"192.0.2.1:0":     "loopback",
		"example.com:0":   "loopback",
		"[::]:0":          "loopback",
		"127.0.0.1":       "give an address such as 127.0.0.1:4599",
		"127.0.0.1:99999": "port",
	} {
		if end, err := (&awsemu.Server{}).Listen(addr); err == nil || !strings.Contains(err.Error(),
			want) {
			t.Errorf("%q: %v, want an error about %s", addr, err, want)
			if end != nil {
				_ = end.Close()
			}
		}
	}
	for _, addr := range []string{"", "127.0.0.1:0", "localhost:0"} {
		end, err := (&awsemu.Server{}).Listen(addr)
		if err != nil {
			t.Errorf("%q: %v", addr, err)
			continue
		}
		if !strings.HasPrefix(end.URL, "http://127.0.0.1:") &&
			!strings.HasPrefix(end.URL, "http://[::1]:") {
			t.Errorf("%q listens at %s", addr, end.URL)
		}
		if err := end.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestInvalidRequestsAreRefusedInTheirProtocol(t *testing.T) {
	const sign = "AWS4-HMAC-SHA256 Credential=AKIAX/20260101/us-east-1/"
	const form = "application/x-www-form-urlencoded"
	tests := []struct {
		name, method, url, auth, contentType, body string
		status                                     int
		contains                                   string // a part of the reply
	}{
		{"a request without a signature", "POST", "/", "", form, "Action=GetUser", 403,
			"<Code>MissingAuthenticationToken</Code>"},
		{"a request with an invalid signature header", "POST", "/", "Bearer x", form, "Action=GetUser",
			403, "<Code>MissingAuthenticationToken</Code>"},
		{"a presigned URL of signature version 2", "GET",
			"/evidence/a?AWSAccessKeyId=AKIAX&Signature=a%3D&Expires=1795979140", "", "", "", 400,
			"<Error><Code>InvalidRequest</Code><Message>the request has a signature of version 2"},
		{"a request with a signature of version 2", "PUT", "/evidence/a", "AWS AKIAX:a=", "", "", 400,
			"use version 4, with Config(signature_version=&#34;s3v4&#34;) in boto3, or with the AWS CLI"},
		{"a request to a service that is not offered", "GET", "/", sign + "sqs/aws4_request, S", "", "",
			400, "logs, servicequotas and monitoring (CloudWatch), not &#34;sqs&#34;"},
		{"a request to another service than the signed one", "POST",
			"/service/GraniteServiceVersion20100801/operation/PutMetricData", sign + "sns/aws4_request",
			"application/cbor", "\xa0", 400, "UnknownService"},
		{"a request without an action", "POST", "/", sign + "iam/aws4_request", form, "", 400,
			"<Code>MissingAction</Code>"},
		{"a request of another API version", "POST", "/", sign + "iam/aws4_request", form,
			"Action=GetUser&Version=2009-01-01", 400,
			"<Message>Could not find operation GetUser for version 2009-01-01</Message>"},
		{"a request with an invalid form", "POST", "/", sign + "iam/aws4_request", form, "Action=%zz",
			400, "<Code>MalformedQueryString</Code>"},
		{"a request that is too large", "POST", "/", sign + "iam/aws4_request", form,
			"Action=" + strings.Repeat("x", wire.MaxBody), 413, "<Code>RequestEntityTooLarge</Code>"},
		{"a presigned request in the query of the URL is accepted", "GET",
			"/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Credential=AKIAX%2F20260101%2Fus-east-1%2Fsts%2Faws4_request", "", "", "", 200, "user/administrator"},
		{"a request that is signed for all regions is accepted", "POST", "/",
			"AWS4-ECDSA-P256-SHA256 Credential=AKIAX/20260101/sts/aws4_request, SignedHeaders=host, " +
				"Signature=0", form, "Action=GetCallerIdentity", 200, "user/administrator"},
	}
	url := emutest.Listen(t, &awsemu.Server{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := emutest.Do(t, tt.method, url+tt.url,
				map[string]string{"Authorization": tt.auth, "Content-Type": tt.contentType}, tt.body)
			if resp.StatusCode != tt.status || !strings.Contains(body, tt.contains) {
				t.Errorf("got %d %s\nwant %d with %s", resp.StatusCode, body, tt.status, tt.contains)
			}
		})
	}
}

func TestConcurrentClients(t *testing.T) {
	srv := &awsemu.Server{Account: withServices()}
	c := emutest.Connect(t, srv)
	calls := oneCallPerService(t, c)
	var wg sync.WaitGroup
	for range 4 {
		for _, call := range calls {
			wg.Go(func() {
				for range 5 {
					if err := call(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Go(func() {
			for range 5 {
				srv.SetFaults(awsemu.Fault{Operation: "iam:GetUser", Throttle: true})
				_, _, _ = srv.Calls(), srv.Messages(), srv.Metrics()
				_, err := c.IAM.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("r3"),
					PolicyName: aws.String("x"), PolicyDocument: aws.String(emutest.AllowAll)})
				if err != nil {
					t.Error(err)
				}
				if _, err := c.IAM.SimulatePrincipalPolicy(t.Context(),
					&iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("role/r3"),
						ActionNames: []string{"s3:GetObject"}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(srv.Messages()); n != 20 {
		t.Errorf("%d messages, want 20", n)
	}
}

// FuzzServeHTTP sends arbitrary requests and checks that the server does not panic and does not
// answer with a server error.
func FuzzServeHTTP(f *testing.F) {
	const sign = "AWS4-HMAC-SHA256 Credential=AKIACI0000000000/20260101/us-east-1/%/aws4_request"
	for _, seed := range []struct{ path, service, contentType, target, body string }{
		{"/", "iam", "application/x-www-form-urlencoded", "",
			"Action=GetUser&Version=2010-05-08&UserName=ci"},
		{"/", "iam", "application/x-www-form-urlencoded", "",
			"Action=SimulatePrincipalPolicy&PolicySourceArn=arn:aws:iam::123456789012:user/ci&ActionNames.member.1=s3:GetObject&ResourceArns.member.1=arn:aws:s3:::a*&ContextEntries.member.1.ContextKeyName=aws:x-y&ContextEntries.member.1.ContextKeyValues.member.1=1"},
		{"/", "iam", "application/x-www-form-urlencoded", "",
			"Action=PutUserPolicy&UserName=ci&PolicyName=x&PolicyDocument=%7B%7D"},
		{"/", "iam", "application/x-www-form-urlencoded", "",
			"Action=CreateRole&RoleName=x&AssumeRolePolicyDocument=%7B%7D&Path=/a/"},
		{"/", "iam", "application/x-www-form-urlencoded", "",
			"Action=SimulateCustomPolicy&ActionNames.member.1=s3:GetObject&PolicyInputList.member.1=%7B%22Statement%22%3A%5B%5D%7D&OrderedOrganizationPolicyInputList.member.1.ServiceControlPolicyInputList.member.1=%7B%22Statement%22%3A%5B%5D%7D"},
		{"/", "iam", "application/x-www-form-urlencoded", "",
			"Action=SimulatePrincipalPolicy&PolicySourceArn=arn:aws:iam::123456789012:user/ci&ActionNames.member.1=s3:GetObject&PolicyExclusionList.member.1.PolicyArn=arn:aws:iam::aws:policy/*&PolicyExclusionList.member.2.InlinePolicyIdentifier.PolicyName=a"},
		{"/", "iam", "application/x-www-form-urlencoded", "",
			"Action=ListRoles&Marker=TGlzdFJvbGVzP2Zyb209MQ==&MaxItems=1"},
		{"/", "sts", "application/x-www-form-urlencoded", "",
			"Action=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/r2&RoleSessionName=xx"},
		{"/", "sns", "application/x-www-form-urlencoded", "",
			"Action=Publish&TopicArn=arn:aws:sns:us-east-1:123456789012:alerts&Message=%7B%22default%22%3A%22a%22%7D&MessageStructure=json&MessageAttributes.entry.1.Name=a&MessageAttributes.entry.1.Value.DataType=Number&MessageAttributes.entry.1.Value.StringValue=1"},
		{"/", "sns", "application/x-www-form-urlencoded", "", "Action=ListTopics&NextToken=x"},
		{"/", "monitoring", "application/x-www-form-urlencoded", "",
			"Action=PutMetricData&Namespace=N&MetricData.member.1.MetricName=m&MetricData.member.1.Value=1"},
		{"/", "monitoring", "application/x-amz-json-1.0", "GraniteServiceVersion20100801.PutMetricData",
			`{"Namespace":"N","MetricData":[{"MetricName":"m","Values":[1],"Counts":[1],"Timestamp":1}]}`},
		{"/service/GraniteServiceVersion20100801/operation/PutMetricData", "monitoring",
			"application/cbor", "",
			"\xa2\x69Namespace\x61N\x6aMetricData\x81\xa2\x6aMetricName\x61m\x65Value\x01"},
		{"/2015-03-31/functions", "lambda", "", "", ""},
		{"/2015-03-31/functions/clips", "lambda", "", "", ""},
		{"/2017-03-31/tags/arn:aws:lambda:us-east-1:123456789012:function:clips", "lambda", "", "", ""},
		{"/service/x/operation/y", "monitoring", "application/cbor", "", "\xbf\xff"},
	} {
		f.Add(seed.path, strings.Replace(sign, "%", seed.service, 1), seed.contentType, seed.target,
			seed.body)
	}
	account := withServices()
	account.ServiceControlPolicies = awsemu.Organization{{awsemu.FullAWSAccess,
		emutest.DenyOutside("s3:*", "us-east-1")}}
	account.Simulator.Ungrouped = []string{"lambda:InvokeAsync"}
	f.Fuzz(func(t *testing.T, path, auth, contentType, target, body string) {
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		if strings.Contains(auth, "/lambda/") {
			req.Method = http.MethodGet
		}
		req.URL.Path = path
		req.Header.Set("Authorization", auth)
		req.Header.Set("Content-Type", contentType)
		if target != "" {
			req.Header.Set("X-Amz-Target", target)
		}
		rec := httptest.NewRecorder()
		(&awsemu.Server{Account: account, Now: emutest.AtNoon, EnforceIAM: true}).ServeHTTP(rec, req)
		if rec.Code < 200 || rec.Code >= 500 {
			t.Errorf("status %d: %s", rec.Code, rec.Body)
		}
	})
}
