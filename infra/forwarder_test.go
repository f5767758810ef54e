package infra

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// NewChangeForwarder panics for invalid props and regions. The error names the prop.
func TestForwarderErrors(t *testing.T) {
	for _, tt := range []struct {
		name, region, home string
		want               string // in the error; empty if valid
	}{
		{"in the region of the events", "us-east-1", "eu-central-1", ""},
		{"in China", "cn-north-1", "cn-northwest-1", ""},
		{"in a region that is not known at synth", "", "eu-central-1", ""},
		{"in a region without events", "eu-west-1", "eu-central-1", "the stack is in eu-west-1"},
		{"to the stack's region", "us-east-1", "us-east-1",
			"HomeRegion: an auditor in the stack's region us-east-1"},
		{"to an invalid region", "us-east-1", "Frankfurt", `HomeRegion: "Frankfurt"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			props := &awscdk.StackProps{}
			if tt.region != "" {
				props.Env = &awscdk.Environment{Region: &tt.region}
			}
			app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()),
				AnalyticsReporting: jsii.Bool(false)})
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
