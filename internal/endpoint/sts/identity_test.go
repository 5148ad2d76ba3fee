package sts

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"gatehouse/internal/audit"
	"gatehouse/internal/jwt"
	"gatehouse/internal/localiam"
)

// outbound turns outbound federation on and returns the issuer's URL.
func (b *bench) outbound() string {
	b.t.Helper()
	issuer, err := b.iam.EnableOutboundFederation(b.t.Context(), audit.Gatehouse, account)
	if err != nil {
		b.t.Fatal(err)
	}
	return issuer
}

// read verifies a web identity token with the keys that its issuer publishes, and returns what it says.
func (b *bench) read(token, issuer, audience string) map[string]any {
	b.t.Helper()
	id, ok := strings.CutPrefix(issuer, "https://gatehouse.test/oidc/")
	if !ok {
		b.t.Fatalf("the issuer is %s", issuer)
	}
	_, set, err := b.iam.PublishedKeys(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	keys, err := jwt.ParseKeys(set)
	if err != nil {
		b.t.Fatal(err)
	}
	c, err := jwt.Verify(token, jwt.Params{Issuer: issuer, Keys: keys, Audiences: []string{audience}, Now: b.clock.now()})
	if err != nil {
		b.t.Fatalf("the token does not verify: %v", err)
	}
	return c.All()
}

func TestGetWebIdentityToken(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	ask := []string{"Audience.member.1", "https://api.example.com", "SigningAlgorithm", "ES384"}
	b.refused(403, "OutboundWebIdentityFederationDisabledException", "not enabled", "GetWebIdentityToken", ask...)
	issuer := b.outbound()

	got := b.do("GetWebIdentityToken", ask...)
	said := b.read(first(got, "WebIdentityToken"), issuer, "https://api.example.com")
	now := b.clock.now()
	aws, _ := said["https://sts.amazonaws.com/"].(map[string]any)
	if said["sub"] != "arn:aws:iam::111122223333:user/admin" || said["aud"] != "https://api.example.com" || said["exp"] != float64(now.Add(5*time.Minute).Unix()) ||
		said["iat"] != float64(now.Unix()) || said["jti"] == "" || aws["aws_account"] != account || aws["source_region"] != "us-east-1" || aws["principal_id"] != said["sub"] || aws["original_session_exp"] != nil {
		t.Errorf("got %v", said)
	}
	if first(got, "Expiration") != "2026-03-01T12:05:00Z" {
		t.Errorf("got %s", got)
	}

	// A role session says more, and its tags take the place of the role's.
	b.role("worker")
	if err := b.iam.Tag(t.Context(), audit.Gatehouse, localiam.RoleRef(account, "worker"), map[string]string{"Team": "role", "kind": "role"}); err != nil {
		t.Fatal(err)
	}
	if err := b.iam.PutInline(t.Context(), audit.Gatehouse, localiam.RoleRef(account, "worker"), localiam.InlinePolicy{Name: "p", Document: allowSome}); err != nil {
		t.Fatal(err)
	}
	worker := b.as(b.do("AssumeRole", "RoleArn", "arn:aws:iam::111122223333:role/worker", "RoleSessionName", "job", "SourceIdentity", "ann", "Tags.member.1.Key", "team", "Tags.member.1.Value", "session"))
	got = worker.do("GetWebIdentityToken", "Audience.member.1", "a", "Audience.member.2", "b", "SigningAlgorithm", "RS256", "DurationSeconds", "3600", "Tags.member.1.Key", "job", "Tags.member.1.Value", "7")
	said = b.read(first(got, "WebIdentityToken"), issuer, "b")
	aws, _ = said["https://sts.amazonaws.com/"].(map[string]any)
	if said["sub"] != "arn:aws:iam::111122223333:role/worker" || fmt.Sprint(said["aud"]) != "[a b]" || fmt.Sprint(aws["principal_tags"]) != "map[kind:role team:session]" ||
		fmt.Sprint(aws["request_tags"]) != "map[job:7]" || aws["source_identity"] != "ann" || aws["original_session_exp"] != "2026-03-01T13:00:00Z" {
		t.Errorf("got %v", said)
	}

	// No token outlives the session that it was asked with.
	b.clock.pass(time.Second)
	worker.refused(403, "SessionDurationEscalationException", "end of the session", "GetWebIdentityToken", append(slices.Clone(ask), "DurationSeconds", "3600")...)

	for _, bad := range [][]string{
		{"SigningAlgorithm", "ES384"}, {"Audience.member.1", "a"}, {"Audience.member.1", "a", "SigningAlgorithm", "HS256"}, {"Audience.member.1", "a", "SigningAlgorithm", "none5"},
		{"Audience.member.1", "a", "SigningAlgorithm", "ES384", "DurationSeconds", "59"}, {"Audience.member.1", "a", "SigningAlgorithm", "ES384", "DurationSeconds", "3601"},
		{"Audience.member.1", "a", "SigningAlgorithm", "ES384", "Tags.member.1.Key", "aws:x", "Tags.member.1.Value", "v"},
		{"Audience.member.1", "a", "SigningAlgorithm", "ES384", "Tags.member.1.Key", "x", "Tags.member.1.Value", "v", "Tags.member.2.Key", "x", "Tags.member.2.Value", "w"},
		{"Audience.member.1", strings.Repeat("a", 1001), "SigningAlgorithm", "ES384"},
	} {
		b.refused(400, "ValidationError", "", "GetWebIdentityToken", bad...)
	}
	large := slices.Clone(ask)
	for i := range 50 {
		large = append(large, fmt.Sprintf("Tags.member.%d.Key", i+1), fmt.Sprintf("k%d", i), fmt.Sprintf("Tags.member.%d.Value", i+1), strings.Repeat("v", 256))
	}
	b.refused(400, "JWTPayloadSizeExceededException", "maximum allowed size", "GetWebIdentityToken", large...)
}

func TestGetWebIdentityTokenAsksThePolicies(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.outbound()
	narrow := b.user("narrow", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:GetWebIdentityToken","Resource":"arn:aws:sts::111122223333:self","Condition":{
		"ForAllValues:StringEquals":{"sts:IdentityTokenAudience":["a","b"]},"StringEquals":{"sts:SigningAlgorithm":"ES384"},"NumericLessThanEquals":{"sts:DurationSeconds":"300"}}}]}`)
	narrow.do("GetWebIdentityToken", "Audience.member.1", "a", "SigningAlgorithm", "ES384")
	narrow.do("GetWebIdentityToken", "Audience.member.1", "a", "Audience.member.2", "b", "SigningAlgorithm", "ES384", "DurationSeconds", "60")
	for _, bad := range [][]string{
		{"Audience.member.1", "a", "Audience.member.2", "c", "SigningAlgorithm", "ES384"},
		{"Audience.member.1", "a", "SigningAlgorithm", "RS256"},
		{"Audience.member.1", "a", "SigningAlgorithm", "ES384", "DurationSeconds", "301"},
		{"Audience.member.1", "a", "SigningAlgorithm", "ES384", "Tags.member.1.Key", "admin", "Tags.member.1.Value", "yes"}, // tags need a permission of their own
	} {
		narrow.refused(403, "AccessDenied", "not authorized to perform", "GetWebIdentityToken", bad...)
	}
	b.user("nobody", allowNothing).refused(403, "AccessDenied", "", "GetWebIdentityToken", "Audience.member.1", "a", "SigningAlgorithm", "ES384")
	// Sessions that may call nothing of STS may not call this either.
	some := b.user("some", allowSome)
	some.as(some.do("GetSessionToken")).refused(403, "AccessDenied", "", "GetWebIdentityToken", "Audience.member.1", "a", "SigningAlgorithm", "ES384")
	some.as(some.do("GetFederationToken", "Name", "ann", "Policy", allowSome)).refused(403, "AccessDenied", "", "GetWebIdentityToken", "Audience.member.1", "a", "SigningAlgorithm", "ES384")
}

const allowNothing = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`

func TestTheIssuerStaysWhenFederationEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	issuer := b.outbound()
	token := first(b.do("GetWebIdentityToken", "Audience.member.1", "a", "SigningAlgorithm", "ES384"), "WebIdentityToken")
	if err := b.iam.DisableOutboundFederation(t.Context(), audit.Gatehouse, account); err != nil {
		t.Fatal(err)
	}
	b.refused(403, "OutboundWebIdentityFederationDisabledException", "", "GetWebIdentityToken", "Audience.member.1", "a", "SigningAlgorithm", "ES384")
	b.read(token, issuer, "a") // what was given out is verified still
	if again := b.outbound(); again != issuer {
		t.Errorf("the issuer became %s, was %s", again, issuer)
	}
}

// TestAccountsHaveIssuersOfTheirOwn: the keys of one account never vouch for another.
func TestAccountsHaveIssuersOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.outbound()
	other, err := b.iam.EnableOutboundFederation(t.Context(), audit.Gatehouse, "444455556666")
	if err != nil {
		t.Fatal(err)
	}
	_, set, err := b.iam.PublishedKeys(t.Context(), strings.TrimPrefix(other, "https://gatehouse.test/oidc/"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jwt.ParseKeys(set)
	if err != nil {
		t.Fatal(err)
	}
	token := first(b.do("GetWebIdentityToken", "Audience.member.1", "a", "SigningAlgorithm", "ES384"), "WebIdentityToken")
	var payload struct {
		Issuer string `json:"iss"`
	}
	if err := json.Unmarshal([]byte(decoded(t, token)), &payload); err != nil {
		t.Fatal(err)
	}
	if _, err := jwt.Verify(token, jwt.Params{Issuer: payload.Issuer, Keys: keys, Audiences: []string{"a"}, Now: b.clock.now()}); err == nil {
		t.Error("another account's keys verify the token")
	}
	if _, _, err := b.iam.PublishedKeys(t.Context(), "00000000-0000-4000-8000-000000000000"); err == nil {
		t.Error("an issuer that there is not publishes keys")
	}
}

// decoded is a token's payload.
func decoded(t *testing.T, token string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
