package infra

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// A forwarder that could not work is refused when it is made, with the prop's name.
func TestForwarderIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name, region, home string
		want               string // in the error; empty: accepted
	}{
		{"where the events are", "us-east-1", "eu-central-1", ""},
		{"in China", "cn-north-1", "cn-northwest-1", ""},
		{"in a region that is not known at synth", "", "eu-central-1", ""},
		{"where no events are", "eu-west-1", "eu-central-1", "the stack is in eu-west-1"},
		{"to itself", "us-east-1", "us-east-1", "HomeRegion: an auditor in the stack's region us-east-1"},
		{"to no region", "us-east-1", "Frankfurt", `HomeRegion: "Frankfurt"`},
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
				t.Errorf("refused with %q, want %q in it", got, tt.want)
			}
		})
	}
}
