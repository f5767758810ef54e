package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// commit is the commit of the build, with -dirty for a tree with changes. The Makefile sets it with
// the linker, because builds with -buildvcs=false record none.
var commit string

// versionDocument is what `version` prints.
type versionDocument struct {
	Version string `json:"version"`
	// Commit is empty if the build does not know it.
	Commit string `json:"commit,omitempty"`
	// Dirty means that the tree had changes that are not in the commit.
	Dirty    bool   `json:"dirty,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	// OldestRemotion and NewestRemotion are the releases that the catalogue knows.
	OldestRemotion string `json:"oldestRemotion"`
	NewestRemotion string `json:"newestRemotion"`
}

func currentVersion() versionDocument {
	releases := policies.Releases(policies.AWS)
	v := versionDocument{Version: app.Version(), Go: runtime.Version(),
		Platform:       runtime.GOOS + "/" + runtime.GOARCH,
		OldestRemotion: releases[0].Since, NewestRemotion: releases[len(releases)-1].Until}
	v.Commit, v.Dirty = strings.CutSuffix(commit, "-dirty")
	if info, ok := debug.ReadBuildInfo(); ok && v.Commit == "" {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Commit = s.Value
			case "vcs.modified":
				v.Dirty = s.Value == "true"
			}
		}
	}
	return v
}

func (v versionDocument) writeText(w io.Writer) error {
	built := ""
	switch {
	case v.Commit != "" && v.Dirty:
		built = " (commit " + v.Commit + " with changes)"
	case v.Commit != "":
		built = " (commit " + v.Commit + ")"
	}
	_, err := fmt.Fprintf(w, "remotion-audit %s%s\nRemotion %s to %s\n%s %s\n", v.Version, built,
		v.OldestRemotion, v.NewestRemotion, v.Go, v.Platform)
	return err
}

func versionCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version and the supported Remotion releases",
		Example: `  remotion-audit version
  remotion-audit version -f json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format == "json" {
				return textfmt.WriteJSON(cmd.OutOrStdout(), currentVersion())
			}
			return currentVersion().writeText(cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "text", "format of the version: text or json")
	limitTo(cmd, "format", "text", "json")
	return cmd
}
