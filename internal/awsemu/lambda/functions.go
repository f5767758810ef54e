package lambda

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A Function is a function that is deployed in the account.
type Function struct {
	Name string
	// Region is the region of the function. Empty means the default region of the account.
	Region string
	// Role is the execution role: the name of a role of the account, or an ARN. The role of an ARN
	// need not exist.
	Role        string
	Description string
	Runtime     string // empty means nodejs20.x
	Memory      int    // MB; zero means 128
	Timeout     int    // seconds; zero means 120
	Storage     int    // MB of ephemeral storage; zero means the size in the name, else 512
	// Layers are the ARNs of layer versions.
	Layers []string
	// Subnets and SecurityGroups are the IDs of the VPC configuration; nil without one.
	Subnets, SecurityGroups []string
	// VPC is the id of the VPC of the subnets. Empty means one that depends on the first subnet.
	VPC  string
	Tags map[string]string

	// KMSKey is the ARN of the key that encrypts the environment variables. Empty means the key of
	// AWS for Lambda.
	KMSKey string
	// State is Active, Pending, Inactive or Failed, with its reason. Empty means Active.
	State, StateReason, StateReasonCode string
	// UpdateStatus is the status of the last update, with its reason: Successful, InProgress or
	// Failed. Empty means Successful.
	UpdateStatus, UpdateReason, UpdateReasonCode string
	// LogGroup is the log group. Empty means /aws/lambda/NAME.
	LogGroup string
	// Reserved is the number of executions that the function reserves. Nil means none.
	Reserved *int
	// Policy is the text of the resource-based policy. Empty means that there is none.
	Policy string
}

// diskInName returns the size of the disk in a name that Remotion gives, or 0.
func diskInName(name string) (size int) {
	if i := strings.LastIndex(name, "-disk"); i >= 0 {
		_, _ = fmt.Sscanf(name[i:], "-disk%dmb", &size) // another name has no size
	}
	return size
}

func (s *Service) functionARN(f Function) string {
	return awsarn.ARN{Partition: s.account.Partition, Service: "lambda", Region: f.Region,
		Account: s.account.ID, Resource: "function:" + f.Name}.String()
}

// maxFunctions is the maximum number of functions in a page of ListFunctions, even if MaxItems is
// larger.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html
const maxFunctions = 50

// functionJSON contains the members of a FunctionConfiguration that this project's clients read.
type functionJSON struct {
	FunctionName     string
	FunctionArn      string
	Runtime          string
	Role             string
	Handler          string
	CodeSize         int
	Description      string
	Timeout          int
	MemorySize       int
	LastModified     string
	CodeSha256       string
	Version          string
	Layers           []layerJSON `json:",omitempty"`
	PackageType      string
	Architectures    []string
	EphemeralStorage struct{ Size int }
	VpcConfig        *vpcJSON `json:",omitempty"`
	KMSKeyArn        string   `json:",omitempty"`
	LoggingConfig    loggingJSON
	// ListFunctions does not return the members below.
	State                      string `json:",omitempty"`
	StateReason                string `json:",omitempty"`
	StateReasonCode            string `json:",omitempty"`
	LastUpdateStatus           string `json:",omitempty"`
	LastUpdateStatusReason     string `json:",omitempty"`
	LastUpdateStatusReasonCode string `json:",omitempty"`
}

// vpcJSON is the VPC configuration of a function.
type vpcJSON struct {
	SubnetIDs        []string `json:"SubnetIds"`
	SecurityGroupIDs []string `json:"SecurityGroupIds"`
	VPCID            string   `json:"VpcId"`
}

type loggingJSON struct{ LogFormat, LogGroup string }

// The size and the hash of the code of every function and layer.
const (
	codeSize = 1 << 20
	codeHash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
)

// created returns the creation time of what an ARN names, as Lambda writes it.
func created(arn string) string {
	return service.CreationTime(arn).Format("2006-01-02T15:04:05.000-0700")
}

type layerJSON struct {
	Arn      string
	CodeSize int
}

func (s *Service) functionJSON(f Function) functionJSON {
	j := functionJSON{
		FunctionName: f.Name, FunctionArn: s.functionARN(f), Role: f.Role, Description: f.Description,
		Runtime: cmp.Or(f.Runtime, "nodejs20.x"), Handler: "index.handler", CodeSize: codeSize,
		Timeout:      cmp.Or(f.Timeout, 120),
		MemorySize:   cmp.Or(f.Memory, 128),
		LastModified: created(s.functionARN(f)), CodeSha256: codeHash, Version: "$LATEST",
		PackageType: "Zip", Architectures: []string{"arm64"}, KMSKeyArn: f.KMSKey,
		LoggingConfig: loggingJSON{"Text", cmp.Or(f.LogGroup, "/aws/lambda/"+f.Name)},
	}
	j.EphemeralStorage.Size = cmp.Or(f.Storage, diskInName(f.Name), 512)
	if len(f.Subnets) > 0 {
		j.VpcConfig = &vpcJSON{f.Subnets, f.SecurityGroups,
			cmp.Or(f.VPC, "vpc-"+strings.TrimPrefix(f.Subnets[0], "subnet-"))}
	}
	for _, arn := range f.Layers {
		j.Layers = append(j.Layers, layerJSON{arn, codeSize})
	}
	return j
}

func listFunctions(c call) (any, error) {
	functions := []functionJSON{}
	for _, f := range c.functions {
		if f.Region == c.Region {
			functions = append(functions, c.functionJSON(f))
		}
	}
	size := min(c.PageSize, maxFunctions)
	if n := c.Form.Get("MaxItems"); n != "" {
		limit := 0
		if _, err := fmt.Sscanf(n, "%d", &limit); err != nil || limit < 1 || limit > 10000 {
			return nil,
				badParameter("1 validation error detected: Value '%s' at 'maxItems' failed to satisfy "+
					"constraint: Member must be between 1 and 10000", n)
		}
		size = min(size, limit)
	}
	w, err := wire.WindowAt(c.Form.Get("Marker"), c.Operation, size, badParameter("Invalid Marker"))
	if err != nil {
		return nil, err
	}
	shown, p := wire.PageOf(functions, w, c.Operation)
	return struct {
		Functions  []functionJSON
		NextMarker string `json:",omitempty"`
	}{shown, p.Marker}, nil
}

// function returns the function that a parameter identifies by name or by ARN.
func (c call) function(param string) (Function, error) {
	name := c.Form.Get(param)
	arn := name
	if !awsarn.HasPrefix(name) {
		arn = c.functionARN(Function{Name: name, Region: c.Region})
	}
	for _, f := range c.functions {
		if f.Region == c.Region && c.functionARN(f) == arn {
			return f, nil
		}
	}
	return Function{}, wire.Refuse(http.StatusNotFound, "ResourceNotFoundException",
		"Function not found: %s", arn)
}

func getFunction(c call) (any, error) {
	f, err := c.function("FunctionName")
	if err != nil {
		return nil, err
	}
	var reserved *concurrencyJSON
	if f.Reserved != nil {
		reserved = &concurrencyJSON{f.Reserved}
	}
	return struct {
		Configuration functionJSON
		Tags          map[string]string `json:",omitempty"`
		Concurrency   *concurrencyJSON  `json:",omitempty"`
	}{c.whole(f), f.Tags, reserved}, nil
}

// CheckPolicy returns an error for a text that is not a policy of a function.
func CheckPolicy(text string) error {
	if !json.Valid([]byte(text)) {
		return errors.New("the policy is not JSON")
	}
	return nil
}

// getPolicy returns the resource-based policy of a function.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html
func getPolicy(c call) (any, error) {
	f, err := c.function("FunctionName")
	switch {
	case err != nil:
		return nil, err
	case f.Policy == "":
		return nil, wire.Refuse(http.StatusNotFound, "ResourceNotFoundException",
			"The resource you requested does not exist.")
	}
	return struct {
		Policy     string
		RevisionID string `json:"RevisionId"`
	}{f.Policy, service.UniqueID("", f.Policy)}, nil
}

func listTags(c call) (any, error) {
	f, err := c.function("Resource")
	if err != nil {
		return nil, err
	}
	tags := f.Tags
	if tags == nil {
		tags = map[string]string{} // Lambda answers "Tags": {} for a function without tags
	}
	return struct{ Tags map[string]string }{tags}, nil
}
