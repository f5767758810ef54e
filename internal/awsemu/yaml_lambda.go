package awsemu

import (
	"fmt"
	"slices"

	"github.com/goccy/go-yaml/ast"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

func (l *loader) functions(n ast.Node, at string) []LambdaFunction {
	var functions []LambdaFunction
	for i, item := range l.items(n, at) {
		at := fmt.Sprintf("%s[%d]", at, i)
		f := l.lambdaFunction(item, at)
		if slices.ContainsFunc(functions, func(o LambdaFunction) bool {
			return o.Name == f.Name &&
				o.Region == f.Region
		}) {
			l.addProblem(item, at, "duplicate function %q: names are unique in a region", f.Name)
			continue
		}
		functions = append(functions, f)
	}
	return functions
}

func (l *loader) lambdaFunction(n ast.Node, at string) LambdaFunction {
	var f LambdaFunction
	l.section(n, at, map[string]func(ast.Node, string){
		"name":        func(n ast.Node, at string) { f.Name = l.text(n, at) },
		"region":      func(n ast.Node, at string) { f.Region = l.region(n, at) },
		"role":        func(n ast.Node, at string) { f.Role = l.functionRole(n, at) },
		"description": func(n ast.Node, at string) { f.Description = l.text(n, at) },
		"runtime":     func(n ast.Node, at string) { f.Runtime = l.text(n, at) },
		"memory":      func(n ast.Node, at string) { f.Memory = l.number(n, at, 128, 10240) },
		"layers":      func(n ast.Node, at string) { f.Layers = l.texts(n, at) },
		"tags": func(n ast.Node, at string) {
			f.Tags = make(map[string]string)
			for _, kv := range l.pairs(n, at) {
				f.Tags[kv.key] = l.text(kv.value, join(at, kv.key))
			}
		},
	})
	switch {
	case f.Name == "" || f.Role == "":
		l.addProblem(n, at, "a function needs a name and a role: add the missing keys")
	case !awsname.IsFunction(f.Name):
		l.addProblem(n, at, "%q is not a function's name: use 1 to 64 letters, digits, '-' and '_'",
			f.Name)
	}
	return f
}

// functionRole reads the name of a role of the account, or any ARN.
func (l *loader) functionRole(n ast.Node, at string) string {
	ref := l.text(n, at)
	l.checkLater(func() {
		if _, found := l.acc.Roles[ref]; !found && ref != "" && !awsarn.HasPrefix(ref) {
			l.addProblem(n, at,
				"there is no role %q: add it under roles, or give the ARN of a deleted role%s", ref,
				definedNames(l.acc.Roles))
		}
	})
	return ref
}

func (l *loader) region(n ast.Node, at string) string {
	name := l.text(n, at)
	if !awsname.IsRegion(name) {
		l.addProblem(n, at, "%q is not a region: use a name such as us-east-1", name)
	}
	return name
}
