package lambda_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

const renderer = "remotion-render-4-0-240-mem2048mb-disk2048mb-120sec"

// renderers returns an account with two functions in us-east-1 and one in eu-west-1.
func renderers() *awsemu.Account {
	a := emutest.Video()
	a.Functions = []awsemu.LambdaFunction{
		{Name: renderer, Role: "remotion-lambda-role", Memory: 2048, Runtime: "nodejs18.x",
			Description: "Renders a Remotion video.",
			Layers: []string{
				"arn:aws:lambda:us-east-1:678892195805:layer:remotion-binaries-chromium-arm64:18"},
			Tags: map[string]string{"remotion-lambda": "true", "remotion-version": "4.0.240"}},
		{Name: "clips", Role: "arn:aws:iam::123456789012:role/service-role/gone"},
		{Name: renderer, Region: "eu-west-1", Role: "remotion-lambda-role"},
	}
	a.DisabledRegions = []string{"af-south-1"}
	return a
}

func in(region string) func(*lambda.Options) {
	return func(o *lambda.Options) { o.Region = region }
}

func TestFunctionsAreListedByRegion(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: renderers()})
	out, err := c.Lambda.ListFunctions(t.Context(), &lambda.ListFunctionsInput{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(out.Functions); n != 2 || out.NextMarker != nil {
		t.Fatalf("%d functions, marker %v", n, out.NextMarker)
	}
	clips, f := out.Functions[0], out.Functions[1]
	if got := *clips.Role; got != "arn:aws:iam::123456789012:role/service-role/gone" {
		t.Errorf("role %s", got)
	}
	got := []any{*f.FunctionName, *f.FunctionArn, *f.Role, f.Runtime, *f.MemorySize, *f.Description,
		*f.Layers[0].Arn, *f.Version}
	want := []any{renderer, "arn:aws:lambda:us-east-1:123456789012:function:" + renderer,
		"arn:aws:iam::123456789012:role/service-role/remotion-lambda-role",
		types.RuntimeNodejs18x, int32(2048), "Renders a Remotion video.",
		"arn:aws:lambda:us-east-1:678892195805:layer:remotion-binaries-chromium-arm64:18", "$LATEST"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	for region, n := range map[string]int{"eu-west-1": 1, "eu-west-2": 0} {
		out, err := c.Lambda.ListFunctions(t.Context(), &lambda.ListFunctionsInput{}, in(region))
		if err != nil || len(out.Functions) != n {
			t.Errorf("%s: %d functions, %v; want %d", region, len(out.Functions), err, n)
		}
	}
}

func TestListFunctionsReturnsAtMostFiftyPerPage(t *testing.T) {
	a := &awsemu.Account{PageSize: 1000}
	for i := range 120 {
		a.Functions = append(a.Functions, awsemu.LambdaFunction{Name: fmt.Sprintf("f%03d", i), Role: "r"})
	}
	srv := &awsemu.Server{Account: a}
	c := emutest.Connect(t, srv)
	var sizes []int
	var names []string
	pager := lambda.NewListFunctionsPaginator(c.Lambda,
		&lambda.ListFunctionsInput{MaxItems: aws.Int32(1000)})
	for pager.HasMorePages() {
		out, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(out.Functions))
		for _, f := range out.Functions {
			names = append(names, *f.FunctionName)
		}
	}
	if !reflect.DeepEqual(sizes, []int{50, 50, 20}) || names[0] != "f000" || names[119] != "f119" {
		t.Errorf("pages of %v from %s to %s", sizes, names[0], names[len(names)-1])
	}
	if calls := srv.Calls(); calls[1].Operation != "ListFunctions" ||
		calls[1].Params["Marker"] == "" || calls[1].Params["MaxItems"] != "1000" {
		t.Errorf("recorded %+v", calls[1])
	}
	if out, err := c.Lambda.ListFunctions(t.Context(),
		&lambda.ListFunctionsInput{MaxItems: aws.Int32(7)}); err != nil || len(out.Functions) != 7 {
		t.Errorf("%v, %v", out, err)
	}
}

func TestFunctionsAreFoundByNameAndARN(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: renderers()})
	arn := "arn:aws:lambda:us-east-1:123456789012:function:" + renderer
	for _, name := range []string{renderer, arn} {
		out, err := c.Lambda.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: &name})
		if err != nil || *out.Configuration.FunctionArn != arn ||
			out.Tags["remotion-version"] != "4.0.240" {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
	out, err := c.Lambda.ListTags(t.Context(), &lambda.ListTagsInput{Resource: &arn})
	if want := map[string]string{"remotion-lambda": "true",
		"remotion-version": "4.0.240"}; err != nil || !reflect.DeepEqual(out.Tags, want) {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestLambdaRefusesTheSameRequestsAsAWS(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: renderers()})
	list := func(region, marker string) error {
		_, err := c.Lambda.ListFunctions(t.Context(),
			&lambda.ListFunctionsInput{Marker: aws.String(marker)}, in(region))
		return err
	}
	tags := func(arn string) error {
		_, err := c.Lambda.ListTags(t.Context(), &lambda.ListTagsInput{Resource: &arn})
		return err
	}
	_, aliases := c.Lambda.ListAliases(t.Context(),
		&lambda.ListAliasesInput{FunctionName: aws.String(renderer)})
	gone := "arn:aws:lambda:us-east-1:123456789012:function:gone"
	for _, test := range []struct {
		name          string
		err           error
		code, message string
	}{
		{"a region that is not enabled", list("af-south-1", ""), "UnrecognizedClientException",
			"The security token included in the request is invalid."},
		{"an invalid marker", list("us-east-1", "x"), "InvalidParameterValueException",
			"Invalid Marker"},
		{"a function that does not exist", tags(gone), "ResourceNotFoundException",
			"Function not found: " + gone},
		{"a function of another region", tags("arn:aws:lambda:eu-west-1:123456789012:function:clips"),
			"ResourceNotFoundException",
			"Function not found: arn:aws:lambda:eu-west-1:123456789012:function:clips"},
		{"an operation that is not offered", aliases, "UnknownOperationException",
			"the embedded AWS does not offer GET /2015-03-31/functions/" + renderer +
				"/aliases of Lambda"},
	} {
		t.Run(test.name, func(t *testing.T) { emutest.WantError(t, test.err, test.code, test.message) })
	}
}

func TestAFaultCanBeLimitedToOneRegion(t *testing.T) {
	account := renderers()
	account.Faults = []awsemu.Fault{{Operation: "lambda:*", Region: "eu-west-1", Deny: true}}
	c := emutest.Connect(t, &awsemu.Server{Account: account})
	if _, err := c.Lambda.ListFunctions(t.Context(), &lambda.ListFunctionsInput{}); err != nil {
		t.Error(err)
	}
	_, err := c.Lambda.ListFunctions(t.Context(), &lambda.ListFunctionsInput{}, in("eu-west-1"))
	emutest.WantError(t, err, "AccessDeniedException",
		"User: arn:aws:iam::123456789012:user/administrator is not authorized to perform: "+
			"lambda:ListFunctions on resource: * because no identity-based policy allows the "+
			"lambda:ListFunctions action")
}
