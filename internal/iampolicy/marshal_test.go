package iampolicy

import (
	"encoding/json"
	"testing"
)

func TestMarshalJSON(t *testing.T) {
	tests := []struct {
		name, text, want string
		parse            func(string) (*Document, error)
	}{
		{"a list of one value becomes a string, and keys are in IAM's order",
			`{"Statement":{"Resource":["*"],"Action":["s3:Get*","s3:Put*"],"Effect":"Allow","Sid":"A"},` +
				`"Version":"2012-10-17"}`,
			`{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Action":["s3:Get*",` +
				`"s3:Put*"],"Resource":"*"}]}`, Parse},
		{"negated elements stay, and numbers and booleans in conditions become strings",
			`{"Id":"x","Statement":[{"Effect":"Deny","NotAction":"iam:*","NotResource":"arn:b","Condition":{` +
				`"Bool":{"ex:k":true},"NumericEquals":{"ex:m":[1,2.5],"ex:n":3}}}]}`,
			`{"Id":"x","Statement":[{"Effect":"Deny","NotAction":"iam:*","NotResource":"arn:b","Condition":{` +
				`"Bool":{"ex:k":"true"},"NumericEquals":{"ex:m":["1","2.5"],"ex:n":"3"}}}]}`, Parse},
		{"characters are not escaped for HTML",
			`{"Statement":[{"Effect":"Allow","Action":"a:B","Resource":"arn:<&>\u00e9\"\\"}]}`,
			`{"Statement":[{"Effect":"Allow","Action":"a:B","Resource":"arn:<&>é\"\\"}]}`, Parse},
		{"principals of a trust policy are grouped by type",
			`{"Statement":{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com",` +
				`"ec2.amazonaws.com"],"AWS":"*"},"Action":"sts:AssumeRole"}}`,
			`{"Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com",` +
				`"ec2.amazonaws.com"],"AWS":"*"},"Action":"sts:AssumeRole"}]}`, ParseTrust},
		{"the principal * stays a string",
			`{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`,
			`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}`, ParseTrust},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			doc, err := test.parse(test.text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := doc.MarshalJSON()
			if err != nil || string(got) != test.want || !json.Valid(got) {
				t.Errorf("got  %s, %v\nwant %s", got, err, test.want)
			}
			again, err := test.parse(string(got))
			if err != nil {
				t.Fatal(err)
			}
			if twice, _ := again.MarshalJSON(); string(twice) != string(got) {
				t.Errorf("the second encoding is %s, want %s", twice, got)
			}
		})
	}
}

func TestText(t *testing.T) {
	doc := &Document{Version: Version, Statements: []Statement{{Sid: "A", Effect: Allow,
		Action: []string{"s3:GetObject"}, Resource: []string{"arn:aws:s3:::<a>", "arn:aws:s3:::b"},
		Conditions: []Condition{{Operator: "StringEquals", Key: "k", Values: []string{"v"}}}}}}
	const want = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "A",
      "Effect": "Allow",
      "Action": [
        "s3:GetObject"
      ],
      "Resource": [
        "arn:aws:s3:::<a>",
        "arn:aws:s3:::b"
      ],
      "Condition": {
        "StringEquals": {
          "k": "v"
        }
      }
    }
  ]
}
`
	if got := doc.Text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
