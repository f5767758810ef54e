package settings

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// MaxEnvironment is the maximum size of a function's environment variables in bytes. Lambda
// measures all of them together, as JSON.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const MaxEnvironment = 4096

// created has the longest value of each variable whose value can be a resource that the stack
// creates: a topic with the longest names of stack, partition and region, and a bucket.
var created = map[string]int{
	EnvTopicARN: len("arn:aws-cn:sns:cn-northwest-1:123456789012:") + 128 +
		len("-AlertTopic-") + 12,
	EnvEvidenceBucket: 63,
}

// CheckEnvironment returns an error if Lambda would reject the variables for their size. The error
// names the largest variable. The topic and the bucket can be missing, because only AWS knows their
// names before a deployment. They then count with the longest possible value.
func CheckEnvironment(variables map[string]string) error {
	all := maps.Clone(variables)
	for name, length := range created {
		if _, known := all[name]; !known {
			all[name] = strings.Repeat("x", length)
		}
	}
	size := jsonSize(all)
	if size <= MaxEnvironment {
		return nil
	}
	largest := slices.MaxFunc(slices.Sorted(maps.Keys(all)), func(a, b string) int {
		return cmp.Compare(len(all[a]), len(all[b]))
	})
	return fmt.Errorf("the environment of the function has %d bytes, Lambda accepts at most %d: "+
		"shorten %s, which has %d bytes, or deploy a second auditor for some of its entries", size,
		MaxEnvironment, largest, len(all[largest]))
}

// jsonSize returns the size of the variables as JSON.
func jsonSize(variables map[string]string) int {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(variables) // a buffer and a map of texts give no error
	return b.Len() - len("\n")
}
