package cloudtrail

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/jsonlimit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Source and DetailType are the source and detail-type of EventBridge events about calls to IAM.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
const (
	Source     = "aws.iam"
	DetailType = "AWS API Call via CloudTrail"
)

// maxName and maxARN are the lengths in characters to which Read truncates texts. Names in IAM have
// at most 128 characters, and names of sessions have at most 64.
const (
	maxName = 128
	maxARN  = 2048
)

// recordLimits are the limits of an event with one record. A record of CloudTrail has at most
// 256 KB.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
var recordLimits = jsonlimit.Limits{Bytes: maxBody, Depth: 40, Values: 50_000, Elements: 20_000,
	UniqueKeys: true}

// Read returns the change that an EventBridge event reports. Read returns false for an event that
// changed no permissions: another source, a failed call, a call that is not in
// contract.ChangeEvents, or a new policy version that is not the default. Read returns an error if
// event is not an EventBridge event, has no CloudTrail record, or is ambiguous or too large.
func Read(event []byte) (IAMChange, bool, error) {
	if err := jsonlimit.Check(event, recordLimits); err != nil {
		return IAMChange{}, false, err
	}
	e, ok := objectOf(event)
	if !ok {
		return IAMChange{}, false, errors.New("not a JSON object")
	}
	for _, key := range []string{"source", "detail-type"} {
		if e.text(key, maxName) == "" {
			return IAMChange{}, false, fmt.Errorf("not an EventBridge event: missing key %q", key)
		}
	}
	if e.text("source", maxName) != Source || e.text("detail-type", maxName) != DetailType {
		return IAMChange{}, false, nil
	}
	record := e.object("detail")
	name := record.text("eventName", maxName)
	if name == "" {
		return IAMChange{}, false,
			errors.New(`"detail" is not a CloudTrail record: missing key "eventName"`)
	}
	if !slices.Contains(contract.ChangeEvents(), name) || record.failed() {
		return IAMChange{}, false, nil
	}
	c := IAMChange{
		ID: record.text("eventID", maxName), Event: name, At: record.time("eventTime"),
		Account: cmp.Or(record.text("recipientAccountId", maxName), e.text("account", maxName)),
	}
	parameters := record.object("requestParameters")
	for key, field := range map[string]*string{
		"userName": &c.UserName, "newUserName": &c.NewUserName, "roleName": &c.RoleName,
		"groupName": &c.GroupName, "newGroupName": &c.NewGroupName,
		"policyName": &c.PolicyName, "versionId": &c.VersionID,
	} {
		*field = parameters.text(key, maxName)
	}
	c.PolicyARN, c.Boundary = parameters.text("policyArn", maxARN),
		parameters.text("permissionsBoundary", maxARN)
	if name == "CreatePolicyVersion" {
		created := record.object("responseElements").object("policyVersion")
		c.VersionID = created.text("versionId", maxName)
		// CloudTrail omits the parameters if they are too long, for example because of a long policy.
		// The new version may then be the default, so report a change.
		if parameters.has("policyArn") && !parameters.isTrue("setAsDefault") &&
			!created.isTrue("isDefaultVersion") {
			return IAMChange{}, false, nil
		}
	}
	c.Actor, c.From = record.actor(c.Account)
	c.UserAgent = record.text("userAgent", maxName)
	return c, true, nil
}

// An object is a JSON object with case-sensitive keys. Decoding into a struct ignores the case.
type object map[string]json.RawMessage

func objectOf(raw []byte) (object, bool) {
	var o object
	err := json.Unmarshal(raw, &o)
	return o, err == nil && o != nil
}

// object returns the object under a key, or nil if the key has no object. A nil object has no keys.
func (o object) object(key string) object {
	inner, _ := objectOf(o[key])
	return inner
}

// text returns the string under a key, truncated to limit characters, or an empty
// text if the key has no string.
func (o object) text(key string, limit int) string {
	var s string
	if json.Unmarshal(o[key], &s) != nil {
		return ""
	}
	return textfmt.Truncate(s, limit)
}

// time returns the time under a key in UTC, or the zero time if the key has no valid time. Years
// before 2000 or after 9000 are invalid, because JSON cannot represent every year.
func (o object) time(key string) time.Time {
	t, err := time.Parse(time.RFC3339, o.text(key, maxName))
	if t = t.UTC(); err != nil || t.Year() < 2000 || t.Year() > 9000 {
		return time.Time{}
	}
	return t
}

func (o object) has(key string) bool {
	raw, ok := o[key]
	return ok && string(raw) != "null"
}

func (o object) isTrue(key string) bool {
	return string(o[key]) == "true" || strings.EqualFold(o.text(key, maxName), "true")
}

// failed reports whether the call was denied or failed, and so changed nothing.
func (o object) failed() bool { return o.has("errorCode") && string(o["errorCode"]) != `""` }
