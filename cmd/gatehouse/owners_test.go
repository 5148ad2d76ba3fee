package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRemovingADirectoryGoesOn: the command asks until the directory is gone, and says meanwhile what is left.
func TestRemovingADirectoryGoesOn(t *testing.T) {
	t.Parallel()
	answers := []string{`{"usersLeft":300,"groupsLeft":2}`, `{"usersLeft":44,"groupsLeft":0}`, ""}
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodDelete || r.URL.RequestURI() != "/api/v1/directories/okta?people=release" || asked == len(answers) {
			t.Errorf("request %d: %s %s", asked, r.Method, r.URL)
			return
		}
		answer := answers[asked]
		asked++
		if answer == "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	data := t.TempDir()
	env := `{"GATEHOUSE_URL":"` + server.URL + `","AWS_REGION":"us-east-1","AWS_ACCESS_KEY_ID":"AKIAX","AWS_SECRET_ACCESS_KEY":"x"}`
	if err := os.WriteFile(filepath.Join(data, "environment.json"), []byte(env), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := execute("directory", "remove", "okta", "--people", "release", "--data", data)
	if code != 0 || out != "removed\n" || asked != len(answers) || !strings.Contains(errs, "300 users and 2 groups are left") || !strings.Contains(errs, "44 users and 0 groups are left") {
		t.Errorf("exit %d after %d requests, stdout %q, stderr %q", code, asked, out, errs)
	}
}
