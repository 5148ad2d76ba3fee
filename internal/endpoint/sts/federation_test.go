package sts

import (
	"encoding/json"
	"strings"
	"testing"

	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/localiam"
)

// user makes a user with an inline policy and returns the bench as him.
func (b *bench) user(name, document string) *bench {
	b.t.Helper()
	ctx := b.t.Context()
	if _, err := b.iam.CreateUser(ctx, audit.Gatehouse, localiam.User{Identity: localiam.Identity{AccountID: account, Name: name}}); err != nil {
		b.t.Fatal(err)
	}
	if err := b.iam.PutInline(ctx, audit.Gatehouse, localiam.UserRef(account, name), localiam.InlinePolicy{Name: "p", Document: document}); err != nil {
		b.t.Fatal(err)
	}
	k, err := b.iam.CreateAccessKey(ctx, audit.Gatehouse, account, name)
	if err != nil {
		b.t.Fatal(err)
	}
	c := *b
	c.key = awswire.Key{ID: k.ID, Secret: k.Secret}
	return &c
}

// may asks whether the credentials allow an action.
func (b *bench) may(action string) bool {
	b.t.Helper()
	c, err := b.iam.Credential(b.t.Context(), b.key.ID, b.key.Token)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.iam.Authorize(b.t.Context(), c.Caller, localiam.Check{Action: action}) == nil
}

const allowSome = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","ec2:*","iam:*","sts:*"],"Resource":"*"}]}`

func TestGetFederationToken(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil).user("vouching", allowSome)
	onlyS3 := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","iam:ListUsers","sso:ListInstances"],"Resource":"*"}]}`
	got := b.do("GetFederationToken", "Name", "ann", "Policy", onlyS3, "DurationSeconds", "900", "Tags.member.1.Key", "k", "Tags.member.1.Value", "v")
	if first(got, "Arn") != "arn:aws:sts::111122223333:federated-user/ann" || first(got, "FederatedUserId") != "111122223333:ann" {
		t.Errorf("got %s", got)
	}
	ann := b.as(got)
	if me := ann.do("GetCallerIdentity"); first(me, "Arn") != "arn:aws:sts::111122223333:federated-user/ann" || first(me, "UserId") != "111122223333:ann" {
		t.Errorf("got %s", me)
	}
	for action, want := range map[string]bool{
		"s3:GetObject": true, "s3:PutObject": false, "ec2:RunInstances": false, "sso:ListInstances": false, // both must allow
		"iam:ListUsers": false, "sts:GetAccessKeyInfo": false, // never
	} {
		if ann.may(action) != want {
			t.Errorf("%s: got %v, want %v", action, !want, want)
		}
	}
	if b.as(b.do("GetFederationToken", "Name", "bob")).may("s3:GetObject") {
		t.Error("a session without policies may do something")
	}
	ann.refused(403, "AccessDenied", "GetFederationToken", "GetFederationToken", "Name", "eve")
	b.as(b.do("GetSessionToken")).refused(403, "AccessDenied", "GetFederationToken", "GetFederationToken", "Name", "eve")
	b.refused(400, "ValidationError", "durationSeconds", "GetFederationToken", "Name", "ann", "DurationSeconds", "1")
	b.refused(400, "MalformedPolicyDocument", "", "GetFederationToken", "Name", "ann", "Policy", "{}")
	b.clock.pass(15 * 60 * 1e9)
	ann.refused(403, "ExpiredToken", "", "GetCallerIdentity")
	other := b.user("other", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:GetFederationToken","Resource":"arn:aws:sts::111122223333:federated-user/ann"}]}`)
	other.do("GetFederationToken", "Name", "ann")
	other.refused(403, "AccessDenied", "federated-user/eve", "GetFederationToken", "Name", "eve")
	other.refused(403, "AccessDenied", "sts:TagSession", "GetFederationToken", "Name", "ann", "Tags.member.1.Key", "k", "Tags.member.1.Value", "v")
}

func TestRefusalsAreDecodedByThoseWhoMay(t *testing.T) {
	t.Parallel()
	admin := newBench(t, nil)
	b := admin.user("eve", `{"Version":"2012-10-17","Statement":[{"Sid":"Never","Effect":"Deny","Action":"sts:GetAccessKeyInfo","Resource":"*"}]}`)
	_, body := b.send("GetAccessKeyInfo", "AccessKeyId", b.key.ID)
	_, message, ok := strings.Cut(first(body, "Message"), "Encoded authorization failure message: ")
	if !ok {
		t.Fatalf("no message in %s", body)
	}
	text := strings.ReplaceAll(first(admin.do("DecodeAuthorizationMessage", "EncodedMessage", message), "DecodedMessage"), "&#34;", `"`)
	var got struct {
		Allowed, ExplicitDeny bool
		MatchedStatements     struct {
			Items []struct{ StatementID, SourcePolicyID string }
		}
		Context struct {
			Principal struct{ ARN string }
			Action    string
		}
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if got.Allowed || !got.ExplicitDeny || len(got.MatchedStatements.Items) != 1 || got.MatchedStatements.Items[0].StatementID != "Never" || got.Context.Action != "sts:GetAccessKeyInfo" || got.Context.Principal.ARN != "arn:aws:iam::111122223333:user/eve" {
		t.Errorf("decoded %s", text)
	}
	b.refused(403, "AccessDenied", "sts:DecodeAuthorizationMessage", "DecodeAuthorizationMessage", "EncodedMessage", message)
	for _, bad := range []string{"x", message[1:], message + "AA", strings.Repeat("A", 10240)} {
		admin.refused(400, "InvalidAuthorizationMessageException", "Message is not valid", "DecodeAuthorizationMessage", "EncodedMessage", bad)
	}
	if _, err := b.iam.DecodeRefusal("444455556666", message); err == nil {
		t.Error("another account opened the message")
	}
}
