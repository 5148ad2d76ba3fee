package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/apptest"
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
	run(0, "Valid: 1 permission sets", "validate", access)
	run(0, "Plan: 3 to add", at("plan", access, "--out", saved)...)
	run(2, "+ group Lookers gets Looker in", at("plan", access, "--detailed-exitcode")...)
	run(0, "", at("export", "--out", estate)...)
	run(0, "Plan: 3 to add", "plan", access, "--estate", estate)
	run(1, "nothing was changed", at("apply", saved)...)
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
}
