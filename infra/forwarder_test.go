package infra

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/infra/internal/cdktest"
)

// TestForwarderRegions checks that NewChangeForwarder accepts valid regions, and panics for invalid
// regions.
func TestForwarderRegions(t *testing.T) {
	for _, tt := range []struct {
		name, region, home string
		want               string // in the panic; empty for no panic
	}{
		{"a stack in the region of IAM's events", "us-east-1", "eu-central-1", ""},
		{"a region in China, which EventBridge connects with no other", "cn-north-1", "cn-northwest-1",
			"EventBridge sends no events to cn-northwest-1"},
		{"a stack in a region that is not known at synth", "", "eu-central-1", ""},
		{"a stack in a region without IAM's events", "eu-west-1", "eu-central-1",
			"the stack is in eu-west-1"},
		{"the home region is the stack's region", "us-east-1", "us-east-1",
			"HomeRegion: an auditor in the stack's region us-east-1"},
		{"an invalid home region", "us-east-1", "Frankfurt", `HomeRegion: "Frankfurt"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			props := &awscdk.StackProps{}
			if tt.region != "" {
				props.Env = &awscdk.Environment{Region: &tt.region}
			}
			app := cdktest.App(t)
			stack := awscdk.NewStack(app, jsii.String("Stack"), props)
			got := ""
			func() {
				defer func() {
					if r := recover(); r != nil {
						got = fmt.Sprint(r)
					}
				}()
				NewChangeForwarder(stack, "Forwarder", &ChangeForwarderProps{HomeRegion: &tt.home})
			}()
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("panic %q, want %q in it", got, tt.want)
			}
		})
	}
}
