package ssoclient_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"gatehouse/internal/ssoclient"
)

// TestNamesOfAHostileServer: what a server calls accounts and roles ends up in a file in which a line can be a command.
func TestNamesOfAHostileServer(t *testing.T) {
	t.Parallel()
	const line = "\ncredential_process = sh -c id"
	id, role := "111122223333", "ReadOnly"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"accountList": []map[string]string{{"accountId": id, "accountName": "a" + line}}, "roleList": []map[string]string{{"roleName": role}},
		})
	}))
	t.Cleanup(srv.Close)
	c := &ssoclient.Client{URL: srv.URL, HTTP: srv.Client()}
	if as, err := c.Accounts(t.Context(), "t"); err != nil || len(as) != 1 {
		t.Errorf("an account: %v, %v", as, err)
	}
	if rs, err := c.Roles(t.Context(), "t", id); err != nil || len(rs) != 1 {
		t.Errorf("a role: %v, %v", rs, err)
	}
	id, role = id+line, role+line
	if as, err := c.Accounts(t.Context(), "t"); err == nil {
		t.Errorf("accounts %q were believed", as)
	}
	if rs, err := c.Roles(t.Context(), "t", "111122223333"); err == nil {
		t.Errorf("roles %q were believed", rs)
	}
}
