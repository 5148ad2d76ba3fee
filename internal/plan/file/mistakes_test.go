package file

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// Mistakes of whoever writes files for the first time: what is said, and that nothing else is said of the same mistake.
func TestMistakes(t *testing.T) {
	t.Parallel()
	set := func(body string) string { return "permission_sets:\n  Reader:\n" + body }
	for _, c := range []struct{ name, text, want string }{
		{"a name that begins with a sign", "groups:\n  T:\n    members: [@ann]\n", "a.yaml:3:15 yaml: quotes"},
		{"a share with the sign before it", "limits:\n  removals: %20\n", "a.yaml:2:13 yaml: quotes"},
		{"a tab deep in a mapping", set("    session: 4h\n\taws_policies: []\n"), "a.yaml:4:1 yaml: spaces, never with tabs"},
		{"a tab after spaces", set("    session: 4h\n    \taws_policies: []\n"), "a.yaml:4:5 yaml: spaces, never with tabs"},
		{"another encoding", "groups:\n  M\xfcller: {}\n", "a.yaml:2:4 encoding: UTF-8"},
		{"a control character", "groups: {}\n# \x00\n", "a.yaml:2:3 encoding: remove it"},
		{"a saved plan", "\x1f\x8b\x08\x00", "a.yaml binary: gatehouse apply"},
		{"a tag of another program", set("    description: !!python/object:os.system x\n"), "a.yaml:3:18 tag: leave the tag out"},
		{"a tag of a mapping", "groups: !secret {T: {}}\n", "a.yaml:1:9 tag: leave the tag out"},
		{"binary data", set("    description: !!binary aGk=\n"), "a.yaml:3:18 tag: leave the tag out"},
		{"a group called null", "assignments:\n  - {groups: null, permission_sets: A, accounts: all}\n", `a.yaml:2:14 type: write "null" if that is the name`},
		{"an unknown variable", "attributes: {dept: '$(path:department)'}\n", "a.yaml:1:20 unknown-variable: write $$("},
		{"an unknown variable in a policy", set("    inline_policy: {Version: 2012-10-17, Statement: [{Effect: Deny, Action: '*', Resource: $(where)}]}\n"), "a.yaml:3:92 unknown-variable: under variables"},
		{"an unknown variable as a key", "groups: {$(who): {}}\n", "a.yaml:1:10 unknown-variable: under variables"},
		{"a circle of fragments", "fragments:\n  a: {<<: $(b)}\n  b: {<<: $(a)}\n" + set("    <<: $(a)\n"), "a.yaml:3:11 circular-variable: "},
		{"a fragment of itself", "fragments: {a: [$(a)]}\n" + set("    aws_policies: $(a)\n"), "a.yaml:1:17 circular-variable: "},
		{"too deep", set("    inline_policy: " + strings.Repeat("{a: ", 100) + "1" + strings.Repeat("}", 100) + "\n"), "a.yaml:3:265 too-large: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, problems := load(t, map[string]string{"a.yaml": c.text}, nil)
			place, advice, _ := strings.Cut(c.want, ": ")
			if len(problems) != 1 || problems[0].At.String()+" "+problems[0].Code != place || !strings.Contains(problems[0].Advice, advice) {
				for _, p := range problems {
					t.Errorf("%s [%s]", p, p.Code)
				}
				t.Errorf("want %s", c.want)
			}
		})
	}
}

// A policy in a file that has nothing in it is a fault: the set would lose what its policy denies.
func TestEmptyPolicyFiles(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"p.yaml": "", "q.yml": "# moved\n", "r.yaml": "- a\n", "s.json": ""} {
		_, problems := load(t, map[string]string{"a.yaml": "permission_sets:\n  X: {inline_policy: {file: " + name + "}}\n", name: text}, nil)
		if !problems.Failed() || !strings.HasPrefix(problems[0].At.String(), name) {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// A section or a mapping without anything says nothing; to want none, {} is to be written.
func TestNothingIsNotNone(t *testing.T) {
	t.Parallel()
	d, problems := load(t, map[string]string{"a.yaml": "attributes:\n  # department: ${path:enterprise.department}\npermission_sets:\n  X:\n    tags:\n"}, nil)
	if d == nil || d.Attributes != nil || d.Sets[0].Tags != nil {
		t.Errorf("%+v %v", d, problems)
	}
	d, problems = load(t, map[string]string{"a.yaml": "attributes: {}\npermission_sets:\n  X: {tags: {}}\n"}, nil)
	if d == nil || d.Attributes == nil || d.Sets[0].Tags == nil {
		t.Errorf("%+v %v", d, problems)
	}
}

// What Windows writes is read, policies in files of their own too; excerpts and columns are of the text.
func TestFilesOfWindows(t *testing.T) {
	t.Parallel()
	text := "permission_sets:\r\n  X: {inline_policy: {file: p.json}, sesion: 1h}\r\n"
	wide := "\xff\xfe"
	for _, u := range utf16.Encode([]rune(text)) {
		wide += string([]byte{byte(u), byte(u >> 8)})
	}
	for _, data := range []string{text, "\ufeff" + text, wide} {
		_, problems := load(t, map[string]string{"a.yaml": data, "p.json": "\ufeff{\"Version\": \"2012-10-17\", \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"*\"}}"}, nil)
		var b strings.Builder
		problems.Write(&b, nil)
		if len(problems) != 1 || problems[0].At.String() != "a.yaml:2:38" {
			t.Errorf("%q: %v", data[:4], problems)
		}
	}
}

// Text grows by references too, and a policy by aliases.
func TestTextCannotGrowWithoutEnd(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	variables := "variables:\n  v0: " + long + "\n"
	for i := range 6 {
		n := string(rune('0' + i))
		variables += "  v" + string(rune('1'+i)) + ": " + strings.Repeat("$(v"+n+")", 8) + "\n"
	}
	alias := "x: [&a " + long + strings.Repeat(", *a", 1000) + "]\n"
	for name, files := range map[string]map[string]string{
		"variables": {"a.yaml": variables + "groups:\n  a: {description: $(v6)}\n"},
		"policy":    {"a.yaml": "permission_sets:\n  X:\n    inline_policy:\n      " + alias},
		"file":      {"a.yaml": "permission_sets:\n  X: {inline_policy: {file: p.yaml}}\n", "p.yaml": "Version: 2012-10-17\nStatement: []\n" + alias},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, problems := load(t, files, nil)
			if len(problems) == 0 || problems[0].Code != "too-large" {
				t.Errorf("%v", problems)
			}
		})
	}
}

// Long lists and mappings take no longer than they are long.
func TestLongFiles(t *testing.T) {
	t.Parallel()
	const many = 100_000
	var b strings.Builder
	b.WriteString("variables: {x: y}\nfragments:\n  tags:\n")
	for i := range many {
		fmt.Fprintf(&b, "    k%d: v\n", i)
	}
	b.WriteString("permission_sets:\n  A:\n    tags:\n      <<: $(tags)\n")
	for i := range many {
		fmt.Fprintf(&b, "      $(x)%d: v\n", i)
	}
	b.WriteString("groups:\n  A:\n    members:\n")
	for i := range many {
		fmt.Fprintf(&b, "      - m%d@example.com\n", i)
	}
	began := time.Now()
	if _, problems := load(t, map[string]string{"a.yaml": b.String()}, nil); len(problems) != 1 || !strings.Contains(problems[0].Message, "tags has 200000 entries") {
		t.Errorf("%.3000s", problems)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

// In a directory links to files are read, those to directories are told of, and what is no file does not hold anybody up.
func TestDirectories(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	write("access/a.YAML", "permission_sets:\n  A: {}\n")
	write("access/b/b.yaml", "permission_sets:\n  B: {}\n")
	write("elsewhere/c.yaml", "permission_sets:\n  C: {}\n")
	link("b/b.yaml", "access/link.yaml")
	link("../elsewhere", "access/team")
	link("none", "access/dangling")
	link("/dev/null", "access/null")
	sources, err := Open(filepath.Join(dir, "access"))
	if err != nil {
		t.Fatal(err)
	}
	_, problems := Load(sources, nil)
	var got []string
	for _, p := range problems.Sorted() {
		got = append(got, strings.TrimPrefix(p.At.String(), filepath.ToSlash(dir)+"/access/")+" "+p.Code)
	}
	if want := "link.yaml:2:3 duplicate, team link"; strings.Join(got, ", ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}
