package adopt

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/plan/estate"
)

var update = flag.Bool("update", false, "write the golden files anew")

// company is an estate such as there are: units, tags, groups of a provider and of one's own, and somebody who has been deleted.
func company() *estate.Estate {
	e := &estate.Estate{
		Instance: estate.Instance{ARN: "arn:aws:sso:::instance/ssoins-1234567890abcdef"},
		Units: []estate.Unit{{ID: "r-1", Name: "Root"}, {ID: "ou-1", Parent: "r-1", Name: "Workloads"}, {ID: "ou-2", Parent: "ou-1", Name: "Prod"}, {ID: "ou-3", Parent: "ou-1", Name: "Dev"},
			{ID: "ou-4", Parent: "r-1", Name: "Sandbox/Play"}, {ID: "ou-5", Parent: "r-1", Name: "Core"}},
		Accounts: []estate.Account{{ID: "100000000000", Name: "Boss", Management: true, Unit: "r-1"}},
		Users: []estate.User{{ID: "u-ann", Name: "ann@example.com"}, {ID: "u-bob", Name: "bob"}, {ID: "u-eve", Name: "eve", Emails: []string{"eve@example.com"}}, {ID: "u-gone"},
			{ID: "u-mail", Emails: []string{"mail@example.com"}}},
		Groups: []estate.Group{{ID: "g-eng", Name: "Engineers", External: true, MembersRead: true, Members: []int32{0, 1}}, {ID: "g-data", Name: "Data: Science", External: true},
			{ID: "g-own", Name: "On Call", Description: "Whoever carries the phone", MembersRead: true, Members: []int32{1, 2}}, {ID: "g-empty", Name: "true", MembersRead: true}},
		Sets: []estate.Set{
			{ARN: "arn:admin", Name: "Admin", Session: time.Hour, AWSPolicies: []string{"arn:aws:iam::aws:policy/AdministratorAccess"}, DetailsRead: true, AssignmentsRead: true},
			{ARN: "arn:ro", Name: "ReadOnly", Description: "Looks: and changes nothing", Session: 4 * time.Hour, RelayState: "https://console.aws.amazon.com/s3?region=eu-west-1#home", DetailsRead: true, AssignmentsRead: true,
				AWSPolicies: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/job-function/Billing"}, Tags: map[string]string{"team": "core", "aws:cloudformation:stack-name": "access"},
				Inline: `{"Version":"2012-10-17","Statement":[{"Sid":"Leave","Effect":"Deny","Action":["s3:Delete*","iam:*"],"Resource":"arn:aws:s3:::${aws:username}/*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":false},"NumericLessThan":{"aws:MultiFactorAuthAge":3600}}}]}`},
			{ARN: "arn:dev", Name: "Developer", Session: 90 * time.Minute, DetailsRead: true, AssignmentsRead: true, AWSPolicies: []string{"arn:aws:iam::aws:policy/PowerUserAccess"},
				CustomerPolicies: []estate.PolicyRef{{Name: "Team", Path: "/team/"}, {Name: "Plain", Path: "/"}}, Boundary: &estate.Boundary{Customer: &estate.PolicyRef{Name: "Fence", Path: "/"}}},
			{ARN: "arn:odd", Name: "Odd", Session: time.Hour, DetailsRead: true, AssignmentsRead: true, Inline: `{"Version":"2012-10-17","Statement":[{"Effect":"Maybe"}]}`},
		},
		Attributes: []estate.Attribute{{Key: "dept", Source: []string{"${path:enterprise.department}"}}},
		Applications: []estate.Application{{ARN: "arn:wiki", Name: "Wiki", Provider: "arn:aws:sso::aws:applicationProvider/custom", Description: "The wiki", Visible: true, URL: "https://wiki.example.com/", Principals: []estate.Principal{estate.UserPrincipal(1), 0}},
			{ARN: "arn:hidden", Name: "Hidden", Provider: "arn:aws:sso::aws:applicationProvider/catalog/thing", Disabled: true, AnyoneMayUse: true}, {ARN: "arn:qs", Name: "QuickSight", Managed: true}},
	}
	add := func(name, unit string, tags map[string]string) {
		e.Accounts = append(e.Accounts, estate.Account{ID: fmt.Sprint(100000000000 + len(e.Accounts)), Name: name, Unit: unit, Tags: tags})
	}
	for i := range 8 {
		add(fmt.Sprint("shop-", i), "ou-2", map[string]string{"env": "prod", "id": fmt.Sprint(i)})
	}
	for i := range 4 {
		add(fmt.Sprint("dev-", i), "ou-3", map[string]string{"env": "dev"})
	}
	for i := range 3 {
		add(fmt.Sprint("play-", i), "ou-4", nil)
	}
	add("twin", "ou-5", map[string]string{"env": "prod"})
	add("twin", "ou-5", map[string]string{"env": "prod"})
	add("all", "r-1", nil)
	add("closed", "ou-2", nil)
	e.Accounts[len(e.Accounts)-1].Status = "SUSPENDED"
	give := func(p estate.Principal, set int32, accounts ...int) {
		for _, a := range accounts {
			e.Assignments = append(e.Assignments, estate.Assignment{Account: int32(a), Set: set, Principal: p})
		}
	}
	shops, devs, plays := []int{1, 2, 3, 4, 5, 6, 7, 8}, []int{9, 10, 11, 12}, []int{13, 14, 15}
	give(0, 1, slices.Concat(shops, devs)...)
	give(1, 1, slices.Concat(shops, devs)...)
	give(1, 2, slices.Concat(shops, devs)...)
	give(0, 2, slices.Concat(shops, devs)...)
	give(0, 0, slices.Concat(shops[1:], plays)...)                         // a unit but for one
	give(2, 0, slices.Concat([]int{0}, shops, devs, []int{16, 17, 18})...) // everything but the playground, and management
	give(2, 1, slices.Concat(shops, devs, plays, []int{16, 17, 18})...)
	give(3, 1, 16)
	give(estate.UserPrincipal(2), 1, slices.Concat(shops, []int{16, 17})...) // what the tag says
	give(estate.UserPrincipal(3), 1, 1)
	give(estate.UserPrincipal(4), 3, 9, 18)
	give(0, 3, 19)
	e.Assignments = estate.Sort(e.Assignments)
	return e
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	at := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got) {
		t.Errorf("%s is not what it was (go test -update writes it anew):\n%s", name, got)
	}
}

func warnings(w *Written) string {
	var out []string
	for _, p := range w.Problems {
		out = append(out, p.String())
	}
	return strings.Join(out, "\n")
}

func TestCompany(t *testing.T) {
	t.Parallel()
	w, err := Files(company(), Options{Single: "access.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "company.yaml", w.Files["access.yaml"])
	golden(t, "company.txt", []byte(warnings(w)+"\n"))
	if w.Sets != 3 || w.Groups != 2 || w.Applications != 2 || w.Rules >= 12 || w.Assignments != len(company().Assignments)-2 {
		t.Errorf("%d sets, %d groups, %d applications, %d assignments in %d rules", w.Sets, w.Groups, w.Applications, w.Assignments, w.Rules)
	}
}

func TestOneFileForEachSection(t *testing.T) {
	t.Parallel()
	w, err := Files(company(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range w.Files {
		names = append(names, name)
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "access.schema.json applications.yaml assignments.yaml attributes.yaml groups.yaml permission-sets.yaml" {
		t.Error(got)
	}
	w, err = Files(company(), Options{Only: []Section{Sets, Assignments}, Selectors: []Kind{}})
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Files) != 3 || strings.Contains(string(w.Files["assignments.yaml"]), "ou:") || strings.Contains(string(w.Files["assignments.yaml"]), "tags:") {
		t.Errorf("%s", w.Files["assignments.yaml"])
	}
	for _, single := range []string{"", "access.yaml"} {
		if _, err := Files(&estate.Estate{}, Options{Single: single}); err == nil {
			t.Error("files of nothing")
		}
	}
}

// TestNobodyLosesWhatCannotBeSaid: where files cannot name somebody who is there, or where not everything was read, the permission set is left to those who have it.
func TestNobodyLosesWhatCannotBeSaid(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*estate.Estate){
		"a long name": func(e *estate.Estate) { e.Users[1].Name = strings.Repeat("x", 129) },
		"an address of two": func(e *estate.Estate) {
			e.Users[1].Name = ""
			e.Users[1].Emails, e.Users[2].Emails = []string{"x@y.z"}, []string{"x@y.z"}
		},
		"a group of a name with a tab":   func(e *estate.Estate) { e.Groups[0].Name = "a\tb" },
		"assignments that were not read": func(e *estate.Estate) { e.Sets[0].AssignmentsRead, e.Assignments = false, nil },
	} {
		e := &estate.Estate{Accounts: []estate.Account{{ID: "100000000001", Name: "Work"}}, Users: []estate.User{{ID: "u-0", Name: "ann"}, {ID: "u-1", Name: "bob"}, {ID: "u-2", Name: "eve"}}, Groups: []estate.Group{{ID: "g-0", Name: "Crew"}}, Pending: 2}
		for i, n := range []string{"Admin", "Look"} {
			e.Sets = append(e.Sets, estate.Set{ARN: n, Name: n, Session: time.Hour, DetailsRead: true, AssignmentsRead: true})
			for _, p := range []estate.Principal{0, estate.UserPrincipal(0), estate.UserPrincipal(1)} {
				if i == 0 || p == estate.UserPrincipal(0) {
					e.Assignments = append(e.Assignments, estate.Assignment{Account: 0, Set: int32(i), Principal: p})
				}
			}
		}
		e.Assignments = estate.Sort(e.Assignments)
		change(e)
		w, err := Files(e, Options{Single: "access.yaml", Only: []Section{Sets, Assignments}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := string(w.Files["access.yaml"]); strings.Contains(got, "\n  Admin:") || !strings.Contains(got, "\n  Look:") || !strings.Contains(warnings(w), `"Admin" is left out`) || !strings.Contains(warnings(w), "2 requests under way") {
			t.Errorf("%s: %s\n%s", name, got, warnings(w))
		}
		p, problems := w.Plan(e)
		if problems.Failed() || !p.Empty() {
			t.Errorf("%s: %v %+v", name, problems, p.Lines())
		}
	}
}

// TestSelectorsDoNotSurprise: what two accounts happen to share does not choose them, an exception stands by itself, and nothing but its name chooses the
// management account.
func TestSelectorsDoNotSurprise(t *testing.T) {
	t.Parallel()
	e := &estate.Estate{Units: []estate.Unit{{ID: "r", Name: "Root"}, {ID: "ou-1", Parent: "r", Name: "Core"}}, Groups: []estate.Group{{ID: "g", Name: "G"}},
		Accounts: []estate.Account{{ID: "100000000000", Name: "Boss", Management: true, Unit: "ou-1", Tags: map[string]string{"team": "core"}}}}
	for i := range 12 {
		a := estate.Account{ID: fmt.Sprint(100000000001 + i), Name: fmt.Sprint("a", i), Unit: "r"}
		if i < 3 {
			a.Unit, a.Tags = "ou-1", map[string]string{"team": "core"}
		}
		if i > 9 {
			a.Tags = map[string]string{"created-by": "bob"}
		}
		e.Accounts = append(e.Accounts, a)
	}
	for i, n := range []string{"Most", "Two", "Core"} {
		e.Sets = append(e.Sets, estate.Set{ARN: n, Name: n, Session: time.Hour, DetailsRead: true, AssignmentsRead: true})
		for a := range e.Accounts {
			if i == 0 && a > 0 && a < 11 || i == 1 && a > 10 || i == 2 && a < 4 {
				e.Assignments = append(e.Assignments, estate.Assignment{Account: int32(a), Set: int32(i)})
			}
		}
	}
	e.Assignments = estate.Sort(e.Assignments)
	w, err := Files(e, Options{Single: "access.yml", Selectors: Kinds})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"permission_sets: [Most]\n    accounts: all\n    except: [a10, a11]\n", "permission_sets: [Two]\n    accounts: [a10, a11]\n", "permission_sets: [Core]\n    accounts:\n      - management\n      - ou: Core\n"} {
		if !strings.Contains(string(w.Files["access.yml"]), want) {
			t.Errorf("%q is not in\n%s", want, w.Files["access.yml"])
		}
	}
	// What the files cannot hold is found whatever their name.
	e.Groups[0].Name = "G\x7f"
	if w, err := Files(e, Options{Single: "access.yml"}); err == nil || !strings.Contains(err.Error(), "there is nothing to write") {
		t.Errorf("%v %v", w, err)
	}
}

func quotedJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestRandomEstates writes estates of every kind, with names that YAML, the files and shells would take for something else: what is written plans to no
// change, or is told (Files holds that itself).
func TestRandomEstates(t *testing.T) {
	t.Parallel()
	names := []string{"all", "management", "123456789012", "true", "null", "~", "0x1f", "1e3", "2012-10-17", "a: b", "a #b", "# c", "- d", "$(x)", "$$(y)", "${aws:z}", "'q'", `"r"`, `s\t`, "ü/ä", "日本", "x*", "a?b", " lead", "trail ", "[l]", "{m}", "a,b", "|", ">", "&amp", "!t", "%u", "@v", "`w`", "no", "Yes", "a:b", "c:", "<<", "=", ".", "..", "-", "--- x", "a\u00a0b", "a\u200bb", "a\u0085b", "a \u2028 b", "a\ufffeb", "\U000e0001x", "\u202eb", "a\tb", "a\nb"}
	for seed := range uint64(24) {
		r := rand.New(rand.NewPCG(seed, 1))
		pick := func(i int) string {
			if r.IntN(3) == 0 {
				return fmt.Sprint("n", i)
			}
			return names[r.IntN(len(names))]
		}
		e := &estate.Estate{Instance: estate.Instance{ARN: "arn:aws-cn:sso:::instance/x"}, Units: []estate.Unit{{ID: "r", Name: "Root"}}}
		for i := range 1 + r.IntN(12) {
			e.Units = append(e.Units, estate.Unit{ID: fmt.Sprint("ou-", i), Parent: e.Units[r.IntN(len(e.Units))].ID, Name: pick(i)})
		}
		accounts, principals, sets := 1+r.IntN(90), 1+r.IntN(12), 1+r.IntN(6)
		for i := range accounts {
			a := estate.Account{ID: fmt.Sprint(200000000000 + i), Name: pick(i), Unit: e.Units[r.IntN(len(e.Units))].ID, Management: i == 0, Tags: map[string]string{"env": names[r.IntN(4)], "k": names[r.IntN(3)]}}
			if r.IntN(15) == 0 {
				a.Status = "SUSPENDED"
			}
			e.Accounts = append(e.Accounts, a)
		}
		for i := range principals {
			e.Groups = append(e.Groups, estate.Group{ID: fmt.Sprint("g", i), Name: pick(i) + fmt.Sprint(i), Description: pick(i), MembersRead: true, External: r.IntN(2) == 0})
			e.Users = append(e.Users, estate.User{ID: fmt.Sprint("u", i), Name: []string{"", pick(i) + fmt.Sprint(i)}[r.IntN(2)], Emails: []string{names[r.IntN(len(names))]}})
			if r.IntN(2) == 0 {
				e.Groups[i].Members = []int32{int32(i)}
			}
		}
		for i := range sets {
			e.Sets = append(e.Sets, estate.Set{ARN: fmt.Sprint("arn:", i), Name: fmt.Sprint("Set", i), Session: time.Hour, DetailsRead: true, AssignmentsRead: true, Description: "d" + pick(i),
				AWSPolicies: []string{"arn:aws-cn:iam::aws:policy/ReadOnlyAccess"}, Tags: map[string]string{"k": "v"}, Inline: fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"aws:username":%s}}}}`, quotedJSON(pick(i)))})
		}
		if r.IntN(2) == 0 {
			e.Attributes = []estate.Attribute{}
			for i := range r.IntN(3) {
				e.Attributes = append(e.Attributes, estate.Attribute{Key: fmt.Sprint("key ", i), Source: []string{"${path:enterprise.department}"}})
			}
		}
		for i := range r.IntN(4) {
			e.Applications = append(e.Applications, estate.Application{ARN: fmt.Sprint("arn:app", i), Name: pick(i), Provider: "arn:aws:sso::aws:applicationProvider/custom", Description: pick(i), Visible: r.IntN(2) == 0,
				Disabled: r.IntN(2) == 0, AnyoneMayUse: r.IntN(2) == 0, Principals: []estate.Principal{estate.UserPrincipal(r.IntN(principals)), estate.GroupPrincipal(r.IntN(principals))}})
		}
		for range r.IntN(8) {
			p, s, u := estate.GroupPrincipal(r.IntN(principals)), int32(r.IntN(sets)), e.Units[r.IntN(len(e.Units))].ID
			if r.IntN(3) == 0 {
				p = estate.UserPrincipal(p.Index())
			}
			x := estate.NewIndex(e)
			for i := range e.Accounts {
				if slices.ContainsFunc(x.Chain(i), func(k int) bool { return e.Units[k].ID == u }) && r.IntN(12) > 0 {
					e.Assignments = append(e.Assignments, estate.Assignment{Account: int32(i), Set: s, Principal: p})
				}
			}
		}
		e.Assignments = estate.Sort(e.Assignments)
		w, err := Files(e, Options{Selectors: Kinds})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, p := range w.Problems {
			if p.Code == "permission-set" && !strings.Contains(p.Message, "U+0020") && !strings.Contains(p.Message, "no name means alone") {
				t.Errorf("seed %d: %s", seed, p)
			}
		}
	}
}
