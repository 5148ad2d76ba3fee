package sts

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
	"gatehouse/internal/seal"
	"gatehouse/internal/signingkey"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
)

const account = "111122223333"

// bench is the door with real IAM, policies and signatures over a real SQLite, and a clock.
type bench struct {
	t      *testing.T
	iam    *localiam.Service
	router http.Handler
	key    awswire.Key // whom requests come from
	clock  *clock
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// callers is localiam as the router wants it.
type callers struct{ iam *localiam.Service }

func (k callers) Credential(ctx context.Context, id, token string) (awswire.Credential[localiam.Caller], error) {
	c, err := k.iam.Credential(ctx, id, token)
	return awswire.Credential[localiam.Caller]{Secret: c.Secret, Principal: c.Caller, Actor: c.Caller.Actor()}, err
}

func (k callers) Authorize(ctx context.Context, c localiam.Caller, a awswire.Access) error {
	for _, r := range a.Resources {
		owner := ""
		if a.Action == "sts:AssumeRoot" {
			owner = c.AccountID // as the program has it
		}
		if err := k.iam.Authorize(ctx, c, localiam.Check{Action: a.Action, Resource: r, ResourceAccount: owner, Context: a.Context}); err != nil {
			return err
		}
	}
	return nil
}

// issuer stands for the verification of assertions: an assertion is good when it says "good".
type issuer struct{ role, provider string }

func (i *issuer) VerifyAssertion(_ context.Context, _ localiam.SAMLProvider, response string, _ time.Time) (localiam.Assertion, error) {
	if response != "good" {
		return localiam.Assertion{}, fault.New(fault.Invalid, "the assertion is not signed by the provider")
	}
	return localiam.Assertion{Roles: []localiam.RoleGrant{{RoleARN: i.role, ProviderARN: i.provider}}, SessionName: "ann", Subject: "ann@example.com", SubjectType: "persistent", Issuer: "https://idp", Audience: "https://signin.aws.amazon.com/saml"}, nil
}

func newBench(t *testing.T, saml localiam.Assertions, more ...func(*localiam.Config)) *bench {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	keyset, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := seal.Parse(keyset)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, clock: &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	cfg := localiam.Config{Store: db.LocalIAM(), Sealer: sealer, Now: b.clock.now, Rand: rand.Reader, SAML: saml,
		Tokens: signingkey.NewService(db.SigningKeys(), sealer, b.clock.now), URL: "https://gatehouse.test"}
	for _, f := range more {
		f(&cfg)
	}
	b.iam = localiam.NewService(cfg)
	b.router, err = awswire.NewRouter(awswire.Config[localiam.Caller]{
		Verifier:   &awswire.Verifier[localiam.Caller]{Authenticator: callers{b.iam}, Regions: []string{"us-east-1"}, Now: b.clock.now},
		Authorizer: callers{b.iam}, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}, New(b.iam).Service())
	if err != nil {
		t.Fatal(err)
	}
	k, err := b.iam.CreateAdministrator(t.Context(), audit.Gatehouse, account, "admin")
	if err != nil {
		t.Fatal(err)
	}
	b.key = awswire.Key{ID: k.ID, Secret: k.Secret}
	return b
}

// role makes a role that the account trusts.
func (b *bench) role(name string) {
	b.t.Helper()
	_, err := b.iam.CreateRole(b.t.Context(), audit.Gatehouse, localiam.Role{Identity: localiam.Identity{AccountID: account, Name: name},
		TrustPolicy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}]}`})
	if err != nil {
		b.t.Fatal(err)
	}
}

// as returns the bench with requests from the credentials in an answer.
func (b *bench) as(answer string) *bench {
	c := *b
	c.key = awswire.Key{ID: first(answer, "AccessKeyId"), Secret: first(answer, "SecretAccessKey"), Token: first(answer, "SessionToken")}
	return &c
}

// send makes one request: pairs are parameter names and values. Without a key it is not signed.
func (b *bench) send(operation string, pairs ...string) (int, string) {
	b.t.Helper()
	form := url.Values{"Action": {operation}, "Version": {"2011-06-15"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	body := form.Encode()
	r := httptest.NewRequest("POST", "http://gatehouse.test/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if b.key.ID != "" {
		if err := awswire.Sign(r, []byte(body), b.key, "us-east-1", "sts", b.clock.now()); err != nil {
			b.t.Fatal(err)
		}
	}
	w := httptest.NewRecorder()
	b.router.ServeHTTP(w, r)
	if err := xml.Unmarshal(w.Body.Bytes(), new(struct{})); err != nil {
		b.t.Fatalf("%s: not XML: %s", operation, w.Body)
	}
	return w.Code, w.Body.String()
}

// do sends a request that must succeed, and returns the answer.
func (b *bench) do(operation string, pairs ...string) string {
	b.t.Helper()
	status, body := b.send(operation, pairs...)
	if status != 200 {
		b.t.Fatalf("%s %v: %d %s", operation, pairs, status, body)
	}
	return body
}

// refused sends a request that must fail with the status, the code and the text.
func (b *bench) refused(status int, code, text, operation string, pairs ...string) {
	b.t.Helper()
	got, body := b.send(operation, pairs...)
	if got != status || first(body, "Code") != code || !strings.Contains(first(body, "Message"), text) {
		b.t.Errorf("%s %v: got %d %s, want %d %s %q", operation, pairs, got, body, status, code, text)
	}
}

func first(body, name string) string {
	_, rest, _ := strings.Cut(body, "<"+name+">")
	text, _, _ := strings.Cut(rest, "</"+name+">")
	return strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&amp;", "&", "&#43;", "+").Replace(text)
}

func TestGetCallerIdentity(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	got := b.do("GetCallerIdentity")
	if first(got, "Arn") != "arn:aws:iam::111122223333:user/admin" || first(got, "Account") != account || !strings.HasPrefix(first(got, "UserId"), "AIDA") {
		t.Errorf("got %s", got)
	}
	// No Deny takes it away.
	if err := b.iam.PutInline(t.Context(), audit.Gatehouse, localiam.UserRef(account, "admin"), localiam.InlinePolicy{Name: "deny", Document: `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`}); err != nil {
		t.Fatal(err)
	}
	b.do("GetCallerIdentity")
	b.refused(403, "AccessDenied", "with an explicit deny in an identity-based policy", "GetAccessKeyInfo", "AccessKeyId", b.key.ID)
	nobody := *b
	nobody.key = awswire.Key{}
	nobody.refused(403, "MissingAuthenticationToken", "", "GetCallerIdentity")
	forged := *b
	forged.key.Secret = "wrong"
	forged.refused(403, "SignatureDoesNotMatch", "", "GetCallerIdentity")
	forged.key.ID = "AKIAAAAAAAAAAAAAAAAA"
	forged.refused(403, "InvalidClientTokenId", "The security token included in the request is invalid.", "GetCallerIdentity")
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.role("Builder")
	const arn = "arn:aws:iam::111122223333:role/Builder"
	got := b.do("AssumeRole", "RoleArn", arn, "RoleSessionName", "run@1", "DurationSeconds", "900", "SourceIdentity", "ann", "Tags.member.1.Key", "team", "Tags.member.1.Value", "red",
		"Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`, "PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/ReadOnlyAccess")
	if first(got, "Arn") != "arn:aws:sts::111122223333:assumed-role/Builder/run@1" || !strings.HasSuffix(first(got, "AssumedRoleId"), ":run@1") || first(got, "Expiration") != "2026-03-01T12:15:00Z" ||
		!strings.HasPrefix(first(got, "AccessKeyId"), "ASIA") || first(got, "SourceIdentity") != "ann" || first(got, "PackedPolicySize") == "" {
		t.Errorf("got %s", got)
	}
	session := b.as(got)
	who := session.do("GetCallerIdentity")
	if first(who, "Arn") != first(got, "Arn") || first(who, "UserId") != first(got, "AssumedRoleId") {
		t.Errorf("got %s", who)
	}
	without := *session
	without.key.Token = ""
	without.refused(403, "InvalidClientTokenId", "", "GetCallerIdentity")
	session.refused(403, "AccessDenied", "Cannot call GetSessionToken with session credentials", "GetSessionToken")
	b.clock.pass(15 * time.Minute)
	session.refused(403, "ExpiredToken", "expired", "GetCallerIdentity")

	b.refused(403, "AccessDenied", "User: arn:aws:iam::111122223333:user/admin is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/None", "AssumeRole", "RoleArn", "arn:aws:iam::111122223333:role/None", "RoleSessionName", "xx")
	b.refused(400, "ValidationError", "exceeds the MaxSessionDuration", "AssumeRole", "RoleArn", arn, "RoleSessionName", "xx", "DurationSeconds", "7200")
	b.refused(400, "ValidationError", "less than or equal to 43200", "AssumeRole", "RoleArn", arn, "RoleSessionName", "xx", "DurationSeconds", "50000")
	b.refused(400, "ValidationError", "is invalid", "AssumeRole", "RoleArn", "arn:aws:s3:::bucketbucket", "RoleSessionName", "xx")
	b.refused(400, "ValidationError", "roleSessionName", "AssumeRole", "RoleArn", arn, "RoleSessionName", "a b")
	b.refused(400, "MalformedPolicyDocument", "Syntax errors in policy", "AssumeRole", "RoleArn", arn, "RoleSessionName", "xx", "Policy", "{")
	b.refused(400, "MalformedPolicyDocument", "does not exist", "AssumeRole", "RoleArn", arn, "RoleSessionName", "xx", "PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/NoSuchAccess")
	b.refused(400, "MalformedPolicyDocument", "does not exist", "AssumeRole", "RoleArn", arn, "RoleSessionName", "xx", "PolicyArns.member.1.x", "y")
	b.refused(400, "PackedPolicyTooLarge", "", "AssumeRole", "RoleArn", arn, "RoleSessionName", "xx", "Policy", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`+strings.Repeat(" ", 7000))
	b.refused(403, "AccessDenied", "MFA", "AssumeRole", "RoleArn", arn, "RoleSessionName", "xx", "SerialNumber", "arn:aws:iam::111122223333:mfa/admin", "TokenCode", "123456")
	b.refused(400, "ValidationError", "Duplicate tag keys", "AssumeRole", "RoleArn", arn, "RoleSessionName", "xx", "Tags.member.1.Key", "a", "Tags.member.1.Value", "1", "Tags.member.2.Key", "a", "Tags.member.2.Value", "2")
}

func TestReservedRolesAreNotAssumable(t *testing.T) {
	t.Parallel()
	i := &issuer{}
	b := newBench(t, i)
	p, err := b.iam.EnsureSAMLProvider(t.Context(), audit.Gatehouse, account, "<md/>")
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.iam.PutRole(t.Context(), audit.Gatehouse, localiam.Role{Identity: localiam.Identity{AccountID: account, Name: "AWSReservedSSO_Ops_0123456789abcdef", Path: "/aws-reserved/sso.amazonaws.com/"},
		TrustPolicy: localiam.ReservedTrust(account), MaxSessionDuration: 12 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	i.role, i.provider = r.ARN(), p.ARN()
	b.refused(403, "AccessDenied", "not authorized to perform: sts:AssumeRole", "AssumeRole", "RoleArn", r.ARN(), "RoleSessionName", "xx")
	b.refused(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML", "AssumeRoleWithSAML", "RoleArn", r.ARN(), "PrincipalArn", p.ARN(), "SAMLAssertion", "good")
}

func TestAssumeRoleWithSAMLIsUnsigned(t *testing.T) {
	t.Parallel()
	i := &issuer{}
	b := newBench(t, i)
	p, err := b.iam.EnsureSAMLProvider(t.Context(), audit.Gatehouse, account, "<md/>")
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.iam.CreateRole(t.Context(), audit.Gatehouse, localiam.Role{Identity: localiam.Identity{AccountID: account, Name: "Fed"},
		TrustPolicy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + p.ARN() + `"},"Action":"sts:AssumeRoleWithSAML"}]}`})
	if err != nil {
		t.Fatal(err)
	}
	i.role, i.provider = r.ARN(), p.ARN()
	nobody := *b
	nobody.key = awswire.Key{}
	got := nobody.do("AssumeRoleWithSAML", "RoleArn", r.ARN(), "PrincipalArn", p.ARN(), "SAMLAssertion", "good")
	if first(got, "Subject") != "ann@example.com" || first(got, "Issuer") != "https://idp" || first(got, "Arn") != "arn:aws:sts::111122223333:assumed-role/Fed/ann" {
		t.Errorf("got %s", got)
	}
	b.as(got).do("GetCallerIdentity")
	nobody.refused(400, "InvalidIdentityToken", "not signed", "AssumeRoleWithSAML", "RoleArn", r.ARN(), "PrincipalArn", p.ARN(), "SAMLAssertion", "forged")
	nobody.refused(403, "AccessDenied", "", "AssumeRoleWithSAML", "RoleArn", "arn:aws:iam::111122223333:role/None", "PrincipalArn", p.ARN(), "SAMLAssertion", "good")
	nobody.refused(400, "ValidationError", "", "AssumeRoleWithSAML", "RoleArn", r.ARN(), "PrincipalArn", p.ARN())
}

func TestGetSessionToken(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.role("Builder")
	got := b.do("GetSessionToken", "DurationSeconds", "3600")
	if first(got, "Expiration") != "2026-03-01T13:00:00Z" {
		t.Errorf("got %s", got)
	}
	session := b.as(got)
	if who := session.do("GetCallerIdentity"); first(who, "Arn") != "arn:aws:iam::111122223333:user/admin" {
		t.Errorf("got %s", who)
	}
	session.do("AssumeRole", "RoleArn", "arn:aws:iam::111122223333:role/Builder", "RoleSessionName", "xx")
	session.refused(403, "AccessDenied", "GetSessionToken", "GetAccessKeyInfo", "AccessKeyId", b.key.ID)
}

func TestGetAccessKeyInfo(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	if got := b.do("GetAccessKeyInfo", "AccessKeyId", b.key.ID); first(got, "Account") != account {
		t.Errorf("got %s", got)
	}
	b.refused(400, "ValidationError", "does not exist", "GetAccessKeyInfo", "AccessKeyId", "AKIAAAAAAAAAAAAAAAAA")
	b.refused(400, "ValidationError", "does not exist", "GetAccessKeyInfo", "AccessKeyId", "ASIAAAAAAAAAAAAAAAAA")
	temporary := first(b.do("GetSessionToken"), "AccessKeyId")
	if got := b.do("GetAccessKeyInfo", "AccessKeyId", temporary); first(got, "Account") != account {
		t.Errorf("of a temporary key: %s", got)
	}
}

func TestNoTradeInTokenBuysAnything(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.refused(400, "ExpiredTradeInTokenException", "not valid or has expired", "GetDelegatedAccessToken", "TradeInToken", "t")
	b.refused(400, "ValidationError", "tradeInToken", "GetDelegatedAccessToken")
	b.user("nobody", allowNothing).refused(403, "AccessDenied", "sts:GetDelegatedAccessToken", "GetDelegatedAccessToken", "TradeInToken", "t")
}

func TestUnknownOperations(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.refused(400, "InvalidAction", "", "GetEverything")
}
