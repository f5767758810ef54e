package replay_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
	"github.com/remotion-audit/remotion-audit/internal/testing/corpus/replay"
)

// TestVerify checks that Verify returns the cases with a different result as a file that
// corpus.Load accepts.
func TestVerify(t *testing.T) {
	server := &awsemu.Server{}
	end, err := server.Listen("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = end.Close() })
	allow := corpus.Document(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}`)
	request := corpus.Case{Identity: []corpus.Document{allow}, Action: "s3:GetObject",
		Resource: "arn:aws:s3:::b/k", Source: "page"}
	named := func(name, decision string, change func(*corpus.Case)) corpus.Case {
		c := request
		c.Name, c.Want.Decision = name, decision
		if change != nil {
			change(&c)
		}
		return c
	}
	secure := corpus.Context{"aws:SecureTransport": {Elements: []string{"true"}}}
	files := []corpus.File{{
		Cases: []corpus.Case{
			named("the same result", "allowed", func(c *corpus.Case) {
				c.Context, c.Want.Matched = secure,
					[]string{"PolicyInputList.1/1"}
			}),
			named("a wrong decision", "explicitDeny", nil),
			named("a wrong key", "implicitDeny", func(c *corpus.Case) {
				c.Want.Missing = []string{"aws:username"}
			}),
			named("a rejected resource", "implicitDeny", func(c *corpus.Case) { c.Resource = "no ARN" }),
			named("a case for no simulator", "allowed", func(c *corpus.Case) { c.NoSimulator = "a reason" }),
		},
		Malformed: []corpus.Malformed{
			{Name: "a malformed document", Document: "{", Source: "page"},
			{Name: "a valid document in the list of malformed documents", Document: allow, Source: "page"},
		},
	}}
	var progress strings.Builder
	found, err := replay.Verifier{
		Simulator: iam.New(iam.Options{Region: "us-east-1", BaseEndpoint: &end.URL,
			Credentials: credentials.NewStaticCredentialsProvider("AKIAANYBODYATALL0000", "secret", "")}),
		Progress: &progress, Source: "observed on a date",
	}.Verify(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	if calls := len(server.Calls()); calls != 6 ||
		!strings.HasPrefix(progress.String(), "6 calls of SimulateCustomPolicy") {
		t.Errorf("%d calls, want 6 calls and a first line with this number:\n%s", calls, &progress)
	}
	text, err := json.Marshal(found)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "found.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := corpus.Load(dir)
	if len(again) != 1 {
		t.Fatalf("Load returns %d files and the error %v, want one file", len(again), err)
	}
	want := []string{
		`a wrong decision, observed on a date: implicitDeny [aws:SecureTransport]`,
		`a wrong key, observed on a date: implicitDeny [aws:SecureTransport]`,
		`a rejected resource, observed on a date: implicitDeny []`,
		`a valid document in the list of malformed documents, observed on a date: implicitDeny ` +
			`[aws:SecureTransport]`,
	}
	var got []string
	for _, c := range again[0].Cases {
		got = append(got, c.Name+": "+c.Want.Decision+" ["+strings.Join(c.Want.Missing, " ")+"]")
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the saved file contains (error %v)\n%s\nwant\n%s\nprogress:\n%s",
			err, strings.Join(got, "\n"),
			strings.Join(want, "\n"), &progress)
	}
}

func TestContextTypes(t *testing.T) {
	in := replay.Input(corpus.Case{
		Identity: []corpus.Document{`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*",
			"Condition":{"ForAnyValue:NumericLessThanIfExists":{"example:N":"1"},
			"Null":{"example:n":"false"},"DateEquals":{"example:d":"x"},
			"NotIpAddress":{"example:i":"10.0.0.0/8"},
			"Bool":{"example:b":"true"},"StringLike":{"example:s":"*"}}}]}`},
		Action: "s3:GetObject", Resource: "*",
		Context: corpus.Context{
			"example:n": {List: true, Elements: []string{"1", "2"}},
			"example:d": {Elements: []string{"soon"}}, // the simulator would reject this value for a date
			"example:i": {Elements: []string{"10.0.0.1"}},
			"example:b": {Elements: []string{"true"}},
			"example:s": {List: true},
		},
	})
	want := map[string]types.ContextKeyTypeEnum{
		"example:n": types.ContextKeyTypeEnumNumericList, "example:d": types.ContextKeyTypeEnumString,
		"example:i": types.ContextKeyTypeEnumIp,
		"example:b": types.ContextKeyTypeEnumBoolean, "example:s": types.ContextKeyTypeEnumStringList,
	}
	got := make(map[string]types.ContextKeyTypeEnum)
	for _, e := range in.ContextEntries {
		got[aws.ToString(e.ContextKeyName)] = e.ContextKeyType
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if in.ResourceArns != nil {
		t.Errorf("the request for * names the resources %q", in.ResourceArns)
	}
}
