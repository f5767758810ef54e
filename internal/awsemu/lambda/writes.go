package lambda

import (
	"cmp"
	"maps"
	"net/http"
	"regexp"
	"slices"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// writes are the operations of a deployment. The server stores what the reads return, and accepts
// the rest of the input without an effect.
var writes = service.Table[call]{
	"CreateFunction":              {Do: inEnabledRegion(createFunction), Needs: mayConfigure},
	"UpdateFunctionConfiguration": {Do: inEnabledRegion(updateConfiguration), Needs: mayConfigure},
	"GetFunctionConfiguration": {Do: inEnabledRegion(getConfiguration),
		Needs: service.On(calledFunctionARN)},
	"DeleteFunction": {Do: inEnabledRegion(deleteFunction), Needs: service.On(calledFunctionARN)},
	"TagResource":    {Do: inEnabledRegion(tagResource), Needs: service.On(calledFunctionARN)},
	"PutFunctionEventInvokeConfig": {Do: inEnabledRegion(putEventInvokeConfig),
		Needs: service.On(calledFunctionARN)},
	"PutRuntimeManagementConfig": {Do: inEnabledRegion(putRuntimeManagementConfig),
		Needs: service.On(calledFunctionARN)},
}

// mayConfigure are the permissions of an operation that can set a role and layers.
var mayConfigure = []service.Need[call]{{Resource: calledFunctionARN},
	{Action: "iam:PassRole", Resource: passedRole},
	{Action: "GetLayerVersion", Resources: attachedLayers}}

// passedRole returns the ARN of the role that a call gives to a function, or an empty string.
func passedRole(c call) string {
	role, _ := c.Input["Role"].(string)
	return role
}

// attachedLayers returns the ARNs of the layer versions that a call attaches to a function.
func attachedLayers(c call) []string { return texts(c.Input["Layers"]) }

// texts returns the texts in a list of a JSON document.
func texts(v any) (texts []string) {
	list, _ := v.([]any)
	for _, item := range list {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// functionName matches the names that Lambda accepts.
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
var functionName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

func createFunction(c call) (any, error) {
	name, role := c.Params.Get("FunctionName"), passedRole(c)
	switch {
	case !functionName.MatchString(name):
		return nil, badParameter("FunctionName must have 1 to 64 letters, digits, - and _, got %q", name)
	case !awsarn.HasPrefix(role):
		return nil, badParameter("Role must be the ARN of a role, got %q", role)
	case c.Input["Code"] == nil:
		return nil, badParameter("Please provide a source for function code.")
	}
	if err := c.checkLayers(); err != nil {
		return nil, err
	}
	f := Function{Name: name, Region: c.Region}
	if _, err := c.function("FunctionName"); err == nil {
		return nil, wire.Refuse(http.StatusConflict, "ResourceConflictException",
			"Function already exist: %s", name)
	}
	c.configure(&f)
	at, _ := slices.BinarySearchFunc(c.functions, f, byName)
	c.functions = slices.Insert(c.functions, at, f)
	body, err := encode(c.whole(f))
	return wire.RestResult{Status: http.StatusCreated, Body: body,
		Header: http.Header{"Content-Type": {"application/json"}}}, err
}

// configure changes the members of a function that the input has.
func (c call) configure(f *Function) {
	for member, value := range map[string]*string{"Description": &f.Description,
		"Runtime": &f.Runtime, "KMSKeyArn": &f.KMSKey, "Role": &f.Role} {
		if text, ok := c.Input[member].(string); ok && (text != "" || member == "KMSKeyArn") {
			*value = text
		}
	}
	for member, value := range map[string]*int{"Timeout": &f.Timeout, "MemorySize": &f.Memory} {
		if n := number(c.Input[member]); n > 0 {
			*value = n
		}
	}
	if storage, ok := c.Input["EphemeralStorage"].(map[string]any); ok {
		f.Storage = number(storage["Size"])
	}
	if vpc, ok := c.Input["VpcConfig"].(map[string]any); ok {
		f.VPC, f.Subnets, f.SecurityGroups = "", texts(vpc["SubnetIds"]),
			texts(vpc["SecurityGroupIds"])
	}
	if logging, ok := c.Input["LoggingConfig"].(map[string]any); ok {
		f.LogGroup, _ = logging["LogGroup"].(string)
	}
	if c.Input["Layers"] != nil {
		f.Layers = attachedLayers(c)
	}
}

// number returns an integer of a JSON document, or 0.
func number(v any) int {
	n, _ := wire.Number(v)
	return int(n)
}

// change applies a change to the function that a parameter identifies.
func (c call) change(param string, change func(*Function)) (Function, error) {
	f, err := c.function(param)
	if err != nil {
		return f, err
	}
	for i := range c.functions {
		if at := &c.functions[i]; at.Name == f.Name && at.Region == f.Region {
			change(at)
			return *at, nil
		}
	}
	return f, nil
}

// whole returns the configuration of a function with the members that only reads of one function
// return.
func (s *Service) whole(f Function) functionJSON {
	j := s.functionJSON(f)
	j.State, j.StateReason, j.StateReasonCode = cmp.Or(f.State, "Active"), f.StateReason,
		f.StateReasonCode
	j.LastUpdateStatus = cmp.Or(f.UpdateStatus, "Successful")
	j.LastUpdateStatusReason, j.LastUpdateStatusReasonCode = f.UpdateReason, f.UpdateReasonCode
	return j
}

func getConfiguration(c call) (any, error) {
	f, err := c.function("FunctionName")
	if err != nil {
		return nil, err
	}
	return c.whole(f), nil
}

// updateConfiguration changes a function. A change ends a failed update.
func updateConfiguration(c call) (any, error) {
	if err := c.checkLayers(); err != nil {
		return nil, err
	}
	f, err := c.change("FunctionName", func(f *Function) {
		c.configure(f)
		f.UpdateStatus, f.UpdateReason, f.UpdateReasonCode = "", "", ""
	})
	if err != nil {
		return nil, err
	}
	return c.whole(f), nil
}

func deleteFunction(c call) (any, error) {
	f, err := c.function("FunctionName")
	if err != nil {
		return nil, err
	}
	c.functions = slices.DeleteFunc(c.functions, func(other Function) bool {
		return other.Name == f.Name && other.Region == f.Region
	})
	return wire.RestResult{Status: http.StatusNoContent}, nil
}

func tagResource(c call) (any, error) {
	tags, _ := c.Input["Tags"].(map[string]any)
	if len(tags) == 0 {
		return nil, badParameter("Tags must have at least one tag")
	}
	_, err := c.change("Resource", func(f *Function) {
		f.Tags = maps.Clone(f.Tags)
		if f.Tags == nil {
			f.Tags = make(map[string]string)
		}
		for key, value := range tags {
			f.Tags[key], _ = value.(string)
		}
	})
	if err != nil {
		return nil, err
	}
	return wire.RestResult{Status: http.StatusNoContent}, nil
}

func putEventInvokeConfig(c call) (any, error) {
	f, err := c.function("FunctionName")
	if err != nil {
		return nil, err
	}
	return struct {
		FunctionArn          string
		MaximumRetryAttempts int
		LastModified         float64
	}{c.functionARN(f), number(c.Input["MaximumRetryAttempts"]), float64(c.Now().Unix())}, nil
}

func putRuntimeManagementConfig(c call) (any, error) {
	f, err := c.function("FunctionName")
	if err != nil {
		return nil, err
	}
	mode, _ := c.Input["UpdateRuntimeOn"].(string)
	version, _ := c.Input["RuntimeVersionArn"].(string)
	if mode == "Manual" && version == "" {
		return nil, badParameter("RuntimeVersionArn is required when UpdateRuntimeOn is Manual")
	}
	return struct {
		FunctionArn, UpdateRuntimeOn string
		RuntimeVersionArn            string `json:",omitempty"`
	}{c.functionARN(f), mode, version}, nil
}
