package lambda_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

const layer = "arn:aws:lambda:us-east-1:678892195805:layer:remotion-binaries-chromium-arm64:18"

func TestAFunctionIsDeployedChangedAndDeleted(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: emutest.Video()})
	role := "arn:aws:iam::123456789012:role/service-role/remotion-lambda-role"
	deploy := func() (*lambda.CreateFunctionOutput, error) {
		return c.Lambda.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
			FunctionName: aws.String("clips"), Role: &role, Code: &types.FunctionCode{ZipFile: []byte("x")},
			Layers: []string{layer}, MemorySize: aws.Int32(2048), Timeout: aws.Int32(300),
			VpcConfig: &types.VpcConfig{SubnetIds: []string{"subnet-1"},
				SecurityGroupIds: []string{"sg-1"}}})
	}
	f, err := deploy()
	if err != nil || f.State != types.StateActive || *f.Timeout != 300 || *f.MemorySize != 2048 {
		t.Fatalf("%+v, %v", f, err)
	}
	if _, err := deploy(); err == nil {
		t.Error("a function was created twice")
	}
	if _, err := c.Lambda.TagResource(t.Context(), &lambda.TagResourceInput{Resource: f.FunctionArn,
		Tags: map[string]string{"remotion-version": "4.0.527"}}); err != nil {
		t.Error(err)
	}
	if _, err := c.Lambda.UpdateFunctionConfiguration(t.Context(),
		&lambda.UpdateFunctionConfigurationInput{FunctionName: f.FunctionName,
			Layers: []string{layer, layer + "1"}}); err != nil {
		t.Error(err)
	}
	if out, err := c.Lambda.PutFunctionEventInvokeConfig(t.Context(),
		&lambda.PutFunctionEventInvokeConfigInput{FunctionName: f.FunctionName,
			MaximumRetryAttempts: aws.Int32(0)}); err != nil || *out.MaximumRetryAttempts != 0 {
		t.Errorf("%+v, %v", out, err)
	}
	if _, err := c.Lambda.PutRuntimeManagementConfig(t.Context(),
		&lambda.PutRuntimeManagementConfigInput{FunctionName: f.FunctionName,
			UpdateRuntimeOn: types.UpdateRuntimeOnAuto}); err != nil {
		t.Error(err)
	}
	got, err := c.Lambda.GetFunction(t.Context(),
		&lambda.GetFunctionInput{FunctionName: f.FunctionName})
	if err != nil || len(got.Configuration.Layers) != 2 ||
		got.Tags["remotion-version"] != "4.0.527" || len(got.Configuration.VpcConfig.SubnetIds) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := c.Lambda.DeleteFunction(t.Context(),
		&lambda.DeleteFunctionInput{FunctionName: f.FunctionName}); err != nil {
		t.Error(err)
	}
	_, err = c.Lambda.GetFunctionConfiguration(t.Context(),
		&lambda.GetFunctionConfigurationInput{FunctionName: f.FunctionName})
	emutest.WantError(t, err, "ResourceNotFoundException", "Function not found: "+*f.FunctionArn)
}

func TestADeploymentNeedsTheRoleAndEachLayer(t *testing.T) {
	for _, missing := range []string{"lambda:CreateFunction", "iam:PassRole",
		"lambda:GetLayerVersion"} {
		t.Run("without "+missing, func(t *testing.T) {
			const key = "AKIAIOSFODNN7DEPLOY0"
			srv := &awsemu.Server{EnforceIAM: true, Account: &awsemu.Account{
				Users: map[string]awsemu.User{"deployer": {AccessKeys: []string{key},
					Inline: map[string]string{"policy": `{"Version": "2012-10-17", "Statement": [
						{"Effect": "Allow", "Action": "*", "Resource": "*"},
						{"Effect": "Deny", "Action": "` + missing + `", "Resource": "*"}]}`}}}}}
			c := emutest.Dial(t, emutest.Listen(t, srv), key)
			_, err := c.Lambda.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
				FunctionName: aws.String("clips"), Role: aws.String("arn:aws:iam::123456789012:role/r"),
				Code: &types.FunctionCode{ZipFile: []byte("x")}, Layers: []string{layer}})
			if err == nil || !strings.Contains(err.Error(), "not authorized to perform: "+missing) {
				t.Fatalf("%v", err)
			}
			checked := srv.Calls()[0].Checked
			last := checked[len(checked)-1]
			if last.Action != missing || last.Allowed || last.Optional {
				t.Errorf("%+v", checked)
			}
		})
	}
}

func TestAFunctionRunsInTheHook(t *testing.T) {
	ran := make(chan awsemu.Invocation, 4)
	srv := &awsemu.Server{Account: renderers(),
		Invoke: func(_ context.Context, in awsemu.Invocation) ([]byte, error) {
			ran <- in
			if string(in.Payload) == `"fail"` {
				return nil, errors.New("the function failed")
			}
			return []byte(`{"reply":1}`), nil
		}}
	c := emutest.Connect(t, srv)
	invoke := func(payload string, kind types.InvocationType) *lambda.InvokeOutput {
		out, err := c.Lambda.Invoke(t.Context(), &lambda.InvokeInput{
			FunctionName: aws.String(renderer), Payload: []byte(payload), InvocationType: kind})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := invoke(`{"a":1}`, types.InvocationTypeRequestResponse); out.FunctionError != nil ||
		string(out.Payload) != `{"reply":1}` {
		t.Errorf("%+v", out)
	}
	if in := <-ran; string(in.Payload) != `{"a":1}` || in.Function.Name != renderer ||
		in.Asynchronous || in.Streamed {
		t.Errorf("%+v", in)
	}
	if out := invoke(`"fail"`, types.InvocationTypeRequestResponse); aws.ToString(
		out.FunctionError) != "Unhandled" || !strings.Contains(string(out.Payload), "failed") {
		t.Errorf("%+v", out)
	}
	<-ran
	if out := invoke(`{}`, types.InvocationTypeEvent); out.StatusCode !=
		http.StatusAccepted {
		t.Errorf("%+v", out)
	}
	srv.Wait()
	if in := <-ran; !in.Asynchronous {
		t.Errorf("%+v", in)
	}
}

func TestAReplyIsStreamed(t *testing.T) {
	reply := strings.Repeat("x", 3<<20)
	srv := &awsemu.Server{Account: renderers(),
		Invoke: func(_ context.Context, in awsemu.Invocation) ([]byte, error) {
			if string(in.Payload) == `"fail"` {
				return []byte("partly"), errors.New("the function failed")
			}
			return []byte(reply), nil
		}}
	c := emutest.Connect(t, srv)
	for payload, want := range map[string]string{`{}`: reply, `"fail"`: "partly"} {
		out, err := c.Lambda.InvokeWithResponseStream(t.Context(),
			&lambda.InvokeWithResponseStreamInput{FunctionName: aws.String(renderer),
				Payload: []byte(payload)})
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		var end types.InvokeWithResponseStreamCompleteEvent
		for event := range out.GetStream().Events() {
			switch e := event.(type) {
			case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
				got.Write(e.Value.Payload)
			case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
				end = e.Value
			}
		}
		if err := out.GetStream().Close(); err != nil || got.String() != want ||
			(end.ErrorCode != nil) != (payload == `"fail"`) {
			t.Errorf("%s: %d bytes, %+v, %v", payload, got.Len(), end, err)
		}
	}
}

func TestTheCommandHasNoFunctionsToRun(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: renderers()})
	_, err := c.Lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(renderer)},
		func(o *lambda.Options) { o.RetryMaxAttempts = 1 })
	emutest.WantError(t, err, "ServiceException",
		"the embedded AWS does not run functions: a Go program can set Server.Invoke")
}
