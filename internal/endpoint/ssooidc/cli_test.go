package ssooidc_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/signin"
	"gatehouse/internal/signin/signintest"
)

// The tests of this file drive a real AWS CLI. Its clock is the machine's, so the world's is set to it.

func cliWorld(t *testing.T) (signintest.World, signin.Identity, signintest.CLI) {
	t.Helper()
	w, c := newDoor(t)
	w.Clock.Pass(time.Since(w.Clock.Now()))
	oidc := httptest.NewServer(c.h)
	t.Cleanup(oidc.Close)
	// The portal is not this package's: it hands out fixed credentials to whoever has a living token.
	portal := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, err := w.Bearer(r.Context(), r.Header.Get("x-amz-sso_bearer_token")); err != nil {
			rw.Header().Set("x-amzn-ErrorType", "UnauthorizedException")
			rw.WriteHeader(http.StatusUnauthorized)
			_, _ = rw.Write([]byte(`{"message":"Session token not found or invalid"}`))
			return
		}
		_ = json.NewEncoder(rw).Encode(object{"roleCredentials": object{
			"accessKeyId": "ASIAEXAMPLE", "secretAccessKey": "s", "sessionToken": "t", "expiration": w.Clock.Now().Add(time.Hour).UnixMilli(),
		}})
	}))
	t.Cleanup(portal.Close)
	_, who := w.SignIn(t, signintest.Alice)
	return w, who, signintest.NewCLI(t, map[string]string{"sso-oidc": oidc.URL, "sso": portal.URL})
}

func TestAWSCLILogsInWithASession(t *testing.T) {
	t.Parallel()
	w, who, cli := cliWorld(t)
	out, ok := cli.Login(func(code string) {
		if _, err := w.DecideDevice(t.Context(), who, code, true); err != nil {
			t.Error(err)
		}
	}, "--profile", "dev")
	if !ok || !strings.Contains(out, "Successfully logged into Start URL: "+signintest.StartURL) || !strings.Contains(out, signintest.ServerURL+"/device") {
		t.Fatalf("aws sso login: %s", out)
	}
	tokens := cli.Tokens()
	if len(tokens) != 1 || tokens[0].RefreshToken == "" {
		t.Fatalf("the CLI keeps %d tokens, want one with a refresh token", len(tokens))
	}
	if got, err := w.Bearer(t.Context(), tokens[0].AccessToken); err != nil || got.User.ID != signintest.Alice {
		t.Fatal(err)
	}
	if out, ok = cli.Run("configure", "export-credentials", "--profile", "dev"); !ok || !strings.Contains(out, "ASIAEXAMPLE") {
		t.Fatalf("credentials: %s", out)
	}
}

func TestAWSCLIRefreshesItsToken(t *testing.T) {
	t.Parallel()
	w, who, cli := cliWorld(t)
	// An hour's token that was issued 50 minutes ago has less than the 15 minutes left at which the CLI refreshes it.
	w.Clock.Pass(-50 * time.Minute)
	if out, ok := cli.Login(func(code string) {
		if _, err := w.DecideDevice(t.Context(), who, code, true); err != nil {
			t.Error(err)
		}
	}, "--profile", "dev"); !ok {
		t.Fatalf("aws sso login: %s", out)
	}
	cli.Age(50 * time.Minute)
	w.Clock.Pass(50 * time.Minute)
	before := cli.Tokens()[0]
	if out, ok := cli.Run("configure", "export-credentials", "--profile", "dev"); !ok {
		t.Fatalf("credentials: %s", out)
	}
	after := cli.Tokens()[0]
	if after.AccessToken == before.AccessToken || after.RefreshToken == before.RefreshToken || after.RefreshToken == "" {
		t.Errorf("the CLI did not refresh: it kept its tokens")
	}
	if _, err := w.Bearer(t.Context(), after.AccessToken); err != nil {
		t.Error(err)
	}
}

func TestAWSCLILogsInWithALegacyProfile(t *testing.T) {
	t.Parallel()
	w, who, cli := cliWorld(t)
	out, ok := cli.Login(func(code string) {
		if _, err := w.DecideDevice(t.Context(), who, code, true); err != nil {
			t.Error(err)
		}
	}, "--profile", "old")
	if !ok {
		t.Fatalf("aws sso login: %s", out)
	}
	if out, ok = cli.Run("configure", "export-credentials", "--profile", "old"); !ok || !strings.Contains(out, "ASIAEXAMPLE") {
		t.Fatalf("credentials: %s", out)
	}
}

func TestAWSCLISaysThatAccessWasDenied(t *testing.T) {
	t.Parallel()
	w, who, cli := cliWorld(t)
	out, ok := cli.Login(func(code string) {
		if _, err := w.DecideDevice(t.Context(), who, code, false); err != nil {
			t.Error(err)
		}
	}, "--profile", "dev")
	if ok || !strings.Contains(out, "AccessDeniedException") {
		t.Fatalf("got %v: %s", ok, out)
	}
	if n := len(cli.Tokens()); n != 0 {
		t.Errorf("%d tokens", n)
	}
}
