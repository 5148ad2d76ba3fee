package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	planned "gatehouse/internal/plan/estate"
)

// offline measures `gatehouse plan --estate`: the built program, an estate of a million assignments as a file, and access as code that says the same but for ten
// rules more.
func offline(ctx context.Context) error {
	program, err := filepath.Abs("bin/gatehouse")
	if err != nil {
		return err
	}
	if _, err := os.Stat(program); err != nil {
		return fmt.Errorf("the program is not built; run `make build`, and this from the root of the repository: %w", err)
	}
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	accounts, sets, rules := 7000, 3500, 3572 // a rule is of one unit in 25
	if *quick {
		accounts, sets, rules = 700, 350, 357
	}
	const units, more = 25, 10
	e := &planned.Estate{
		Taken:    time.Now(),
		Instance: planned.Instance{ARN: "arn:aws:sso:::instance/ssoins-1234567890abcdef", IdentityStoreID: "d-1234567890", Owner: "100000000000"},
		Units:    []planned.Unit{{ID: "r-root", Name: "Root"}},
		Accounts: []planned.Account{{ID: "100000000000", Name: "Management", Management: true, Unit: "r-root"}},
	}
	var code strings.Builder
	code.WriteString("permission_sets:\n")
	for i := range units {
		e.Units = append(e.Units, planned.Unit{ID: fmt.Sprint("ou-", i), Parent: "r-root", Name: fmt.Sprint("Unit ", i)})
	}
	for i := range accounts {
		e.Accounts = append(e.Accounts, planned.Account{ID: fmt.Sprint(100000000001 + i), Name: fmt.Sprint("account-", i), Unit: fmt.Sprint("ou-", i%units)})
	}
	for i := range sets {
		e.Sets = append(e.Sets, planned.Set{ARN: fmt.Sprintf("arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-%016x", i), Name: fmt.Sprint("Set-", i), Session: time.Hour, DetailsRead: true, AssignmentsRead: true, AWSPolicies: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}})
		fmt.Fprintf(&code, "  Set-%d: {aws_policies: [ReadOnlyAccess]}\n", i)
	}
	code.WriteString("assignments:\n")
	for i := range rules + more {
		e.Groups = append(e.Groups, planned.Group{ID: fmt.Sprint("g-", i), Name: fmt.Sprint("Group ", i), External: true})
		fmt.Fprintf(&code, "  - {groups: Group %d, permission_sets: Set-%d, accounts: [{ou: Unit %d}]}\n", i, i%sets, i%units)
		for a := i % units; a < accounts && i < rules; a += units {
			e.Assignments = append(e.Assignments, planned.Assignment{Account: int32(a + 1), Set: int32(i % sets), Principal: planned.GroupPrincipal(i)})
		}
	}
	e.Assignments = planned.Sort(e.Assignments)
	if err := errors.Join(writeEstate(filepath.Join(dir, "estate.json"), e), os.WriteFile(filepath.Join(dir, "access.yaml"), []byte(code.String()), 0o600)); err != nil {
		return err
	}
	run := exec.CommandContext(ctx, program, "plan", "--estate", filepath.Join(dir, "estate.json"), filepath.Join(dir, "access.yaml"))
	begin := time.Now()
	out, err := run.CombinedOutput()
	took := time.Since(begin)
	if err != nil {
		return fmt.Errorf("%w: %.2000s", err, out)
	}
	if want := fmt.Sprint("Group ", rules+more-1); !strings.Contains(string(out), want) {
		return fmt.Errorf("the plan says nothing of %s: %.2000s", want, out)
	}
	name := fmt.Sprintf("plan --estate: %d assignments, %d to make", len(e.Assignments), more*accounts/units)
	fmt.Printf("%-52s %10s", name, took.Round(10*time.Millisecond))
	if used, ok := run.ProcessState.SysUsage().(*syscall.Rusage); ok {
		fmt.Printf(" %10d MiB at most", used.Maxrss>>10) // Linux counts in KiB
	}
	fmt.Println()
	return nil
}

func writeEstate(name string, e *planned.Estate) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	return errors.Join(planned.Write(w, e), w.Flush(), f.Close())
}
