package settings

import (
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// TestEverySettingIsExplained checks that each setting has the texts of the places where it exists,
// and restricts its values.
func TestEverySettingIsExplained(t *testing.T) {
	for _, s := range All() {
		check := checker(t, s)
		if s.Parameter != "" {
			check(s.Help != "" && s.Constraint != "" && s.Label != "" && s.Docs != "",
				"a parameter without Help, Constraint, Label or Docs")
			check(slices.Contains(Groups[:], s.Group), "no group of Groups")
			check(len(s.Valid) > 0 && len(s.Invalid) > 0, "no valid or no invalid examples")
			check(s.Pattern != "" || s.Values != nil || s.Min > 0 && s.Max > 0, "accepts any value")
		}
		check(s.Property == "" || len(s.PropertyDoc) > len(s.Property) &&
			s.PropertyDoc[:len(s.Property)+1] == s.Property+" ", "PropertyDoc does not start with Property")
		check(s.Flag == "" || s.Usage != "" && s.Variable != "", "a flag without Usage or Variable")
		check(s.Variable == "" || s.Parameter != "" && s.Property != "",
			"a variable without parameter or property: the deployment cannot set it")
		check(s.Variable == "" || s.Kind == Text || s.Kind == List || s.Kind == Topic,
			"a variable of a kind that infra's environment does not pass")
	}
}

// checker returns a function that reports a problem of a setting.
func checker(t *testing.T, s Setting) func(ok bool, problem string) {
	return func(ok bool, problem string) {
		t.Helper()
		if !ok {
			t.Errorf("%s: %s", s.ContextKey, problem)
		}
	}
}

func TestEveryDefaultIsValid(t *testing.T) {
	for _, s := range All() {
		check := checker(t, s)
		if days, err := strconv.Atoi(s.Default); s.Kind == Number {
			check(err == nil && (s.Values != nil || days >= s.Min && days <= s.Max),
				"the default is not a valid number")
		}
		check(!s.Required || s.Default == "", "required, with a default")
		if pattern, err := regexp.Compile(s.Pattern); err != nil {
			t.Errorf("%s: %v", s.ContextKey, err)
		} else {
			check(s.Required || pattern.MatchString(s.Default), "the default does not match the pattern")
		}
		check(s.Values == nil || slices.Contains(s.Values, s.Default), "the default is not in Values")
	}
}

// TestNamesAreUnique checks that no two settings share a name.
func TestNamesAreUnique(t *testing.T) {
	kinds := map[string]func(Setting) string{
		"variable":    func(s Setting) string { return s.Variable },
		"parameter":   func(s Setting) string { return s.Parameter },
		"property":    func(s Setting) string { return s.Property },
		"flag":        func(s Setting) string { return s.Flag },
		"context key": func(s Setting) string { return s.ContextKey },
	}
	for kind, nameOf := range kinds {
		seen := map[string]bool{}
		for _, s := range All() {
			name := nameOf(s)
			if name != "" && seen[name] {
				t.Errorf("two settings have the %s %s", kind, name)
			}
			seen[name] = true
		}
	}
}

// find returns the setting with a parameter or property.
func find(t *testing.T, name string) Setting {
	t.Helper()
	all := All()
	i := slices.IndexFunc(all, func(s Setting) bool {
		return s.Parameter == name || s.Property == name
	})
	if i < 0 {
		t.Fatalf("no setting %s", name)
	}
	return all[i]
}

func TestContextKeys(t *testing.T) {
	for name, want := range map[string]string{
		"KmsKeyArn": "kmsKeyArn", "AlertTopicArn": "alertTopicArn",
		"EvidenceBucketName": "evidenceBucket", "ScheduleExpression": "scheduleExpression",
	} {
		if got := find(t, name).ContextKey; got != want {
			t.Errorf("%s: context key %q, want %q", name, got, want)
		}
	}
}

// TestWanted checks how errors of the construct describe valid values.
func TestWanted(t *testing.T) {
	for name, want := range map[string]string{
		"RolePath":  "a path that begins and ends with a slash",
		"KmsKeyArn": "the ARN of a key (not of an alias)",
		"Buckets": "bucket names, without s3:// and without paths, each optionally followed by " +
			"=output or =site, and +no-acl",
	} {
		if got := find(t, name).Wanted; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
