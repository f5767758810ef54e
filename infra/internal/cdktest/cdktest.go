// Package cdktest has the app, the stack and the code that tests of CDK constructs need.
package cdktest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// Main runs the tests of a package, and then stops the process that runs CDK.
func Main(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// Code returns a directory with a fake bootstrap, so that tests need no build.
func Code(t testing.TB) awslambda.Code {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte("not a program"),
		0o755); err != nil {
		t.Fatal(err)
	}
	return awslambda.Code_FromAsset(&dir, nil)
}

// App returns an app whose output directory is temporary.
func App(t testing.TB) awscdk.App {
	t.Helper()
	return awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()),
		AnalyticsReporting: jsii.Bool(false)})
}

// Stack returns an empty stack of an [App].
func Stack(t testing.TB) awscdk.Stack {
	t.Helper()
	return awscdk.NewStack(App(t), jsii.String("Stack"), nil)
}
