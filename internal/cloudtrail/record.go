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
)

// Source and DetailType are those of EventBridge events about calls to IAM.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
const (
	Source     = "aws.iam"
	DetailType = "AWS API Call via CloudTrail"
)

// maxName and maxARN are lengths in characters. IAM's names have at most 128, those of sessions 64.
const (
	maxName = 128
	maxARN  = 2048
)

// Read reads an EventBridge event. It returns false for an event that changed no permissions:
// another source, a failed call, a call that is not in contract.ChangeEvents, or a new policy
// version that is not the default. The error says why the text is not an EventBridge event.
func Read(event []byte) (IAMChange, bool, error) {
	e, ok := objectOf(event)
	if !ok {
		return IAMChange{}, false, errors.New("not a JSON object")
	}
	for _, key := range []string{"source", "detail-type"} {
		if e.text(key, maxName) == "" {
			return IAMChange{}, false, fmt.Errorf("not an EventBridge event: it has no %q", key)
		}
	}
	if e.text("source", maxName) != Source || e.text("detail-type", maxName) != DetailType {
		return IAMChange{}, false, nil
	}
	record := e.object("detail")
	name := record.text("eventName", maxName)
	if name == "" {
		return IAMChange{}, false,
			errors.New(`"detail" is not a CloudTrail record: it has no "eventName"`)
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
		// CloudTrail omits parameters that are too long, as a policy may be. Without them the new version
		// may be the default.
		if parameters.has("policyArn") && !parameters.isTrue("setAsDefault") &&
			!created.isTrue("isDefaultVersion") {
			return IAMChange{}, false, nil
		}
	}
	c.Actor, c.From = record.actor(c.Account)
	return c, true, nil
}

// An object is a JSON object. Decoding into a struct would match its keys in any case.
type object map[string]json.RawMessage

func objectOf(raw []byte) (object, bool) {
	var o object
	err := json.Unmarshal(raw, &o)
	return o, err == nil && o != nil
}

// object returns the object under a key. A nil object has no keys.
func (o object) object(key string) object {
	inner, _ := objectOf(o[key])
	return inner
}

// text returns the string under a key, truncated to limit characters. It is empty if there is none.
func (o object) text(key string, limit int) string {
	var s string
	if json.Unmarshal(o[key], &s) != nil {
		return ""
	}
	return truncate(s, limit)
}

// time returns the time under a key, in UTC. It is zero for a time that JSON cannot represent.
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

// truncate shortens s to limit characters, the last of which is "…".
func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return s
}
