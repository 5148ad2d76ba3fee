package saml

import (
	"bytes"
	"crypto/x509"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"

	"github.com/google/go-cmp/cmp"
)

const testSLO = "https://sso.example/saml/d-1234567890/slo"

func testPeer() Peer {
	return Peer{Certificates: []*x509.Certificate{nextKey().cert, idpKey().cert}, Issuer: testIssuer, Destination: testSLO, Now: testNow}
}

func idpSigner() *Signer { return &Signer{idpKey().key, idpKey().cert} }

func testLogout() LogoutRequest {
	return LogoutRequest{ID: "_logout1", IssueInstant: testNow.Add(-time.Second), Issuer: testIssuer, Destination: testSLO, NameID: "anna@contoso.example",
		NameIDFormat: NameIDEmail, SessionIndexes: []string{assertionID, "_other & more"}}
}

// viaRedirect and viaPost carry a logout request as the two bindings do.
func viaRedirect(t testing.TB, r LogoutRequest, s *Signer) string {
	t.Helper()
	location, err := r.RedirectURL("relay & state", s)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	return u.RawQuery
}

func viaPost(t testing.TB, r LogoutRequest, s *Signer) url.Values {
	t.Helper()
	form, err := r.PostForm("relay & state", s)
	if err != nil {
		t.Fatal(err)
	}
	return url.Values{string(form.Field): {form.Message}, "RelayState": {form.RelayState}}
}

func TestLogoutThroughBothBindings(t *testing.T) {
	t.Parallel()
	want := testLogout()
	want.ReplayUntil = want.IssueInstant.Add(maxAge + DefaultSkew)
	redirect, err := ReadRedirect(viaRedirect(t, want, idpSigner()), FieldRequest)
	if err != nil {
		t.Fatal(err)
	}
	post, err := ReadPost(viaPost(t, want, idpSigner()), FieldRequest)
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]Message{"redirect": redirect, "post": post} {
		got, err := VerifyLogoutRequest(m, testPeer())
		if err != nil || m.RelayState != "relay & state" {
			t.Errorf("%s: %v, relay state %q", name, err, m.RelayState)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
	if !oracleAccepts(t, post.XML, nsProtocol+":LogoutRequest", signedXPath) {
		t.Errorf("xmlsec1 refuses the posted request:\n%s", post.XML)
	}
	for _, success := range []bool{true, false} {
		r := LogoutResponse{ID: "_a", InResponseTo: "_logout1", IssueInstant: testNow, Issuer: testIssuer, Destination: testSLO, Success: success}
		location, err := r.RedirectURL("", idpSigner())
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		m, err := ReadRedirect(u.RawQuery, FieldResponse)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := VerifyLogoutResponse(m, testPeer()); err != nil || got != r {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}

// Attack class 23: a signature of the HTTP-Redirect binding covers octets of the query, so there must be one reading of the query.
func TestRedirectSignatureConfusion(t *testing.T) {
	t.Parallel()
	good := viaRedirect(t, testLogout(), idpSigner())
	evil := testLogout()
	evil.NameID = attackerName
	unsigned := strings.SplitN(viaRedirect(t, evil, nil), "&", 2)[0]
	request, rest, _ := strings.Cut(good, "&")
	parts := strings.Split(rest, "&") // RelayState, SigAlg, Signature
	response := "SAMLResponse=" + strings.TrimPrefix(unsigned, "SAMLRequest=")
	tests := []struct{ name, query, reason string }{
		{"a second request", good + "&" + unsigned, "form"},
		{"a second request, first", unsigned + "&" + good, "form"},
		{"a response beside the request (CVE-2025-27773)", good + "&" + response, "form"},
		{"a response before it", response + "&" + good, "form"},
		{"a second signature algorithm", good + "&" + parts[1], "form"},
		{"a second relay state", good + "&RelayState=x", "form"},
		{"a name in percent signs", good + "&%53AMLRequest=" + strings.TrimPrefix(unsigned, "SAMLRequest="), "form"},
		{"a name in other case", good + "&samlrequest=" + strings.TrimPrefix(unsigned, "SAMLRequest="), "form"},
		{"a list", good + "&SAMLRequest[]=" + strings.TrimPrefix(unsigned, "SAMLRequest="), "form"},
		{"a semicolon", strings.Replace(good, "&", ";", 1), "form"},
		{"another encoding", good + "&SAMLEncoding=urn%3Ax", "form"},
		{"nothing", "", "form"},
		{"only a relay state", parts[0], "form"},
		{"a malformed escape", request + "%zz&" + rest, "form"},
		{"not deflated", "SAMLRequest=AAAA", "encoding"},
		{"a deflate bomb", "SAMLRequest=" + url.QueryEscape(deflateRedirect(bytes.Repeat([]byte("a"), 8<<20))), "too-large"},
		{"a signature that is not base64", request + "&" + parts[0] + "&" + parts[1] + "&Signature=%3C", "encoding"},
		// What is read in one way, and not signed so.
		{"not signed", unsigned, "unsigned"},
		{"an empty signature", request + "&" + parts[1] + "&Signature=", "unsigned"},
		{"no algorithm", request + "&" + parts[2], "signature-algorithm"},
		{"SHA-1", request + "&SigAlg=http%3A%2F%2Fwww.w3.org%2F2000%2F09%2Fxmldsig%23rsa-sha1&" + parts[2], "signature-algorithm"},
		{"HMAC", request + "&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23hmac-sha256&" + parts[2], "signature-algorithm"},
		{"another person, the old signature", unsigned + "&" + rest, "signature"},
		{"without the relay state", request + "&" + parts[1] + "&" + parts[2], "signature"},
		{"another relay state", request + "&RelayState=https%3A%2F%2Fevil.example&" + parts[1] + "&" + parts[2], "signature"},
		{"spelled otherwise", strings.Replace(good, "%", "%25", 1), "encoding"},
		{"by the attacker", viaRedirect(t, testLogout(), &Signer{attackKey().key, attackKey().cert}), "signature"},
	}
	for _, tt := range tests {
		m, err := ReadRedirect(tt.query, FieldRequest)
		if err == nil {
			var got LogoutRequest
			if got, err = VerifyLogoutRequest(m, testPeer()); err == nil {
				t.Errorf("%s: ACCEPTED for %q", tt.name, got.NameID)
				continue
			}
		}
		if got := fault.Of(err).Reason; got != tt.reason {
			t.Errorf("%s: got %v (%s), want reason %q", tt.name, err, got, tt.reason)
		}
	}
	// The order of parameters is the sender's business, and other parameters do not count.
	for _, query := range []string{"other=1&" + good, strings.Join([]string{parts[2], request, parts[1], parts[0]}, "&")} {
		m, err := ReadRedirect(query, FieldRequest)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := VerifyLogoutRequest(m, testPeer()); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	// A signed response is no request, and what is inside by redirect is not looked at.
	inside, err := testLogout().PostForm("", idpSigner())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := DecodePost(inside.Message)
	if err != nil {
		t.Fatal(err)
	}
	location, err := redirectURL(testSLO, FieldRequest, doc, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadRedirect(location[len(testSLO)+1:], FieldRequest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyLogoutRequest(m, testPeer()); reasonOf(err) != "signature-shape" {
		t.Errorf("an enveloped signature by redirect: %v", err)
	}
}

// What a logout request must say, signed by the right provider; and the tricks of responses, which are the same for every message. Bombs and
// wrapping included: whoever may end sessions at will may keep everybody out.
func TestLogoutRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	plain := string(testLogout().XML())
	signed := func(old, new string) string { return signIt(t, edit(t, plain, old, new, 1), "_logout1") }
	good := signIt(t, plain, "_logout1")
	signature := between(t, good, "<Signature ", "</Signature>")
	bare := strings.Replace(good, signature, "", 1)
	evil := strings.NewReplacer("anna@contoso.example", attackerName, "_logout1", "_evil").Replace(bare)
	name := between(t, plain, "<NameID ", "</NameID>")
	index := between(t, plain, "<samlp:SessionIndex>", "</samlp:SessionIndex>")
	at := `IssueInstant="` + Instant(testLogout().IssueInstant) + `"`
	instantAt := func(d time.Duration) string { return `IssueInstant="` + Instant(testNow.Add(d)) + `"` }
	tests := []struct{ name, doc, reason string }{
		{"not signed", plain, "unsigned"},
		{"by the attacker", signWith(t, attackKey(), plain, "_logout1"), "signature"},
		{"changed", strings.Replace(good, "anna@", "root@", 1), "digest"},
		{"the original in an Object of the evil one's signature (XSW)", strings.Replace(evil, "</Issuer>", "</Issuer>"+strings.Replace(signature, "</Signature>", "<Object>"+bare+"</Object></Signature>", 1), 1), "signature-shape"},
		{"the original in Extensions of the evil one", strings.Replace(evil, "</Issuer>", "</Issuer><samlp:Extensions>"+good+"</samlp:Extensions>", 1), "signature-shape"},
		{"the evil one with the signature", strings.Replace(evil, "</Issuer>", "</Issuer>"+signature, 1), "reference"},
		{"comment in the NameID", strings.Replace(good, "anna@contoso.example", "anna@contoso.example<!---->.evil", 1), "xml"},
		{"billion laughs", `<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>` + good, "xml"},
		{"too deep", signIt(t, plain, "_logout1")[:len(good)-len("</samlp:LogoutRequest>")] + strings.Repeat("<a>", 80) + strings.Repeat("</a>", 80) + "</samlp:LogoutRequest>", "xml"},
		{"an assertion's response", signIt(t, entraResponse, responseID), "structure"},
		{"another issuer", signed(testIssuer, "https://evil.example/"), "issuer"},
		{"for another service", signed(testSLO, "https://other.example/slo"), "destination"},
		{"no destination", signed(` Destination="`+testSLO+`"`, ""), "destination"},
		{"for the ACS", signed(testSLO, testACS), "destination"},
		{"made long ago", signed(at, instantAt(-maxAge-DefaultSkew)), "expired"},
		{"made in the future", signed(at, instantAt(DefaultSkew+time.Second)), "not-yet-valid"},
		{"no time", signed(" "+at, ""), "structure"},
		{"over", signed(at, at+` NotOnOrAfter="2026-11-24T09:00:00Z"`), "expired"},
		{"a malformed end", signed(at, at+` NotOnOrAfter="soon"`), "structure"},
		{"no name", signed(name, ""), "name-id"},
		{"two names", signed(name, name+name), "name-id"},
		{"an encrypted name", signed(name, `<EncryptedID xmlns="`+nsAssertion+`"/>`), "name-id"},
		{"a name with a space", signed("anna@contoso.example", "anna@contoso.example "), "name-id"},
		{"an empty session", signed(index, "<samlp:SessionIndex/>"), "structure"},
		{"101 sessions", signed(index, strings.Repeat(index, 101)), "structure"},
		{"SAML 1.1", signed(`Version="2.0"`, `Version="1.1"`), "structure"},
		{"text beside", signed(name, "anna"+name), "structure"},
	}
	for _, tt := range tests {
		got, err := VerifyLogoutRequest(Message{XML: []byte(tt.doc)}, testPeer())
		if err == nil {
			t.Errorf("%s: ACCEPTED for %q", tt.name, got.NameID)
		} else if reasonOf(err) != tt.reason {
			t.Errorf("%s: got %v (%s), want reason %q", tt.name, err, reasonOf(err), tt.reason)
		}
	}
	for name, form := range map[string]url.Values{
		"nothing": {}, "two requests": {"SAMLRequest": {"PGEvPg==", "PGEvPg=="}}, "both": {"SAMLRequest": {"PGEvPg=="}, "SAMLResponse": {"PGEvPg=="}}, "two relay states": {"SAMLRequest": {"PGEvPg=="}, "RelayState": {"a", "b"}},
		"a long relay state": {"SAMLRequest": {"PGEvPg=="}, "RelayState": {strings.Repeat("x", maxRelay+1)}}, "not base64": {"SAMLRequest": {"<a/>"}},
	} {
		if _, err := ReadPost(form, FieldRequest); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := VerifyLogoutRequest(Message{XML: []byte(good)}, Peer{}); !fault.Is(err, fault.Internal) {
		t.Errorf("a peer without anything: %v", err)
	}
}

// Signed requests to sign in are what identity providers can verify.
func TestSignedAuthnRequests(t *testing.T) {
	t.Parallel()
	r := AuthnRequest{ID: "_q1", IssueInstant: testNow, Issuer: testEntity, Destination: testIssuer + "saml2?a=b", ACSURL: testACS, NameIDFormat: NameIDEmail}
	form, err := r.PostForm("relay", idpSigner())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := DecodePost(form.Message)
	if err != nil {
		t.Fatal(err)
	}
	if !oracleAccepts(t, doc, nsProtocol+":AuthnRequest", signedXPath) {
		t.Errorf("xmlsec1 refuses the request:\n%s", doc)
	}
	if got, err := ParseAuthnRequest(doc); err != nil || got.ID != "_q1" {
		t.Errorf("got %+v, %v", got, err)
	}
	location, err := r.RedirectURL("relay", idpSigner())
	if err != nil || !strings.HasPrefix(location, testIssuer+"saml2?a=b&SAMLRequest=") {
		t.Fatalf("got %s, %v", location, err)
	}
	m, err := ReadRedirect(location[len(testIssuer+"saml2?"):], FieldRequest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.verified(testPeer().Certificates); err != nil {
		t.Errorf("the signature of the redirect: %v", err)
	}
	if _, err := m.verified([]*x509.Certificate{attackKey().cert}); reasonOf(err) != "signature" {
		t.Errorf("with another certificate: %v", err)
	}
}

// FuzzLogout: hostile queries and documents never panic and never end a session that was not named under a signature.
func FuzzLogout(f *testing.F) {
	f.Add(viaRedirect(f, testLogout(), idpSigner()), "")
	f.Add("SAMLRequest=AAAA&SigAlg=x&Signature=AAAA", string(testLogout().XML()))
	f.Add("", signIt(f, string(testLogout().XML()), "_logout1"))
	peer := testPeer()
	peer.Certificates = []*x509.Certificate{idpKey().cert}
	f.Fuzz(func(t *testing.T, query, doc string) {
		m, err := ReadRedirect(query, FieldRequest)
		for _, m := range []Message{m, {XML: []byte(doc)}} {
			if err == nil || !m.redirect {
				if got, e := VerifyLogoutRequest(m, peer); e == nil && (got.NameID != "anna@contoso.example" || got.ID != "_logout1" || len(got.SessionIndexes) != 2) {
					t.Errorf("accepted %+v", got)
				}
			}
		}
	})
}
