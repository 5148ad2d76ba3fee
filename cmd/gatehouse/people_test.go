package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVia(t *testing.T) {
	t.Parallel()
	for want, path := range map[string][]string{
		"": nil, "Engineering": {"Engineering"}, "Engineering (member of Apps)": {"Apps", "Engineering"},
		"Engineering (member of Apps, within Platform)": {"Apps", "Platform", "Engineering"},
	} {
		if got := via(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

// TestEventListGoesOn: the filters go with each request, and a page that is short or empty is not the last one while it says where to go on.
func TestEventListGoesOn(t *testing.T) {
	t.Parallel()
	one := func(action string) string { return `{"action":"` + action + `"}` }
	answers := []string{`{"events":[],"next":"5.1"}`, `{"events":[` + one("scim:A") + `],"next":"4.1"}`, `{"events":[` + one("scim:B") + `],"next":""}`}
	var asked []url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query())
		_, _ = w.Write([]byte(answers[min(len(asked), len(answers))-1]))
	}))
	t.Cleanup(server.Close)
	data := t.TempDir()
	env := `{"GATEHOUSE_URL":"` + server.URL + `","AWS_REGION":"us-east-1","AWS_ACCESS_KEY_ID":"AKIAX","AWS_SECRET_ACCESS_KEY":"x"}`
	if err := os.WriteFile(filepath.Join(data, "environment.json"), []byte(env), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := execute("event", "list", "--action", "scim:*", "--actor", "okta", "--resource", "r", "--outcome", "Denied", "--since", "2026-11-28T09:00:00Z", "--limit", "3", "--data", data)
	if code != 0 || !strings.Contains(out, "scim:A") || !strings.Contains(out, "scim:B") || len(asked) != len(answers) {
		t.Fatalf("exit %d after %d requests, stdout %q, stderr %q", code, len(asked), out, errs)
	}
	for i, want := range []string{
		"action=scim%3A%2A&actorId=okta&limit=3&outcome=Denied&resource=r&since=2026-11-28T09%3A00%3A00Z",
		"action=scim%3A%2A&actorId=okta&before=5.1&limit=3&outcome=Denied&resource=r&since=2026-11-28T09%3A00%3A00Z",
		"action=scim%3A%2A&actorId=okta&before=4.1&limit=2&outcome=Denied&resource=r&since=2026-11-28T09%3A00%3A00Z",
	} {
		if got := asked[i].Encode(); got != want {
			t.Errorf("request %d: %s, want %s", i, got, want)
		}
	}
}
