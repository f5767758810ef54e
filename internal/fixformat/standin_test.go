package fixformat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/jmespath/go-jmespath"
)

// standInVariable makes the test binary a stand-in for the AWS CLI.
const standInVariable = "FIXFORMAT_STAND_IN"

func TestMain(m *testing.M) {
	if os.Getenv(standInVariable) != "" {
		if err := standIn(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(254)
		}
		return
	}
	os.Exit(m.Run())
}

// An awsOperation is one operation of the stand-in: parameters in, answer out, both as JSON.
type awsOperation func(ctx context.Context, parameters []byte) (any, error)

func operationOf[I, O, P any](call func(context.Context, *I, ...func(*P)) (*O,
	error)) awsOperation {
	return func(ctx context.Context, parameters []byte) (any, error) {
		var in I
		if err := json.Unmarshal(parameters, &in); err != nil {
			return nil, err
		}
		return call(ctx, &in)
	}
}

// standIn runs one command like the AWS CLI: aws SERVICE OPERATION --option value.
func standIn(ctx context.Context, args []string) error {
	endpoint := os.Getenv("AWS_ENDPOINT_URL")
	keys := credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), "secret", "")
	i := iam.New(iam.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: keys,
		Retryer: aws.NopRetryer{}})
	s := sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: keys,
		Retryer: aws.NopRetryer{}})
	operations := map[string]awsOperation{
		"sts get-caller-identity":       operationOf(s.GetCallerIdentity),
		"iam get-user-policy":           operationOf(i.GetUserPolicy),
		"iam get-group-policy":          operationOf(i.GetGroupPolicy),
		"iam get-role-policy":           operationOf(i.GetRolePolicy),
		"iam put-user-policy":           operationOf(i.PutUserPolicy),
		"iam put-group-policy":          operationOf(i.PutGroupPolicy),
		"iam put-role-policy":           operationOf(i.PutRolePolicy),
		"iam list-user-policies":        operationOf(i.ListUserPolicies),
		"iam list-group-policies":       operationOf(i.ListGroupPolicies),
		"iam list-role-policies":        operationOf(i.ListRolePolicies),
		"iam get-role":                  operationOf(i.GetRole),
		"iam update-assume-role-policy": operationOf(i.UpdateAssumeRolePolicy),
		"iam get-policy":                operationOf(i.GetPolicy),
		"iam get-policy-version":        operationOf(i.GetPolicyVersion),
		"iam list-policy-versions":      operationOf(i.ListPolicyVersions),
		"iam create-policy":             operationOf(i.CreatePolicy),
		"iam create-policy-version":     operationOf(i.CreatePolicyVersion),
		"iam delete-policy-version":     operationOf(i.DeletePolicyVersion),
		"iam attach-user-policy":        operationOf(i.AttachUserPolicy),
		"iam attach-role-policy":        operationOf(i.AttachRolePolicy),
		"iam attach-group-policy":       operationOf(i.AttachGroupPolicy),
	}
	if len(args) < 2 || operations[args[0]+" "+args[1]] == nil {
		return fmt.Errorf("the stand-in has no operation %q", args)
	}
	parameters, query, output := map[string]any{}, "", "json"
	for args, do := args[2:], operations[args[0]+" "+args[1]]; ; {
		if len(args) == 0 {
			return run(ctx, do, parameters, query, output)
		}
		name, value, ok := strings.Cut(args[0], "=")
		args = args[1:]
		if !ok && name != "--set-as-default" {
			if len(args) == 0 {
				return fmt.Errorf("%s has no value", name)
			}
			value, args = args[0], args[1:]
		}
		switch name {
		case "--query":
			query = value
		case "--output":
			output = value
		case "--set-as-default":
			parameters["SetAsDefault"] = true
		default:
			if file, ok := strings.CutPrefix(value, "file://"); ok {
				text, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				value = string(text)
			}
			key := ""
			for _, word := range strings.Split(strings.TrimPrefix(name, "--"), "-") {
				key += strings.ToUpper(word[:1]) + word[1:]
			}
			parameters[key] = value
		}
	}
}

// run calls an operation for all pages, and prints what the query selects.
func run(ctx context.Context, do awsOperation, parameters map[string]any, query,
	output string) error {
	var all map[string]any
	for {
		text, err := json.Marshal(parameters)
		if err != nil {
			return err
		}
		out, err := do(ctx, text)
		if err != nil {
			return err
		}
		if text, err = json.Marshal(out); err != nil {
			return err
		}
		var page map[string]any
		if err := json.Unmarshal(text, &page); err != nil {
			return err
		}
		delete(page, "ResultMetadata")
		all = merge(all, page)
		if page["IsTruncated"] != true {
			break
		}
		if output == "text" {
			return errors.New("a query with the output text sees one page only")
		}
		parameters["Marker"] = page["Marker"]
	}
	if query == "" && len(all) == 0 {
		return nil
	}
	answer := decodeDocuments(all)
	if query != "" {
		var err error
		if answer, err = jmespath.Search(query, answer); err != nil {
			return fmt.Errorf("--query %s: %w", query, err)
		}
	}
	if text, ok := answer.(string); ok && output == "text" {
		fmt.Println(text)
		return nil
	}
	text, err := json.MarshalIndent(answer, "", "    ")
	fmt.Println(string(text))
	return err
}

// merge appends the lists of a page to those of the pages before it.
func merge(all, page map[string]any) map[string]any {
	if all == nil {
		return page
	}
	for key, v := range page {
		if list, ok := v.([]any); ok {
			before, _ := all[key].([]any)
			all[key] = append(before, list...)
		}
	}
	return all
}

// decodeDocuments replaces the texts of policy documents by their JSON, as the AWS CLI does.
func decodeDocuments(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			text, ok := inner.(string)
			if !ok || !strings.HasSuffix(key, "Document") {
				v[key] = decodeDocuments(inner)
				continue
			}
			var document any
			if plain, err := url.PathUnescape(text); err == nil &&
				json.Unmarshal([]byte(plain), &document) == nil {
				v[key] = document
			}
		}
	case []any:
		for i := range v {
			v[i] = decodeDocuments(v[i])
		}
	}
	return v
}
