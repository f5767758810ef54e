// Package remotion runs Remotion's published permission check, simulatePermissions() of
// @remotion/lambda, unchanged. The tests of this package compare the check with this project's
// audit, on the embedded AWS of `remotion-audit local --serve`.
//
//	pkg := remotion.Package{Dir: "test/e2e/remotion"}
//	check, err := pkg.Simulate(ctx, endpoint, "AKIAIOSFODNN7EXAMPLE")
//
// Simulate needs Node, and the package in node_modules next to this file. `make node_modules`
// installs the package.
package remotion

import (
	"context"

	"github.com/remotion-audit/remotion-audit/internal/testing/node"
)

// Version is the release of @remotion/lambda in package.json.
const Version = "4.0.527"

// Package is an installed @remotion/lambda.
type Package struct {
	// Dir is the directory of this Go package, which contains package.json and node_modules.
	Dir string
}

// A Verdict is Remotion's verdict on one action. Decision is the decision of the simulator:
// allowed, implicitDeny or explicitDeny. Remotion prints a tick for allowed, and a cross for the
// other decisions.
type Verdict struct {
	Name     string `json:"name"`
	Decision string `json:"decision"`
}

// Allowed reports whether Remotion prints a tick.
func (v Verdict) Allowed() bool { return v.Decision == "allowed" }

// A Check is the result of simulatePermissions().
type Check struct {
	// Results are in Remotion's order. An action appears once for each result that AWS returns for
	// the action.
	Results []Verdict `json:"results"`
	// Milliseconds is the duration of the check, without starting Node and loading the package.
	Milliseconds float64 `json:"ms"`
}

// Ready returns an error with a remedy if Node or the package is missing.
func (p Package) Ready() error {
	return node.Package{Dir: p.Dir, Name: Lambda, Version: Version,
		Install: "make node_modules"}.Ready()
}

// Simulate runs Remotion's check against an endpoint, as the user with the access key.
func (p Package) Simulate(ctx context.Context, endpoint, accessKey string) (Check, error) {
	var c Check
	if err := p.Ready(); err != nil {
		return c, err
	}
	err := node.Script{Dir: p.Dir, Args: []string{"simulate.mjs"}, Environment: []string{
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=local",
		"AWS_REGION=us-east-1",
	}}.Run(ctx, &c)
	return c, err
}

// Documents returns the policies of the installed package.
func (p Package) Documents(ctx context.Context) (d Documents, err error) {
	if err := p.Ready(); err != nil {
		return d, err
	}
	err = readDocuments(ctx, p.Dir, ".", &d)
	return d, err
}
