package kms_test

import (
	"encoding/json"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

const (
	id      = "1234abcd-12ab-4234-a6ef-1234567890ab"
	arn     = "arn:aws:kms:us-east-1:123456789012:key/" + id
	unknown = "00000000-0000-4000-8000-000000000000"
)

func TestKeys(t *testing.T) {
	account := &awsemu.Account{Keys: []awsemu.Key{
		{ID: id, Alias: "alias/video"}, {Alias: "alias/far", Region: "eu-west-1"}}}
	url := emutest.Listen(t, &awsemu.Server{Account: account})
	const policy = `"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",` +
		`\"Principal\":{\"AWS\":\"123456789012\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}]}"`
	for _, step := range []struct {
		name, operation, body string
		status                int
		want                  string
	}{
		{"a key has metadata", "DescribeKey", `{"KeyId": "` + id + `"}`, 200,
			`"Enabled":true,"Description":"","KeyUsage":"ENCRYPT_DECRYPT","KeyState":"Enabled"`},
		{"a key has an alias", "DescribeKey", `{"KeyId": "alias/video"}`, 200, `"Arn":"` + arn + `"`},
		{"an alias has an ARN", "DescribeKey",
			`{"KeyId": "arn:aws:kms:us-east-1:123456789012:alias/video"}`, 200, arn},
		{"an alias of another region is not found", "DescribeKey", `{"KeyId": "alias/far"}`, 400,
			"Alias arn:aws:kms:us-east-1:123456789012:alias/far is not found."},
		{"an ARN of another region is refused", "DescribeKey",
			`{"KeyId": "arn:aws:kms:eu-west-1:123456789012:alias/far"}`, 400, "Invalid arn eu-west-1"},
		{"an unknown key is not found", "GetKeyPolicy", `{"KeyId": "` + unknown + `"}`, 400,
			"Key 'arn:aws:kms:us-east-1:123456789012:key/" + unknown + "' does not exist"},
		{"a text that is no key is refused", "DescribeKey", `{"KeyId": "video"}`, 400,
			"Invalid keyId 'video'"},
		{"a key of another account is refused", "DescribeKey",
			`{"KeyId": "arn:aws:kms:us-east-1:999999999999:key/` + unknown + `"}`, 400,
			"because the resource does not exist in this Region, no resource-based policies allow access"},
		{"no key is refused", "DescribeKey", `{}`, 400, "Value null at 'keyId'"},
		{"a key has the default policy", "GetKeyPolicy", `{"KeyId": "` + arn + `"}`, 200,
			"key-default-1"},
		{"an alias has no policy", "GetKeyPolicy", `{"KeyId": "alias/video"}`, 400, "Invalid keyId"},
		{"a key has one policy", "GetKeyPolicy", `{"KeyId": "` + id + `", "PolicyName": "mine"}`, 400,
			"No such policy exists"},
		{"a policy is replaced", "PutKeyPolicy",
			`{"KeyId": "` + id + `", "PolicyName": "default", "Policy": ` + policy + `}`, 200, ""},
		{"the new policy is returned", "GetKeyPolicy", `{"KeyId": "` + id + `"}`, 200, policy},
		{"a policy that is not JSON is refused", "PutKeyPolicy",
			`{"KeyId": "` + id + `", "Policy": "{"}`, 400, "MalformedPolicyDocumentException"},
		{"a key is disabled", "DisableKey", `{"KeyId": "` + id + `"}`, 200, ""},
		{"a disabled key has that state", "DescribeKey", `{"KeyId": "` + id + `"}`, 200,
			`"KeyState":"Disabled"`},
		{"a key is enabled", "EnableKey", `{"KeyId": "` + id + `"}`, 200, ""},
		{"a key that is not pending deletion stays", "CancelKeyDeletion", `{"KeyId": "` + id + `"}`,
			400, arn + " is not pending deletion."},
		{"a short window is refused", "ScheduleKeyDeletion",
			`{"KeyId": "` + id + `", "PendingWindowInDays": 6}`, 400,
			"Member must have value greater than or equal to 7"},
		{"a deletion is scheduled", "ScheduleKeyDeletion", `{"KeyId": "` + id + `"}`, 200,
			`"KeyState":"PendingDeletion","PendingWindowInDays":30`},
		{"a key that is pending deletion is not enabled", "EnableKey", `{"KeyId": "` + id + `"}`, 400,
			arn + " is pending deletion."},
		{"a deletion is cancelled", "CancelKeyDeletion", `{"KeyId": "` + id + `"}`, 200, arn},
		{"the key is then disabled", "DescribeKey", `{"KeyId": "` + id + `"}`, 200,
			`"KeyState":"Disabled"`},
		{"a key of AWS exists from its first use", "DescribeKey", `{"KeyId": "alias/aws/s3"}`, 200,
			`"KeyManager":"AWS"`},
		{"a key of AWS cannot be changed", "DisableKey",
			`{"KeyId": "` + managedID(t, url) + `"}`, 400, "AccessDeniedException"},
		{"the aliases are listed", "ListAliases", `{"Limit": 1}`, 200, `"Truncated":true`},
		{"the aliases of a key are listed", "ListAliases", `{"KeyId": "` + id + `"}`, 200,
			`"AliasName":"alias/video"`},
		{"an alias is unique", "CreateAlias", `{"AliasName": "alias/video", "TargetKeyId": "` + id +
			`"}`, 400, "already exists"},
		{"a key is created", "CreateKey", `{"Description": "clips"}`, 200, `"Description":"clips"`},
		{"an asymmetric key is not created", "CreateKey", `{"KeySpec": "RSA_2048"}`, 400,
			"UnsupportedOperationException"},
	} {
		t.Run(step.name, func(t *testing.T) {
			status, body := emutest.CallJSON(t, url, emutest.AnyKey, "kms",
				"TrentService."+step.operation, step.body)
			if status != step.status {
				t.Errorf("status %d: %s", status, body)
			}
			emutest.WantText(t, body, step.want)
		})
	}
}

// managedID returns the id of the key of AWS for S3.
func managedID(t *testing.T, url string) string {
	t.Helper()
	_, body := emutest.CallJSON(t, url, emutest.AnyKey, "kms", "TrentService.DescribeKey",
		`{"KeyId": "alias/aws/s3"}`)
	var out struct {
		KeyMetadata struct {
			KeyID string `json:"KeyId"`
		}
	}
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		t.Fatal(err)
	}
	return out.KeyMetadata.KeyID
}
