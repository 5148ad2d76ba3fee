package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPackagesAreDocumented demands of every package a doc comment of several lines: its design page.
func TestPackagesAreDocumented(t *testing.T) {
	t.Parallel()
	lines := map[string]int{}
	for _, f := range goFiles(t) {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, f), nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		pkg := filepath.Dir(f)
		lines[pkg] += strings.Count(parsed.Doc.Text(), "\n")
	}
	for pkg, n := range lines {
		if n < 2 {
			t.Errorf("package %s has a doc comment of %d lines; it is the package's design page", pkg, n)
		}
	}
}

// TestNoInit keeps initialization explicit.
func TestNoInit(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, f), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function", f)
			}
		}
	}
}

// TestVocabulary keeps directories nouns of the product.
func TestVocabulary(t *testing.T) {
	t.Parallel()
	banned := []string{"util", "utils", "common", "helpers", "helper", "types", "models", "misc", "lib", "shared"}
	for _, f := range goFiles(t) {
		for _, part := range strings.Split(filepath.ToSlash(filepath.Dir(f)), "/") {
			if slices.Contains(banned, part) {
				t.Errorf("%s lies in a directory named %q, which is no noun of the product", f, part)
			}
		}
	}
}
