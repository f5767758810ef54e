package awsemu

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

var lambdaService = &service{
	name: "lambda", scope: "lambda", prefix: "lambda",
	denial: "AccessDeniedException",
	throttled: func() *apiError {
		return refuse(http.StatusTooManyRequests, "TooManyRequestsException", "Rate exceeded")
	},
	route: routeLambda,
	operations: map[string]func(*call) (any, error){
		"ListFunctions": regional(listFunctions),
		"GetFunction":   regional(getFunction),
		"ListTags":      regional(listTags),
	},
	permissions: permissions{}.need(everything, "ListFunctions").need(askedFunction,
		"GetFunction ListTags"),
}

// askedFunction is the function that a call names, by name or by ARN.
func askedFunction(c *call) string {
	name := cmp.Or(c.params.Get("Resource"), c.params.Get("FunctionName"))
	if name == "" || strings.HasPrefix(name, "arn:") {
		return name
	}
	return c.store.functionARN(LambdaFunction{Name: name, Region: c.region})
}

// A LambdaFunction is a function that is deployed in the account. Zero values are Lambda's own
// defaults, or those of a Node.js function.
type LambdaFunction struct {
	Name string
	// Region is where it is deployed. Empty is Function.Region.
	Region string
	// Role is its execution role, by the name of one in Account.Roles or by ARN: the role may be gone.
	Role        string
	Description string
	Runtime     string
	Memory      int // MB
	// Layers are the ARNs of layer versions.
	Layers []string
	Tags   map[string]string
}

// maxFunctions is the largest page of ListFunctions, also if MaxItems is larger.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html
const maxFunctions = 50

// routeLambda reads the operation and its parameters out of method and path.
func routeLambda(ask *request, r *http.Request) *apiError {
	ask.params = r.URL.Query()
	put := func(name, escaped string) *apiError {
		value, err := url.PathUnescape(escaped)
		if err != nil {
			return lambdaProblem("the path is not percent-encoded: %v", err)
		}
		ask.params.Set(name, value)
		return nil
	}
	path := r.URL.EscapedPath()
	switch name, isFunction := strings.CutPrefix(path, "/2015-03-31/functions/"); {
	case r.Method != http.MethodGet:
	case path == "/2015-03-31/functions", isFunction && name == "":
		ask.operation = "ListFunctions"
	case isFunction && !strings.Contains(name, "/"):
		ask.operation = "GetFunction"
		return put("FunctionName", name)
	default:
		if arn, ok := strings.CutPrefix(path, "/2017-03-31/tags/"); ok && arn != "" {
			ask.operation = "ListTags"
			return put("Resource", arn)
		}
	}
	if ask.operation == "" {
		return refuse(http.StatusNotFound, "UnknownOperationException",
			"the embedded AWS offers ListFunctions, GetFunction and ListTags of Lambda, not %s %s", r.Method,
			r.URL.Path)
	}
	return nil
}

func lambdaProblem(format string, args ...any) *apiError {
	return refuse(http.StatusBadRequest, "InvalidParameterValueException", format, args...)
}

// regional answers in enabled regions. In other regions it returns AWS's error: the credentials are
// unknown there.
// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
func regional(do func(*call) (any, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		if slices.Contains(c.store.disabled, c.region) {
			return nil, refuse(http.StatusForbidden, "UnrecognizedClientException",
				"The security token included in the request is invalid.")
		}
		c.form = newForm(c.params)
		return do(c)
	}
}

// addFunctions makes the functions known. Their order is by name, as ListFunctions has it.
func (st *store) addFunctions(functions []LambdaFunction) {
	for _, f := range functions {
		f.Region = cmp.Or(f.Region, st.region)
		if !strings.HasPrefix(f.Role, "arn:") {
			arn := fmt.Sprintf("arn:%s:iam::%s:role/%s", st.partition, st.account, f.Role)
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
	return fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", st.partition, f.Region, st.account, f.Name)
}

// functionJSON is a FunctionConfiguration, as far as a client here looks at it.
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
		LastModified: described(st.functionARN(f)).Format("2006-01-02T15:04:05.000-0700"),
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
	here := []functionJSON{}
	for _, f := range c.store.functions {
		if f.Region == c.region {
			here = append(here, c.store.functionJSON(f))
		}
	}
	size := min(c.pageSize(), maxFunctions)
	if n := c.form.get("MaxItems"); n != "" {
		asked := 0
		if _, err := fmt.Sscanf(n, "%d", &asked); err != nil || asked < 1 || asked > 10000 {
			return nil,
				lambdaProblem("1 validation error detected: Value '%s' at 'maxItems' failed to satisfy "+
					"constraint: Member must be between 1 and 10000", n)
		}
		size = min(size, asked)
	}
	w, err := c.windowAt(c.form.get("Marker"), c.operation, size, lambdaProblem("Invalid Marker"))
	if err != nil {
		return nil, err
	}
	shown, p := cut(here, w, c.operation)
	return struct {
		Functions  []functionJSON
		NextMarker string `json:",omitempty"`
	}{shown, p.Marker}, nil
}

// function finds the function that a parameter names: by name, or by ARN.
func (c *call) function(param string) (LambdaFunction, error) {
	name := c.form.get(param)
	arn := name
	if !strings.HasPrefix(name, "arn:") {
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
