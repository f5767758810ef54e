package awsanswer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxBody is the largest body that is checked. The largest real one is a page of 50 functions, each
// with up to 4 KB of environment variables and a few KB of configuration.
const maxBody = 4 << 20

// maxDepth and maxElements bound the XML of an answer. Real answers have at most ten levels, and
// 100 results of the simulator with 20 resources each have some 50,000 elements.
const (
	maxDepth    = 64
	maxElements = 200_000
)

// AddTo adds the check to an SDK client. It belongs to APIOptions of aws.Config.
func AddTo(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("CheckAnswer", check),
		middleware.After)
}

// check replaces the body of a successful answer by a copy in memory, or returns Incomplete.
func check(ctx context.Context, in middleware.DeserializeInput,
	next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	operation := awsmiddleware.GetOperationName(ctx)
	a, known := answers[awsmiddleware.GetServiceID(ctx)+"."+operation]
	response, isHTTP := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !known || !isHTTP || response.StatusCode < 200 || response.StatusCode > 299 {
		return out, metadata, err
	}
	if a.form == s3Headers {
		return out, metadata, a.checkHeader(operation, response.Header, a.header)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	closeErr := response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	switch {
	case err == nil && closeErr != nil:
		err = closeErr
	case len(body) > maxBody:
		err = fmt.Errorf("the body exceeds %d bytes", maxBody)
	}
	if err != nil {
		return out, metadata, &Incomplete{Operation: operation, Lacks: "a readable body", Err: err}
	}
	return out, metadata, a.checkBody(operation, response.Header, body)
}

func (a answer) checkHeader(operation string, header http.Header, name string) error {
	if header.Get(name) == "" {
		return &Incomplete{Operation: operation, Lacks: "the header " + name}
	}
	return nil
}

// checkBody returns Incomplete for a body that lacks a member.
func (a answer) checkBody(operation string, header http.Header, body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return &Incomplete{Operation: operation, Lacks: "a body"}
	}
	result, err := a.parse(operation, body)
	var incomplete *Incomplete
	if errors.As(err, &incomplete) {
		return err
	} else if err != nil {
		return &Incomplete{Operation: operation, Lacks: "a readable body", Err: err}
	}
	for _, path := range a.holds {
		if !holds(result, path) {
			return &Incomplete{Operation: operation, Lacks: path}
		}
	}
	if a.form == restJSON {
		return a.checkHeader(operation, header, "X-Amzn-Requestid")
	}
	if !a.pages {
		return nil
	}
	switch truncated := textOf(result, "IsTruncated"); {
	case truncated != "true" && truncated != "false":
		return &Incomplete{Operation: operation, Lacks: "IsTruncated"}
	case truncated == "true" && textOf(result, "Marker") == "":
		return &Incomplete{Operation: operation,
			Lacks: "a Marker, although it says that the list goes on"}
	}
	return nil
}

// parse returns the members of the operation's result.
func (a answer) parse(operation string, body []byte) (value, error) {
	if a.form == restJSON {
		return parseJSON(body)
	}
	root, err := parseXML(body)
	if err != nil {
		return nil, err
	}
	name := operation + "Response"
	if a.form == s3List {
		name = "ListBucketResult"
	}
	if root.name != name {
		return nil, &Incomplete{Operation: operation, Lacks: "the element " + name}
	}
	if a.form == s3List {
		return root, nil
	}
	if !holds(root, "ResponseMetadata.RequestId") {
		return nil, &Incomplete{Operation: operation, Lacks: "ResponseMetadata.RequestId"}
	}
	result, ok := root.member(operation + "Result")
	if !ok {
		return nil, &Incomplete{Operation: operation, Lacks: "the element " + operation + "Result"}
	}
	return result, nil
}

// holds reports whether v has the member that a path names: see answer.holds.
func holds(v value, path string) bool {
	name, rest, _ := strings.Cut(path, ".")
	list, isList := strings.CutSuffix(name, "[]")
	keys, isMap := strings.CutSuffix(name, "{}")
	switch {
	case isMap:
		m, ok := v.member(keys)
		return ok && m.isMap()
	case !isList:
		m, ok := v.member(name)
		if rest == "" {
			return ok && m.text() != ""
		}
		return ok && holds(m, rest)
	}
	m, ok := v.member(list)
	if !ok {
		return false
	}
	items, ok := m.items()
	for _, item := range items {
		if rest == "" && item.text() == "" || rest != "" && !holds(item, rest) {
			return false
		}
	}
	return ok
}

func textOf(v value, name string) string {
	m, ok := v.member(name)
	if !ok {
		return ""
	}
	return m.text()
}
