package awsemu

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
)

var lambdaService = &service{
	name: "lambda", scope: "lambda", prefix: "lambda",
	denial: "AccessDeniedException",
	throttled: func() *apiError {
		return refuse(http.StatusTooManyRequests, "TooManyRequestsException", "Rate exceeded")
	},
	route: routeLambda,
	operations: map[string]func(*call) (any, error){
		"ListFunctions": inEnabledRegion(listFunctions),
		"GetFunction":   inEnabledRegion(getFunction),
		"ListTags":      inEnabledRegion(listTags),
	},
	permissions: permissions{}.need(anyResource, "ListFunctions").need(calledFunctionARN,
		"GetFunction ListTags"),
}

// calledFunctionARN returns the ARN of the function that a call identifies by name or by ARN.
func calledFunctionARN(c *call) string {
	name := cmp.Or(c.params.Get("Resource"), c.params.Get("FunctionName"))
	if name == "" || awsarn.HasPrefix(name) {
		return name
	}
	return c.store.functionARN(LambdaFunction{Name: name, Region: c.region})
}

// A LambdaFunction is a function that is deployed in the account.
type LambdaFunction struct {
	Name string
	// Region is the region of the function. Empty means Function.Region.
	Region string
	// Role is the execution role: the name of a role in Account.Roles, or an ARN. The role of an ARN
	// need not exist.
	Role        string
	Description string
	Runtime     string // empty means nodejs20.x
	Memory      int    // MB; zero means 128
	// Layers are the ARNs of layer versions.
	Layers []string
	Tags   map[string]string
}

// maxFunctions is the maximum number of functions in a page of ListFunctions, even if MaxItems is
// larger.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html
const maxFunctions = 50

// routeLambda sets the operation and the parameters of req from the method, the path and the query.
func routeLambda(req *request, r *http.Request) *apiError {
	req.params = r.URL.Query()
	put := func(name, escaped string) *apiError {
		value, err := url.PathUnescape(escaped)
		if err != nil {
			return lambdaProblem("the path is not percent-encoded: %v", err)
		}
		req.params.Set(name, value)
		return nil
	}
	path := r.URL.EscapedPath()
	switch name, isFunction := strings.CutPrefix(path, "/2015-03-31/functions/"); {
	case r.Method != http.MethodGet:
	case path == "/2015-03-31/functions", isFunction && name == "":
		req.operation = "ListFunctions"
	case isFunction && !strings.Contains(name, "/"):
		req.operation = "GetFunction"
		return put("FunctionName", name)
	default:
		if arn, ok := strings.CutPrefix(path, "/2017-03-31/tags/"); ok && arn != "" {
			req.operation = "ListTags"
			return put("Resource", arn)
		}
	}
	if req.operation == "" {
		return refuse(http.StatusNotFound, "UnknownOperationException",
			"the embedded AWS offers ListFunctions, GetFunction and ListTags of Lambda, not %s %s", r.Method,
			r.URL.Path)
	}
	return nil
}

func lambdaProblem(format string, args ...any) *apiError {
	return refuse(http.StatusBadRequest, "InvalidParameterValueException", format, args...)
}

// inEnabledRegion wraps an operation so that it fails in disabled regions. As on AWS, a disabled
// region does not recognize the account's credentials.
// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
func inEnabledRegion(do func(*call) (any, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		if slices.Contains(c.store.disabled, c.region) {
			return nil, refuse(http.StatusForbidden, "UnrecognizedClientException",
				"The security token included in the request is invalid.")
		}
		c.form = newForm(c.params) // the operations read their parameters from a form
		return do(c)
	}
}

// addFunctions adds the functions to the store, sorted by name as ListFunctions returns them.
func (st *store) addFunctions(functions []LambdaFunction) {
	for _, f := range functions {
		f.Region = cmp.Or(f.Region, st.region)
		if !awsarn.HasPrefix(f.Role) {
			arn := awsarn.IAM(st.partition, st.account, "role/"+f.Role)
			if e := st.entities[kindRole][f.Role]; e != nil {
				arn = st.arn(e)
			}
			f.Role = arn
		}
		st.functions = append(st.functions, f)
	}
	slices.SortStableFunc(st.functions, func(a, b LambdaFunction) int {
		return cmp.Compare(a.Name, b.Name)
	})
}

func (st *store) functionARN(f LambdaFunction) string {
	return awsarn.ARN{Partition: st.partition, Service: "lambda", Region: f.Region,
		Account: st.account, Resource: "function:" + f.Name}.String()
}

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
}

type layerJSON struct {
	Arn      string
	CodeSize int
}

func (st *store) functionJSON(f LambdaFunction) functionJSON {
	j := functionJSON{
		FunctionName: f.Name, FunctionArn: st.functionARN(f), Role: f.Role, Description: f.Description,
		Runtime: cmp.Or(f.Runtime, "nodejs20.x"), Handler: "index.handler", CodeSize: 1 << 20,
		Timeout:      120,
		MemorySize:   cmp.Or(f.Memory, 128),
		LastModified: fixedCreationTime(st.functionARN(f)).Format("2006-01-02T15:04:05.000-0700"),
		CodeSha256:   "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", Version: "$LATEST",
		PackageType: "Zip", Architectures: []string{"arm64"},
	}
	j.EphemeralStorage.Size = 512
	for _, arn := range f.Layers {
		j.Layers = append(j.Layers, layerJSON{arn, 1 << 20})
	}
	return j
}

func listFunctions(c *call) (any, error) {
	functions := []functionJSON{}
	for _, f := range c.store.functions {
		if f.Region == c.region {
			functions = append(functions, c.store.functionJSON(f))
		}
	}
	size := min(c.pageSize(), maxFunctions)
	if n := c.form.get("MaxItems"); n != "" {
		limit := 0
		if _, err := fmt.Sscanf(n, "%d", &limit); err != nil || limit < 1 || limit > 10000 {
			return nil,
				lambdaProblem("1 validation error detected: Value '%s' at 'maxItems' failed to satisfy "+
					"constraint: Member must be between 1 and 10000", n)
		}
		size = min(size, limit)
	}
	w, err := c.windowAt(c.form.get("Marker"), c.operation, size, lambdaProblem("Invalid Marker"))
	if err != nil {
		return nil, err
	}
	shown, p := pageOf(functions, w, c.operation)
	return struct {
		Functions  []functionJSON
		NextMarker string `json:",omitempty"`
	}{shown, p.Marker}, nil
}

// function returns the function that a parameter identifies by name or by ARN.
func (c *call) function(param string) (LambdaFunction, error) {
	name := c.form.get(param)
	arn := name
	if !awsarn.HasPrefix(name) {
		arn = c.store.functionARN(LambdaFunction{Name: name, Region: c.region})
	}
	for _, f := range c.store.functions {
		if f.Region == c.region && c.store.functionARN(f) == arn {
			return f, nil
		}
	}
	return LambdaFunction{}, refuse(http.StatusNotFound, "ResourceNotFoundException",
		"Function not found: %s", arn)
}

func getFunction(c *call) (any, error) {
	f, err := c.function("FunctionName")
	if err != nil {
		return nil, err
	}
	return struct {
		Configuration functionJSON
		Tags          map[string]string `json:",omitempty"`
	}{c.store.functionJSON(f), f.Tags}, nil
}

func listTags(c *call) (any, error) {
	f, err := c.function("Resource")
	if err != nil {
		return nil, err
	}
	return struct{ Tags map[string]string }{f.Tags}, nil
}
