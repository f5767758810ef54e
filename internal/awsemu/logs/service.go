// Package logs emulates log groups of CloudWatch Logs. It stores no events.
package logs

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A LogGroup is a log group of CloudWatch Logs.
type LogGroup struct {
	Name string
	// Region is the region of the group. Empty means the default region of the account.
	Region string
	// KMSKey is the ARN of the key that encrypts the group. Empty means that none does.
	KMSKey string
	// Retention is the number of days that events stay. Zero means for ever.
	Retention int

	created time.Time
}

// A Service contains log groups, by ARN.
type Service struct {
	account *service.Account
	groups  map[string]*LogGroup

	// MayUseKey reports whether a key exists and its policy names Logs of a region.
	MayUseKey func(arn, region string) bool
}

// New returns a service with log groups.
func New(account *service.Account, groups []LogGroup) *Service {
	s := &Service{account: account, groups: make(map[string]*LogGroup)}
	for _, g := range groups {
		g.Region = cmp.Or(g.Region, account.Region)
		arn := s.arn(g.Region, g.Name)
		g.created = service.CreationTime(arn)
		s.groups[arn] = &g
	}
	return s
}

// A call is a call of CloudWatch Logs.
type call struct {
	*service.Call
	*Service
}

var operations = service.Table[call]{
	"CreateLogGroup":     {Do: createLogGroup, Needs: service.On(groupARN)},
	"PutRetentionPolicy": {Do: putRetentionPolicy, Needs: service.On(groupARN)},
	"DescribeLogGroups":  {Do: describeGroups, Needs: service.On(allGroups)},
	"AssociateKmsKey":    {Do: associateKey, Needs: service.On(groupARN)},
	"DisassociateKmsKey": {Do: disassociateKey, Needs: service.On(groupARN)},
}

// Definition implements [service.Service].
func (s *Service) Definition() service.Definition {
	return service.Definition{
		Name: "logs", Scope: "logs", Prefix: "logs", Target: "Logs_20140328",
		Denial: "AccessDeniedException", DenialStatus: http.StatusBadRequest,
		Throttled: wire.Error{Status: http.StatusBadRequest, Code: "ThrottlingException",
			Message: "Rate exceeded"},
		Operations: service.Bind(func(c *service.Call) call { return call{c, s} }, operations),
	}
}

// groupARN returns the ARN of the log group that a call names.
func groupARN(c call) string { return c.arn(c.Region, name(c)) }

// allGroups returns the resource of DescribeLogGroups, as in the service's errors.
func allGroups(c call) string { return c.arn(c.Region, ":log-stream:") }

func (s *Service) arn(region, name string) string {
	return awsarn.ARN{Partition: s.account.Partition, Service: "logs", Region: region,
		Account: s.account.ID, Resource: "log-group:" + name}.String()
}

func name(c call) string {
	name, _ := c.Input["logGroupName"].(string)
	return name
}

// groupName matches the names that CloudWatch Logs accepts.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
var groupName = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)

// IsGroupName reports whether a text can be the name of a log group.
func IsGroupName(name string) bool { return groupName.MatchString(name) }

func invalid(format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, "InvalidParameterException", format, args...)
}

// maxGroups is the maximum number of log groups that the server stores.
const maxGroups = 10_000

// checkKey returns an error for a key that Logs cannot use. An empty text is no key.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
func (c call) checkKey(arn string) error {
	if arn == "" || c.MayUseKey(arn, c.Region) {
		return nil
	}
	return wire.Refuse(http.StatusBadRequest, "AccessDeniedException",
		"The specified KMS key does not exist or is not allowed to be used with Arn '%s'", groupARN(c))
}

// group returns the log group of a call.
func (c call) group() (*LogGroup, error) {
	if g := c.groups[groupARN(c)]; g != nil {
		return g, nil
	}
	return nil, wire.Refuse(http.StatusBadRequest, "ResourceNotFoundException",
		"The specified log group does not exist.")
}

func createLogGroup(c call) (any, error) {
	if !IsGroupName(name(c)) {
		return nil, invalid("logGroupName must have 1 to 512 letters, digits and .-_/#, got %q", name(c))
	}
	if c.groups[groupARN(c)] != nil {
		return nil, wire.Refuse(http.StatusBadRequest, "ResourceAlreadyExistsException",
			"The specified log group already exists")
	}
	key, _ := c.Input["kmsKeyId"].(string)
	if err := c.checkKey(key); err != nil {
		return nil, err
	}
	if len(c.groups) >= maxGroups {
		return nil, wire.Refuse(http.StatusBadRequest, "LimitExceededException",
			"Resource limit exceeded.")
	}
	c.groups[groupARN(c)] = &LogGroup{Name: name(c), Region: c.Region, KMSKey: key, created: c.Now()}
	return nil, nil
}

// retentions are the numbers of days that PutRetentionPolicy accepts.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
var retentions = []float64{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096,
	1827,
	2192, 2557, 2922, 3288, 3653}

func putRetentionPolicy(c call) (any, error) {
	days, _ := wire.Number(c.Input["retentionInDays"])
	switch {
	case !slices.Contains(retentions, days):
		return nil, invalid("retentionInDays must be one of %v, got %v", retentions, days)
	}
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	g.Retention = int(days)
	return nil, nil
}

func associateKey(c call) (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	key, _ := c.Input["kmsKeyId"].(string)
	if key == "" {
		return nil, invalid("kmsKeyId must be the ARN of a key")
	}
	if err := c.checkKey(key); err != nil {
		return nil, err
	}
	g.KMSKey = key
	return nil, nil
}

func disassociateKey(c call) (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	g.KMSKey = ""
	return nil, nil
}

// maxDescribed is the maximum number of log groups in a page.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
const maxDescribed = 50

// describeGroups lists the log groups of a region whose names have a prefix, or contain a text.
func describeGroups(c call) (any, error) {
	type item struct {
		ARN          string `json:"arn"`
		LogGroupARN  string `json:"logGroupArn"`
		Name         string `json:"logGroupName"`
		Created      int64  `json:"creationTime"`
		Retention    int    `json:"retentionInDays,omitempty"`
		KMSKey       string `json:"kmsKeyId,omitempty"`
		StoredBytes  int    `json:"storedBytes"`
		MetricFilter int    `json:"metricFilterCount"`
		Class        string `json:"logGroupClass"`
	}
	prefix, _ := c.Input["logGroupNamePrefix"].(string)
	pattern, _ := c.Input["logGroupNamePattern"].(string)
	if prefix != "" && pattern != "" {
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive " +
			"parameters.")
	}
	list := []item{}
	for arn, g := range service.Sorted(c.groups) {
		if g.Region == c.Region && strings.HasPrefix(g.Name, prefix) &&
			strings.Contains(strings.ToLower(g.Name), strings.ToLower(pattern)) {
			list = append(list, item{ARN: arn + ":*", LogGroupARN: arn, Name: g.Name,
				Created: g.created.UnixMilli(), Retention: g.Retention, KMSKey: g.KMSKey,
				Class: "STANDARD"})
		}
	}
	size := min(c.PageSize, maxDescribed)
	if value, given := c.Input["limit"]; given {
		n, _ := wire.Number(value)
		if n < 1 || n > maxDescribed {
			return nil, invalid("1 validation error detected: Value '%v' at 'limit' failed to satisfy "+
				"constraint: Member must have value between 1 and %d", value, maxDescribed)
		}
		size = min(size, int(n))
	}
	token, _ := c.Input["nextToken"].(string)
	w, err := wire.WindowAt(token, c.Operation, size,
		invalid("The specified nextToken is invalid."))
	if err != nil {
		return nil, err
	}
	shown, page := wire.PageOf(list, w, c.Operation)
	return struct {
		Groups []item `json:"logGroups"`
		Next   string `json:"nextToken,omitempty"`
	}{shown, page.Marker}, nil
}
