package iampolicy

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

// regions are the regions of AWS, the most common first, those of China and GovCloud last.
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
var regions = strings.Fields(`
	us-east-1 us-east-2 us-west-1 us-west-2 eu-west-1 eu-west-2 eu-west-3 eu-central-1 eu-central-2
	eu-north-1 eu-south-1 eu-south-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-southeast-1
	ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-7 ap-south-1 ap-south-2
	ap-east-1 ap-east-2 ca-central-1 ca-west-1 sa-east-1 mx-central-1 af-south-1 me-south-1
	me-central-1 il-central-1 cn-north-1 cn-northwest-1 us-gov-east-1 us-gov-west-1
`)

// exampleAccount is the account number in the examples of AWS.
const exampleAccount = "123456789012"

// realisticHole finds a hole with a real partition, service, region and account in the fields that
// the need leaves open. If it finds no such hole, it returns name, which is also a hole.
func (q *coverageSearch) realisticHole(l *language, v bound, name string) string {
	fields := l.fields()
	open := func(field int) bool { return strings.ContainsAny(fields[field], "*?") }
	if l.literal || !open(arn.Partition) && !open(arn.Service) && !open(arn.Region) &&
		!open(arn.Account) {
		return name
	}
	service := service(q.action)
	s := q.search.exampleSearch
	accounts, regions := []string{exampleAccount}, regions
	if service == "s3" {
		accounts, regions = []string{""}, []string{""} // a bucket's ARN has no account and no region
	}
	found, _ := arn.Split(name)
	inAccounts := q.fieldCandidates("aws:PrincipalAccount", arn.Account, accounts,
		awsname.IsAccount, found[arn.Account])
	inRegions := q.fieldCandidates("aws:RequestedRegion", arn.Region, regions, func(string) bool {
		return false
	}, found[arn.Region])
	for _, account := range inAccounts {
		for _, region := range inRegions {
			values := arn.Fields{arn.Partition: "aws", arn.Service: service, arn.Region: region,
				arn.Account: account}
			// Often the hole has such a form in this region and account, which saves a search.
			form := found
			for field := range arn.Resource {
				if open(field) {
					form[field] = values[field]
				}
			}
			if hole := form.String(); len(hole) <= 256 && !q.allows(hole, v) && l.includes(hole) {
				return hole
			}
			narrowed := l.narrowedTo(values)
			if hole, ok := q.holeIn(&narrowed, v, s); ok {
				return hole
			}
			if !open(arn.Region) || s.spent {
				break
			}
		}
		if !open(arn.Account) || s.spent {
			break
		}
	}
	return name
}

// narrowedTo returns the language with values in those of its first five fields that have wildcards
// and match the value.
func (l *language) narrowedTo(values arn.Fields) language {
	narrowed := *l
	for field := arn.Partition; field < arn.Resource; field++ {
		if values[field] == "" && field < arn.Region ||
			!strings.ContainsAny(narrowed.fields()[field], "*?") {
			continue
		}
		if m, ok := narrowed.withField(field, values[field]); ok {
			narrowed = m
		}
	}
	return narrowed
}

// fieldCandidates lists values for a field of an ARN: the value of the request's context key, the
// known values, and the valid values in the patterns of the policies. The values with the longest
// prefix in common with found come first.
func (q *coverageSearch) fieldCandidates(key string, field int, known []string,
	valid func(string) bool,
	found string) (list []string) {
	add := func(value string) {
		if !slices.Contains(list, value) {
			list = append(list, value)
		}
	}
	if own, ok := q.ctx.lookup(key); ok && len(own) == 1 && consistsOf(own[0], legalInHead) {
		add(own[0])
	}
	for _, value := range known {
		add(value)
	}
	rules := slices.Clone(q.denies)
	for _, g := range q.groups {
		rules = append(rules, g.allows...)
	}
	for _, r := range rules {
		for _, p := range r.may.patterns {
			if fields, n := arn.Split(p.text); n > field && valid(fields[field]) {
				add(fields[field])
			}
		}
	}
	slices.SortStableFunc(list, func(a, b string) int {
		return commonPrefix(b, found) - commonPrefix(a, found)
	})
	return list
}

// commonPrefix returns the length in bytes of the common prefix of two texts.
func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
