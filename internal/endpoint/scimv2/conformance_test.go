package scimv2_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestConformanceDocumentNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/scim-conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{}
	for pkg, dir := range map[string]string{"scim": "../../scim", "scimv2": "."} {
		files, _ := filepath.Glob(dir + "/*_test.go")
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			text[pkg] += string(b)
		}
	}
	named := regexp.MustCompile("`(scim|scimv2)\\.((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(string(page), -1)
	if len(named) < 50 {
		t.Fatalf("the page names only %d tests", len(named))
	}
	for _, m := range named {
		if !strings.Contains(text[m[1]], "func "+m[2]+"(") {
			t.Errorf("the page names %s.%s, which does not exist", m[1], m[2])
		}
	}
}
