package ssoportal_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/signin/signintest"
)

// TestAWSCLIReadsThePortal drives a real AWS CLI with a token in its cache.
func TestAWSCLIReadsThePortal(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.Clock.Pass(time.Since(d.Clock.Now()))
	d.token = d.login(signintest.Alice)
	d.e.accounts[0].ID = "111122223333"
	d.e.accounts, d.e.sets[0].Name, d.e.sets = d.e.accounts[:1], "ReadOnly", d.e.sets[:1]
	server := httptest.NewServer(d.h)
	defer server.Close()
	cli := signintest.NewCLI(t, map[string]string{"sso": server.URL})
	cli.Keep(d.token, time.Now().Add(time.Hour))

	says := func(want bool, text string, args ...string) {
		t.Helper()
		if out, ok := cli.Run(args...); ok != want || !strings.Contains(out, text) {
			t.Errorf("aws %s: got %v %s, want %v and %q", strings.Join(args, " "), ok, out, want, text)
		}
	}
	region := []string{"--region", "us-east-1", "--no-sign-request"}
	says(true, `"accountName": "Account 0"`, append(region, "sso", "list-accounts", "--access-token", d.token)...)
	says(true, `"roleName": "ReadOnly"`, append(region, "sso", "list-account-roles", "--account-id", "111122223333", "--access-token", d.token)...)
	says(true, "ASIAEXAMPLE", "configure", "export-credentials", "--profile", "old")
	says(false, "(ForbiddenException) when calling the GetRoleCredentials operation: No access",
		append(region, "sso", "get-role-credentials", "--account-id", "999999999999", "--role-name", "ReadOnly", "--access-token", d.token)...)
	says(true, "", "sso", "logout")
	if _, err := d.Bearer(t.Context(), d.token); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("aws sso logout left the session open: %v", err)
	}
	says(false, "(UnauthorizedException) when calling the ListAccounts operation: Session token not found or invalid",
		append(region, "sso", "list-accounts", "--access-token", d.token)...)
}
