package calls

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/semver"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A Study is what was found about one release.
type Study struct {
	Release Release
	Uses    []Use
	// Operations are the operations of AWS that the scenarios called.
	Operations map[string]bool
	// Constructed are the commands of the SDK that the code of the release constructs, each with one
	// file that does.
	Constructed map[string]string
}

// Examine studies releases, five at a time. dir is the directory of this package.
func Examine(ctx context.Context, releases []Release, dir string) ([]Study, error) {
	const atOnce = 5
	studies, errs := make([]Study, len(releases)), make([]error, len(releases))
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, release := range releases {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			studies[i], errs[i] = examine(ctx, release, dir)
		})
	}
	wg.Wait()
	return studies, errors.Join(errs...)
}

func examine(ctx context.Context, release Release, dir string) (Study, error) {
	study := Study{Release: release, Operations: map[string]bool{}}
	h, err := start(ctx, release, dir)
	if err != nil {
		return study, err
	}
	defer h.close()
	if study.Uses, err = h.study(ctx, scenarios, study.Operations); err != nil {
		return study, fmt.Errorf("%s %s: %w", lambdaPackage, release.Version, err)
	}
	study.Constructed, err = constructed(release, h.code)
	return study, err
}

// identity is what two uses of one call have in common.
type identity struct {
	who                         policies.PolicyKind
	operation, action, resource string
	denied                      policies.Breakage
	optional                    bool
}

// Record returns the calls of studies and of the reviewed table, in the order of the file.
func Record(studies []Study) (list []policies.Call) {
	releases := map[identity]map[string][]string{} // by scenario
	for _, study := range studies {
		for _, u := range study.Uses {
			id := identity{u.Who, u.Operation, u.Action, u.Resource, u.Denied, u.Optional}
			if releases[id] == nil {
				releases[id] = map[string][]string{}
			}
			releases[id][u.Scenario] = append(releases[id][u.Scenario], study.Release.Version)
		}
	}
	for id, byScenario := range releases {
		rows := map[string]*policies.Call{} // by the releases
		for scenario, versions := range byScenario {
			slices.SortFunc(versions, byVersion)
			key := strings.Join(versions, " ")
			if rows[key] == nil {
				rows[key] = &policies.Call{Who: id.who, Operation: id.operation, Action: id.action,
					Resource: id.resource, Releases: versions, How: "run", Denied: id.denied,
					Optional: id.optional}
			}
			rows[key].In = append(rows[key].In, scenario)
		}
		for _, row := range rows {
			slices.Sort(row.In)
			list = append(list, *row)
		}
	}
	for _, r := range reviewed {
		for _, call := range r.Calls {
			for _, study := range studies {
				if r.applies(study.Release) {
					call.Releases = append(call.Releases, study.Release.Version)
				}
			}
			if call.Releases != nil {
				slices.SortFunc(call.Releases, byVersion)
				call.How, call.In = "read", []string{r.Where}
				list = append(list, call)
			}
		}
	}
	slices.SortFunc(list, inOrder)
	return list
}

func byVersion(a, b string) int { return semver.Compare("v"+a, "v"+b) }

// operations are the words for operations in the order of the record.
var operations = []string{"deploy", "sites", "render", "invoke", "stills", "progress-from-bucket",
	"quotas", "delete-render", "validate"}

func inOrder(a, b policies.Call) int {
	return cmp.Or(
		cmp.Compare(slices.Index(operations, a.Operation), slices.Index(operations, b.Operation)),
		cmp.Compare(slices.Index(policies.Kinds, a.Who), slices.Index(policies.Kinds, b.Who)),
		cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource),
		cmp.Compare(a.How, b.How)*-1, cmp.Compare(a.Denied, b.Denied),
		slices.CompareFunc(a.Releases, b.Releases, byVersion), slices.Compare(a.In, b.In))
}

// Encode writes a record as the file has it: one call a line.
func Encode(list []policies.Call) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("[\n")
	for i, call := range list {
		line, err := json.Marshal(call)
		if err != nil {
			return nil, err
		}
		b.WriteString("  ")
		b.Write(line)
		if i < len(list)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]\n")
	return b.Bytes(), nil
}

// Unexplained returns the commands that a release constructs, but that neither a scenario called
// nor the reviewed table explains, each with its file.
func Unexplained(study Study) (list []string) {
	for command, file := range study.Constructed {
		known := study.Operations[command] || slices.ContainsFunc(reviewed, func(r Review) bool {
			return slices.Contains(r.Commands, command) && r.applies(study.Release)
		})
		if !known {
			list = append(list, command+" in "+file)
		}
	}
	slices.Sort(list)
	return list
}
