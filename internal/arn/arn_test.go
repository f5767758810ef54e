package arn

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, text string
		want       ARN
		ok         bool
		kind, last string
	}{
		{"a user with a path", "arn:aws:iam::123456789012:user/ci/render",
			ARN{"aws", "iam", "", "123456789012", "user/ci/render"}, true, "user", "render"},
		{"a resource with colons", "arn:aws-cn:lambda:cn-north-1:123456789012:function:clips:7",
			ARN{"aws-cn", "lambda", "cn-north-1", "123456789012", "function:clips:7"}, true,
			"function:clips:7", "function:clips:7"},
		{"a bucket", "arn:aws:s3:::videos", ARN{"aws", "s3", "", "", "videos"}, true, "videos", "videos"},
		{"empty fields", "arn:::::", ARN{}, true, "", ""},
		{"too few fields", "arn:aws:s3::videos", ARN{}, false, "", ""},
		{"another prefix", "urn:aws:s3:::videos", ARN{}, false, "", ""},
		{"a pattern for the prefix", "*:aws:s3:::videos", ARN{}, false, "", ""},
		{"no text", "", ARN{}, false, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := Parse(test.text)
			if got != test.want || ok != test.ok {
				t.Fatalf("got %+v, %v; want %+v, %v", got, ok, test.want, test.ok)
			}
			if ok && got.String() != test.text {
				t.Errorf("String: %q", got.String())
			}
			if got.Kind() != test.kind || got.Name() != test.last {
				t.Errorf("kind %q, name %q; want %q, %q", got.Kind(), got.Name(), test.kind, test.last)
			}
		})
	}
}

func TestSession(t *testing.T) {
	tests := []struct{ name, resource, role, session string }{
		{"a session of a role", "assumed-role/auditor/run-1", "auditor", "run-1"},
		{"a session that is not named", "assumed-role/auditor", "auditor", ""},
		{"a role", "role/auditor", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			role, session := ARN{Resource: test.resource}.Session()
			if role != test.role || session != test.session {
				t.Errorf("got %q, %q; want %q, %q", role, session, test.role, test.session)
			}
		})
	}
}

func TestName(t *testing.T) {
	for text, want := range map[string]string{
		"arn:aws:iam::aws:policy/job-function/Billing": "Billing", "user/ci": "ci", "ci": "ci", "": "",
		"user/": "",
	} {
		if got := Name(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestIAM(t *testing.T) {
	const want = "arn:aws-cn:iam::123456789012:role/remotion-lambda-role"
	if got := IAM("aws-cn", "123456789012", "role/remotion-lambda-role"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSplit(t *testing.T) {
	tests := []struct {
		text string
		want Fields
		n    int
	}{
		{"", Fields{}, 1},
		{"*", Fields{"*"}, 1},
		{"arn:aws:s3:*", Fields{"arn", "aws", "s3", "*"}, 4},
		{"arn:aws:s3:::", Fields{"arn", "aws", "s3"}, 6},
		{"a*:?:s3:::b:c/*", Fields{"a*", "?", "s3", "", "", "b:c/*"}, 6},
	}
	for _, test := range tests {
		if got, n := Split(test.text); got != test.want || n != test.n {
			t.Errorf("%q: %q, %d fields; want %q, %d", test.text, got, n, test.want, test.n)
		}
	}
}

func TestSplitDoesNotAllocate(t *testing.T) {
	text := "arn:aws:lambda:*:*:function:remotion-render-*"
	if n := testing.AllocsPerRun(100, func() {
		if f, n := Split(text); n != 6 || f[Region] != "*" {
			t.Error(f)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzSplit checks Split against the standard library.
func FuzzSplit(f *testing.F) {
	for _, text := range []string{"", "*", ":::::::", "arn:aws:s3:::a:b", "arn:aws:s3"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want := strings.SplitN(text, ":", 6)
		got, n := Split(text)
		if n != len(want) || strings.Join(got[:n], ":") != text {
			t.Fatalf("%q: %q, %d fields; want %q", text, got, n, want)
		}
		for i, field := range got {
			if i < n && field != want[i] || i >= n && field != "" {
				t.Errorf("%q: field %d is %q", text, i, field)
			}
		}
		if a, ok := Parse(text); ok && a.String() != text {
			t.Errorf("%q: String returns %q", text, a)
		}
	})
}
