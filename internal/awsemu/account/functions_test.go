package account_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

func TestLoadReadsFunctions(t *testing.T) {
	got, err := load(`
roles: {worker: {}}
functions:
  - name: remotion-render-bds9aab
    role: worker
  - {name: clips, region: eu-west-1, role: "arn:aws:iam::123456789012:role/gone", description: Renders a Remotion video., runtime: nodejs20.x,
     memory: 2048, tags: {remotion-version: 4.0.540}, layers: ["arn:aws:lambda:eu-west-1:678892195805:layer:remotion-binaries-chromium-arm64:18"]}
disabledRegions: [af-south-1]
faults: [{operation: "lambda:ListFunctions", region: eu-west-1, deny: true}]
`, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []awsemu.LambdaFunction{
		{Name: "remotion-render-bds9aab", Role: "worker"},
		{Name: "clips", Region: "eu-west-1", Role: "arn:aws:iam::123456789012:role/gone",
			Description: "Renders a Remotion video.", Runtime: "nodejs20.x",
			Memory: 2048, Tags: map[string]string{"remotion-version": "4.0.540"},
			Layers: []string{
				"arn:aws:lambda:eu-west-1:678892195805:layer:remotion-binaries-chromium-arm64:18"}},
	}
	if !reflect.DeepEqual(got.Functions, want) ||
		!reflect.DeepEqual(got.DisabledRegions, []string{"af-south-1"}) ||
		got.Faults[0].Region != "eu-west-1" {
		t.Errorf("got %s", emutest.AsJSON(got))
	}

	_, err = load(`functions:
  - {name: a b, role: "arn:aws:iam::123456789012:role/x"}
  - {name: c}
  - {name: d, role: none, region: here}
  - {name: d, role: none, region: here}
`, nil)
	if err == nil {
		t.Fatal("Load returned no error")
	}
	for _, want := range []string{
		`a.yaml:2: functions[0]: "a b" is not a function's name`,
		`a.yaml:3: functions[1]: a function needs a name and a role`,
		`a.yaml:4: functions[2].region: "here" is not a region`,
		`a.yaml:4: functions[2].role: there is no role "none"`,
		`a.yaml:5: functions[3]: duplicate function "d"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got\n%v\nwant %s", err, want)
		}
	}
}
