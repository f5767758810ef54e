// Package logs emulates log groups of CloudWatch Logs. It stores no events.
package logs

import (
	"net/http"
	"regexp"
	"slices"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A Service contains the log groups that clients have created, by ARN.
type Service struct {
	account *service.Account
	groups  map[string]bool
}

// New returns a service without log groups.
func New(account *service.Account) *Service {
	return &Service{account: account, groups: make(map[string]bool)}
}

// A call is a call of CloudWatch Logs.
type call struct {
	*service.Call
	*Service
}

var operations = service.Table[call]{
	"CreateLogGroup":     {Do: createLogGroup, Needs: service.On(groupARN)},
	"PutRetentionPolicy": {Do: putRetentionPolicy, Needs: service.On(groupARN)},
}

// Definition implements [service.Service].
func (s *Service) Definition() service.Definition {
	return service.Definition{
		Name: "logs", Scope: "logs", Prefix: "logs", Target: "Logs_20140328",
		Denial: "AccessDeniedException",
		Throttled: wire.Error{Status: http.StatusBadRequest, Code: "ThrottlingException",
			Message: "Rate exceeded"},
		Operations: service.Bind(func(c *service.Call) call { return call{c, s} }, operations),
	}
}

// groupARN returns the ARN of the log group that a call names.
func groupARN(c call) string {
	return awsarn.ARN{Partition: c.account.Partition, Service: "logs", Region: c.Region,
		Account: c.account.ID, Resource: "log-group:" + name(c)}.String()
}

func name(c call) string {
	name, _ := c.Input["logGroupName"].(string)
	return name
}

// groupName matches the names that CloudWatch Logs accepts.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
var groupName = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)

func invalid(format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, "InvalidParameterException", format, args...)
}

func createLogGroup(c call) (any, error) {
	if !groupName.MatchString(name(c)) {
		return nil, invalid("logGroupName must have 1 to 512 letters, digits and .-_/#, got %q", name(c))
	}
	if c.groups[groupARN(c)] {
		return nil, wire.Refuse(http.StatusBadRequest, "ResourceAlreadyExistsException",
			"The specified log group already exists")
	}
	c.groups[groupARN(c)] = true
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
	case !c.groups[groupARN(c)]:
		return nil, wire.Refuse(http.StatusBadRequest, "ResourceNotFoundException",
			"The specified log group does not exist.")
	}
	return nil, nil
}
