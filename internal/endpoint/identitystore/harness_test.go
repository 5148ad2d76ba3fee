package identitystore

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
)

const (
	owner   = "111122223333"
	storeID = "d-0123456789"
	secret  = "the secret of every key in these tests"
)

// bench is the door over a real directory in a real SQLite, spoken to as clients do: signed, over HTTP.
type bench struct {
	t      *testing.T
	people *directory.Service
	router http.Handler
	access *recorder
	// from is the address that requests come from.
	from string
}

// recorder authenticates key "AKIA" + account as that account's administrator and records what was asked of the
// authorizer; an action in denied is refused.
type recorder struct {
	denied string
	asked  []awswire.Access
}

func (*recorder) Credential(_ context.Context, keyID, _ string) (awswire.Credential[string], error) {
	account := strings.TrimPrefix(keyID, "AKIA")
	arn := "arn:aws:iam::" + account + ":user/admin"
	return awswire.Credential[string]{Secret: secret, Principal: arn, Actor: audit.Actor{Kind: audit.Principal, ID: arn, Name: "admin", AccountID: account}}, nil
}

func (r *recorder) Authorize(_ context.Context, principal string, a awswire.Access) error {
	r.asked = append(r.asked, a)
	if a.Action == r.denied {
		return fault.New(fault.Denied, "User: %s is not authorized to perform: %s", principal, a.Action)
	}
	return nil
}

func newBench(t *testing.T) *bench {
	t.Helper()
	db, err := sqlite.Open(context.Background(), sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	b := &bench{t: t, access: &recorder{}}
	b.people = directory.NewService(directory.Config{Store: db.Directory(), IdentityStoreID: storeID, Now: time.Now, Rand: rand.Reader})
	b.router, err = awswire.NewRouter(awswire.Config[string]{
		Verifier:   &awswire.Verifier[string]{Authenticator: b.access, Regions: []string{"us-east-1"}, Now: time.Now},
		Authorizer: b.access, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}, New[string](b.people, owner).Service())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// as sends one request from an account's administrator and returns the status and the answer.
func (b *bench) as(account, operation, body string) (int, map[string]any) {
	b.t.Helper()
	r := httptest.NewRequest("POST", "http://gatehouse.test/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSIdentityStore."+operation)
	if err := awswire.Sign(r, []byte(body), awswire.Key{ID: "AKIA" + account, Secret: secret}, "us-east-1", "identitystore", time.Now()); err != nil {
		b.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	b.router.ServeHTTP(w, r.WithContext(audit.WithOrigin(r.Context(), audit.Origin{ClientAddr: b.from})))
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		b.t.Fatalf("%s: the answer is not JSON: %s", operation, w.Body)
	}
	return w.Code, out
}

// do sends a request that must succeed; $S in the body is the identity store's id.
func (b *bench) do(operation, body string) map[string]any {
	b.t.Helper()
	status, out := b.as(owner, operation, strings.ReplaceAll(body, "$S", storeID))
	if status != 200 {
		b.t.Fatalf("%s %s: %d %v", operation, body, status, out)
	}
	return out
}

// refused sends a request that must fail with the code, and returns the error.
func (b *bench) refused(code, operation, body string) map[string]any {
	b.t.Helper()
	status, out := b.as(owner, operation, strings.ReplaceAll(body, "$S", storeID))
	if status == 200 || out["__type"] != code {
		b.t.Errorf("%s %s: %d %v, want %s", operation, body, status, out, code)
	}
	if out["RequestId"] == nil && code != "SerializationException" && code != "UnsupportedOperationException" {
		b.t.Errorf("%s: the error has no RequestId: %v", operation, out)
	}
	return out
}

const ada = `{"IdentityStoreId":"$S","UserName":"ada","DisplayName":"Ada Lovelace","Name":{"GivenName":"Ada","FamilyName":"Lovelace"},` +
	`"Emails":[{"Value":"Ada@Example.com","Type":"work","Primary":true}],"Extensions":{"aws:identitystore:enterprise":{"costCenter":"42","manager":{"value":"m1"}}}}`

func str(t *testing.T, v any) string {
	t.Helper()
	s, ok := v.(string)
	if !ok || s == "" {
		t.Fatalf("got %v, want a string", v)
	}
	return s
}
