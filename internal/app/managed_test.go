package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const readBuckets = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`

// TestManagedPoliciesOfADirectory: they are there like AWS's own, can be attached, and decide.
func TestManagedPoliciesOfADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("Fresh.json", strings.ReplaceAll(readBuckets, "s3:GetObject", "iam:ListUsers"))
	write("service-role/Worker.json", readBuckets)
	write("IAMReadOnlyAccess.json", readBuckets) // in place of the one built in
	write("README.md", "not a policy")
	p := startProgramWith(t, Config{ManagedPolicies: dir})
	got := p.may("iam", "ListPolicies", "Scope", "AWS", "MaxItems", "1000")
	for _, arn := range []string{"arn:aws:iam::aws:policy/Fresh", "arn:aws:iam::aws:policy/service-role/Worker", "arn:aws:iam::aws:policy/AdministratorAccess"} {
		if !strings.Contains(got, "<Arn>"+arn+"</Arn>") {
			t.Errorf("%s is not listed", arn)
		}
	}
	if got := p.may("iam", "GetPolicy", "PolicyArn", "arn:aws:iam::aws:policy/service-role/Worker"); element(got, "Path") != "/service-role/" {
		t.Errorf("got %s", got)
	}
	if got := p.may("iam", "GetPolicyVersion", "PolicyArn", "arn:aws:iam::aws:policy/IAMReadOnlyAccess", "VersionId", "v1"); !strings.Contains(got, "s3%3AGetObject") {
		t.Errorf("the one built in: %s", got)
	}
	eve := p.user("eve")
	eve.mayNot("iam", "ListUsers")
	p.may("iam", "AttachUserPolicy", "UserName", "eve", "PolicyArn", "arn:aws:iam::aws:policy/Fresh")
	eve.may("iam", "ListUsers")

	status, body := p.sso("CreatePermissionSet", map[string]any{"InstanceArn": "arn:aws:sso:::instance/" + p.Instance.ID, "Name": "Set"})
	p.want(200, "", status, body)
	_, set, _ := strings.Cut(body, `"PermissionSetArn":"`)
	set, _, _ = strings.Cut(set, `"`)
	for policy, want := range map[string]int{"service-role/Worker": 200, "Worker": 404} {
		status, body := p.sso("AttachManagedPolicyToPermissionSet", map[string]any{"InstanceArn": "arn:aws:sso:::instance/" + p.Instance.ID, "PermissionSetArn": set, "ManagedPolicyArn": "arn:aws:iam::aws:policy/" + policy})
		if (status == 200) != (want == 200) {
			t.Errorf("%s: %d %s", policy, status, body)
		}
	}
}

// TestEveryFaultOfManagedPoliciesIsTold at once, with its file and place.
func TestEveryFaultOfManagedPoliciesIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Good.json": readBuckets, "NotJSON.json": "hello", "Principal.json": strings.Replace(readBuckets, `"Action"`, `"Principal":"*","Action"`, 1),
		"no name.json": readBuckets, "Twice.json": readBuckets, "Large.json": strings.Repeat(" ", 131073),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x", "TWICE.json"), []byte(readBuckets), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "Link.json")); err != nil {
		t.Fatal(err)
	}
	_, err := managedPolicies(dir)
	if err == nil {
		t.Fatal("a directory full of faults is taken")
	}
	for _, want := range []string{"NotJSON.json: Syntax errors in policy: line 1", "Principal.json: Policy document should not specify a principal", "no name.json", "has the same name", "Large.json", "Link.json"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not told: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "Good") {
		t.Errorf("what is right is told too: %v", err)
	}
	if _, err := managedPolicies(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "managed_policies") {
		t.Errorf("no directory: %v", err)
	}
}

// TestAPolicyThatIsGoneAllowsNothing: whoever has one that was taken out of the directory is refused, with its name, and is not let through.
func TestAPolicyThatIsGoneAllowsNothing(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), t.TempDir()
	file := filepath.Join(dir, "Bound.json")
	if err := os.WriteFile(file, []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:ListUsers","Resource":"*"}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	p := startProgramWith(t, Config{ManagedPolicies: dir, Data: data})
	eve := p.user("eve", `{"Effect":"Allow","Action":"*","Resource":"*"}`)
	p.may("iam", "AttachUserPolicy", "UserName", "eve", "PolicyArn", "arn:aws:iam::aws:policy/Bound")
	eve.mayNot("iam", "ListUsers")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	p = startProgramWith(t, Config{ManagedPolicies: dir, Data: data})
	eve = &program{p.App, t, eve.key}
	status, body := eve.query("iam", listUsers)
	p.want(403, "policy/Bound is attached and is not on this server", status, body)
	p.may("iam", "DetachUserPolicy", "UserName", "eve", "PolicyArn", "arn:aws:iam::aws:policy/Bound")
	eve.may("iam", "ListUsers")
}
