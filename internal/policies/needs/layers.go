package needs

import (
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// layerField precedes the name of a layer in its ARN.
const layerField = ":layer:"

// layer returns the layer of a lambda:GetLayerVersion requirement in one region, or nil if the
// region has no such layer. The resource of the requirement names the account that owns the layer.
// A request always names one version of a layer. Remotion uses only the Arm variant of the two
// Insights layers.
func layer(r policies.Requirement, region string) []resourcePair {
	a, _ := arn.Parse(r.Resource)
	switch {
	case a.Region != "*" && a.Region != region:
		return nil
	case a.Region == "*" && r.IsInsights() && !policies.DocumentsInsightsLayer(region):
		return nil
	}
	a.Region = region
	name := strings.TrimSuffix(a.String(), "*")
	if r.IsInsights() {
		return []resourcePair{{name + "-Arm64:5", name + "-Arm64:*"}}
	}
	return []resourcePair{{name + "chromium-arm64:30", name + "*:*"}}
}
