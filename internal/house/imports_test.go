package house

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "gatehouse/"

// Groups of packages that the rules name together.
var groups = map[string][]string{
	"words":    {"internal/fault", "internal/audit", "internal/arn"},
	"domain":   {"internal/directory", "internal/organization", "internal/access", "internal/application", "internal/signin", "internal/signingkey", "internal/propagation", "internal/target", "internal/localiam", "internal/provision", "internal/cloudformation", "internal/credential", "internal/scimlog"},
	"codecs":   {"internal/saml", "internal/scim", "internal/policy", "internal/awswire", "internal/jwt"},
	"storage":  {"internal/storage/*"},
	"endpoint": {"internal/endpoint/*"},
}

// rules says what of ours each package may import, first match wins. "nothing" is the empty list. A package that no row names
// may import nothing of ours, so that a new package needs a new row.
var rules = []struct{ from, to string }{
	{"internal/house", ""},
	{"internal/fault", ""},
	{"internal/arn", "internal/fault"},
	{"internal/audit", "internal/fault internal/arn"},
	{"internal/seal", "internal/fault"},
	{"internal/jwt", "internal/fault"},
	{"internal/fetch", "internal/fault"},
	{"internal/saml", "internal/fault internal/arn"},
	{"internal/scim", "internal/fault internal/arn"},
	{"internal/policy", "internal/fault internal/arn"},
	{"internal/awswire", "words"},
	{"internal/awswire/model", ""},
	{"internal/directory", "words"},
	{"internal/organization", "words"},
	{"internal/access", "words internal/directory internal/organization internal/policy"},
	{"internal/application", "words internal/directory"},
	{"internal/signin", "words internal/directory"},
	{"internal/propagation", "words internal/directory internal/application internal/signin internal/jwt"},
	{"internal/signingkey", "words internal/jwt"},
	{"internal/credential", "words internal/directory internal/signin"},
	{"internal/scimlog", "words"},
	{"internal/mail", "internal/fault"},
	{"internal/target", "words"},
	{"internal/target/targettest", "words internal/target"},
	{"internal/awswire/awswiretest", "words internal/awswire"},
	{"internal/signin/signintest", "words internal/signin internal/directory storage"},
	{"internal/target/local", "words internal/target internal/localiam"},
	{"internal/localiam", "words internal/policy internal/jwt"},
	{"internal/provision", "words internal/access internal/organization internal/target"},
	{"internal/cloudformation", "words"},
	{"internal/cloudformation/resource", "words domain"},
	{"internal/endpoint/*", "words codecs domain"},
	{"internal/storage/sqlstore", "words domain"},
	{"internal/storage/*", "words domain storage"},
	{"internal/plan/source", ""},
	{"internal/plan/estate", ""},
	{"internal/plan/file", "internal/policy internal/plan/source internal/plan/estate"},
	{"internal/plan", "internal/policy internal/plan/source internal/plan/estate internal/plan/file"},
	{"internal/plan/live", "internal/plan/estate"},
	{"internal/plan/livetest", "internal/audit internal/app internal/access internal/directory internal/plan/live internal/storage/sqlite/sqlitetest"},
	{"internal/plan/apply", "internal/plan internal/plan/live internal/plan/estate"},
	{"internal/plan/adopt", "internal/cloudformation internal/plan internal/policy internal/plan/source internal/plan/estate internal/plan/file"},
	{"internal/adminclient", ""},
	{"internal/ssoclient", ""},
	{"internal/tenant", "words internal/saml"},
	{"internal/app", "*"},
	{"internal/apptest", "*"},
	{"internal/demo", "words internal/app internal/tenant internal/access internal/organization"},
	{"web", ""},
	{"cmd/gatehouse", "words internal/app internal/demo internal/tenant internal/adminclient internal/ssoclient internal/plan internal/plan/*"},
	{"test/*", "*"},
	{"tools/*", ""},
}

// TestImportRules reads every file of the project, tests included (they may also import what tests need: storage and the
// suites).
func TestImportRules(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		pkg := filepath.ToSlash(filepath.Dir(f))
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, f), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		allowed := allowedFrom(pkg)
		for _, im := range parsed.Imports {
			path, _ := strconv.Unquote(im.Path.Value)
			to, ours := strings.CutPrefix(path, module)
			if !ours || to == pkg || allows(allowed, to) || strings.HasSuffix(f, "_test.go") && testMay(to) {
				continue
			}
			t.Errorf("%s imports %s; %s may import only: %s", f, to, pkg, allowed)
		}
	}
}

// testMay says what tests of any package may import beyond their package's rule: a real database is the fake.
func testMay(to string) bool {
	return strings.HasPrefix(to, "internal/storage/") || allows("words domain codecs internal/seal internal/apptest internal/plan/livetest internal/plan/file internal/target/local internal/target/targettest internal/signin/signintest internal/awswire/awswiretest internal/awswire/model", to)
}

func allowedFrom(pkg string) string {
	for _, r := range rules {
		if matches(r.from, pkg) {
			return r.to
		}
	}
	return "(nothing: give it a row in the table)"
}

func allows(list, to string) bool {
	for _, w := range strings.Fields(list) {
		if w == "*" || matches(w, to) {
			return true
		}
		for _, g := range groups[w] {
			if matches(g, to) {
				return true
			}
		}
	}
	return false
}

// matches compares a package with a pattern: itself, or everything below when it ends in /*.
func matches(pattern, pkg string) bool {
	if below, ok := strings.CutSuffix(pattern, "/*"); ok {
		return strings.HasPrefix(pkg, below+"/")
	}
	return pattern == pkg
}

const root = "../.."

func goFiles(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch d.Name() {
			case "node_modules", "dist", "bin", "tools", ".git", "testdata":
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(p, ".go") {
			rel, err := filepath.Rel(root, p)
			if err != nil {
				return err
			}
			out = append(out, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("found only %d Go files: the walk looks in the wrong place", len(out))
	}
	return out
}
