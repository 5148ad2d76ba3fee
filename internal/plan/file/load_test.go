package file

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"gatehouse/internal/plan/source"
)

func load(t *testing.T, files map[string]string, variables map[string]string) (*Document, source.Problems) {
	t.Helper()
	tree := fstest.MapFS{}
	for name, data := range files {
		tree[name] = &fstest.MapFile{Data: []byte(data)}
	}
	s, err := FromFS(tree)
	if err != nil {
		t.Fatal(err)
	}
	return Load([]*Source{s}, variables)
}

const whole = `
variables:
  hours: 4h
  regions: [eu-central-1, eu-west-1]
  team: {team: platform}
fragments:
  stay-here:
    Sid: StayHere
    Effect: Deny
    NotAction: ["iam:*", "sts:*"]
    Resource: "*"
    Condition: {StringNotEquals: {"aws:RequestedRegion": [$(regions)]}}
permission_sets:
  ReadOnly:
    description: Looks, and changes nothing
    session: $(hours)
    aws_policies: [ReadOnlyAccess, ViewOnlyAccess]
    tags: {<<: $(team), level: "1"}
  Developer:
    customer_policies: [TeamBase, {name: Extra, path: /team/}]
    boundary: {customer: TeamBoundary}
    inline_policy:
      Version: 2012-10-17
      Statement:
        - Effect: Allow
          Action: s3:*
          Resource: arn:aws:s3:::${aws:PrincipalTag/team}/*
        - $(stay-here)
groups:
  Data Engineers: {description: "With data", members: [ann@example.com, bob]}
assignments:
  - groups: Data Engineers
    permission_sets: [ReadOnly, Developer]
    accounts:
      - ou: Workloads/Prod
        tags: {env: [prod, "stag*"]}
      - 012345678901
    except: "Legacy *"
break_glass:
  - users: root@example.com
    permission_sets: AdministratorAccess
    accounts: [all, management]
attributes:
  department: ${path:enterprise.department}
protected: {permission_sets: ["AWS*"]}
tests:
  - name: only Security audits
    permission_sets: SecurityAudit
    accounts: [{ou: Prod}]
    only: {groups: [Security]}
`

func TestTheWholeIsRead(t *testing.T) {
	t.Parallel()
	d, problems := load(t, map[string]string{"access.yaml": whole}, map[string]string{"hours": "2h"})
	if d == nil || len(problems) != 0 {
		var b strings.Builder
		problems.Write(&b, nil)
		t.Fatal(b.String())
	}
	dev, ro := d.Set("Developer"), d.Set("ReadOnly")
	if ro.Session.Hours() != 2 || strings.Join(ro.AWSPolicies, " ") != "arn:aws:iam::aws:policy/ReadOnlyAccess arn:aws:iam::aws:policy/job-function/ViewOnlyAccess" || ro.Tags["team"] != "platform" {
		t.Errorf("%+v", ro)
	}
	want := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:PrincipalTag/team}/*"},` +
		`{"Sid":"StayHere","Effect":"Deny","NotAction":["iam:*","sts:*"],"Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-central-1","eu-west-1"]}}}]}`
	if dev.Inline != want {
		t.Errorf("inline policy\n got %s\nwant %s", dev.Inline, want)
	}
	r := d.Rules[0]
	if len(r.Groups) != 1 || len(r.Sets) != 2 || r.Accounts.Any[1].IDs[0].Value != "012345678901" || r.Accounts.Except[0].Names[0].Value != "Legacy *" || len(r.Accounts.Any[0].Tags[0].Values) != 2 {
		t.Errorf("%+v", r)
	}
	if !d.Rules[1].BreakGlass || !d.Rules[1].Accounts.Any[1].Management {
		t.Errorf("%+v", d.Rules[1])
	}
	if before, _, _ := strings.Cut(whole, "  - groups: Data"); r.At.Line != strings.Count(before, "\n")+1 || r.Groups[0].At.Column != 13 {
		t.Errorf("at %v, %v", r.At, r.Groups[0].At)
	}
}

// Every class of wrong input, with the line and column where it stands, and what is said.
func TestFaultsHavePlaceAndAdvice(t *testing.T) {
	t.Parallel()
	set := func(body string) string { return "permission_sets:\n  Reader:\n" + body }
	policy := func(statement string) string {
		return set("    inline_policy:\n      Version: 2012-10-17\n      Statement:\n" + statement)
	}
	for _, c := range []struct {
		name, text   string
		code         string
		line, column int
		offending    string
		says, advice string
	}{
		{"no YAML", "permission_sets:\n  Reader: {aws_policies: [a, b\n", "yaml", 3, 1, "", "not YAML", "indentation"},
		{"tab", "permission_sets:\n\tReader: {}\n", "yaml", 2, 1, "", "not YAML", "spaces"},
		{"a list of things", "- a\n", "type", 1, 1, "", "a file must be a mapping", "permission_sets:"},
		{"second document", "groups: {}\n---\ngroups: {}\n", "second-document", 2, 1, "", "second YAML document", "file of its own"},
		{"unknown section", "permission_set:\n  Reader: {}\n", "unknown-key", 1, 1, "permission_set", `no key "permission_set"`, `did you mean "permission_sets"?`},
		{"unknown key", set("    sesion: 4h\n"), "unknown-key", 3, 5, "sesion", `no key "sesion"`, `did you mean "session"?`},
		{"wrong type", set("    aws_policies: {a: b}\n"), "type", 3, 19, "", "must be a list", "[ReadOnlyAccess]"},
		{"nothing", set("    description:\n"), "type", 3, 17, "", "has no value", "remove the key"},
		{"duplicate key", set("    session: 1h\n    session: 2h\n"), "duplicate-key", 4, 5, "session", "on line 3", "keep one"},
		{"duration", set("    session: 4 moons\n"), "duration", 3, 14, "4 moons", "no duration", "4h"},
		{"too long a session", set("    session: 13h\n"), "duration", 3, 14, "13h", "1h to 12h", ""},
		{"name of a set", "permission_sets:\n  Read Only: {}\n", "pattern", 2, 3, "Read Only", "letters, digits", ""},
		{"long name", "permission_sets:\n  ReadOnlyAccessForEverybodyInTheWholeCompany: {}\n", "length", 2, 3, "", "from 1 to 32", ""},
		{"policy name mistyped", set("    aws_policies: [ReadOnlyAcces]\n"), "unknown-policy", 3, 20, "ReadOnlyAcces", "is known", `did you mean "ReadOnlyAccess"?`},
		{"policy twice", set("    aws_policies: [job-function/ViewOnlyAccess, ViewOnlyAccess]\n"), "duplicate", 3, 49, "ViewOnlyAccess", "there already", ""},
		{"policy element", policy("        - {Efect: Allow, Action: '*', Resource: '*'}\n"), "policy", 6, 12, "", "Efect", ""},
		{"policy action", policy("        - Effect: Allow\n          Action: [s3:GetObject, GetObject]\n          Resource: '*'\n"), "policy", 7, 34, "", "GetObject", ""},
		{"policy text", set("    inline_policy: |\n      {\"Version\": \"2012-10-17\",\n       \"Statement\": [}\n"), "policy", 5, 22, "", "JSON", ""},
		{"policy file", set("    inline_policy: {file: none.json}\n"), "file", 3, 27, "none.json", "not there", "from the file on"},
		{"policy outside", set("    inline_policy: {file: ../../etc/passwd}\n"), "file", 3, 27, "", "out of the directory", "path"},
		{"boundary of two", set("    boundary: {aws: PowerUserAccess, customer: Mine}\n"), "value", 3, 15, "", "one AWS managed policy or one", "customer"},
		{"tag key", set("    tags: {'a*': b}\n"), "pattern", 3, 12, "a*", "letters, digits", ""},
		{"unknown variable", set("    session: $(houres)\n") + "variables: {hours: 4h}\n", "unknown-variable", 3, 14, "$(houres)", `"houres"`, `did you mean "hours"?`},
		{"circular variable", "variables: {a: $(b), b: $(a)}\n" + set("    session: $(a)\n"), "circular-variable", 1, 25, "$(a)", "a → b → a", ""},
		{"list within text", "variables: {list: [a, b]}\n" + set("    description: all of $(list)\n"), "type", 4, 18, "", "a list", "stand alone"},
		{"nobody", "assignments:\n  - permission_sets: A\n    accounts: all\n", "missing-key", 2, 5, "", "nobody is named", "groups:"},
		{"no accounts", "assignments:\n  - groups: A\n    permission_sets: A\n", "missing-key", 2, 5, "", `"accounts"`, "accounts: [all]"},
		{"selector of nothing", "assignments:\n  - groups: A\n    permission_sets: A\n    accounts: [{nested: true}]\n", "value", 4, 16, "", "says nothing", "name, id, ou or tags"},
		{"account id", "assignments:\n  - groups: A\n    permission_sets: A\n    accounts: [{id: 1234}]\n", "length", 4, 21, "1234", "12", ""},
		{"unknown word", "manage:\n  groups: exlusive\n", "value", 2, 11, "exlusive", "cannot be", `did you mean "exclusive"?`},
		{"a set that must be there", "manage: {permission_sets: exclusive}\npermission_sets:\n  ReadOnly: {}\nassignments:\n  - {groups: A, permission_sets: ReadOnyl, accounts: all}\n", "no-such-permission-set", 5, 34, "ReadOnyl", "no permission set", `did you mean "ReadOnly"?`},
		{"a test of nothing", "tests:\n  - name: good\n", "test", 2, 5, "", "asks nothing", "only, reach"},
		{"a test of two things", "tests:\n  - {name: x, groups: A, permission_sets: B, has: true, lacks: true}\n", "test", 2, 5, "", "more than one", "of each"},
		{"an action", "tests:\n  - {name: x, permission_sets: B, can: GetObject}\n", "pattern", 2, 40, "GetObject", "service:Action", ""},
		{"a share", "limits: {removals: 300%}\n", "value", 1, 20, "300%", "cannot be", "20%"},
		{"a tag of YAML", set("    description: !secret x\n"), "tag", 3, 18, "!secret", "no meaning", ""},
		{"many policies", set("    customer_policies: [a1,a2,a3,a4,a5,a6,a7,a8,a9,a10,a11,a12,a13,a14,a15,a16,a17,a18,a19,a20,a21,a22,a23,a24,a25,a26]\n"), "too-many", 2, 3, "Reader", "at most 25", "customer managed"},
		{"large policy", policy("        - {Effect: Allow, Action: 's3:*', Resource: 'arn:aws:s3:::" + strings.Repeat("x", 10300) + "'}\n"), "too-large", 4, 7, "", "10240", "customer managed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, problems := load(t, map[string]string{"a/access.yaml": c.text}, nil)
			if len(problems) == 0 {
				t.Fatal("nothing was said")
			}
			for _, p := range problems {
				if p.Code == c.code && p.At.Line == c.line && p.At.Column == c.column && (c.offending == "" || p.Text == c.offending) && strings.Contains(p.Message, c.says) && strings.Contains(p.Advice, c.advice) {
					return
				}
			}
			for _, p := range problems {
				t.Errorf("%s [%s %q]", p, p.Code, p.Text)
			}
		})
	}
}

// What stands in one file twice in several is told with both places, and one fault hides no other.
func TestSeveralFiles(t *testing.T) {
	t.Parallel()
	_, problems := load(t, map[string]string{
		"a.yaml":          "permission_sets:\n  Reader: {session: 99h}\n  Writer: {sesion: 1h}\ngroups:\n  X: {nope: 1}\n",
		"b/b.yml":         "permission_sets:\n  Reader: {}\n",
		"b/policy.yaml":   "Version: 2012-10-17\nStatement: []\n",
		".hidden/c.yaml":  "nonsense: true\n",
		"b/.secret.yaml":  "nonsense: true\n",
		"c/readme.md":     "nonsense: true\n",
		"d/variables.yml": "variables: {spare: 1}\n",
	}, nil)
	var got []string
	for _, p := range problems.Sorted() {
		got = append(got, p.At.String()+" "+p.Code)
	}
	want := "a.yaml:2:21 duration, a.yaml:3:12 unknown-key, a.yaml:5:7 unknown-key, b/b.yml:2:3 duplicate, d/variables.yml:1:20 unused-variable"
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
}

// A small file cannot become a large one.
func TestBombsAreRefused(t *testing.T) {
	t.Parallel()
	var aliases strings.Builder
	aliases.WriteString("groups:\n  a: &a {members: [x, x, x, x, x, x, x, x, x, x]}\n")
	last := "a"
	for _, next := range strings.Split("bcdefghij", "") {
		aliases.WriteString("  " + next + ": &" + next + " [" + strings.Repeat("*"+last+", ", 9) + "*" + last + "]\n")
		last = next
	}
	var variables strings.Builder
	variables.WriteString("variables:\n  v0: [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		n := string(rune('0' + i))
		variables.WriteString("  v" + string(rune('1'+i)) + ": [" + strings.Repeat("$(v"+n+"), ", 9) + "$(v" + n + ")]\n")
	}
	variables.WriteString("groups:\n  a: {members: [$(v9)]}\n")
	for name, text := range map[string]string{"aliases": aliases.String(), "variables": variables.String(), "a circle": "groups: &a\n  x: *a\n", "depth": strings.Repeat("[", 10000)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, problems := load(t, map[string]string{"a.yaml": text}, nil); !problems.Failed() {
				t.Fatal("it was accepted")
			}
		})
	}
}

// The files of the guide and of the README are good ones.
func TestExamplesOfTheGuide(t *testing.T) {
	t.Parallel()
	n := 0
	for _, name := range []string{"docs/access-as-code.md", "docs/access-migration.md", "README.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		blocks := strings.Split(string(text), "```yaml\n")
		for _, block := range blocks[1:] {
			example, _, _ := strings.Cut(block, "```")
			if !strings.Contains(example, "permission_sets:") {
				continue
			}
			n++
			if _, problems := load(t, map[string]string{"access.yaml": example}, nil); len(problems) > 0 {
				t.Errorf("%s: %v", name, problems)
			}
		}
	}
	if n < 3 {
		t.Errorf("%d examples were found", n)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("a: &a [*a]\n<<: *a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := FromFS(fstest.MapFS{"a.yaml": {Data: data}})
		if err != nil {
			t.Fatal(err)
		}
		d, problems := Load([]*Source{s}, nil)
		if (d == nil) != problems.Failed() {
			t.Fatalf("document %v, problems %v", d != nil, problems)
		}
		for _, p := range problems {
			if p.Message == "" || p.At.File == "" {
				t.Errorf("a problem without message or place: %+v", p)
			}
		}
		var b strings.Builder
		problems.Write(&b, source.Files{"a.yaml": data})
	})
}

var update = flag.Bool("update", false, "write the schema and the reference anew")

// The published schema and reference are what the files are checked against.
func TestPublishedDescriptions(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]byte{"access.schema.json": Schema(), "access-reference.md": Reference()} {
		path := filepath.Join("..", "..", "..", "docs", name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("docs/%s is not what the files are checked against: go test ./internal/plan/file -update", name)
		}
	}
}
