package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/encoding"
)

const scpUsage = "files with the service control policies of one level of the organization, with " +
	"commas; FullAWSAccess is AWS's policy of that name (repeatable, once for each level)"

const rcpUsage = "files with the resource control policies of one level of the organization, " +
	"with commas; RCPFullAWSAccess needs no file (repeatable, once for each level)"

// fullResourceAccess is the name of the resource control policy that AWS attaches to each level. It
// cannot be detached.
const fullResourceAccess = "RCPFullAWSAccess"

// fullAccess is the name of the service control policy that AWS attaches to each level by default.
const fullAccess = "FullAWSAccess"

// fullAccessARN is its ARN.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
const fullAccessARN = "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess"

// organization returns the policies of --scp. Each level is a list of files with commas. An empty
// name is an error of the file. A level without an Allow would deny every request. Mostly a user
// gives the policy with the Deny alone, so such a level is an error.
func (f *files) organization(levels []string) (organization [][]iampolicy.Policy) {
	for _, level := range levels {
		var list []iampolicy.Policy
		broken := len(f.errs)
		for name := range strings.SplitSeq(level, ",") {
			if name == fullAccess {
				doc, _ := iampolicy.Parse(awsemu.FullAWSAccess)
				list = append(list, iampolicy.Policy{ID: name, Document: doc, ByAWS: true,
					Location: iampolicy.Location{Kind: iampolicy.SCPLocation, Name: name,
						ARN: fullAccessARN}})
				continue
			}
			list = append(list, f.policy("--scp", name))
		}
		if len(f.errs) == broken && !slices.ContainsFunc(list, allowsAnything) {
			f.errs = append(f.errs, fmt.Errorf("--scp %s: no statement allows anything, and each level "+
				"of an organization has to: write --scp %s,%s if the level also has that policy of AWS",
				level, fullAccess, level))
		}
		organization = append(organization, list)
	}
	return organization
}

// resourceControl returns the policies of --rcp, level by level as organization does. A level needs
// no Allow, because each one has RCPFullAWSAccess.
func (f *files) resourceControl(levels []string) (control [][]iampolicy.Policy) {
	for _, level := range levels {
		var list []iampolicy.Policy
		for name := range strings.SplitSeq(level, ",") {
			if name == fullResourceAccess {
				doc, _ := iampolicy.ParseResourceControl(iampolicy.FullResourceAccess)
				list = append(list, iampolicy.Policy{ID: name, Document: doc, ByAWS: true,
					Location: iampolicy.Location{Kind: iampolicy.RCPLocation, Name: name}})
				continue
			}
			p, err := f.resourceControlPolicy(name)
			if err != nil {
				f.errs = append(f.errs, fmt.Errorf("%s: %w", aboutFile("--rcp", name), err))
			}
			list = append(list, p)
		}
		control = append(control, list)
	}
	return control
}

// resourceControlPolicy returns the resource control policy in a file. After an error, its Document
// is nil. The error does not name the file.
func (f *files) resourceControlPolicy(name string) (iampolicy.Policy, error) {
	p := iampolicy.Policy{ID: fileName(name),
		Location: iampolicy.Location{Kind: iampolicy.FileLocation, Name: name}}
	file, err := f.text(name)
	if err != nil {
		return p, err
	}
	text, _, err := encoding.Decode(file)
	if err != nil {
		return p, err
	}
	p.Document, err = iampolicy.ParseResourceControl(text)
	return p, err
}

func allowsAnything(p iampolicy.Policy) bool {
	return slices.ContainsFunc(p.Document.Statements, func(s iampolicy.Statement) bool {
		return s.Effect == iampolicy.Allow
	})
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
