package application_test

import (
	"testing"

	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

func wantUntrusted(t *testing.T, what string, err error) {
	t.Helper()
	if !fault.Is(err, fault.Invalid) || fault.Of(err).Reason != application.Untrusted {
		t.Errorf("%s: %v, want a refusal", what, err)
	}
}

func TestAnIssuerNamesExactlyOneActiveUser(t *testing.T) {
	t.Parallel()
	w := start(t, application.Quotas{})
	add := func(name string, active bool, mails ...string) directory.User {
		u := directory.User{UserName: name, DisplayName: name, Active: active}
		for _, m := range mails {
			u.Emails = append(u.Emails, directory.Value{Value: m, Type: m})
		}
		u, err := w.people.CreateUser(t.Context(), admin, u)
		ok(t, err)
		return u
	}
	ada := add("ada", true, "ada@example.com", "countess@example.com")
	add("shared1", true, "team@example.com")
	add("shared2", true, "team@example.com")
	add("shared3", false, "half@example.com")
	add("shared4", true, "half@example.com")
	add("gone", false, "gone@example.com")
	for _, c := range []struct {
		path, value string
		found       bool
	}{
		{"userName", "ada", true},
		{"userName", "ADA", true},
		{"userName", "ada@example.com", false},
		{"userName", "gone", false},
		{"userName", "nobody", false},
		{"userName", "", false},
		{"emails.value", "Countess@Example.com", true},
		{"emails.value", "ada", false},
		{"emails.value", "team@example.com", false},
		{"emails.value", "half@example.com", false},
		{"emails.value", "gone@example.com", false},
		{"emails.value", "", false},
		{"emails", "ada@example.com", false},
		{"displayName", "ada", false},
		{"", "ada", false},
	} {
		u, err := w.Named(t.Context(), application.Issuer{UserPath: c.path}, c.value)
		if c.found && (err != nil || u.ID != ada.ID) {
			t.Errorf("%s %q: %q %v", c.path, c.value, u.UserName, err)
		}
		if !c.found {
			wantUntrusted(t, c.path+" "+c.value, err)
		}
	}
}

func TestAnApplicationAcceptsTheIssuersOfItsGrant(t *testing.T) {
	t.Parallel()
	w := start(t, application.Quotas{})
	issuer := func(url string) application.Issuer {
		i, err := w.CreateIssuer(t.Context(), admin, application.Issuer{InstanceID: w.ins, AccountID: account, Name: "i", URL: url, ClaimPath: "email", UserPath: "emails.value"}, "")
		ok(t, err)
		return i
	}
	one, twin, other, unnamed := issuer("https://a.example.com"), issuer("https://a.example.com"), issuer("https://b.example.com"), issuer("https://c.example.com")
	trust := func(i application.Issuer, audience string) application.TrustedIssuer {
		return application.TrustedIssuer{AccountID: account, InstanceID: w.ins, IssuerID: i.ID, Audiences: []string{audience}}
	}
	a := application.Application{Grants: application.Grants{Issuers: []application.TrustedIssuer{trust(one, "x"), trust(twin, "y"), trust(other, "z")}}}
	got, err := w.Accepts(t.Context(), a, "https://a.example.com")
	if err != nil || len(got) != 2 || got[0].Issuer.ID != one.ID || got[0].Audiences[0] != "x" || got[1].Issuer.ID != twin.ID || got[1].Audiences[0] != "y" {
		t.Errorf("got %+v %v, want each with its own audiences", got, err)
	}
	for _, url := range []string{unnamed.URL, "https://a.example.com/", "https://A.example.com", "http://a.example.com", ""} {
		_, err := w.Accepts(t.Context(), a, url)
		wantUntrusted(t, url, err)
	}
	_, err = w.Accepts(t.Context(), application.Application{}, one.URL)
	wantUntrusted(t, "an application without the grant", err)
	ok(t, w.DeleteIssuer(t.Context(), admin, arn.InInstance{AccountID: account, InstanceID: w.ins, ID: other.ID}))
	_, err = w.Accepts(t.Context(), a, other.URL)
	wantUntrusted(t, "an issuer that is gone", err)
}
