package awsanswer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// AddTo adds the check to an SDK client. It belongs to APIOptions of aws.Config. The HTTP client of
// the SDK client bounds the answers.
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
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return out, metadata, &Incomplete{Operation: operation, Lacks: "a readable body", Err: err,
			Performed: a.performs}
	}
	// The SDK closes the body of the HTTP client when it has decoded the copy.
	response.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(body), response.Body}
	err = a.checkBody(operation, response.Header, body)
	var incomplete *Incomplete
	if errors.As(err, &incomplete) {
		incomplete.Performed = a.performs
	}
	return out, metadata, err
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
	if object, _ := result.(node); a.only != "" && !object.hasOnly(a.only) {
		return &Incomplete{Operation: operation, Lacks: "an object with no member but " + a.only}
	}
	for _, path := range a.holds {
		if !holds(result, path) {
			return &Incomplete{Operation: operation, Lacks: path}
		}
	}
	switch {
	case a.form == restJSON:
		return a.checkHeader(operation, header, "X-Amzn-Requestid")
	case a.form != queryXML || !a.pages:
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
