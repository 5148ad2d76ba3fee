package ssoportal_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/awswire"
	"gatehouse/internal/endpoint/ssoportal"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
	"gatehouse/internal/signin"
	"gatehouse/internal/signin/signintest"
	"gatehouse/internal/target"
)

// entitled is what one person may use: accounts and sets by id, as access.Service answers.
type entitled struct {
	userID   string
	accounts []organization.Account
	sets     []access.PermissionSet
	broken   error
	now      func() time.Time
}

func (e *entitled) EntitledAccounts(_ context.Context, userID, after string, limit int) ([]organization.Account, error) {
	return page(e.accounts, func(a organization.Account) string { return a.ID }, e.userID == userID, after, limit), e.broken
}

func (e *entitled) EntitledRoles(_ context.Context, userID, accountID, after string, limit int) ([]access.Entitlement, error) {
	mine := e.userID == userID && len(e.accounts) > 0 && accountID == e.accounts[0].ID
	var all []access.Entitlement
	for _, s := range e.sets {
		all = append(all, access.Entitlement{Account: e.accounts[0], Set: s})
	}
	all = append(all, access.Entitlement{Account: e.accounts[0], Existing: &access.OwnRole{Name: deployer}})
	return page(all, func(r access.Entitlement) string { return r.Place().Role }, mine, after, limit), e.broken
}

// deployer is an account's own role.
var deployer = "role/workforce/" + strings.Repeat("x", 60) + "/Deployer"

func page[V any](all []V, key func(V) string, mine bool, after string, limit int) []V {
	var out []V
	for _, v := range all {
		if mine && key(v) > after && len(out) < limit {
			out = append(out, v)
		}
	}
	return out
}

func (e *entitled) credentials(_ context.Context, who signin.Identity, accountID, setName string) (target.Credentials, error) {
	if who.User.ID != e.userID || accountID != e.accounts[0].ID || setName != e.sets[0].Name {
		return target.Credentials{}, cmp.Or(e.broken, error(fault.New(fault.Denied, "No access")))
	}
	return target.Credentials{
		AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret", SessionToken: "token",
		Expires: e.now().Add(time.Hour + 5*time.Millisecond),
	}, e.broken
}

type door struct {
	t testing.TB
	signintest.World
	h http.Handler
	e *entitled
	// token is alice's.
	token string
}

func newDoor(t testing.TB) door {
	t.Helper()
	w := signintest.New(t)
	e := &entitled{userID: signintest.Alice, now: w.Clock.Now}
	for n := range 250 {
		e.accounts = append(e.accounts, organization.Account{ID: fmt.Sprintf("1111%08d", n), Name: fmt.Sprintf("Account %d", n), Email: fmt.Sprintf("a%d@example.com", n)})
	}
	for n := range 3 {
		e.sets = append(e.sets, access.PermissionSet{ID: fmt.Sprintf("ps-%016d", n), Name: fmt.Sprintf("Set%d", n)})
	}
	d := door{t, w, ssoportal.New(ssoportal.Config{Tokens: w.Service, Entitlements: e, Credentials: e.credentials, Log: slog.New(slog.DiscardHandler)}), e, ""}
	d.token = d.login(signintest.Alice)
	return d
}

// login returns an access token of a user.
func (d door) login(userID string) string {
	d.t.Helper()
	_, who := d.SignIn(d.t, userID)
	ctx := d.t.Context()
	c, secret, err := d.RegisterClient(ctx, signin.Registration{Name: "cli", Type: "public", Scopes: []string{signin.ScopeAccountAccess}})
	if err != nil {
		d.t.Fatal(err)
	}
	s, err := d.StartDevice(ctx, c.ID, secret, signintest.StartURL)
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.DecideDevice(ctx, who, s.UserCode, true); err != nil {
		d.t.Fatal(err)
	}
	i, err := d.ExchangeDevice(ctx, c.ID, secret, s.DeviceCode)
	if err != nil {
		d.t.Fatal(err)
	}
	return i.AccessToken
}

func (d door) do(method, target, token string) (int, http.Header, string) {
	d.t.Helper()
	rec := httptest.NewRecorder()
	r := httptest.NewRequest(method, target, nil)
	if token != "" {
		r.Header.Set("x-amz-sso_bearer_token", token)
	}
	d.h.ServeHTTP(rec, r)
	return rec.Code, rec.Header(), rec.Body.String()
}

// get wants 200 and decodes the answer into v.
func (d door) get(target string, v any) {
	d.t.Helper()
	status, _, body := d.do(http.MethodGet, target, d.token)
	if status != http.StatusOK {
		d.t.Fatalf("%s: %d %s", target, status, body)
	}
	if err := json.Unmarshal([]byte(body), v); err != nil {
		d.t.Fatal(err)
	}
}

func (d door) refused(method, target, token string, status int, name, message string) {
	d.t.Helper()
	got, header, body := d.do(method, target, token)
	var e struct {
		Message string `json:"message"`
		Type    string `json:"__type"`
	}
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		d.t.Fatalf("%s: %q: %v", target, body, err)
	}
	if got != status || header.Get("x-amzn-ErrorType") != name || e.Type != name || (message != "" && e.Message != message) {
		d.t.Errorf("%s: got %d %s %+v, want %d %s %q", target, got, header.Get("x-amzn-ErrorType"), e, status, name, message)
	}
}

func TestListAccountsPages(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for _, size := range []string{"", "1", "7", "100"} {
		seen, pages, token := map[string]bool{}, 0, ""
		for {
			var out struct {
				AccountList []struct{ AccountID, AccountName, EmailAddress string }
				NextToken   string
			}
			q := url.Values{"next_token": {token}}
			if size != "" {
				q.Set("max_result", size)
			}
			if token == "" {
				q.Del("next_token")
			}
			d.get("/assignment/accounts?"+q.Encode(), &out)
			for _, a := range out.AccountList {
				if seen[a.AccountID] || a.AccountName == "" || a.EmailAddress == "" {
					t.Fatalf("size %q: %+v", size, a)
				}
				seen[a.AccountID] = true
			}
			pages++
			if token = out.NextToken; token == "" {
				break
			}
			if size == "1" && pages == 5 {
				break
			}
		}
		if size != "1" && len(seen) != 250 {
			t.Errorf("size %q: %d accounts in %d pages", size, len(seen), pages)
		}
	}
}

func TestListAccountRoles(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	_, _, body := d.do(http.MethodGet, "/assignment/roles?account_id=111100000000&max_result=2", d.token)
	var page struct{ NextToken string }
	if err := json.Unmarshal([]byte(body), &page); err != nil || page.NextToken == "" {
		t.Fatalf("no token of the second page: %s", body)
	}
	want := `{"nextToken":"` + page.NextToken + `","roleList":[{"roleName":"Set0","accountId":"111100000000"},{"roleName":"Set1","accountId":"111100000000"}]}`
	if body != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
	if _, _, body = d.do(http.MethodGet, "/assignment/roles?account_id=111100000000&next_token="+page.NextToken, d.token); body != `{"roleList":[{"roleName":"Set2","accountId":"111100000000"},{"roleName":"`+deployer+`","accountId":"111100000000"}]}` {
		t.Errorf("second page: %s", body)
	}
	// The place of an account's own role in the listing is its name.
	token := *awswire.PageToken(deployer, "ListAccountRoles", "111100000000")
	if status, _, body := d.do(http.MethodGet, "/assignment/roles?account_id=111100000000&next_token="+token, d.token); status != 200 || body != `{"roleList":[]}` {
		t.Errorf("third page: %d %s", status, body)
	}
	if status, _, body := d.do(http.MethodGet, "/assignment/roles?account_id=999999999999", d.token); status != 200 || body != `{"roleList":[]}` {
		t.Errorf("an account without access: %d %s", status, body)
	}
}

func TestGetRoleCredentialsExpiresInMilliseconds(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	_, header, body := d.do(http.MethodGet, "/federation/credentials?role_name=Set0&account_id=111100000000", d.token)
	expires := d.Clock.Now().Add(time.Hour + 5*time.Millisecond).UnixMilli()
	if want := fmt.Sprintf(`{"roleCredentials":{"accessKeyId":"ASIAEXAMPLE","secretAccessKey":"secret","sessionToken":"token","expiration":%d}}`, expires); body != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
	if header.Get("Cache-Control") != "no-store" || header.Get("Content-Length") != fmt.Sprint(len(body)) {
		t.Errorf("headers %v", header)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	bob := d.login(signintest.Bob)
	const invalid = "Session token not found or invalid"
	for _, path := range []string{"/assignment/accounts", "/assignment/roles?account_id=111100000000", "/federation/credentials?role_name=Set0&account_id=111100000000", "/assignment/accounts?max_result=x"} {
		for _, token := range []string{"", "x", signin.FormToken("x", "y"), strings.Repeat("x", 1<<16)} {
			d.refused(http.MethodGet, path, token, 401, "UnauthorizedException", invalid)
		}
	}
	d.refused(http.MethodPost, "/logout", "x", 401, "UnauthorizedException", invalid)
	for _, path := range []string{
		"/federation/credentials?role_name=Set1&account_id=111100000000", "/federation/credentials?role_name=Nothing&account_id=111100000000",
		"/federation/credentials?role_name=Set0&account_id=999999999999",
	} {
		d.refused(http.MethodGet, path, d.token, 403, "ForbiddenException", "No access")
	}
	d.refused(http.MethodGet, "/federation/credentials?role_name=Set0&account_id=111100000000", bob, 403, "ForbiddenException", "No access")
	for _, path := range []string{
		"/assignment/accounts?max_result=0", "/assignment/accounts?max_result=101", "/assignment/accounts?max_result=x", "/assignment/accounts?max_result=1&max_result=2",
		"/assignment/accounts?next_token=!", "/assignment/accounts?next_token=cHMtMDAwMDAwMDAwMDAwMDAwMQ", "/assignment/accounts?%zz",
		"/assignment/roles", "/assignment/roles?account_id=1", "/assignment/roles?account_id=111100000000&next_token=MTExMTAwMDAwMDAw",
		"/federation/credentials?role_name=Set0", "/federation/credentials?account_id=111100000000", "/federation/credentials?role_name=a%2Fb&account_id=111100000000",
		"/federation/credentials?role_name=&account_id=111100000000", "/federation/credentials?role_name=Set0&account_id=111100000000&role_name=Set1",
	} {
		d.refused(http.MethodGet, path, d.token, 400, "InvalidRequestException", "")
	}
	d.e.broken = errors.New("dial tcp 10.0.0.7")
	d.refused(http.MethodGet, "/assignment/accounts", d.token, 500, "InternalServerException", "An internal error occurred. The server's log has the details.")
	d.e.broken = fault.New(fault.Throttled, "slower")
	d.refused(http.MethodGet, "/assignment/accounts", d.token, 429, "TooManyRequestsException", "slower")
	d.e.broken = fault.New(fault.NotFound, "gone")
	d.refused(http.MethodGet, "/assignment/accounts", d.token, 404, "ResourceNotFoundException", "gone")
}

func TestADeactivatedUserIsOutAtOnce(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.get("/assignment/accounts", &struct{}{})
	d.People.Switch(signintest.Alice, false)
	d.refused(http.MethodGet, "/assignment/accounts", d.token, 401, "UnauthorizedException", "Session token not found or invalid")
	d.refused(http.MethodGet, "/federation/credentials?role_name=Set0&account_id=111100000000", d.token, 401, "UnauthorizedException", "")
}

func TestATokenEndsAfterAnHour(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.Clock.Pass(signin.AccessLife)
	d.refused(http.MethodGet, "/assignment/accounts", d.token, 401, "UnauthorizedException", "Session token not found or invalid")
}

func TestLogout(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	status, _, body := d.do(http.MethodPost, "/logout", d.token)
	if status != http.StatusOK || body != "" {
		t.Fatalf("got %d %q", status, body)
	}
	d.refused(http.MethodGet, "/assignment/accounts", d.token, 401, "UnauthorizedException", "Session token not found or invalid")
	d.refused(http.MethodPost, "/logout", d.token, 401, "UnauthorizedException", "Session token not found or invalid")
	if status, _, _ := d.do(http.MethodGet, "/logout", d.token); status < 400 || status > 499 {
		t.Errorf("GET /logout: %d", status)
	}
}

// FuzzQuery: whatever the query and the token, the answer is JSON, never 500, and without a token nothing.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{"", "max_result=1", "account_id=111100000000", "role_name=Set0&account_id=111100000000", "next_token=MTExMTAwMDAwMDAw", "%zz", "a=%00", "role_name=\xff"} {
		for p := range uint8(3) {
			f.Add(p, q)
		}
	}
	d := newDoor(f)
	f.Fuzz(func(t *testing.T, p uint8, q string) {
		for _, token := range []string{d.token, "x"} {
			r := httptest.NewRequest(http.MethodGet, ssoportal.Paths[int(p)%3], nil)
			r.URL.RawQuery = q
			r.Header.Set("x-amz-sso_bearer_token", token)
			rec := httptest.NewRecorder()
			d.h.ServeHTTP(rec, r)
			if rec.Code >= 500 || !json.Valid(rec.Body.Bytes()) || (token == "x") != (rec.Code == 401) {
				t.Fatalf("%q: %d %q", q, rec.Code, rec.Body)
			}
		}
	})
}
