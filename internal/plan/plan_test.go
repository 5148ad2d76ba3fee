package plan

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/file"
)

var update = flag.Bool("update", false, "write the golden files anew")

func document1(t *testing.T, text string) *file.Document {
	t.Helper()
	s, err := file.FromFS(fstest.MapFS{"access.yaml": {Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	d, problems := file.Load([]*file.Source{s}, nil)
	if d == nil {
		t.Fatal(problems)
	}
	return d
}

// company is a small organization: a management account, two units within Workloads, a sandbox.
func company() *estate.Estate {
	e := &estate.Estate{
		Taken:    time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC),
		Caller:   "arn:aws:sts::100000000001:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ann@example.com",
		Instance: estate.Instance{ARN: "arn:aws:sso:::instance/ssoins-1234567890abcdef", IdentityStoreID: "d-1234567890", Owner: "100000000000"},
		Units:    []estate.Unit{{ID: "r-1", Name: "Root"}, {ID: "ou-w", Parent: "r-1", Name: "Workloads"}, {ID: "ou-p", Parent: "ou-w", Name: "Prod"}, {ID: "ou-d", Parent: "ou-w", Name: "Dev"}, {ID: "ou-s", Parent: "r-1", Name: "Sandbox"}},
		Accounts: []estate.Account{{ID: "100000000000", Name: "Management", Unit: "r-1", Management: true}},
		Users:    []estate.User{{ID: "u-ann", Name: "ann@example.com", Emails: []string{"ann@example.com"}}, {ID: "u-bob", Name: "bob", Emails: []string{"bob@example.com"}}, {ID: "u-eve", Name: "eve"}},
		Groups: []estate.Group{{ID: "g-eng", Name: "Engineers", MembersRead: true, Members: []int32{0, 1}}, {ID: "g-sec", Name: "Security", External: true, MembersRead: true, Members: []int32{2}},
			{ID: "g-con", Name: "Contractors", MembersRead: true, Members: []int32{1}}},
		Sets: []estate.Set{
			{ARN: "ps-1", Name: "ReadOnly", Session: time.Hour, AWSPolicies: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}, DetailsRead: true, AssignmentsRead: true},
			{ARN: "ps-2", Name: "Admin", Session: time.Hour, AWSPolicies: []string{"arn:aws:iam::aws:policy/AdministratorAccess"}, DetailsRead: true, AssignmentsRead: true},
			{ARN: "ps-3", Name: "AWSLegacy", Session: time.Hour, DetailsRead: true, AssignmentsRead: true}},
	}
	for _, name := range []string{"Board", "Twins", "Twins", "Hidden"} {
		e.Applications = append(e.Applications, estate.Application{ARN: fmt.Sprintf("app-%d", len(e.Applications)), Name: name, Provider: providers + "custom", Visible: name != "Hidden"})
	}
	e.Applications[0].Principals = []estate.Principal{0}
	for i, unit := range []string{"ou-p", "ou-p", "ou-p", "ou-p", "ou-d", "ou-d", "ou-s"} {
		tags := map[string]string{"env": map[string]string{"ou-p": "prod", "ou-d": "dev", "ou-s": "play"}[unit]}
		e.Accounts = append(e.Accounts, estate.Account{ID: fmt.Sprintf("1000000000%02d", i+1), Name: fmt.Sprintf("%s %d", map[string]string{"ou-p": "Shop", "ou-d": "Dev", "ou-s": "Play"}[unit], i+1), Unit: unit, Tags: tags})
	}
	e.Accounts = append(e.Accounts, estate.Account{ID: "199999999999", Name: "Gone", Status: "SUSPENDED", Unit: "ou-p"})
	for _, a := range []int32{1, 2, 3, 4, 8} {
		e.Assignments = append(e.Assignments, estate.Assignment{Account: a, Set: 0, Principal: 0})
	}
	e.Assignments = estate.Sort(append(e.Assignments, estate.Assignment{Account: 1, Set: 1, Principal: 0}, estate.Assignment{Account: 7, Set: 0, Principal: estate.UserPrincipal(2)}, estate.Assignment{Account: 1, Set: 2, Principal: 2}))
	return e
}

func make1(t *testing.T, text string, e *estate.Estate) *Plan {
	t.Helper()
	p := Make(document1(t, text), e, Options{})
	return p
}

// told are the codes of the problems, and lines are the lines, of a plan.
func told(p *Plan) string {
	var out []string
	for _, q := range p.Problems.Sorted() {
		out = append(out, string(q.Severity)+" "+q.Code)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func lines(p *Plan) string {
	var out []string
	for _, l := range p.Lines() {
		out = append(out, l.Sign+" "+l.Text)
	}
	return strings.Join(out, "\n")
}

const sets = "permission_sets:\n  ReadOnly: {aws_policies: ReadOnlyAccess}\n"

// Each case: files, the lines of the plan against the company, and the codes of what is told.
func TestChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, lines, problems string }{
		{"as it is", sets + "assignments:\n  - {groups: Engineers, permission_sets: ReadOnly, accounts: {ou: Workloads/Prod}}\n  - {users: eve, permission_sets: ReadOnly, accounts: Play 7}\n", "", ""},
		{"the other way to say it", sets + "assignments:\n  - {groups: engineers, permission_sets: ReadOnly, accounts: [{tags: {env: 'pr*'}}]}\n  - {users: EVE, permission_sets: ReadOnly, accounts: [100000000007]}\n", "", ""},
		{"extras go", sets + "assignments:\n  - {groups: Engineers, permission_sets: ReadOnly, accounts: [Shop 1, Shop 2]}\n",
			"- group Engineers loses ReadOnly in Shop 3, Shop 4\n- user eve loses ReadOnly in Play 7", ""},
		{"unless additive", "manage: {assignments: additive}\n" + sets + "assignments:\n  - {groups: Engineers, permission_sets: ReadOnly, accounts: Shop 1}\n", "", ""},
		{"or out of the scope", "manage: {scope: {accounts: [{ou: Sandbox}]}}\n" + sets + "assignments: []\n", "- user eve loses ReadOnly in Play 7", ""},
		{"a scope of sets", "manage: {scope: {permission_sets: ['AWS*']}}\n" + sets, "- group Contractors loses AWSLegacy in Shop 1", ""},
		{"all is not the management account", sets + "assignments:\n  - {groups: Engineers, permission_sets: ReadOnly, accounts: all, except: {ou: Workloads}}\n  - {groups: Engineers, permission_sets: ReadOnly, accounts: {ou: Workloads/Prod}}\n  - {users: eve, permission_sets: ReadOnly, accounts: Play *}\n",
			"+ group Engineers gets ReadOnly in Play 7", ""},
		{"which is said", sets + "assignments:\n  - {groups: Engineers, permission_sets: ReadOnly, accounts: [management, {ou: Workloads/Prod}]}\n  - {users: eve, permission_sets: ReadOnly, accounts: Play 7}\n",
			"+ group Engineers gets ReadOnly in Management", ""},
		{"folded lines", sets + "  Look: {aws_policies: job-function/ViewOnlyAccess}\nassignments:\n  - {groups: [Engineers, Contractors], permission_sets: [ReadOnly, Look], accounts: {ou: Workloads}}\n  - {users: eve, permission_sets: ReadOnly, accounts: Play 7}\n",
			"+ Look\n+ group Contractors gets Look, ReadOnly in all 6 accounts of ou/Workloads\n+ group Engineers gets Look in all 6 accounts of ou/Workloads\n+ group Engineers gets ReadOnly in Dev 5, Dev 6", ""},
		{"a direct unit", sets + "manage: {assignments: additive}\nassignments:\n  - {groups: Contractors, permission_sets: ReadOnly, accounts: [{ou: Workloads/Dev, nested: false}, Play 7]}\n",
			"+ group Contractors gets ReadOnly in Dev 5, Dev 6, Play 7", ""},
		{"no wildcard reaches the management account", sets + "manage: {assignments: additive}\nassignments:\n  - {groups: Contractors, permission_sets: ReadOnly, accounts: ['*', {ou: /}, {ou: /, nested: false}], except: {ou: Workloads}}\n",
			"+ group Contractors gets ReadOnly in Play 7", "error no-such-account"},
		{"its name does", sets + "manage: {assignments: additive}\nassignments:\n  - {groups: Contractors, permission_sets: ReadOnly, accounts: [Management, {id: '100000000000'}]}\n", "+ group Contractors gets ReadOnly in Management", ""},
		{"a set is changed", "permission_sets:\n  ReadOnly: {aws_policies: [ReadOnlyAccess, job-function/Billing], session: 2h}\nmanage: {assignments: additive}\n",
			"~ ReadOnly\n~ ReadOnly wherever it is assigned", "warning widening"},
		{"tags alone provision nothing", "permission_sets:\n  ReadOnly: {aws_policies: ReadOnlyAccess, tags: {a: b}}\nmanage: {assignments: additive}\n", "~ ReadOnly", ""},
		{"what is not said stays", "permission_sets:\n  ReadOnly: {aws_policies: ReadOnlyAccess}\nmanage: {assignments: additive}\n", "", ""},
		{"exclusive sets", "manage: {permission_sets: exclusive, assignments: additive}\nprotected: {permission_sets: [Admin]}\n" + sets,
			"- AWSLegacy\n- group Contractors loses AWSLegacy in Shop 1", ""},
		{"protected", "protected: {permission_sets: Read*, groups: [Contractors], accounts: [{ou: Sandbox}], users: [e*]}\nmanage: {permission_sets: exclusive}\npermission_sets:\n  ReadOnly: {session: 3h}\n  Admin: {aws_policies: AdministratorAccess}\nassignments:\n  - {groups: Engineers, permission_sets: [Admin, ReadOnly], accounts: [Play 7, Shop 1]}\n",
			"- AWSLegacy", "warning protected, warning protected, warning protected"},
		{"a group and members", "groups:\n  Engineers: {members: [bob@example.com, eve]}\n  New: {description: x, members: ann@example.com}\n",
			"+ New\n+ Engineers gets eve\n- Engineers loses ann@example.com\n+ New gets ann@example.com", "warning administrator-in-production, warning oneself"},
		{"additive members", "groups:\n  Engineers: {members: [eve], manage: additive}\n", "+ Engineers gets eve", "warning administrator-in-production"},
		{"a provider's group", "groups:\n  Security: {members: [ann@example.com]}\n", "", "error external-group"},
		{"exclusive groups", "manage: {groups: exclusive}\nassignments:\n  - {groups: Engineers, permission_sets: AWSLegacy, accounts: Shop 1}\n",
			"- Contractors\n+ group Engineers gets AWSLegacy in Shop 1\n- group Contractors loses AWSLegacy in Shop 1", ""},
		{"nobody of the name", "assignments:\n  - {groups: Enginers, users: evе, permission_sets: ReadOnyl, accounts: Shop 9}\n", "", "error no-such-account, error no-such-group, error no-such-permission-set, error no-such-user"},
		{"a unit of no name", "assignments:\n  - {groups: Engineers, permission_sets: AWSLegacy, accounts: {ou: Workloads/Prd}}\n", "", "error no-such-unit"},
		{"administrator", "permission_sets:\n  Root: {inline_policy: {Version: 2012-10-17, Statement: {Effect: Allow, Action: '*', Resource: '*'}}}\nassignments:\n  - {groups: Contractors, permission_sets: Root, accounts: {ou: Workloads}}\n",
			"+ Root\n+ group Contractors gets Root in all 6 accounts of ou/Workloads", "warning administrator-in-production"},
		{"oneself", "permission_sets:\n  Admin: {aws_policies: AdministratorAccess}\n", "- group Engineers loses Admin in Shop 1", "warning oneself"},
		{"emergency", "permission_sets:\n  Admin: {aws_policies: PowerUserAccess}\ngroups: {Engineers: {members: []}}\nbreak_glass:\n  - {groups: Engineers, permission_sets: Admin, accounts: Shop 1}\n",
			"- Engineers loses ann@example.com, bob\n~ Admin\n~ Admin wherever it is assigned", "error break-glass, error break-glass, warning emptied-group, warning oneself, warning widening"},
		{"a group that is emptied", "groups: {Contractors: {members: []}}\nassignments:\n  - {groups: Contractors, permission_sets: AWSLegacy, accounts: Shop 1}\n", "- Contractors loses bob", "warning emptied-group"},
		{"one that has nothing", "groups: {Contractors: {members: []}}\npermission_sets: {AWSLegacy: {}}\n", "- Contractors loses bob\n- group Contractors loses AWSLegacy in Shop 1", ""},
		{"a set of administrators", "permission_sets:\n  ReadOnly: {aws_policies: AdministratorAccess}\nmanage: {assignments: additive}\n", "~ ReadOnly\n~ ReadOnly wherever it is assigned", "warning administrator-in-production, warning widening"},
		{"nothing is left", "assignments:\n  - {groups: Engineers, permission_sets: AWSLegacy, accounts: [Shop 1, Dev 5], except: [{ou: Workloads}]}\n", "", "warning nothing-left"},
		{"protected names of nobody", "protected: {permission_sets: [awslegacy, Admn, 'X*'], groups: [engineers, Enginers, 'Y*'], users: [BOB@example.com, boob, 'z*']}\n", "", "error no-such-group, error no-such-permission-set, error no-such-user"},
		{"an application of protected people", "protected: {groups: Engineers, users: bob}\napplications:\n  Board: {groups: Security, users: [bob, bob@example.com, eve, EVE]}\n", "+ group Security may use Board\n+ user eve may use Board", "warning protected"},
		{"an application is changed", "applications:\n  Board: {description: Plans, anyone: true, tags: {team: core}}\n", "~ Board", ""},
		{"an application is to be hidden", "applications:\n  Board: {visible: false}\n", "", "error application-visible"},
		{"an application that is hidden", "applications:\n  Hidden: {}\n", "", ""},
		{"applications of one name", "manage: {applications: exclusive}\napplications:\n  Twins: {groups: Security}\n  Board: {}\n", "", "error ambiguous-application"},
		{"attributes", "attributes: {dept: '${path:enterprise.department}'}\n", "+ 1 attribute", ""},
		{"an application", "applications:\n  Wiki: {url: 'https://wiki.example.com', groups: [Engineers], users: eve}\n", "+ Wiki\n+ group Engineers may use Wiki\n+ user eve may use Wiki", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := company()
			p := make1(t, c.text, e)
			got := lines(p)
			g := strings.Split(got, "\n")
			slices.Sort(g)
			w := strings.Split(c.lines, "\n")
			slices.Sort(w)
			if d := cmp.Diff(w, g); d != "" && !p.Problems.Failed() || p.Problems.Failed() && c.lines != "" && d != "" {
				t.Errorf("lines (-want +got):\n%s", d)
			}
			if told(p) != c.problems {
				t.Errorf("told %s\nwant %s", told(p), c.problems)
			}
			if d := cmp.Diff(company(), e); d != "" {
				t.Errorf("the estate was changed: %s", d)
			}
		})
	}
}

// Removing more than a quarter is refused, and ten are never too many.
func TestMassRemoval(t *testing.T) {
	t.Parallel()
	big := func(n int) *estate.Estate {
		e := company()
		for i := range n {
			e.Users = append(e.Users, estate.User{ID: fmt.Sprint(i), Name: fmt.Sprintf("user%d", i)})
			e.Assignments = append(e.Assignments, estate.Assignment{Account: 5, Set: 0, Principal: estate.UserPrincipal(len(e.Users) - 1)})
		}
		e.Assignments = estate.Sort(e.Assignments)
		return e
	}
	keep := sets + "assignments:\n  - {groups: Engineers, permission_sets: ReadOnly, accounts: {ou: Workloads/Prod}}\n  - {users: eve, permission_sets: ReadOnly, accounts: Play 7}\n"
	if p := make1(t, keep, big(10)); p.Problems.Failed() {
		t.Error(told(p))
	}
	if p := make1(t, keep, big(11)); told(p) != "error mass-removal" {
		t.Error(told(p))
	}
	if p := make1(t, keep+"limits: {removals: 100%}\n", big(11)); p.Problems.Failed() {
		t.Error(told(p))
	}
	if p := make1(t, keep+"limits: {removals: 11}\n", big(11)); p.Problems.Failed() {
		t.Error(told(p))
	}
	if p := Make(document1(t, keep), big(11), Options{MassRemoval: true}); told(p) != "warning mass-removal" {
		t.Error(told(p))
	}
	// What goes with a permission set counts on both sides.
	p := make1(t, "manage: {permission_sets: exclusive}\nprotected: {permission_sets: A*}\npermission_sets: {AWSLegacy: {}}\nassignments:\n  - {groups: Contractors, permission_sets: AWSLegacy, accounts: Shop 1}\n", big(11))
	if len(p.Problems) != 1 || !strings.Contains(p.Problems[0].Message, "16 assignments of 17 in the scope") {
		t.Error(p.Problems)
	}
}

func TestCustomerManagedPoliciesAreLookedFor(t *testing.T) {
	t.Parallel()
	text := "permission_sets:\n  Team: {customer_policies: [Base], boundary: {customer: {name: Edge, path: /x/}}}\nassignments:\n  - {groups: Engineers, permission_sets: Team, accounts: [Shop 1, Shop 2]}\n"
	e := company()
	p := make1(t, text, e)
	want := []Needed{{"Team", estate.PolicyRef{Name: "Base", Path: "/"}, []string{"100000000001", "100000000002"}}, {"Team", estate.PolicyRef{Name: "Edge", Path: "/x/"}, []string{"100000000001", "100000000002"}}}
	if d := cmp.Diff(want, NeededPolicies(p)); d != "" {
		t.Error(d)
	}
	e.Missing = []estate.MissingPolicy{{Account: "100000000002", Policy: estate.PolicyRef{Name: "Edge", Path: "/x/"}}, {Account: "100000000005", Policy: estate.PolicyRef{Name: "Base", Path: "/"}}}
	p = make1(t, text, e)
	if told(p) != "error missing-policy" || !strings.Contains(p.Problems[0].Message, `"x/Edge", which is not in Shop 2`) {
		t.Error(p.Problems)
	}
}

// That a policy is missing is seen of a set that the files only name, too, whose references are as the service writes them.
func TestMissingPoliciesOfASetThatIsThere(t *testing.T) {
	t.Parallel()
	e := company()
	e.Sets[2].CustomerPolicies = []estate.PolicyRef{{Name: "Base"}}
	e.Missing = []estate.MissingPolicy{{Account: "100000000002", Policy: estate.PolicyRef{Name: "Base", Path: "/"}}}
	p := make1(t, "assignments:\n  - {groups: Engineers, permission_sets: AWSLegacy, accounts: Shop 2}\n", e)
	if told(p) != "error missing-policy" {
		t.Error(p.Problems)
	}
}

// The outcome of every sort of test of access, with a contradiction for each that fails.
func TestAccessTests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, test string
		want       Outcome
		reason     string
	}{
		{"only", "permission_sets: ReadOnly, accounts: {ou: Workloads}, only: {groups: Engineers}", Passed, ""},
		{"only: another", "permission_sets: ReadOnly, only: {groups: Engineers}", Failed, "eve has ReadOnly in Play 7"},
		{"only: a member", "permission_sets: ReadOnly, only: {groups: [Engineers, Security]}", Passed, ""},
		{"reach", "users: eve, reach: {ou: Sandbox}", Passed, ""},
		{"reach: by a group", "groups: Contractors, reach: {ou: Sandbox}", Failed, "Engineers has ReadOnly in Shop 1, Shop 2, Shop 3"},
		{"has", "groups: Engineers, permission_sets: ReadOnly, accounts: {ou: Workloads/Prod}, has: true", Passed, ""},
		{"has: through a group", "users: bob, permission_sets: ReadOnly, accounts: Shop 1, has: true", Passed, ""},
		{"has: not everywhere", "groups: Engineers, permission_sets: ReadOnly, accounts: {ou: Workloads}, has: true", Failed, "Engineers lacks ReadOnly in Dev 5, Dev 6"},
		{"lacks", "groups: Contractors, permission_sets: Admin, lacks: true", Passed, ""},
		{"lacks: through a group", "users: bob, permission_sets: Admin, lacks: true", Failed, "Engineers has Admin in Shop 1"},
		{"can", "permission_sets: Admin, can: ['s3:GetObject', 'iam:CreateUser']", Passed, ""},
		{"can: not", "permission_sets: Some, can: 's3:DeleteBucket'", Failed, "Some cannot s3:DeleteBucket"},
		{"can: on", "permission_sets: Some, can: 's3:GetObject', on: 'arn:aws:s3:::logs/a'", Passed, ""},
		{"can: on another", "permission_sets: Some, can: 's3:GetObject', on: 'arn:aws:s3:::other/a'", Failed, "on arn:aws:s3:::other/a"},
		{"cannot", "permission_sets: Some, cannot: 's3:PutObject'", Passed, ""},
		{"cannot: somewhere it can", "permission_sets: Some, cannot: 's3:GetObject'", Failed, "Some can s3:GetObject on arn:aws:s3:::logs/x, by inline policy"},
		{"cannot: but under a condition", "permission_sets: Some, cannot: 'ec2:RunInstances'", Undecided, "conditions"},
		{"cannot: with its value", "permission_sets: Some, cannot: 'ec2:RunInstances', context: {'aws:RequestedRegion': us-east-1}", Passed, ""},
		{"can: with its value", "permission_sets: Some, can: 'ec2:RunInstances', context: {'aws:RequestedRegion': eu-west-1}", Passed, ""},
		{"cannot: denied for all", "permission_sets: Unknown, cannot: 'cloudtrail:StopLogging'", Passed, ""},
		{"cannot: who knows", "permission_sets: Unknown, cannot: 's3:GetObject'", Undecided, "Mystery"},
		{"nobody", "groups: Nobody, permission_sets: Admin, lacks: true", Undecided, "names"},
		{"a pattern of nothing", "permission_sets: ['Admn*', Some], cannot: 's3:PutObject'", Undecided, `a name like "Admn*"`},
		{"nobody has nothing", "permission_sets: 'Admn*', only: {groups: Security}", Undecided, `a name like "Admn*"`},
		{"something beside nothing", "permission_sets: ['Admn*', Admin], lacks: true, groups: Engineers", Failed, "Engineers has Admin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := make1(t, `manage: {assignments: additive}
permission_sets:
  Some:
    inline_policy:
      Version: 2012-10-17
      Statement:
        - {Effect: Allow, Action: 's3:GetObject', Resource: 'arn:aws:s3:::logs/*'}
        - {Effect: Allow, Action: 'ec2:*', Resource: '*', Condition: {StringLike: {'aws:RequestedRegion': 'eu-*'}}}
  Unknown: {customer_policies: [Mystery], inline_policy: {Version: 2012-10-17, Statement: {Effect: Deny, Action: 'cloudtrail:*', Resource: '*'}}}
tests:
  - {name: it, `+c.test+"}\n", company())
			got := p.Tests[0]
			if got.Outcome != c.want || !strings.Contains(strings.Join(got.Reasons, "\n"), c.reason) {
				t.Errorf("got %s %q, want %s %q", got.Outcome, got.Reasons, c.want, c.reason)
			}
			if c.want == Failed != p.Problems.Failed() && c.name != "nobody" {
				t.Error("a test that fails must stop the plan: ", p.Problems)
			}
		})
	}
}

const changed = `
permission_sets:
  ReadOnly: {aws_policies: [ReadOnlyAccess, job-function/Billing], session: 4h, description: "Looks, and changes nothing"}
  Deploy:
    customer_policies: [{name: Deploy, path: /team/}]
    inline_policy: {Version: 2012-10-17, Statement: {Effect: Allow, Action: 's3:*', Resource: '*'}}
groups:
  Data *Engineers*: {members: [ann@example.com, eve]}
assignments:
  - {groups: [Engineers, Data *Engineers*], permission_sets: [ReadOnly, Deploy], accounts: {ou: Workloads}}
attributes: {dept: '${path:enterprise.department}'}
tests:
  - {name: contractors deploy nothing, groups: Contractors, permission_sets: Deploy, lacks: true}
  - {name: eve reads nothing, users: eve, permission_sets: ReadOnly, lacks: true}
`

// What a plan looks like as text, as Markdown and as JSON, to the byte.
func TestGolden(t *testing.T) {
	t.Parallel()
	d := document1(t, changed)
	p := Make(d, company(), Options{})
	nothing := Make(document1(t, "groups: {Engineers: {}}\n"), company(), Options{})
	print := map[string]func(*bytes.Buffer){
		"plan.txt":         func(b *bytes.Buffer) { p.Write(b, Style{Files: d.Texts}) },
		"plan-details.txt": func(b *bytes.Buffer) { p.Write(b, Style{Files: d.Texts, Details: true}) },
		"plan.md":          func(b *bytes.Buffer) { p.WriteMarkdown(b, Style{}) },
		"plan.json":        func(b *bytes.Buffer) { _ = p.WriteJSON(b) },
		"drift.txt":        func(b *bytes.Buffer) { p.Write(b, Style{Files: d.Texts, Drift: true}) },
		"nothing.txt":      func(b *bytes.Buffer) { nothing.Write(b, Style{}) },
		"nothing.md":       func(b *bytes.Buffer) { nothing.WriteMarkdown(b, Style{}) },
		"plan.junit.xml":   func(b *bytes.Buffer) { _ = p.WriteJUnit(b) },
		"plan.sarif":       func(b *bytes.Buffer) { _ = p.WriteSARIF(b) },
	}
	for name, write := range print {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			write(&b)
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), b.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

// A plan that could not be made does not say that nothing changes.
func TestAFaultIsNotNoChange(t *testing.T) {
	t.Parallel()
	p := make1(t, "groups:\n  Security: {members: [ann@example.com]}\n", company())
	for _, drift := range []bool{false, true} {
		var b bytes.Buffer
		p.Write(&b, Style{Drift: drift})
		if !p.Empty() || strings.Contains(b.String(), "No ") || !strings.Contains(b.String(), "cannot be said") {
			t.Error(b.String())
		}
	}
}

// A name cannot command a terminal or leave its place in a comment.
func TestNamesAreHarmless(t *testing.T) {
	t.Parallel()
	e := company()
	e.Groups[2].Name = "Evil\x1b[2J\n```\n@everyone"
	p := make1(t, "manage: {scope: {permission_sets: ['AWS*']}}\n", e)
	var text, md bytes.Buffer
	p.Write(&text, Style{Details: true})
	p.WriteMarkdown(&md, Style{})
	if strings.Contains(text.String(), "\x1b") || strings.Contains(md.String(), "\n```\n@") || !strings.Contains(text.String(), "Evil") {
		t.Errorf("%q\n%q", text.String(), md.String())
	}
}

func TestHuman(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{0: "", time.Hour: "1h", 90 * time.Minute: "1h30m", 10 * time.Hour: "10h", 100 * time.Minute: "1h40m", time.Hour + 30*time.Second: "1h0m30s", 12 * time.Hour: "12h", 30 * time.Minute: "30m"} {
		if got := Human(d); got != want {
			t.Errorf("%v: %q, not %q", d, got, want)
		}
		if back, ok := file.Duration(Human(d)); ok != (d != 0) || back != d {
			t.Errorf("%v: %q is read as %v", d, Human(d), back)
		}
	}
}

// A number, true or false in a policy is its text to IAM; tags of AWS's own stay whatever files say.
func TestNoChange(t *testing.T) {
	t.Parallel()
	for _, different := range [][2]string{{`{"Effect":"Deny","Effect":"Allow"}`, `{"Effect":"Allow"}`}, {`{"a":"x"}}`, `{"a":"x"}`}, {`{"a":[["x"]]}`, `{"a":"x"}`}, {`{"a":"\ud800"}`, `{"a":"\udc00"}`}} {
		if SamePolicy(different[0], different[1]) {
			t.Errorf("%s is taken for %s", different[0], different[1])
		}
	}
	if !SamePolicy(`{"a":[{"b":3600,"c":true}]}`, `{"a":{"c":"true","b":"3600"}}`) || SamePolicy(`{"a":3600}`, `{"a":"3601"}`) || SamePolicy(`{"a":"x"} trailing`, `{"a":"x"}`) {
		t.Error("policies are not compared by what they mean")
	}
	e := company()
	e.Sets[0].Tags = map[string]string{"aws:cloudformation:stack-name": "access", "team": "core"}
	p := make1(t, "manage: {assignments: additive}\npermission_sets:\n  ReadOnly: {aws_policies: ReadOnlyAccess, tags: {team: core}}\n", e)
	if !p.Empty() {
		t.Errorf("%s", lines(p))
	}
	if p = make1(t, "manage: {assignments: additive}\npermission_sets:\n  ReadOnly: {aws_policies: ReadOnlyAccess, tags: {}}\n", e); len(p.Sets) != 1 || len(p.After.Sets[0].Tags) != 1 {
		t.Errorf("%s: %v", lines(p), p.After.Sets[0].Tags)
	}
}

// An advice says what to write, of whatever somebody may have meant.
func TestAdvice(t *testing.T) {
	t.Parallel()
	e := company()
	e.Groups[2].Name = "M\u00fcller Group"
	rule := func(who, where string) string {
		return "assignments:\n  - {groups: " + who + ", permission_sets: Admin, accounts: " + where + "}\n"
	}
	for _, c := range []struct{ text, advice string }{
		{rule("'Engineers, Security'", "all"), "write a list: [Engineers, Security]"},
		{rule("\"Mu\u0308ller Group\"", "all"), "its characters are others"},
		{rule("\"M\u00fcller\u00a0Group\"", "all"), "its characters are others"},
		{rule("Engineers", "ALL"), "write all"},
		{rule("Engineers", "Management-"), `did you mean "Management"?`},
		{rule("Engineers", "1000-0000-0001"), "12 digits"},
		{rule("Engineers", "10000000001"), "12 digits"},
		{rule("Engineers", "{ou: ou-p}"), "write Workloads/Prod"},
	} {
		s, err := file.FromFS(fstest.MapFS{"a.yaml": {Data: []byte(c.text)}})
		if err != nil {
			t.Fatal(err)
		}
		d, problems := file.Load([]*file.Source{s}, nil)
		if d != nil {
			problems = Make(d, e, Options{}).Problems
		}
		if len(problems) == 0 || !strings.Contains(problems[0].Advice, c.advice) {
			t.Errorf("%s: %v", c.text, problems)
		}
	}
}

// A plan with an error that may hide changes does not say how many there are.
func TestAPlanThatIsNotWhole(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"groups: {New: {}}\nassignments:\n  - {groups: Nobody, permission_sets: Admin, accounts: all}\n":     "As far as can be said before the errors are mended: 1 to add",
		"groups: {New: {}}\ntests:\n  - {name: x, groups: Engineers, permission_sets: Admin, lacks: true}\n": "Plan: 1 to add",
	} {
		var b bytes.Buffer
		make1(t, text, company()).Write(&b, Style{})
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s\nwant %s", b.String(), want)
		}
	}
}

// What an application becomes is in the plan, and one that was made and not finished is left with a part of it.
func TestApplicationDifferences(t *testing.T) {
	t.Parallel()
	p := make1(t, "applications:\n  Board: {description: Plans, anyone: true, enabled: false, tags: {team: core}}\n", company())
	if got, want := strings.Join(p.Lines()[0].Details, ", "), "+ description Plans, - enabled true, + anyone true, + tags team=core"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	made := estate.Application{Name: "New", Visible: true, AnyoneMayUse: true}
	agreed := keys(Change{Kind: "application", Action: Create, Name: "New", Differences: ApplicationDifferences(nil, &made)})
	half := made
	half.AnyoneMayUse = false
	for _, k := range keys(Change{Kind: "application", Action: Update, Name: "New", Differences: ApplicationDifferences(&half, &made)}) {
		if !slices.Contains(agreed, k) {
			t.Errorf("%s is not among %q", k, agreed)
		}
	}
}
