package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/apptest"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
)

// TestExport writes an estate, compressed and not, and reads it again.
func TestExport(t *testing.T) {
	t.Parallel()
	p := apptest.Start(t)
	if _, err := p.Directory.CreateGroup(t.Context(), audit.Actor{Kind: audit.System, Name: "test"}, directory.Group{DisplayName: "Crew"}, nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"estate.json", "estate.json.gz"} {
		file := filepath.Join(dir, name)
		if code, out, errs := execute("export", "--data", p.Config.Data, "--out", file); code != 0 || out != "" || !strings.Contains(errs, "1 accounts, 1 groups, 0 people") {
			t.Fatalf("%d %s %s", code, out, errs)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info, err)
		}
		b, err := os.ReadFile(file)
		if err != nil || bytes.HasPrefix(b, []byte{0x1f, 0x8b}) != strings.HasSuffix(name, ".gz") {
			t.Errorf("%s: %.10q %v", name, b, err)
		}
		e, err := readEstate(file)
		if err != nil || len(e.Groups) != 1 || e.Groups[0].Name != "Crew" || !e.Groups[0].MembersRead {
			t.Errorf("%s: %+v %v", name, e, err)
		}
	}
	if code, out, _ := execute("export", "--data", p.Config.Data, "--limits", "1000,10"); code != 0 || !strings.HasPrefix(out, `{"format":"gatehouse-estate","version":1,`) {
		t.Errorf("%d %.100s", code, out)
	}
	for _, wrong := range [][]string{{"--limits", "fast"}, {"--profile", "x"}, {"--endpoint-url", "http://127.0.0.1:1"}} {
		if code, _, errs := execute(append([]string{"export", "--data", p.Config.Data}, wrong...)...); code != 2 {
			t.Errorf("%v: %d %s", wrong, code, errs)
		}
	}
	if _, err := readEstate(filepath.Join(dir, "none")); err == nil {
		t.Error("a file that is not there was read")
	}
}

// TestBar: the bar is redrawn on one line, not too often, and is gone when everything is done.
func TestBar(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Unix(0, 0)
	b := &bar{out: &out, now: func() time.Time { return now }}
	b.step("sets", 0, 10)
	b.step("sets", 1, 10) // too soon
	now = now.Add(time.Second)
	b.step("accounts", 5, 10)
	b.step("accounts", 10, 10)
	b.step("sets", 10, 10)
	lines := strings.Split(out.String(), "\r")
	if len(lines) != 5 || !strings.Contains(lines[1], "sets 0/10") || !strings.Contains(lines[2], "[=======                 ] accounts 5/10 · sets 1/10") || strings.TrimSpace(lines[3]) != "" || lines[4] != "" {
		t.Errorf("%q", lines)
	}
}
