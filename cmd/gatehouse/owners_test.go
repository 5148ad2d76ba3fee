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

// removals is a server that answers the n-th request for a removal with the n-th answer: 202, or, where it is final, 204 when it is empty, 404 when it is a problem, and else 200.
// It returns the directory to name with --data, and how many were asked.
func removals(t *testing.T, uri string, answers ...string) (data string, asked *int) {
	t.Helper()
	asked = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodDelete || r.URL.RequestURI() != uri || *asked == len(answers) {
			t.Errorf("request %d: %s %s", *asked, r.Method, r.URL)
			return
		}
		answer := answers[*asked]
		*asked++
		switch {
		case answer == "":
			w.WriteHeader(http.StatusNoContent)
		case answer == notThere:
			w.WriteHeader(http.StatusNotFound)
		case *asked < len(answers):
			w.WriteHeader(http.StatusAccepted)
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	data = t.TempDir()
	env := `{"GATEHOUSE_URL":"` + server.URL + `","AWS_REGION":"us-east-1","AWS_ACCESS_KEY_ID":"AKIAX","AWS_SECRET_ACCESS_KEY":"x"}`
	if err := os.WriteFile(filepath.Join(data, "environment.json"), []byte(env), 0o600); err != nil {
		t.Fatal(err)
	}
	return data, asked
}

// TestRemovingADirectoryGoesOn: the command asks until the directory is gone, and says meanwhile what is left.
func TestRemovingADirectoryGoesOn(t *testing.T) {
	t.Parallel()
	data, asked := removals(t, "/api/v1/directories/okta?people=release", `{"usersLeft":300,"groupsLeft":2}`, `{"usersLeft":44,"groupsLeft":0}`, "")
	code, out, errs := execute("directory", "remove", "okta", "--people", "release", "--data", data)
	if code != 0 || out != "removed\n" || *asked != 3 || !strings.Contains(errs, "300 users and 2 groups are left") || !strings.Contains(errs, "44 users and 0 groups are left") {
		t.Errorf("exit %d after %d requests, stdout %q, stderr %q", code, *asked, out, errs)
	}
}

const notThere = `{"title":"Not Found","status":404,"detail":"okta is not there"}`

// TestRemovingADirectoryThatIsGone: one that went between two requests is removed; one that was not there at first is an error.
func TestRemovingADirectoryThatIsGone(t *testing.T) {
	t.Parallel()
	data, asked := removals(t, "/api/v1/directories/okta", `{"usersLeft":300,"groupsLeft":2}`, notThere)
	if code, out, errs := execute("directory", "remove", "okta", "--data", data); code != 0 || out != "removed\n" || *asked != 2 {
		t.Errorf("exit %d after %d requests, stdout %q, stderr %q", code, *asked, out, errs)
	}
	data, asked = removals(t, "/api/v1/directories/okta", notThere)
	if code, out, errs := execute("directory", "remove", "okta", "--data", data); code == 0 || out != "" || *asked != 1 || !strings.Contains(errs, "okta is not there") {
		t.Errorf("exit %d after %d requests, stdout %q, stderr %q", code, *asked, out, errs)
	}
}

// TestRemovingAnIdentityProviderGoesOn: the command asks until no session is left that the provider vouched for.
func TestRemovingAnIdentityProviderGoesOn(t *testing.T) {
	t.Parallel()
	data, asked := removals(t, "/api/v1/directories/okta/idp", `{"id":"okta","idpRemoving":true}`, `{"id":"okta","idpRemoving":true}`, `{"id":"okta"}`)
	code, out, errs := execute("idp", "remove", "--directory", "okta", "--data", data)
	if code != 0 || !strings.Contains(out, "IdP            none") || *asked != 3 || strings.Count(errs, "removing: sessions are left\n") != 2 {
		t.Errorf("exit %d after %d requests, stdout %q, stderr %q", code, *asked, out, errs)
	}
}
