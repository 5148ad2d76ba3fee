package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/apptest"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
)

// TestAccessAsCode goes the whole way with the commands: validate, plan, save, apply, nothing to do, drift, and a world that moved.
func TestAccessAsCode(t *testing.T) {
	t.Parallel()
	p := apptest.Start(t)
	dir := t.TempDir()
	access, saved, estate := filepath.Join(dir, "access.yaml"), filepath.Join(dir, "plan.bin"), filepath.Join(dir, "estate.json")
	text, err := os.ReadFile("testdata/access.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write := func(text []byte) {
		if err := os.WriteFile(access, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	run := func(want int, says string, args ...string) {
		t.Helper()
		code, out, errs := execute(args...)
		if code != want || !strings.Contains(out+errs, says) {
			t.Errorf("%q: exit %d, want %d with %q\n%s%s", args, code, want, says, out, errs)
		}
	}
	data := []string{"--data", p.Config.Data}
	at := func(args ...string) []string { return append(args, data...) }
	run(0, "Valid: 1 permission set,", "validate", access)
	run(0, "Plan: 3 to add", at("plan", access, "--out", saved)...)
	run(2, "+ group Lookers gets Looker in", at("plan", access, "--detailed-exitcode")...)
	run(0, "", at("export", "--out", estate)...)
	run(0, "Plan: 3 to add", "plan", access, "--estate", estate)
	run(2, "there is nobody to ask", at("apply", saved)...) // standard input is the null device here
	run(0, "Applied 3 of 3", at("apply", saved, "--auto-approve")...)
	run(0, "3 of the 3 changes", at("apply", saved, "--auto-approve")...)
	run(0, "No drift", at("plan", access, "--drift", "--junit", filepath.Join(dir, "j.xml"), "--sarif", filepath.Join(dir, "s.json"))...)
	if junit, err := os.ReadFile(filepath.Join(dir, "j.xml")); err != nil || !bytes.Contains(junit, []byte(`failures="0"`)) {
		t.Errorf("%v %s", err, junit)
	}

	// The saved plan wants what somebody took away and what somebody gave since: the one is in it, the other is not.
	write(bytes.ReplaceAll(text, []byte("2h"), []byte("3h")))
	run(0, "Plan: 0 to add, 2 to change", at("plan", access, "--out", saved)...)
	write(bytes.ReplaceAll(text, []byte("2h"), []byte("4h")))
	run(0, "Applied 2 of 2", at("apply", access, "--auto-approve")...)
	run(1, "the world has moved", at("apply", saved, "--auto-approve")...)
	write(bytes.ReplaceAll(text, []byte("groups: Lookers"), []byte("groups: Loookers")))
	run(1, `did you mean "Lookers"?`, at("plan", access)...)

	// A plan is for one instance, whatever another lacks.
	write(append(bytes.ReplaceAll(text, []byte("2h"), []byte("5h")), []byte("  - {name: they look, groups: Lookers, permission_sets: Looker, accounts: management, has: true}\n")...))
	run(0, "Plan: 0 to add, 2 to change", at("plan", access, "--out", saved)...)
	run(1, "the plan was made for the instance", "apply", saved, "--auto-approve", "--data", apptest.Start(t).Config.Data)

	run(2, "--allow-mass-removal cannot be given with it", at("apply", saved, "--auto-approve", "--allow-mass-removal")...)
	run(2, "--var cannot be given with it", at("apply", saved, "--auto-approve", "--var", "a=b")...)
	run(2, "give one", "plan", access, "--estate", estate, "--json", "--markdown")
	run(2, "is applied by itself", at("apply", access, saved, "--auto-approve")...)

	// However much was changed by hand, it is drift, and no error as in a plan that is to be applied.
	var people []string
	for i := range 12 {
		u, err := p.Directory.CreateUser(t.Context(), audit.Actor{Kind: audit.System, Name: "test"}, directory.User{UserName: fmt.Sprint("p", i), DisplayName: "P", Active: true})
		if err != nil {
			t.Fatal(err)
		}
		people = append(people, u.UserName)
	}
	write([]byte("permission_sets: {Twelve: {}}\nassignments:\n  - {users: [" + strings.Join(people, ", ") + "], permission_sets: Twelve, accounts: management}\n"))
	run(0, "Applied 13 of 13", at("apply", access, "--auto-approve")...)
	write([]byte("permission_sets: {Twelve: {}}\n"))
	run(1, "12 assignments of 12 in the scope would be removed", at("plan", access)...)
	run(1, "12 assignments of 12 in the scope would be removed", at("plan", access, "--drift", "--out", saved)...)
	run(2, "Drift: to make it", at("plan", access, "--drift")...)

	// Tags alone say that an account is production; they are read when somebody becomes an administrator there.
	if err := p.Organization.TagAccount(t.Context(), audit.Actor{Kind: audit.System, Name: "test"}, p.Instance.OwnerAccountID, map[string]string{"Stage": "Prod"}, nil); err != nil {
		t.Fatal(err)
	}
	write([]byte("permission_sets:\n  Root: {aws_policies: AdministratorAccess}\nassignments:\n  - {groups: Lookers, permission_sets: Root, accounts: management}\n"))
	run(0, "Lookers becomes an administrator (Root) of production", at("plan", access)...)
	run(1, "1 error in the files", "validate", saved)
	write(append(bytes.Clone(text), []byte("  - {name: they alone look, permission_sets: Looker, accounts: management, lacks: true, users: ann}\n")...))
	run(0, "1 passed, 1 undecided (an export", "validate", access)
	run(1, "give saved plans to", "validate", saved)
	run(2, "begins with http://", "plan", access, "--region", "us-east-1", "--endpoint-url", "127.0.0.1:1")
}

// TestImport writes files of what is there, by hand or by other files: a plan shows no change, an edit is applied, and the files are never replaced.
func TestImport(t *testing.T) {
	t.Parallel()
	p := apptest.Start(t)
	dir := t.TempDir()
	text, err := os.ReadFile("testdata/access.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first, tidy, export := filepath.Join(dir, "first.yaml"), filepath.Join(dir, "tidy"), filepath.Join(dir, "estate.json")
	if err := os.WriteFile(first, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(want int, says string, args ...string) string {
		t.Helper()
		code, out, errs := execute(args...)
		if code != want || !strings.Contains(out+errs, says) {
			t.Fatalf("%q: exit %d, want %d with %q\n%s%s", args, code, want, says, out, errs)
		}
		return out
	}
	at := func(args ...string) []string { return append(args, "--data", p.Config.Data) }
	run(0, "Applied 3 of 3", at("apply", first, "--auto-approve")...)
	run(0, "1 permission set, 1 group, 0 applications, 1 assignment in 1 entry", at("import", "--out", tidy)...)
	run(0, "Next: gatehouse plan "+filepath.Join(dir, "again")+" --data "+p.Config.Data, at("import", "--out", filepath.Join(dir, "again"))...)
	run(0, "No changes", at("plan", tidy)...)
	run(1, "remove it, or name another directory", at("import", "--out", tidy)...)
	run(1, "remove it, or name another file", at("import", "--out", first)...)
	run(0, "", at("export", "--out", export)...)
	single := run(0, "Lookers", "import", "--estate", export)
	if !strings.HasPrefix(single, "# Written by") || !strings.Contains(single, "\npermission_sets:\n") || !strings.Contains(single, "\nassignments:\n") {
		t.Error(single)
	}
	below := filepath.Join(dir, "below")
	if err := os.MkdirAll(filepath.Join(below, "old"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(below, "old", "x.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	run(1, "would be read with what is written", "import", "--estate", export, "--out", below)
	run(0, "→ "+filepath.Join(dir, "two.yml"), "import", "--estate", export, "--out", filepath.Join(dir, "two.yml"))
	one := filepath.Join(dir, "one.yaml")
	run(0, "→ "+one, "import", "--estate", export, "--out", one, "--only", "permission_sets", "--selectors", "names")
	run(0, "No changes", "plan", one, "--estate", export)
	sets := filepath.Join(tidy, "permission-sets.yaml")
	edited, err := os.ReadFile(sets)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(sets, bytes.ReplaceAll(edited, []byte("session: 2h"), []byte("session: 3h")), 0o600); err != nil {
		t.Fatal(err)
	}
	run(2, "~ Looker", at("plan", tidy, "--detailed-exitcode")...)
	run(0, "Applied 2 of 2", at("apply", tidy, "--auto-approve")...)
	run(0, "No drift", at("plan", tidy, "--drift")...)
	for _, wrong := range [][]string{{"--only", "sets"}, {"--selectors", "names,ou"}, {"--selectors", "unit"}} {
		run(2, "there are", append([]string{"import", "--estate", export}, wrong...)...)
	}
	run(1, "no such file", "import", "--estate", filepath.Join(dir, "none"))

	// What other tools describe: by itself, and with the names of the instance, in which this state's groups are not.
	state, template := "../../internal/plan/adopt/testdata/state.json", "../../internal/plan/adopt/testdata/template.yaml"
	run(0, "groups: [Data Engineers]", "import", "--terraform", state, "--offline")
	run(0, "there is no account 100000000003 any more", "import", "--terraform", state, "--estate", export)
	run(0, "What is described", at("import", "--cloudformation", template, "--parameter", "InstanceArn=x", "--parameter", "Accounts=100000000001,100000000002", "--only", "permission_sets", "--out", filepath.Join(dir, "template.yaml"))...)
	run(1, "--parameter NAME=VALUE", "import", "--cloudformation", template, "--offline")
	run(0, "the parameter \"Acounts\" is left out: nothing that was read depends on it", at("import", "--cloudformation", template, "--parameter", "InstanceArn=x", "--parameter", "Acounts=100000000001", "--only", "permission_sets", "--out", filepath.Join(dir, "typed.yaml"))...)
	// The account of a stack is not taken for the one that owns the instance.
	run(1, "AnnHere depends on AWS::AccountId, which only the stack knows", at("import", "--cloudformation", template, "--parameter", "InstanceArn=x", "--parameter", "Stage=prod")...)
	run(1, "no such file", "import", "--terraform", filepath.Join(dir, "none"), "--offline")
	run(1, filepath.Join(dir, "none.json")+": no such file", "import", "--terraform", filepath.Join(dir, "none.json"), "--estate", filepath.Join(dir, "neither")) // before anything is asked
	run(2, "are for --terraform and --cloudformation", "import", "--offline")
	run(2, "takes name=value", "import", "--cloudformation", template, "--parameter", "x")
}
