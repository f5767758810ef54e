package repository

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const repository = "../.."

// maxWordsPerThousandLines is the maximum rate of banned words in the text of the repository.
const maxWordsPerThousandLines = 0.2

// bannedWords matches words of sentences about unnamed persons. A sentence about a part of the
// program or of AWS is shorter and more precise.
var bannedWords = regexp.MustCompile(
	`(?i)\b(whom|whomever|whoever|whatever|nobody|somebody|anybody|told|learnt)\b`)

// allowFile lists the lines that may contain a banned word. Each entry is a path pattern for
// filepath.Match, and a text that the allowed line contains. An entry without a text allows all
// lines of the matching files.
const allowFile = "testdata/words-allowed.txt"

type allowance struct {
	path, text string
	used       bool
}

func TestTextHasNoBannedWords(t *testing.T) {
	allowances := readAllowances(t)
	lines, words := 0, 0
	for _, name := range textFiles(t) {
		for i, line := range readLines(t, name) {
			lines++
			found := bannedWords.FindAllString(line, -1)
			if found == nil || isAllowed(allowances, name, line) {
				continue
			}
			words += len(found)
			t.Logf("%s:%d: %s: %s", name, i+1, strings.Join(found, ", "), strings.TrimSpace(line))
		}
	}
	if lines < 10_000 {
		t.Fatalf("read %d lines: the test does not see the repository", lines)
	}
	rate := float64(words) * 1000 / float64(lines)
	t.Logf("%d banned words in %d lines: %.2f per 1,000", words, lines, rate)
	if rate > maxWordsPerThousandLines {
		t.Errorf("%.2f banned words per 1,000 lines, at most %v: rewrite the lines above as subject, "+
			"verb, object", rate, maxWordsPerThousandLines)
	}
	for _, a := range allowances {
		if !a.used {
			t.Errorf("%s: no line with a banned word matches %q in %s: remove the entry", allowFile, a.text,
				a.path)
		}
	}
}

// TestLinesFitIntoAHundredColumns checks Markdown and YAML. The linter lll checks Go lines.
func TestLinesFitIntoAHundredColumns(t *testing.T) {
	for _, name := range textFiles(t) {
		var exempt func(line string) bool
		switch filepath.Ext(name) {
		case ".md":
			exempt = markdownExemption()
		case ".yaml", ".yml":
			exempt = yamlExemption
		default:
			continue
		}
		for i, line := range readLines(t, name) {
			if !exempt(line) && utf8.RuneCountInString(line) > 100 && breakable(line) {
				t.Errorf("%s:%d: %d columns, at most 100", name, i+1, utf8.RuneCountInString(line))
			}
		}
	}
}

// markdownExemption returns a function that reports whether a line is in a table or a code block.
// The function must see the lines of one page in order.
func markdownExemption() func(line string) bool {
	inCode := false
	return func(line string) bool {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "```") {
			inCode = !inCode
			return true
		}
		return inCode || strings.HasPrefix(trimmed, "|")
	}
}

// exemptYAML matches YAML lines that cannot be wrapped without a change of meaning: patterns,
// commands to paste, JSON, and tags with a list.
var exemptYAML = regexp.MustCompile(`^\s*(AllowedPattern: |(Value: !Sub )?aws |\{|[\w-]+: '\{|\w+: !Split |Resource: !Sub )`)

func yamlExemption(line string) bool { return exemptYAML.MatchString(line) }

// breakable reports whether a line has a space before column 100 at which it can be wrapped. A line
// that contains only a long URL has no such space.
func breakable(line string) bool {
	text := strings.TrimLeft(line, " -*>#")
	indent := len(line) - len(text)
	head := []rune(text)
	return slices.Contains(head[:max(0, min(100-indent, len(head)))], ' ')
}

// textFiles returns the paths of the Go, Markdown, YAML and golden files, relative to the
// repository.
func textFiles(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch d.Name() {
			case ".git", ".aws-sam", "node_modules", "dist", "cdk.out", "fuzz":
				return filepath.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(repository, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		switch filepath.Ext(name) {
		case ".go", ".md", ".yaml", ".yml", ".mail":
			names = append(names, name)
		case ".json", ".txt":
			if strings.Contains(name, "/testdata/") && name != "test/repository/"+allowFile {
				names = append(names, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func readLines(t *testing.T, name string) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(repository, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(raw), "\n")
}

func readAllowances(t *testing.T) (list []*allowance) {
	t.Helper()
	raw, err := os.ReadFile(allowFile)
	if err != nil {
		t.Fatal(err)
	}
	for scanner := bufio.NewScanner(bytes.NewReader(raw)); scanner.Scan(); {
		line := scanner.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		path, text, _ := strings.Cut(line, " ")
		list = append(list, &allowance{path: path, text: text})
	}
	return list
}

func isAllowed(allowances []*allowance, name, line string) bool {
	for _, a := range allowances {
		matches, err := filepath.Match(a.path, name)
		if err == nil && matches && strings.Contains(line, a.text) {
			a.used = true
			return true
		}
	}
	return false
}
