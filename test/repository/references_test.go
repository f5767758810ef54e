package repository

import (
	"fmt"
	"maps"
	"math/bits"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/testing/cfntest"
)

// TestEveryStackCanBeCreated checks that no stack has a circular dependency or a reference to a
// missing resource. It tries all combinations of the parameters that conditions use, with two
// values of each parameter.
func TestEveryStackCanBeCreated(t *testing.T) {
	const topic, key = "arn:aws:sns:us-east-1:123456789012:",
		"arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	const boundary, principal = "arn:aws:iam::123456789012:policy/boundary",
		"arn:aws:iam::123456789012:user/render"
	for _, tt := range []struct {
		file  string
		given map[string]string
		// choices has the second value of each parameter. Another parameter after a space changes
		// together with the first.
		choices map[string]string
	}{
		{templateFile, map[string]string{"Callers": "user/render"}, map[string]string{
			"AlertEmail": "ops@example.com", "ReadScope": "named NamedPrincipals=" + principal,
			"EvidenceBucketName": "evidence", "EvidenceKmsKeyArn": key, "AlertTopicArn": topic + "alerts",
			"KmsKeyArn": key, "OpsTopicArn": topic + "ops", "PagerTopicArn": topic + "pager",
			"PermissionsBoundaryArn": boundary, "Dashboard": "no", "ReactToChanges": "yes",
		}},
		{forwarderFile, map[string]string{"HomeRegion": "eu-central-1", "AWS::Region": "us-east-1",
			"AWS::Partition": "aws"},
			map[string]string{"PermissionsBoundaryArn": boundary, "OpsTopicArn": topic + "ops"}},
	} {
		template := cfntest.Read(t, tt.file)
		for name := range parametersOfConditions(template) {
			if name, _, _ := strings.Cut(name, " "); tt.choices[name] == "" {
				t.Errorf("%s: a condition uses %s, which this test does not vary", tt.file, name)
			}
		}
		names := slices.Sorted(maps.Keys(tt.choices))
		seen := map[string]bool{}
		for choice := range uint(1) << len(names) {
			if testing.Short() && bits.OnesCount(choice) > 2 {
				continue // short runs vary two parameters at most
			}
			parameters := maps.Clone(tt.given)
			for i, name := range names {
				if choice>>i&1 == 1 {
					value, with, _ := strings.Cut(tt.choices[name], " ")
					parameters[name] = value
					if other, value, ok := strings.Cut(with, "="); ok {
						parameters[other] = value
					}
				}
			}
			if err := template.Check(parameters); err != nil {
				t.Fatalf("%s: %v: %v", tt.file, parameters, err)
			}
			resources, err := template.Resources(parameters)
			if err == nil {
				_, err = template.Outputs(parameters)
			}
			if err == nil {
				err = checkDependencies(resources)
			}
			if err != nil {
				t.Errorf("%s: %v: %v", tt.file, parameters, err)
			}
			for id := range resources {
				seen[id] = true
			}
		}
		for id := range template.Section("Resources") {
			if !seen[id] {
				t.Errorf("%s: no combination creates %s", tt.file, id)
			}
		}
	}
}

// parametersOfConditions returns the parameters that the template's conditions refer to.
func parametersOfConditions(template cfn.Template) map[string]bool {
	found := map[string]bool{}
	for _, condition := range template.Section("Conditions") {
		reference := regexp.MustCompile(`map\[Ref:(\w+)\]`)
		for _, m := range reference.FindAllStringSubmatch(fmt.Sprint(condition), -1) {
			found[m[1]] = true
		}
	}
	return found
}

// reference matches a reference to a resource in a resolved property.
var reference = regexp.MustCompile(`\$\{([A-Za-z0-9]+)`)

// checkDependencies returns an error if a resource depends on a missing resource, or on itself,
// directly or through others.
func checkDependencies(resources map[string]cfn.Resource) error {
	const underway, done = 1, 2
	state := map[string]int{}
	var visit func(id string, path []string) error
	visit = func(id string, path []string) error {
		switch path = append(path, id); state[id] {
		case underway:
			return fmt.Errorf("circular dependency %s", strings.Join(path, " → "))
		case done:
			return nil
		}
		state[id] = underway
		for _, other := range resources[id].DependsOn {
			if _, ok := resources[other]; !ok {
				return fmt.Errorf("%s depends on %s, which is missing", id, other)
			}
		}
		dependencies := slices.Clone(resources[id].DependsOn)
		for _, m := range reference.FindAllStringSubmatch(fmt.Sprint(resources[id].Properties), -1) {
			// Other names are pseudo parameters: Resources returns an error for an unknown name.
			if _, ok := resources[m[1]]; ok {
				dependencies = append(dependencies, m[1])
			}
		}
		for _, other := range dependencies {
			if err := visit(other, path); err != nil {
				return err
			}
		}
		state[id] = done
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		if err := visit(id, nil); err != nil {
			return err
		}
	}
	return nil
}

func TestCheckDependencies(t *testing.T) {
	for _, tt := range []struct {
		name      string
		resources map[string]cfn.Resource
		want      string
	}{
		{"a chain has no error", map[string]cfn.Resource{"A": {DependsOn: []string{"B"}},
			"B": {Properties: map[string]any{"Role": "${C.Arn}"}}, "C": {}}, ""},
		{"a diamond has no error", map[string]cfn.Resource{"A": {DependsOn: []string{"B", "C"}},
			"B": {DependsOn: []string{"D"}}, "C": {DependsOn: []string{"D"}}, "D": {}}, ""},
		{"a circular dependency is an error", map[string]cfn.Resource{"A": {DependsOn: []string{"B"}},
			"B": {Properties: map[string]any{"List": []any{"x ${A}"}}}}, "A → B → A"},
		{"a reference to itself is an error",
			map[string]cfn.Resource{"A": {Properties: map[string]any{"Name": "${A}"}}}, "A → A"},
		{"a missing resource is an error", map[string]cfn.Resource{"A": {DependsOn: []string{"B"}}},
			"depends on B, which is missing"},
	} {
		if err := checkDependencies(tt.resources); tt.want == "" && err != nil || tt.want != "" &&
			(err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestPartitions checks that a deployment in China does not refer to the partition aws or its
// regions.
func TestPartitions(t *testing.T) {
	china := map[string]string{"AWS::Partition": "aws-cn", "AWS::Region": "cn-north-1",
		"AWS::URLSuffix": "amazonaws.com.cn"}
	for _, tt := range []struct {
		template cfn.Template
		given    map[string]string
	}{
		{readTemplate(t), map[string]string{"Callers": "none", "AlertEmail": "ops@example.com",
			"ReactToChanges": "yes"}},
		{readTemplate(t), map[string]string{"Callers": "none", "ReadScope": "named",
			"NamedPrincipals": "arn:aws-cn:iam::123456789012:user/render"}},
	} {
		maps.Copy(tt.given, china)
		resources, err := tt.template.Resources(tt.given)
		if err != nil {
			t.Fatal(err)
		}
		for id, r := range resources {
			text := fmt.Sprint(r.Properties)
			if strings.Contains(text, "arn:aws:") ||
				regexp.MustCompile(`us-[a-z]+-[0-9]`).MatchString(text) {
				t.Errorf("%s refers to another partition: %s", id, text)
			}
		}
	}
}
