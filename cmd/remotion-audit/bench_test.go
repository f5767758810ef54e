package main

import (
	"os/exec"
	"testing"
	"time"
)

// BenchmarkHelp measures `remotion-audit --help` as a multiple of `remotion-audit version`, each as
// a process of its own.
func BenchmarkHelp(b *testing.B) {
	path, err := exec.LookPath("remotion-audit") // made by TestMain
	if err != nil {
		b.Fatal(err)
	}
	run := func(args ...string) time.Duration {
		started := time.Now()
		if err := exec.Command(path, args...).Run(); err != nil {
			b.Fatal(err)
		}
		return time.Since(started)
	}
	// The least times: other processes on the machine only make a process slower.
	help, version := run("--help"), run("version")
	for b.Loop() {
		help, version = min(help, run("--help")), min(version, run("version"))
	}
	b.ReportMetric(float64(help)/float64(version), "x-version")
}
