package main

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

const scpUsage = "files with the service control policies of one level of the organization, with " +
	"commas (repeatable, once for each level)"

// organization returns the policies of --scp. Each level is a list of files with commas. An empty
// name is an error of the file.
func (f *files) organization(levels []string) (organization [][]iampolicy.Policy) {
	for _, level := range levels {
		var list []iampolicy.Policy
		for name := range strings.SplitSeq(level, ",") {
			list = append(list, f.policy("--scp", name))
		}
		organization = append(organization, list)
	}
	return organization
}

// describeTimeout bounds the read of the organization, which an audit does not need.
const describeTimeout = 10 * time.Second

// organizationID returns a function that reads the id of the account's organization, the value of
// aws:PrincipalOrgID.
func organizationID(cfg aws.Config) func(context.Context) (string, error) {
	client := organizations.NewFromConfig(cfg)
	return func(ctx context.Context) (string, error) {
		ctx, stop := context.WithTimeout(ctx, describeTimeout)
		defer stop()
		out, err := client.DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
		if err != nil || out.Organization == nil {
			return "", err
		}
		return aws.ToString(out.Organization.Id), nil
	}
}
