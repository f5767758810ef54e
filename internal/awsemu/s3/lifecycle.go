package s3

import (
	"encoding/xml"
	"fmt"
	"net/http"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A LifecycleRule deletes the objects with a prefix when they have an age. The server stores rules
// and returns them; it deletes nothing.
type LifecycleRule struct {
	ID, Prefix string
	Days       int
	Disabled   bool
}

var lifecycle = service.Table[call]{
	"GetBucketLifecycleConfiguration": {Do: inBucket(getLifecycle),
		Needs: []service.Need[call]{{Action: "GetLifecycleConfiguration", Resource: bucketARN}}},
	"PutBucketLifecycleConfiguration": {Do: inBucket(putLifecycle), Needs: mayPutLifecycle},
	"DeleteBucketLifecycle":           {Do: inBucket(deleteLifecycle), Needs: mayPutLifecycle},
}

var mayPutLifecycle = []service.Need[call]{{Action: "PutLifecycleConfiguration",
	Resource: bucketARN}}

// A ruleXML is a rule of a lifecycle. The server returns its parts as it received them.
type ruleXML struct {
	ID     string
	Status string
	Parts  []partXML `xml:",any"`
}

type partXML struct {
	XMLName xml.Name
	Inner   string `xml:",innerxml"`
}

// rules returns the rules of an account's description.
func rules(described []LifecycleRule) []ruleXML {
	var list []ruleXML
	for _, r := range described {
		var prefix, days xmlText
		prefix.Text, days.Text = r.Prefix, fmt.Sprint(r.Days)
		rule := ruleXML{r.ID, "Enabled", []partXML{
			{xml.Name{Local: "Filter"}, prefix.in("Prefix")},
			{xml.Name{Local: "Expiration"}, days.in("Days")},
		}}
		if r.Disabled {
			rule.Status = "Disabled"
		}
		list = append(list, rule)
	}
	return list
}

// An xmlText is a text in an element.
type xmlText struct {
	Text string `xml:",chardata"`
}

// in returns the element of a name with the text.
func (t xmlText) in(name string) string {
	body, err := xml.Marshal(struct {
		XMLName xml.Name
		xmlText
	}{xml.Name{Local: name}, t})
	if err != nil { // impossible for a struct of strings
		return ""
	}
	return string(body)
}

func getLifecycle(_ call, b *bucket) (any, error) {
	if len(b.lifecycle) == 0 {
		return nil, ofBucket(wire.Refuse(http.StatusNotFound, "NoSuchLifecycleConfiguration",
			"The lifecycle configuration does not exist"), b)
	}
	return wire.RestResult{
		Header: http.Header{"X-Amz-Transition-Default-Minimum-Object-Size": {
			"all_storage_classes_128K"}},
		Body: struct {
			XMLName xml.Name
			Rules   []ruleXML `xml:"Rule"`
		}{inNamespace("LifecycleConfiguration"), b.lifecycle}}, nil
}

// putLifecycle replaces the rules. Each has a status; S3 gives a rule without an id one.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
func putLifecycle(c call, b *bucket) (any, error) {
	var in struct {
		XMLName xml.Name  `xml:"LifecycleConfiguration"`
		Rules   []ruleXML `xml:"Rule"`
	}
	if err := readXML(c, &in); err != nil {
		return nil, err
	}
	if len(in.Rules) == 0 || len(in.Rules) > 1000 {
		return nil, malformedXML()
	}
	for i := range in.Rules {
		rule := &in.Rules[i]
		if rule.Status != "Enabled" && rule.Status != "Disabled" || len(rule.Parts) == 0 {
			return nil, malformedXML()
		}
		if rule.ID == "" {
			rule.ID = service.UniqueID("", b.name, fmt.Sprint(i), fmt.Sprint(c.account.Next()))
		}
		for p := range rule.Parts {
			rule.Parts[p].XMLName.Space = ""
		}
	}
	b.lifecycle = in.Rules
	return wire.RestResult{Header: http.Header{"X-Amz-Transition-Default-Minimum-Object-Size": {
		"all_storage_classes_128K"}}}, nil
}

func deleteLifecycle(_ call, b *bucket) (any, error) {
	b.lifecycle = nil
	return wire.RestResult{Status: http.StatusNoContent}, nil
}
