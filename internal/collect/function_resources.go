package collect

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// layersByRegion returns the layers that functions have instead of Remotion's, by region:
// customLayerArns replaces all of Remotion's layers. It also returns the regions in which all
// functions have layers and none has a layer of Remotion. It leaves out the layers of functions of
// releases that can only deploy Remotion's layers, and those beside a layer of Remotion, which
// something else has added.
func layersByRegion(functions []audit.Function) (own map[string][]string, without []string) {
	own = map[string][]string{}
	remotion := map[string]bool{}
	for _, f := range functions {
		if f.Known() && !f.Release.DeploysOwnLayers() {
			remotion[f.Region] = true
			continue
		}
		if slices.ContainsFunc(f.Layers, policies.RemotionLayer) {
			remotion[f.Region] = true
			continue
		}
		for _, layer := range f.Layers {
			switch {
			case !policies.InsightsLayer(layer) && !slices.Contains(own[f.Region], layer):
				own[f.Region] = append(own[f.Region], layer)
			}
		}
		if len(f.Layers) == 0 {
			remotion[f.Region] = true // the layers are unknown
		}
	}
	for region, layers := range own {
		slices.Sort(layers)
		if !remotion[region] {
			without = append(without, region)
		}
	}
	slices.Sort(without)
	return own, without
}

// insightsRegions returns the sorted regions with a function that has the extension of Lambda
// Insights.
func insightsRegions(functions []audit.Function) (regions []string) {
	for _, f := range functions {
		if slices.ContainsFunc(f.Layers, policies.InsightsLayer) && !slices.Contains(regions, f.Region) {
			regions = append(regions, f.Region)
		}
	}
	slices.Sort(regions)
	return regions
}

// networks returns the subnets and security groups of the functions in a VPC, by region.
func networks(functions []audit.Function) map[string]needs.VPC {
	all := map[string]needs.VPC{}
	for _, f := range functions {
		if f.Subnets == nil {
			continue
		}
		vpc := all[f.Region]
		vpc.Subnets = append(vpc.Subnets, f.Subnets...)
		vpc.SecurityGroups = append(vpc.SecurityGroups, f.SecurityGroups...)
		all[f.Region] = vpc
	}
	for region, vpc := range all {
		slices.Sort(vpc.Subnets)
		slices.Sort(vpc.SecurityGroups)
		all[region] = needs.VPC{Subnets: slices.Compact(vpc.Subnets),
			SecurityGroups: slices.Compact(vpc.SecurityGroups)}
	}
	return all
}
