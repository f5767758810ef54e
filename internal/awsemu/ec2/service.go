// Package ec2 emulates the VPC endpoints of EC2.
package ec2

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// A VPCEndpoint connects a VPC with a service.
type VPCEndpoint struct {
	// ID is the id of the endpoint. Empty means an id that depends on the VPC and the service.
	ID string
	// Region is the region of the VPC. Empty means the default region of the account.
	Region string
	// VPC is the id of the VPC.
	VPC string
	// Service is the name of a service, such as s3 or com.amazonaws.us-east-1.s3.
	Service string
	// Type is Gateway or Interface. Empty means Gateway for S3 and DynamoDB, and Interface for others.
	Type string
	// Policy is the text of the endpoint policy. Empty means the default, which allows everything.
	Policy string
	// State is the state of the endpoint. Empty means available.
	State string
}

// defaultPolicy is the policy of an endpoint that is created without one.
// https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
const defaultPolicy = `{"Version":"2008-10-17","Statement":[` +
	`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

// CheckPolicy returns an error for a text that is not an endpoint policy, which has the form of a
// bucket policy.
func CheckPolicy(text string) error {
	_, err := iampolicy.ParseResourcePolicy(iampolicy.Bucket, text)
	return err
}

// A Service contains the VPC endpoints of an account, of every region.
type Service struct {
	account   *service.Account
	endpoints []VPCEndpoint // sorted by id
}

// New returns a service with VPC endpoints.
func New(account *service.Account, endpoints []VPCEndpoint) *Service {
	s := &Service{account: account}
	for _, e := range endpoints {
		e.Region = cmp.Or(e.Region, account.Region)
		if !strings.HasPrefix(e.Service, "com.amazonaws.") {
			e.Service = "com.amazonaws." + e.Region + "." + e.Service
		}
		if e.ID == "" {
			e.ID = EndpointID(e.Region, e.VPC, e.Service)
		}
		kind := "Interface"
		if strings.HasSuffix(e.Service, ".s3") || strings.HasSuffix(e.Service, ".dynamodb") {
			kind = "Gateway"
		}
		e.Type = cmp.Or(e.Type, kind)
		e.Policy, e.State = cmp.Or(e.Policy, defaultPolicy), cmp.Or(e.State, "available")
		s.endpoints = append(s.endpoints, e)
	}
	slices.SortFunc(s.endpoints, func(a, b VPCEndpoint) int { return cmp.Compare(a.ID, b.ID) })
	return s
}

// EndpointID returns an id in the format of EC2. The same parts give the same id.
func EndpointID(parts ...string) string {
	id := strings.ToLower(service.UniqueID("", append([]string{"vpce"}, parts...)...))
	return "vpce-0" + strings.Map(func(r rune) rune {
		if r >= 'g' && r <= 'z' {
			return 'a' + (r-'g')%6
		}
		return r
	}, id)
}

// A call is a call of EC2.
type call struct {
	*service.Call
	*Service
}

// The action has no resource types.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
var operations = service.Table[call]{
	"DescribeVpcEndpoints": {Do: describeEndpoints, Needs: service.On[call](nil)},
}

// Definition implements [service.Service].
func (s *Service) Definition() service.Definition {
	return service.Definition{
		Name: "ec2", Scope: "ec2", Prefix: "ec2", Version: "2016-11-15",
		XMLNS:        "http://ec2.amazonaws.com/doc/2016-11-15/",
		Protocol:     wire.EC2{},
		Denial:       "UnauthorizedOperation",
		DenialPrefix: "You are not authorized to perform this operation. ",
		Throttled: wire.Error{Status: http.StatusServiceUnavailable, Code: "RequestLimitExceeded",
			Message: "Request limit exceeded."},
		Operations: service.Bind(func(c *service.Call) call { return call{c, s} }, operations),
	}
}

func refuse(code, format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, code, format, args...)
}

// A filter returns the value of an endpoint that a filter of that name compares.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpoints.html
var filters = map[string]func(VPCEndpoint) string{
	"vpc-id":             func(e VPCEndpoint) string { return e.VPC },
	"vpc-endpoint-id":    func(e VPCEndpoint) string { return e.ID },
	"vpc-endpoint-state": func(e VPCEndpoint) string { return e.State },
	"vpc-endpoint-type":  func(e VPCEndpoint) string { return e.Type },
	"service-name":       func(e VPCEndpoint) string { return e.Service },
}

// matches reports whether an endpoint meets the filters of a call. A filter has one of its values,
// which can contain wildcards.
func (c call) matches(e VPCEndpoint) (bool, error) {
	for _, f := range c.Form.Numbered("Filter") {
		value, known := filters[f.Get("Name")]
		if !known {
			return false, refuse("InvalidParameterValue", "The filter '%s' is invalid", f.Get("Name"))
		}
		if !slices.ContainsFunc(f.Numbered("Value"), func(v *wire.Form) bool {
			return like(v.Value, value(e))
		}) {
			return false, nil
		}
	}
	return true, nil
}

// like reports whether a text matches a pattern, in which * stands for any text and ? for one
// character.
func like(pattern, text string) bool {
	// next and from are where the last * would continue, to try longer texts for it.
	p, t, next, from := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			p, next, from = p+1, p+1, t
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case next >= 0:
			from++
			p, t = next, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// maxResults is the maximum number of endpoints in a page.
const maxResults = 1000

func describeEndpoints(c call) (any, error) {
	if c.Form.Get("DryRun") == "true" {
		return nil, wire.Refuse(http.StatusPreconditionFailed, "DryRunOperation",
			"Request would have succeeded, but DryRun flag is set.")
	}
	wanted := c.Form.Numbered("VpcEndpointId")
	for _, id := range wanted {
		if !slices.ContainsFunc(c.endpoints, func(e VPCEndpoint) bool {
			return e.ID == id.Value && e.Region == c.Region
		}) {
			return nil, refuse("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '%s' does not exist",
				id.Value)
		}
	}
	list := []endpointXML{}
	for _, e := range c.endpoints {
		matches, err := c.matches(e)
		if err != nil {
			return nil, err
		}
		named := len(wanted) == 0 || slices.ContainsFunc(wanted, func(id *wire.Form) bool {
			return id.Value == e.ID
		})
		if matches && named && e.Region == c.Region {
			list = append(list, c.endpointXML(e))
		}
	}
	size := c.PageSize
	if text := c.Form.Get("MaxResults"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxResults {
			return nil, refuse("InvalidParameterValue",
				"Value ( %s ) for parameter maxResults is invalid. Expecting a value between 1 and %d.", text,
				maxResults)
		}
		size = min(size, n)
	}
	w, err := wire.WindowAt(c.Form.Get("NextToken"), c.Operation, size,
		refuse("InvalidNextToken", "The token is not valid"))
	if err != nil {
		return nil, err
	}
	shown, page := wire.PageOf(list, w, c.Operation)
	return struct {
		Endpoints []endpointXML `xml:"vpcEndpointSet>item"`
		NextToken string        `xml:"nextToken,omitempty"`
	}{shown, page.Marker}, nil
}

// An endpointXML contains the members of a VpcEndpoint that do not depend on its network.
type endpointXML struct {
	ID                string `xml:"vpcEndpointId"`
	Type              string `xml:"vpcEndpointType"`
	VPC               string `xml:"vpcId"`
	Service           string `xml:"serviceName"`
	State             string `xml:"state"`
	Policy            string `xml:"policyDocument"`
	PrivateDNSEnabled bool   `xml:"privateDnsEnabled"`
	RequesterManaged  bool   `xml:"requesterManaged"`
	Created           string `xml:"creationTimestamp"`
	Owner             string `xml:"ownerId"`
}

func (c call) endpointXML(e VPCEndpoint) endpointXML {
	return endpointXML{ID: e.ID, Type: e.Type, VPC: e.VPC, Service: e.Service, State: e.State,
		Policy: e.Policy, PrivateDNSEnabled: e.Type == "Interface", Owner: c.account.ID,
		Created: service.CreationTime("vpce", e.ID).Format(time.RFC3339)}
}
