package admin_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/endpoint/admin"
	"gatehouse/internal/localiam"
	"gatehouse/internal/signin"
)

// TestWhoMayAsk tries every operation of the document with everybody who may not, with good and with bad input: who may not ask gets the
// same answer whatever she asks.
func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	doc, _ := w.document()
	for path, methods := range doc.Paths {
		for method, op := range methods {
			method = strings.ToUpper(method)
			want := map[string]struct {
				who    asker
				status int
			}{
				"a stranger": {stranger, http.StatusUnauthorized}, "a wrong signature": {w.signed(w.nobody), http.StatusUnauthorized},
				"a signature for another service": {w.signedFor(w.admin, "sso"), http.StatusUnauthorized},
				"basic authentication":            {func(r *http.Request, _ []byte) { r.SetBasicAuth("admin", "admin") }, http.StatusUnauthorized},
				"a bearer token":                  {func(r *http.Request, _ []byte) { r.Header.Set("Authorization", "Bearer x") }, http.StatusUnauthorized},
				"a made-up cookie":                {func(r *http.Request, _ []byte) { r.AddCookie(&http.Cookie{Name: w.cookie.Name, Value: "x"}) }, http.StatusUnauthorized},
			}
			switch _, bySignature := op.Security[0]["sigv4"]; {
			case bySignature:
				want["a person"] = struct {
					who    asker
					status int
				}{w.person(), http.StatusUnauthorized}
				want["an administrator of a member account"] = struct {
					who    asker
					status int
				}{w.signed(w.member), http.StatusForbidden}
				if op.OperationID != "ListUsers" {
					want["a user without the permission"] = struct {
						who    asker
						status int
					}{w.signed(w.reader), http.StatusForbidden}
				}
			default:
				want["an administrator"] = struct {
					who    asker
					status int
				}{w.signed(w.admin), http.StatusUnauthorized}
			}
			for name, c := range want {
				for _, body := range []string{"", `{"no":"such"}`, `{`} {
					if a := w.ask(c.who, method, filled(path), body); a.status != c.status {
						t.Errorf("%s: %s %s with %q: HTTP %d %s, want %d", name, method, path, body, a.status, a.body, c.status)
					}
				}
			}
		}
	}
	if a := w.ask(w.signed(w.reader), "GET", "/users", ""); a.status != http.StatusOK {
		t.Errorf("what the policy allows: HTTP %d %s", a.status, a.body)
	}
	if us, err := w.Directory.Users(t.Context(), "", 100); err != nil || len(us) != 1 || !us[0].Active {
		t.Errorf("a refused request changed something: %v %v", us, err)
	}
}

// TestDocument: the document is OpenAPI 3.1, every reference in it leads somewhere, and docs/admin-api.md speaks of every operation and of none
// that is not there.
func TestDocument(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	doc, raw := w.document()
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("openapi is %q", doc.OpenAPI)
	}
	var tree any
	w.ok(json.Unmarshal(raw, &tree))
	for _, m := range regexp.MustCompile(`"\$ref":"([^"]*)"`).FindAllStringSubmatch(string(raw), -1) {
		if !leads(tree, m[1]) {
			t.Errorf("the reference %s leads nowhere", m[1])
		}
	}
	page, err := os.ReadFile("../../../docs/admin-api.md")
	w.ok(err)
	ids := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if op.OperationID == "" || op.Summary == "" || ids[op.OperationID] || len(op.Security) != 1 || op.Responses["401"] == nil {
				t.Errorf("%s %s: id %q (twice: %v), summary %q, security %v", method, path, op.OperationID, ids[op.OperationID], op.Summary, op.Security)
			}
			ids[op.OperationID] = true
			for scheme := range op.Security[0] {
				if _, ok := doc.Components.SecuritySchemes[scheme]; !ok {
					t.Errorf("%s: there is no security scheme %q", op.OperationID, scheme)
				}
			}
			if row := "| `" + strings.ToUpper(method) + " " + path + "` | " + op.OperationID + " |"; !strings.Contains(string(page), row) {
				t.Errorf("docs/admin-api.md lacks a row that begins with\n%s", row)
			}
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(?:[A-Z]+) /[^`]*` \\| ([A-Za-z]+) \\|").FindAllStringSubmatch(string(page), -1) {
		if !ids[m[1]] {
			t.Errorf("docs/admin-api.md speaks of %s, which does not exist", m[1])
		}
	}
}

// leads follows a JSON pointer (RFC 6901) of the document.
func leads(at any, ref string) bool {
	path, ok := strings.CutPrefix(ref, "#/")
	for _, name := range strings.Split(path, "/") {
		m, isMap := at.(map[string]any)
		if at, isMap = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)], isMap && m[name] != nil; !isMap {
			return false
		}
	}
	return ok
}

// step is one request by the administrator and what must come of it.
type step struct {
	method, path, body string
	status             int
	// has are texts that the answer must hold.
	has []string
}

func (w *world) walk(steps []step) {
	w.t.Helper()
	for _, s := range steps {
		a := w.ask(w.signed(w.admin), s.method, s.path, s.body)
		if a.status != s.status {
			w.t.Errorf("%s %s %s: HTTP %d %s, want %d", s.method, s.path, s.body, a.status, a.body, s.status)
		}
		for _, text := range s.has {
			if !strings.Contains(string(a.body), text) {
				w.t.Errorf("%s %s: %s lacks %s", s.method, s.path, a.body, text)
			}
		}
		if a.status == http.StatusNoContent && len(a.body) > 0 {
			w.t.Errorf("%s %s: 204 with a body", s.method, s.path)
		}
	}
}

// TestPeople walks the operations on users, groups and members, good and bad, in order.
func TestPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := strings.Repeat("x", 2000)
	w.walk([]step{
		{"POST", "/users", `{"userName":"john@example.com","displayName":"John Doe","givenName":"John","familyName":"Doe","email":"john@example.com"}`, 201, []string{`"userName":"john@example.com"`, `"active":true`, `"email":"john@example.com"`}},
		{"POST", "/users", `{"userName":"JOHN@example.com"}`, 409, nil},
		{"POST", "/users", `{"userName":"a b"}`, 400, []string{`"location":"userName"`}},
		{"POST", "/users", `{"userName":""}`, 400, nil},
		{"POST", "/users", `{"userName":"` + long + `"}`, 400, nil},
		{"POST", "/users", `{"userName":"n\u0000l"}`, 400, nil},
		{"POST", "/users", `{}`, 422, nil},
		{"POST", "/users", ``, 400, nil},
		{"POST", "/users", `{"userName":"x","admin":true}`, 422, []string{"admin"}},
		{"POST", "/users", `{"userName":7}`, 422, nil},
		{"POST", "/users", `["x"]`, 422, nil},
		{"POST", "/users", `{"userName":"x"`, 400, nil},
		{"GET", "/users/john@example.com", "", 200, []string{`"displayName":"John Doe"`}},
		{"GET", "/users/JOHN%40example.com", "", 200, []string{`"displayName":"John Doe"`}},
		{"GET", "/users/none@example.com", "", 404, nil},
		{"GET", "/users/" + long, "", 422, nil},
		{"GET", "/users/%00", "", 400, nil},
		{"GET", "/users/" + w.mary.ID, "", 200, []string{`"userName":"mary@example.com"`}},
		{"GET", "/users?limit=1", "", 200, []string{`"next":"`}},
		{"GET", "/users?limit=0", "", 422, nil},
		{"GET", "/users?limit=1001", "", 422, nil},
		{"GET", "/users?limit=x", "", 422, nil},
		{"GET", "/users?after=zzz", "", 200, nil},

		{"POST", "/groups", `{"displayName":"Auditors","description":"who looks"}`, 201, []string{`"displayName":"Auditors"`}},
		{"POST", "/groups", `{"displayName":"auditors"}`, 409, nil},
		{"POST", "/groups", `{"displayName":""}`, 400, nil},
		{"POST", "/groups", `{"displayName":"x","members":["a"]}`, 422, []string{"members"}},
		{"GET", "/groups", "", 200, []string{`"displayName":"Auditors"`, `"next":""`}},
		{"PUT", "/groups/Auditors/members/john@example.com", "", 204, nil},
		{"PUT", "/groups/Auditors/members/john@example.com", "", 204, nil}, // twice is no error
		{"PUT", "/groups/Auditors/members/none@example.com", "", 404, nil},
		{"PUT", "/groups/None/members/john@example.com", "", 404, nil},
		{"GET", "/groups/auditors/members", "", 200, []string{`"userName":"john@example.com"`}},
		{"GET", "/groups/None/members", "", 404, nil},
		{"DELETE", "/groups/Auditors/members/john@example.com", "", 204, nil},
		{"DELETE", "/groups/Auditors/members/john@example.com", "", 204, nil},
		{"GET", "/groups/Auditors/members", "", 200, []string{`"users":[]`}},
		{"DELETE", "/groups/Auditors", "", 204, nil},
		{"DELETE", "/groups/Auditors", "", 404, nil},

		{"POST", "/users/john@example.com/disable", "", 200, []string{`"active":false`}},
		{"POST", "/users/john@example.com/disable", "", 200, []string{`"active":false`}},
		{"POST", "/users/john@example.com/enable", "", 200, []string{`"active":true`}},
		{"POST", "/users/none@example.com/disable", "", 404, nil},
		{"DELETE", "/users/john@example.com/sessions", "", 200, []string{`"ended":0`}},
		{"DELETE", "/users/john@example.com", "", 204, nil},
		{"DELETE", "/users/john@example.com", "", 404, nil},
		{"PATCH", "/users/mary@example.com", `{}`, 404, nil},
		{"GET", "/nothing", "", 404, []string{"openapi.json"}},
		{"GET", "/", "", 404, nil},
		{"GET", "/users/mary@example.com/", "", 404, nil},
	})
}

// TestSessionsEnd by sign-out, by an administrator, and by disabling; mary's own operations work until then.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine := func(want int) {
		t.Helper()
		for _, path := range []string{"/session", "/portal/accounts"} {
			if a := w.ask(w.person(), "GET", path, ""); a.status != want {
				t.Errorf("GET %s: HTTP %d %s, want %d", path, a.status, a.body, want)
			}
		}
	}
	mine(200)
	for body, want := range map[string]int{
		`{"accountId":"` + w.Instance.OwnerAccountID + `","roleName":"None"}`:                  403,
		`{"accountId":"111122223333","roleName":"ReadOnly"}`:                                   403,
		`{"accountId":"1","roleName":"ReadOnly"}`:                                              422,
		`{"accountId":"` + w.Instance.OwnerAccountID + `","roleName":"ReadOnly","duration":9}`: 422,
		`{}`: 422,
	} {
		if a := w.ask(w.person(), "POST", "/portal/credentials", body); a.status != want {
			t.Errorf("%s: HTTP %d %s, want %d", body, a.status, a.body, want)
		}
	}
	for _, cursor := range []string{"x", "111122223333/ps-", "111122223333/ps-0123456789abcdef'", strings.Repeat("1", 100)} {
		if a := w.ask(w.person(), "GET", "/portal/accounts?cursor="+cursor, ""); a.status != 422 {
			t.Errorf("cursor %q: HTTP %d", cursor, a.status)
		}
	}
	if a := w.ask(w.person(), "POST", "/session/logout", ""); a.status != 204 {
		t.Errorf("HTTP %d", a.status)
	}
	mine(401)
	w.signIn()
	mine(200)
	w.walk([]step{{"DELETE", "/users/mary@example.com/sessions", "", 200, []string{`"ended":1`}}})
	mine(401)
	w.signIn()
	w.walk([]step{{"POST", "/users/mary@example.com/disable", "", 200, nil}, {"POST", "/users/mary@example.com/enable", "", 200, nil}})
	mine(401)
}

// TestOwnSessions: a person lists her sessions and ends others of hers, nobody else's, and the credentials that she was given before.
func TestOwnSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lost := w.cookie
	w.signIn()
	second := w.cookie
	w.signIn()
	with := func(c *http.Cookie) asker { return func(r *http.Request, _ []byte) { r.AddCookie(c) } }
	list := func(who asker) (ids []string, current string) {
		t.Helper()
		a := w.ask(who, "GET", "/portal/sessions", "")
		var out struct {
			Sessions []struct {
				ID      string
				Current bool
			}
		}
		w.ok(json.Unmarshal(a.body, &out))
		for _, s := range out.Sessions {
			if ids = append(ids, s.ID); s.Current {
				current = s.ID
			}
		}
		return ids, current
	}
	ids, mine := list(w.person())
	_, other := list(with(lost))
	if len(ids) != 3 || mine == "" || other == "" || mine == other {
		t.Fatalf("sessions %v, current %q and %q", ids, mine, other)
	}
	issue := func() localiam.Credentials {
		t.Helper()
		c, err := w.IAM.IssueForSSO(t.Context(), localiam.SSOSession{AccountID: w.Instance.OwnerAccountID, RoleName: w.role(), SessionName: "mary", PersonID: w.mary.ID, Duration: time.Hour})
		w.ok(err)
		return c
	}
	valid := func(c localiam.Credentials) bool {
		_, err := w.IAM.Credential(t.Context(), c.AccessKeyID, c.SessionToken)
		return err == nil
	}
	given := issue()
	none := "00000000-0000-4000-8000-000000000000"
	for session, status := range map[string]int{mine: 409, none: 404, "x": 422} {
		if a := w.ask(w.person(), "DELETE", "/portal/sessions/"+session, ""); a.status != status {
			t.Errorf("ending %s: HTTP %d %s, want %d", session, a.status, a.body, status)
		}
	}
	// Somebody else's.
	jo, err := w.Directory.CreateUser(t.Context(), tester, directory.User{UserName: "jo@example.com", Active: true})
	w.ok(err)
	o, err := w.SignIn.OpenSession(t.Context(), jo, signin.Proof{Method: signin.SAML, SourceID: "default"}, "")
	w.ok(err)
	jos := with(&http.Cookie{Name: lost.Name, Value: o.Secret})
	if a := w.ask(jos, "DELETE", "/portal/sessions/"+mine, ""); a.status != 404 {
		t.Errorf("another's session: HTTP %d %s", a.status, a.body)
	}
	for name, c := range map[string]struct {
		who  asker
		want string
	}{"mary, who has a role in the management account": {w.person(), `"administers":true`}, "jo, who has none": {jos, `"administers":false`}} {
		if a := w.ask(c.who, "GET", "/session", ""); !strings.Contains(string(a.body), c.want) {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	if !valid(given) {
		t.Error("credentials ended with what was refused")
	}
	w.Clock.Move(time.Second)
	if a := w.ask(w.person(), "DELETE", "/portal/sessions/"+other, ""); a.status != 204 {
		t.Fatalf("HTTP %d %s", a.status, a.body)
	}
	for name, c := range map[string]struct {
		who    asker
		status int
	}{"the lost one": {with(lost), 401}, "the second": {with(second), 200}, "jo's": {jos, 200}} {
		if a := w.ask(c.who, "GET", "/session", ""); a.status != c.status {
			t.Errorf("%s: HTTP %d, want %d", name, a.status, c.status)
		}
	}
	if valid(given) {
		t.Error("credentials that were given before are good still")
	}
	w.Clock.Move(time.Second)
	fresh := issue()
	if !valid(fresh) {
		t.Error("new credentials are not good")
	}
	w.Clock.Move(time.Second)
	if a := w.ask(w.person(), "DELETE", "/portal/sessions", ""); a.status != 200 || !strings.Contains(string(a.body), `"ended":1`) {
		t.Errorf("HTTP %d %s", a.status, a.body)
	}
	for name, c := range map[string]struct {
		who    asker
		status int
	}{"hers": {w.person(), 200}, "the second": {with(second), 401}, "jo's": {jos, 200}} {
		if a := w.ask(c.who, "GET", "/session", ""); a.status != c.status {
			t.Errorf("%s: HTTP %d, want %d", name, a.status, c.status)
		}
	}
	if valid(fresh) {
		t.Error("credentials outlive the end of all other sessions")
	}
}

// TestCrossSite: a request that a browser says comes from another site is refused, cookie or not (Fetch Metadata, Sec-Fetch-Site; Origin).
func TestCrossSite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, h := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", w.URL+"/api/v1/session/logout", nil)
		w.ok(err)
		r.AddCookie(w.cookie)
		r.Header.Set(h[0], h[1])
		res, err := w.http.Do(r)
		w.ok(err)
		res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s: HTTP %d", h[0], h[1], res.StatusCode)
		}
	}
	if a := w.ask(w.person(), "GET", "/session", ""); a.status != http.StatusOK {
		t.Errorf("a refused sign-out signed out: HTTP %d", a.status)
	}
}

// TestLargeBody: one byte more than the limit is refused, whoever asks; the limit itself is read.
func TestLargeBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := func(n int) string { return `{"metadata":"` + strings.Repeat("x", n-15) + `"}` }
	if a := w.ask(w.signed(w.admin), "PUT", "/directories/default/idp", body(admin.MaxBody)); a.status != http.StatusBadRequest {
		t.Errorf("the largest: HTTP %d %s", a.status, a.body)
	}
	for name, who := range map[string]asker{"administrator": w.signed(w.admin), "stranger": stranger, "person": w.person()} {
		if a := w.ask(who, "PUT", "/directories/default/idp", body(admin.MaxBody+1)); a.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: HTTP %d %s", name, a.status, a.body)
		}
	}
}

// TestSources walks the operations on directories, their identity providers and tokens.
func TestSources(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idp := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/metadata":
			_, _ = rw.Write([]byte(metadata))
		case "/large":
			_, _ = rw.Write([]byte(strings.Repeat("x", 300<<10)))
		case "/away":
			http.Redirect(rw, r, "file:///etc/passwd", http.StatusFound)
		default:
			http.NotFound(rw, r)
		}
	}))
	t.Cleanup(idp.Close)
	xml, err := json.Marshal(metadata)
	w.ok(err)
	_, der, _ := strings.Cut(metadata, "<X509Certificate>")
	der, _, _ = strings.Cut(der, "<")
	own := `"-----BEGIN CERTIFICATE-----\n` + der + `\n-----END CERTIFICATE-----\n"`
	w.walk([]step{
		{"GET", "/directories", "", 200, []string{`"id":"default"`, `"scimUrl":"` + w.URL + `/scim/default/v2"`}},
		{"POST", "/directories", `{"id":"contoso","name":"Contoso","profile":"aws","localUsers":true}`, 201, []string{`"profile":"aws"`}},
		{"POST", "/directories", `{"id":"contoso"}`, 409, nil},
		{"POST", "/directories", `{"id":"Not Good"}`, 400, nil},
		{"POST", "/directories", `{"id":"x","profile":"odd"}`, 422, nil},
		{"POST", "/directories", `{"id":"x","secret":"s"}`, 422, []string{"secret"}},
		{"GET", "/directories/contoso", "", 200, []string{`"localUsers":true`}},
		{"GET", "/directories/none", "", 404, nil},
		{"PUT", "/directories/contoso/idp", `{"metadata":` + string(xml) + `,"allowIdpInitiated":true,"justInTime":true,"name":"Entra"}`, 200, []string{`"entityId":"https://idp.example/"`, `"allowIdpInitiated":true`, `"justInTime":true`, `"name":"Entra"`, `"certificates":[{`}},
		{"PUT", "/directories/contoso/idp", `{"metadata":"<a/>"}`, 400, nil},
		{"PUT", "/directories/contoso/idp", `{"metadata":"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"}`, 400, nil},
		{"PUT", "/directories/contoso/idp", `{}`, 400, nil},
		{"PUT", "/directories/contoso/idp", `{"metadata":"x","metadataUrl":"https://idp.example/"}`, 400, nil},
		{"PUT", "/directories/contoso/idp", `{"metadataUrl":"file:///etc/passwd"}`, 400, nil},
		{"PUT", "/directories/contoso/idp", `{"metadataUrl":"` + idp.URL + `/none"}`, 400, []string{"404"}},
		{"PUT", "/directories/contoso/idp", `{"metadataUrl":"` + idp.URL + `/large"}`, 400, nil},
		{"PUT", "/directories/contoso/idp", `{"metadataUrl":"` + idp.URL + `/away"}`, 400, nil},
		{"GET", "/directories/contoso", "", 200, []string{`"entityId":"https://idp.example/"`}}, // none of these changed anything
		{"PUT", "/directories/contoso/idp", `{"metadataUrl":"` + idp.URL + `/metadata"}`, 200, []string{`"metadataUrl":"` + idp.URL + `/metadata"`, `"allowIdpInitiated":false`}},
		{"PUT", "/directories/contoso/idp", `{"metadataUrl":"` + idp.URL + `/metadata","metadataCertificates":"nonsense"}`, 400, []string{"PEM"}},
		{"PUT", "/directories/contoso/idp", `{"metadata":` + string(xml) + `,"metadataCertificates":` + own + `}`, 400, []string{"metadataUrl"}},
		{"PUT", "/directories/contoso/idp", `{"metadataUrl":"` + idp.URL + `/metadata","metadataCertificates":` + own + `}`, 400, []string{"not signed"}},
		{"PUT", "/directories/contoso/idp", `{"metadata":` + string(xml) + `,"singleLogout":true}`, 400, []string{"single logout address"}},
		{"PUT", "/directories/contoso/idp", `{"metadataUrl":"` + idp.URL + `/metadata","signRequests":true}`, 200, []string{`"signRequests":true`, `"signingCertificate":{"subject":"CN=Gatehouse contoso"`, `"warnings":[]`, `"sha256":"`}},
		{"POST", "/directories/contoso/idp/refresh", "", 200, []string{`"metadataCheck":{"checkedAt":`, `"warnings":[]`}},
		{"GET", "/directories/contoso", "", 200, []string{`"metadataCheck":{"checkedAt":`, `/saml/contoso/slo"`}},
		{"PUT", "/directories/contoso/idp", `{"metadata":` + string(xml) + `}`, 200, []string{`"signRequests":false`, `"signingCertificate":`}}, // the key stays
		{"POST", "/directories/contoso/idp/refresh", "", 409, nil},
		{"POST", "/directories/none/idp/refresh", "", 404, nil},
		{"GET", "/sign-in-failures?before=x", "", 400, nil},
		{"GET", "/sign-in-failures/none", "", 404, nil},
		{"PUT", "/directories/none/idp", `{"metadata":` + string(xml) + `}`, 404, nil},
		{"DELETE", "/directories/contoso/idp", "", 200, nil},
		{"DELETE", "/directories/none/idp", "", 404, nil},
		{"POST", "/directories/none/scim-tokens", `{}`, 404, nil},
		{"POST", "/directories/contoso/scim-tokens", `{"days":-1}`, 422, nil},
		{"POST", "/directories/contoso/scim-tokens", `{"days":3651}`, 422, nil},
		{"GET", "/directories/none/scim-tokens", "", 404, nil},
		{"DELETE", "/directories/contoso/scim-tokens/00000000-0000-4000-8000-000000000000", "", 404, nil},
		{"DELETE", "/directories/contoso/scim-tokens/x", "", 422, nil},
	})
	w.tokens()
}

func (w *world) tokens() {
	w.t.Helper()
	var made [2]struct{ ID, Token, URL string }
	for i := range made {
		a := w.ask(w.signed(w.admin), "POST", "/directories/contoso/scim-tokens", `{"days":30}`)
		if w.ok(json.Unmarshal(a.body, &made[i])); a.status != 201 || made[i].Token == "" || made[i].URL != w.URL+"/scim/contoso/v2" {
			w.t.Errorf("HTTP %d %s", a.status, a.body)
		}
	}
	use := func(secret string) int {
		r, err := http.NewRequestWithContext(w.t.Context(), "GET", made[0].URL+"/Users", nil)
		w.ok(err)
		r.Header.Set("Authorization", "Bearer "+secret)
		res, err := w.http.Do(r)
		w.ok(err)
		res.Body.Close()
		return res.StatusCode
	}
	if got := []int{use(made[0].Token), use(made[1].Token), use("x")}; !slices.Equal(got, []int{200, 200, 401}) {
		w.t.Errorf("the tokens: %v", got)
	}
	a := w.ask(w.signed(w.admin), "GET", "/directories/contoso/scim-tokens", "")
	if strings.Contains(string(a.body), made[0].Token) || !strings.Contains(string(a.body), made[0].ID) {
		w.t.Errorf("the list: %s", a.body)
	}
	w.walk([]step{
		{"POST", "/directories/contoso/scim-tokens", `{}`, 409, nil}, // a third
		{"DELETE", "/directories/default/scim-tokens/" + made[0].ID, "", 404, nil},
		{"DELETE", "/directories/contoso/scim-tokens/" + made[0].ID, "", 204, nil},
	})
	if got := []int{use(made[0].Token), use(made[1].Token)}; !slices.Equal(got, []int{401, 200}) {
		w.t.Errorf("after one was revoked: %v", got)
	}
}

// TestGuard walks a directory's guard, through a hold that SCIM runs into.
func TestGuard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.walk([]step{
		{"POST", "/directories", `{"id":"contoso"}`, 201, nil},
		{"GET", "/directories/contoso/guard", "", 200, []string{`"share":20`, `"least":20`, `"held":false`, `"users":0`}},
		{"GET", "/directories/none/guard", "", 404, nil},
		{"PUT", "/directories/contoso/guard", `{"share":101}`, 422, nil},
		{"PUT", "/directories/contoso/guard", `{"share":1,"least":1}`, 200, []string{`"share":1`, `"least":1`}},
		{"PUT", "/directories/none/guard", `{"share":1}`, 404, nil},
		{"POST", "/directories/contoso/guard/confirm", `{}`, 422, nil},
		{"POST", "/directories/contoso/guard/confirm", `{"minutes":10081}`, 422, nil},
		{"POST", "/directories/none/guard/confirm", `{"minutes":1}`, 404, nil},
		{"POST", "/directories/none/guard/forget", "", 404, nil},
	})
	a := w.ask(w.signed(w.admin), "POST", "/directories/contoso/scim-tokens", `{}`)
	var token struct{ Token, URL string }
	w.ok(json.Unmarshal(a.body, &token))
	scim := func(method, path, body string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, token.URL+path, strings.NewReader(body))
		w.ok(err)
		r.Header.Set("Authorization", "Bearer "+token.Token)
		res, err := w.http.Do(r)
		w.ok(err)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		w.ok(err)
		return res.StatusCode, string(b)
	}
	var paths []string
	for _, name := range []string{"a", "b", "c", "d"} {
		_, body := scim("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+name+`@contoso.example"}`)
		var u struct{ ID string }
		w.ok(json.Unmarshal([]byte(body), &u))
		paths = append(paths, "/Users/"+u.ID)
	}
	deletes := func(path string, status int) {
		t.Helper()
		if got, body := scim("DELETE", path, ""); got != status || status == 403 && !strings.Contains(body, "removals are held") {
			t.Errorf("DELETE: %d %s, want %d", got, body, status)
		}
	}
	deletes(paths[0], 204)
	deletes(paths[1], 403)
	w.walk([]step{
		{"GET", "/directories/contoso/guard", "", 200, []string{`"held":true`, `"usersRemoved":1`, `"users":4`, `"refused":1`}},
		{"GET", "/events", "", 200, []string{`gatehouse:HoldSync`}},
		{"POST", "/directories/contoso/guard/confirm", `{"minutes":5}`, 200, []string{`"held":false`, `"confirmedUntil"`}},
	})
	deletes(paths[1], 204)
	w.walk([]step{{"POST", "/directories/contoso/guard/forget", "", 200, []string{`"usersRemoved":0`, `"users":2`}}})
	deletes(paths[2], 204)
	deletes(paths[3], 403)
	w.walk([]step{{"PUT", "/directories/contoso/guard", `{"off":true}`, 200, []string{`"off":true`, `"held":false`}}})
	deletes(paths[3], 204)
}

// TestOwners walks owner rules, and the removal of a directory.
func TestOwners(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.walk([]step{
		{"POST", "/directories", `{"id":"contoso"}`, 201, []string{`"owners":{"local":"refuse","directories":{}}`}},
		{"POST", "/directories", `{"id":"okta"}`, 201, nil},
		{"GET", "/directories/contoso/owners", "", 200, []string{`"local":"refuse"`}},
		{"GET", "/directories/none/owners", "", 404, nil},
		{"PUT", "/directories/none/owners", `{"local":"adopt"}`, 404, nil},
		{"PUT", "/directories/contoso/owners", `{"local":"share"}`, 422, nil},
		{"PUT", "/directories/contoso/owners", `{"directories":{"okta":"share"}}`, 400, []string{`share`}},
		{"PUT", "/directories/contoso/owners", `{"directories":{"none":"adopt"}}`, 400, []string{`none`}},
		{"PUT", "/directories/contoso/owners", `{"directories":{"builtin":"adopt"}}`, 400, []string{`builtin`}},
		{"PUT", "/directories/contoso/owners", `{"local":"adopt","directories":{"okta":"adopt"}}`, 200, []string{`"local":"adopt"`, `"okta":"adopt"`}},
		{"GET", "/directories/contoso", "", 200, []string{`"owners":{"local":"adopt","directories":{"okta":"adopt"}}`}},
		{"PUT", "/directories/contoso/owners", `{}`, 200, []string{`"local":"refuse"`, `"directories":{}`}},
	})
	_, err := w.Directory.CreateUser(t.Context(), audit.Gatehouse, directory.User{UserName: "olga", Active: true, Source: "okta"})
	w.ok(err)
	w.walk([]step{
		{"DELETE", "/directories/none", "", 404, nil},
		{"DELETE", "/directories/okta?people=forget", "", 422, nil},
		{"DELETE", "/directories/okta", "", 409, []string{"1 users", "release"}},
		{"GET", "/users/olga", "", 200, []string{`"source":"okta"`, `"active":true`}},
		{"DELETE", "/directories/okta?people=disable", "", 204, nil},
		{"GET", "/users/olga", "", 200, []string{`"source":""`, `"active":false`}},
		{"GET", "/directories/okta", "", 404, nil},
		{"DELETE", "/directories/contoso", "", 204, nil},
		{"GET", "/events", "", 200, []string{"gatehouse:DeleteSource", "gatehouse:CloseSource"}},
	})
}

// TestNestedGroups walks groups in groups, and the setting of a directory that lets them be.
func TestNestedGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.walk([]step{
		{"POST", "/directories", `{"id":"okta"}`, 201, []string{`"nestedGroups":"refuse"`}},
		{"POST", "/groups", `{"displayName":"All"}`, 201, nil},
		{"POST", "/groups", `{"displayName":"Some"}`, 201, nil},
		{"PUT", "/groups/All/groups/Some", "", 204, nil}, // made by hand: the administrator's to decide
		{"PUT", "/groups/All/groups/Some", "", 204, nil},
		{"GET", "/groups/All/groups", "", 200, []string{`"displayName":"Some"`}},
		{"PUT", "/groups/Some/members/mary@example.com", "", 204, nil},
	})
	all, err := w.Directory.GroupByName(t.Context(), "All")
	w.ok(err)
	set, err := w.Access.SetByName(t.Context(), w.Instance.ID, "ReadOnly")
	w.ok(err)
	_, err = w.Access.Assign(t.Context(), tester, access.RoleKey{AccountID: w.Instance.OwnerAccountID, PermissionSetID: set.ID}, access.Principal{Type: access.Group, ID: all.ID})
	w.ok(err)
	w.provisioned()
	w.walk([]step{
		{"GET", "/access/what?user=mary@example.com", "", 200, []string{`"viaGroup":"All","path":["Some","All"]`}},
		{"GET", "/access/who?account=" + w.Instance.OwnerAccountID, "", 200, []string{`"viaGroup":"All","path":["Some","All"]`}},
		{"PUT", "/groups/Some/groups/All", "", 400, []string{"cannot be a member of itself"}},
		{"PUT", "/groups/All/groups/All", "", 400, nil},
		{"PUT", "/groups/All/groups/None", "", 404, nil},
		{"PUT", "/groups/None/groups/All", "", 404, nil},
		{"DELETE", "/groups/All/groups/Some", "", 204, nil},
		{"DELETE", "/groups/All/groups/Some", "", 204, nil},
		{"GET", "/groups/All/groups", "", 200, []string{`"groups":[]`}},
		{"PUT", "/directories/none/nested-groups", `{"nestedGroups":"expand"}`, 404, nil},
		{"PUT", "/directories/okta/nested-groups", `{"nestedGroups":"some"}`, 422, nil},
	})
	_, err = w.Directory.CreateGroup(t.Context(), audit.Gatehouse, directory.Group{DisplayName: "Okta", Source: "okta"}, nil)
	w.ok(err)
	w.walk([]step{
		{"PUT", "/groups/Okta/groups/Some", "", 400, []string{"gatehouse directory nesting okta expand"}},
		{"PUT", "/directories/okta/nested-groups", `{"nestedGroups":"expand"}`, 200, []string{`"nestedGroups":"expand"`}},
		{"PUT", "/groups/Okta/groups/Some", "", 204, nil},
		{"PUT", "/directories/okta/nested-groups", `{"nestedGroups":"refuse"}`, 409, []string{"take them out of it first"}},
		{"DELETE", "/groups/Okta/groups/Some", "", 204, nil},
		{"PUT", "/directories/okta/nested-groups", `{"nestedGroups":"refuse"}`, 200, nil},
	})
}

// TestTheRest walks instance, access, settings and events.
func TestTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	management := w.Instance.OwnerAccountID
	w.walk([]step{
		{"GET", "/instance", "", 200, []string{`"instanceArn":"` + w.Env["GATEHOUSE_INSTANCE_ARN"] + `"`, `"startUrl":"` + w.StartURL() + `"`}},
		{"GET", "/access/what?user=mary@example.com", "", 200, []string{`"permissionSet":"ReadOnly"`, `"accountId":"` + management + `"`}},
		{"GET", "/access/what?user=none@example.com", "", 404, nil},
		{"GET", "/access/what", "", 422, nil},
		{"GET", "/access/who?account=111122223333", "", 404, nil},
		{"GET", "/access/who?account=1", "", 422, nil},
		{"GET", "/access/who", "", 422, nil},
		{"GET", "/settings/session", "", 200, []string{`"sessionMinutes":480`}},
		{"PUT", "/settings/session", `{"sessionMinutes":60,"version":0}`, 200, []string{`"sessionMinutes":60`, `"version":1`}},
		{"PUT", "/settings/session", `{"sessionMinutes":90,"version":0}`, 409, nil},
		{"PUT", "/settings/session", `{"sessionMinutes":14,"version":1}`, 422, nil},
		{"PUT", "/settings/session", `{"sessionMinutes":60}`, 422, nil},
		{"GET", "/settings/session", "", 200, []string{`"sessionMinutes":60`}},
		{"GET", "/settings/network", "", 200, nil},
		{"PUT", "/settings/network", `{"apiSources":["203.0.113.0/24"],"scimSources":["192.0.2.1"]}`, 200, []string{`"apiSources":["203.0.113.0/24"]`}},
		{"GET", "/settings/network", "", 200, []string{`"scimSources":["192.0.2.1"]`}},
		{"PUT", "/settings/network", `{"apiSources":["203.0.113.0/33"]}`, 400, nil},
		{"PUT", "/settings/network", `{"apiSources":[]}`, 422, nil},
		{"PUT", "/settings/network", `{}`, 200, nil},
		{"GET", "/events?limit=0", "", 422, nil},
		{"GET", "/events?before=x", "", 400, nil},
		{"GET", "/events?before=99999999999999999999.1", "", 400, nil},
	})
	seen, before := map[string]bool{}, ""
	for {
		a := w.ask(w.signed(w.admin), "GET", "/events?limit=5&before="+before, "")
		var p struct {
			Events []struct{ ID, Action, ActorName, Outcome string }
			Next   string
		}
		w.ok(json.Unmarshal(a.body, &p))
		for _, e := range p.Events {
			if seen[e.ID] {
				t.Fatalf("event %s comes twice", e.ID)
			}
			seen[e.ID] = true
			seen[e.Action] = true
		}
		if before = p.Next; before == "" {
			break
		}
	}
	for _, action := range []string{"gatehouse:CreateSource", "identitystore:CreateUser", "sso:CreateInstance", "signin:PutSettings"} {
		if !seen[action] {
			t.Errorf("the trail lacks %s", action)
		}
	}
}

// metadata is an identity provider's, with a certificate made for it.
const metadata = `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example/"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>MIIDDzCCAfegAwIBAgIUEdQbiEDMAcXMdJEh8NdL8CUXK9QwDQYJKoZIhvcNAQELBQAwFjEUMBIGA1UEAwwLaWRwLmV4YW1wbGUwIBcNMjYxMTI0MDQzODA1WhgPMjEyNjEwMzEwNDM4MDVaMBYxFDASBgNVBAMMC2lkcC5leGFtcGxlMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqBowSFAio2BvF2QcPyUo3nuvhwWqen5e5jokUZutBYcaigF6uMn4pG0kKObgWu1j9vE5jzt/ZU3wnhDze8L8f2kIF8y4gxoDMVjd57D8rD8I6KjYWcCdrRIjvWNmeY+8A8PHEnfJB2W7wwj7EfgCRzjjAbWrbCAUHfhLK3EBENx3tm6hO21jxyS1baVBZB/yACQZM5A2Nidp2RvSkCFkswiu8qHdQLxFoRAT/z+BQXIoEMbiO5TplETg4/0hI9pekISBjd1Eah9zTo5NHBi5PvSp26/KlLyucoSQ0fuxFdaiZlS1HWvhDjifh41EPHEycGJc/sFs1gVb0beM6P3gowIDAQABo1MwUTAdBgNVHQ4EFgQUbdOP9L/1FMGQMDYjJXWws7jjFwowHwYDVR0jBBgwFoAUbdOP9L/1FMGQMDYjJXWws7jjFwowDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAfjzwwXxEnnvBDKqHpZ0/8NPM07cp+kSUtjvnaVB4PiSOWusmqdGn+fDUkjrylogxTF3r8RFt7umfCmZk2YQpGB093B1o6ds1J2iDlJ8VCgnlXy5LhAgwmTrsuOpeyKUWSaqM+otQgE2K0jqJQmahR8B/kPXRqLmsIbdB/591p+c64zanegR//WSSMQkrZTJefKuboS2t0undX7DKmzp7nI11QaTOXMqFicSiCx3AQKJCA/XrHclPdDqkSkp+UHJ0YC0SBxeMSJyM8DSvJwiUlf89oqjvz3kj1QEyWTAJWrOM6/QM4C3/PVWOjkCoUJ7tclo3DjessgoMyP6mSl7PMw==</X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/></IDPSSODescriptor></EntityDescriptor>`

// TestEventsAreFiltered: each filter narrows the trail, and they narrow it together.
func TestEventsAreFiltered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Clock.Move(time.Second)
	w.walk([]step{{"POST", "/directories", `{"id":"okta"}`, 201, nil}, {"POST", "/directories", `{"id":"entra"}`, 201, nil}})
	at := url.QueryEscape(w.Clock.Now().Format(time.RFC3339Nano))
	for query, want := range map[string]string{
		"action=gatehouse:CreateSource":                            "entra okta default",
		"action=gatehouse:*&resource=okta":                         "okta",
		"action=gatehouse:CreateSource&until=" + at:                "default",
		"action=gatehouse:CreateSource&since=" + at:                "entra okta",
		"resource=okta&outcome=success":                            "okta",
		"resource=okta&outcome=Denied":                             "",
		"outcome=Denied":                                           "",
		"actorId=nobody":                                           "",
		"action=gatehouse:CreateSource&actorId=nobody":             "",
		"action=gatehouse:CreateSource&resource=entra&since=" + at: "entra",
	} {
		a := w.ask(w.signed(w.admin), "GET", "/events?"+query, "")
		var out struct{ Events []struct{ Resource string } }
		w.ok(json.Unmarshal(a.body, &out))
		var got []string
		for _, e := range out.Events {
			got = append(got, e.Resource)
		}
		if a.status != 200 || strings.Join(got, " ") != want {
			t.Errorf("%s: HTTP %d, %q, want %q", query, a.status, got, want)
		}
	}
	w.walk([]step{{"GET", "/events?since=yesterday", "", 422, nil}, {"GET", "/events?before=x", "", 400, []string{"before"}}})
}

// TestRemovingADirectoryEndsWhatItVouchedFor: the sessions that people began through it end with what hangs on them, whoever owns these people; others stay. So it is
// when only its identity provider is removed.
func TestRemovingADirectoryEndsWhatItVouchedFor(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string][]step{
		"directory": {{"DELETE", "/directories/okta?people=release", "", 204, nil}, {"GET", "/directories/okta", "", 404, nil}, {"GET", "/users/jo@example.com", "", 200, []string{`"active":true`, `"source":""`}}},
		"provider": {
			{"DELETE", "/directories/okta/idp", "", 200, []string{`"id":"okta"`}}, {"GET", "/users/jo@example.com", "", 200, []string{`"active":true`, `"source":"okta"`}},
			{"GET", "/events?action=gatehouse:CloseIdentityProvider", "", 200, []string{`"sessions":"2"`, `"next":""`}}, {"DELETE", "/directories/okta/idp", "", 200, nil},
		},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); testRemovalEndsSessions(t, remove) })
	}
}

func testRemovalEndsSessions(t *testing.T, remove []step) {
	w := newWorld(t) // where mary is signed in through "default"
	w.walk([]step{{"POST", "/directories", `{"id":"okta"}`, 201, nil}})
	jo, err := w.Directory.CreateUser(t.Context(), audit.Gatehouse, directory.User{UserName: "jo@example.com", Active: true, Source: "okta"})
	w.ok(err)
	open := func(u directory.User, p signin.Proof) asker {
		t.Helper()
		o, err := w.SignIn.OpenSession(t.Context(), u, p, "")
		w.ok(err)
		return func(r *http.Request, _ []byte) { r.AddCookie(&http.Cookie{Name: w.cookie.Name, Value: o.Secret}) }
	}
	okta := signin.Proof{Method: signin.SAML, SourceID: "okta"}
	sessions := map[string]struct {
		who    asker
		status int
	}{
		"jo's through okta": {open(jo, okta), 401}, "mary's through okta": {open(w.mary, okta), 401},
		"jo's by password": {open(jo, signin.Proof{Method: signin.Password}), 200}, "mary's through the other": {w.person(), 200},
	}
	var given []localiam.Credentials
	for _, u := range []directory.User{jo, w.mary} {
		c, err := w.IAM.IssueForSSO(t.Context(), localiam.SSOSession{AccountID: w.Instance.OwnerAccountID, RoleName: w.role(), SessionName: u.UserName, PersonID: u.ID, Duration: time.Hour})
		w.ok(err)
		given = append(given, c)
	}
	w.Clock.Move(time.Second)
	w.walk(remove)
	for name, s := range sessions {
		if a := w.ask(s.who, "GET", "/session", ""); a.status != s.status {
			t.Errorf("%s: HTTP %d, want %d", name, a.status, s.status)
		}
	}
	for _, c := range given {
		if _, err := w.IAM.Credential(t.Context(), c.AccessKeyID, c.SessionToken); err == nil {
			t.Error("credentials that were given before are good still")
		}
	}
}

// TestARemovalTakesTurns: a request that has no time left ends one batch of sessions, says that something is left, and asking again goes on. Meanwhile the
// source can be set to nothing.
func TestARemovalTakesTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	xml, err := json.Marshal(metadata)
	w.ok(err)
	provider := `{"metadata":` + string(xml) + `}`
	hasty := w.hasty()
	begin := func(id string) {
		w.walk([]step{{"POST", "/directories", `{"id":"` + id + `"}`, 201, nil}, {"PUT", "/directories/" + id + "/idp", provider, 200, nil}})
		for range 501 { // one more than end in one transaction
			_, err := w.SignIn.OpenSession(t.Context(), w.mary, signin.Proof{Method: signin.SAML, SourceID: id}, "")
			w.ok(err)
		}
	}
	left := func(id string, want int) {
		t.Helper()
		if n, err := w.SignIn.CountSessionsBySource(t.Context(), id); n != want || err != nil {
			t.Errorf("%d sessions of %s are left, want %d, %v", n, id, want, err)
		}
	}

	begin("okta")
	hasty.walk([]step{{"DELETE", "/directories/okta/idp", "", 202, []string{`"id":"okta"`, `"idpRemoving":true`}}})
	left("okta", 1)
	w.walk([]step{
		{"GET", "/directories/okta", "", 200, []string{`"idpRemoving":true`}},
		{"PUT", "/directories/okta/idp", provider, 409, []string{"go on with its removal first"}},
	})
	a := w.ask(w.signed(w.admin), "DELETE", "/directories/okta/idp", "")
	if a.status != 200 || strings.Contains(string(a.body), "idpRemoving") {
		t.Errorf("HTTP %d %s", a.status, a.body)
	}
	left("okta", 0)
	w.walk([]step{{"PUT", "/directories/okta/idp", provider, 200, []string{`"entityId":"https://idp.example/"`}}})

	begin("entra")
	hasty.walk([]step{{"DELETE", "/directories/entra?people=disable", "", 202, []string{`"usersLeft":0`, `"groupsLeft":0`}}})
	left("entra", 1)
	w.walk([]step{
		{"GET", "/directories/entra", "", 200, []string{`"removing":"disable"`}}, {"PUT", "/directories/entra/idp", provider, 409, []string{"being removed"}},
		{"DELETE", "/directories/entra?people=disable", "", 204, nil}, {"GET", "/directories/entra", "", 404, nil},
	})
	left("entra", 0)
}

// hasty is the world at a door of the API whose clock is late: the time of each of its turns is over when it begins.
func (w *world) hasty() *world {
	w.t.Helper()
	s := httptest.NewServer(admin.New(admin.Config{
		Directory: w.Directory, SignIn: w.SignIn,
		Caller: func(*http.Request, []byte) (localiam.Caller, error) {
			return localiam.Caller{AccountID: w.Instance.OwnerAccountID, ARN: tester.Name}, nil
		},
		Authorize: func(context.Context, localiam.Caller, string, string) error { return nil },
		Now:       func() time.Time { return w.Clock.Now().Add(-time.Minute) }, Log: slog.New(slog.DiscardHandler),
	}))
	w.t.Cleanup(s.Close)
	late, program := *w, *w.Program
	program.URL = s.URL
	late.Program = &program
	return &late
}

// role makes a role for sessions of people.
func (w *world) role() string {
	w.t.Helper()
	const name = "AWSReservedSSO_T_0123456789abcdef"
	_, err := w.IAM.PutRole(w.t.Context(), tester, localiam.Role{Identity: localiam.Identity{AccountID: w.Instance.OwnerAccountID, Name: name, Path: "/aws-reserved/sso.amazonaws.com/"},
		TrustPolicy: localiam.ReservedTrust(w.Instance.OwnerAccountID), MaxSessionDuration: time.Hour})
	w.ok(err)
	return name
}
