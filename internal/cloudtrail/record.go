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

// What EventBridge says of a call to IAM.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
const (
	Source     = "aws.iam"
	DetailType = "AWS API Call via CloudTrail"
)

// Lengths, in characters: IAM's names have 128 at most, and a session's 64.
const (
	maxName = 128
	maxARN  = 2048
)

// Read reads an EventBridge event. It reports false for one that changed nothing: of another
// source, of a call that failed, of one that is not among contract.ChangeEvents, of a policy's
// version that does not count. The error is that of a text that is no such event at all, and says
// what it lacks.
func Read(event []byte) (IAMChange, bool, error) {
	e, ok := objectOf(event)
	if !ok {
		return IAMChange{}, false, errors.New("it is not a JSON object")
	}
	for _, key := range []string{"source", "detail-type"} {
		if e.text(key, maxName) == "" {
			return IAMChange{}, false, fmt.Errorf("it is not an event of EventBridge: it has no %q", key)
		}
	}
	if e.text("source", maxName) != Source || e.text("detail-type", maxName) != DetailType {
		return IAMChange{}, false, nil
	}
	record := e.object("detail")
	name := record.text("eventName", maxName)
	if name == "" {
		return IAMChange{}, false,
			errors.New(`its "detail" is not a record of CloudTrail: it has no "eventName"`)
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
		made := record.object("responseElements").object("policyVersion")
		c.VersionID = made.text("versionId", maxName)
		// CloudTrail omits parameters that are too long, and a policy may be: then nobody knows.
		if parameters.has("policyArn") && !parameters.is("setAsDefault") && !made.is("isDefaultVersion") {
			return IAMChange{}, false, nil
		}
	}
	c.Actor, c.From = record.actor(c.Account)
	return c, true, nil
}

// An object is a JSON object. encoding/json would take the fields of a struct in any case.
type object map[string]json.RawMessage

func objectOf(raw []byte) (object, bool) {
	var o object
	err := json.Unmarshal(raw, &o)
	return o, err == nil && o != nil
}

// object is the object under a key; a nil one has nothing.
func (o object) object(key string) object {
	inner, _ := objectOf(o[key])
	return inner
}

// text is the string under a key, cut to so many characters; empty if there is none.
func (o object) text(key string, limit int) string {
	var s string
	if json.Unmarshal(o[key], &s) != nil {
		return ""
	}
	return cut(s, limit)
}

// time is the moment under a key, in UTC. One that no JSON could hold is none.
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

func (o object) is(key string) bool {
	return string(o[key]) == "true" || strings.EqualFold(o.text(key, maxName), "true")
}

// failed reports whether the call was refused, or went wrong: it changed nothing.
func (o object) failed() bool { return o.has("errorCode") && string(o["errorCode"]) != `""` }

// cut keeps the first so many characters.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return s
}
