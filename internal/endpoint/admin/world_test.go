package admin_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"gatehouse/internal/access"
	"gatehouse/internal/apptest"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/localiam"
	"gatehouse/internal/signin"
)

var tester = audit.Actor{Kind: audit.System, Name: "test"}

// world is a whole program with everybody who may or may not ask its API something.
type world struct {
	*apptest.Program
	t *testing.T
	// admin may do everything; reader may list users only; member administers a member account; nobody's secret is wrong.
	admin, reader, member, nobody aws.Credentials
	// cookie is the session of mary, who is entitled to the set ReadOnly in the management account.
	cookie *http.Cookie
	mary   directory.User
	http   *http.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Program: apptest.Start(t), t: t, http: &http.Client{}}
	ctx, management := t.Context(), w.Instance.OwnerAccountID
	w.admin = aws.Credentials{AccessKeyID: w.Env["AWS_ACCESS_KEY_ID"], SecretAccessKey: w.Env["AWS_SECRET_ACCESS_KEY"]}
	w.nobody = aws.Credentials{AccessKeyID: w.admin.AccessKeyID, SecretAccessKey: "wrong"}
	w.reader = w.user(management, "reader", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"gatehouse:ListUsers","Resource":"*"}]}`)
	acct, err := w.Organization.CreateAccount(ctx, tester, "Member", "member@example.com", nil)
	w.ok(err)
	w.member = w.user(acct.ID, "boss", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)

	w.mary, err = w.Directory.CreateUser(ctx, tester, directory.User{UserName: "mary@example.com", DisplayName: "Mary Major", Active: true,
		Emails: []directory.Value{{Value: "mary@example.com", Type: "work", Primary: true}}})
	w.ok(err)
	set, err := w.Access.CreateSet(ctx, tester, access.PermissionSet{InstanceID: w.Instance.ID, Name: "ReadOnly"})
	w.ok(err)
	_, err = w.Access.Assign(ctx, tester, access.RoleKey{AccountID: management, PermissionSetID: set.ID}, access.Principal{Type: access.User, ID: w.mary.ID})
	w.ok(err)
	w.provisioned()
	w.signIn()
	return w
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) provisioned() {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		rs, err := w.Access.Requests(w.t.Context(), access.CreateAssignment, access.InProgress, access.RequestCursor{}, 1)
		w.ok(err)
		if len(rs) == 0 {
			return
		}
		if time.Now().After(end) {
			w.t.Fatal("the assignment is in progress after twenty seconds")
		}
	}
}

// signIn gives mary a new session.
func (w *world) signIn() {
	w.t.Helper()
	o, err := w.SignIn.OpenSession(w.t.Context(), w.mary, signin.Proof{Method: signin.SAML, SourceID: "default"}, "")
	w.ok(err)
	w.cookie = &http.Cookie{Name: signin.CookieName(w.URL), Value: o.Secret}
}

func (w *world) user(account, name, policy string) aws.Credentials {
	w.t.Helper()
	ctx := w.t.Context()
	_, err := w.IAM.CreateUser(ctx, tester, localiam.User{Identity: localiam.Identity{AccountID: account, Name: name}})
	w.ok(err)
	w.ok(w.IAM.PutInline(ctx, tester, localiam.UserRef(account, name), localiam.InlinePolicy{Name: "p", Document: policy}))
	k, err := w.IAM.CreateAccessKey(ctx, tester, account, name)
	w.ok(err)
	return aws.Credentials{AccessKeyID: k.ID, SecretAccessKey: k.Secret}
}

// asker is how a request is authenticated.
type asker func(*http.Request, []byte)

func (w *world) signed(c aws.Credentials) asker { return w.signedFor(c, "gatehouse") }

func (w *world) signedFor(c aws.Credentials, service string) asker {
	return func(r *http.Request, body []byte) {
		sum := sha256.Sum256(body)
		w.ok(v4.NewSigner().SignHTTP(context.Background(), c, r, hex.EncodeToString(sum[:]), service, w.Config.Region, w.Clock.Now()))
	}
}

func stranger(*http.Request, []byte) {}

func (w *world) person() asker { return func(r *http.Request, _ []byte) { r.AddCookie(w.cookie) } }

// answer is an answer that was read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request; body is JSON text, "" for none.
func (w *world) ask(who asker, method, path, body string) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.URL+"/api/v1"+path, strings.NewReader(body))
	w.ok(err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	who(r, []byte(body))
	return w.send(r)
}

func (w *world) send(r *http.Request) answer {
	w.t.Helper()
	res, err := w.http.Do(r)
	w.ok(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	w.ok(err)
	a := answer{res.StatusCode, res.Header, b}
	if a.status >= 500 {
		w.t.Errorf("%s %s: HTTP %d %s", r.Method, r.URL, a.status, b)
	}
	if a.status >= 400 {
		a.problem(w.t)
	}
	return a
}

// problem checks that an error is one of RFC 9457: its type, its own status, and a title.
func (a answer) problem(t *testing.T) (detail string) {
	t.Helper()
	var p struct {
		Title, Detail string
		Status        int
	}
	if err := json.Unmarshal(a.body, &p); err != nil || p.Status != a.status || p.Title == "" || !strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json") {
		t.Errorf("no problem document: HTTP %d %s %q", a.status, a.header.Get("Content-Type"), a.body)
	}
	return p.Detail
}

// document is what the tests read of openapi.json.
type document struct {
	OpenAPI    string
	Paths      map[string]map[string]operation
	Components struct {
		SecuritySchemes map[string]struct{ Type, Scheme, In, Name string }
		Schemas         map[string]any
	}
}

type operation struct {
	OperationID, Summary string
	Security             []map[string][]string
	Responses            map[string]any
	RequestBody          *struct{ Required bool }
}

func (w *world) document() (d document, raw []byte) {
	w.t.Helper()
	a := w.ask(stranger, "GET", "/openapi.json", "")
	if a.status != http.StatusOK {
		w.t.Fatalf("HTTP %d", a.status)
	}
	w.ok(json.NewDecoder(bytes.NewReader(a.body)).Decode(&d))
	return d, a.body
}

var parameter = regexp.MustCompile(`\{([a-z]+)\}`)

// filled puts names of things that exist into a path of the document.
func filled(path string) string {
	return parameter.ReplaceAllStringFunc(path, func(p string) string {
		return map[string]string{"{id}": "default", "{user}": "mary@example.com", "{group}": "Auditors", "{member}": "Auditors", "{token}": "00000000-0000-4000-8000-000000000000", "{device}": "00000000-0000-4000-8000-000000000000", "{session}": "00000000-0000-4000-8000-000000000000", "{request}": "none"}[p]
	})
}
