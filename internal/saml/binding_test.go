package saml

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

func queryOf(t *testing.T, location, name string) string {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get(name)
}

// Attack class 17.
func TestInflateRedirectCapsWhatItInflates(t *testing.T) {
	t.Parallel()
	bomb := deflateRedirect(bytes.Repeat([]byte("a"), 16<<20))
	if len(bomb) > maxRedirect {
		t.Fatalf("the bomb is %d bytes, too long to test inflation", len(bomb))
	}
	_, err := InflateRedirect(bomb)
	if f := fault.Of(err); err == nil || f.Kind != fault.Invalid || f.Reason != "too-large" {
		t.Errorf("got %v, want too-large (CVE-2023-28119)", err)
	}
}

func TestDecodingRefusesWhatIsNotEncoded(t *testing.T) {
	t.Parallel()
	valid := deflateRedirect([]byte("<a/>"))
	raw, _ := base64.StdEncoding.DecodeString(valid)
	redirect := map[string]string{
		"empty": "", "not base64": "!!!!", "base64 of nothing deflated": "aGVsbG8gd29ybGQ=", "truncated": base64.StdEncoding.EncodeToString(raw[:len(raw)-3]),
		"bytes after the stream": base64.StdEncoding.EncodeToString(append(bytes.Clone(raw), 1, 2, 3)),
		"too long":               strings.Repeat("A", maxRedirect+4),
		"URL alphabet":           "-_-_",
	}
	for name, in := range redirect {
		if got, err := InflateRedirect(in); !fault.Is(err, fault.Invalid) {
			t.Errorf("InflateRedirect, %s: got %q, %v", name, got, err)
		}
	}
	post := map[string]string{"empty": "", "not base64": "<a/>", "space inside": "PGE v+A==", "bad padding": "PGEvPg", "non-zero trailing bits": "PGEvPk==x",
		"too large": strings.Repeat("A", 2*MaxMessage+4), "too large decoded": strings.Repeat("AAAA", MaxMessage/3+2)}
	for name, in := range post {
		if got, err := DecodePost(in); !fault.Is(err, fault.Invalid) {
			t.Errorf("DecodePost, %s: got %q, %v", name, got, err)
		}
	}
	if got, err := DecodePost("\r\nPGEv\r\nPg==\n"); err != nil || string(got) != "<a/>" {
		t.Errorf("DecodePost of lines (RFC 2045 §6.8): got %q, %v", got, err)
	}
}

func TestParseAuthnRequestRefuses(t *testing.T) {
	t.Parallel()
	good := string(AuthnRequest{ID: "_1", IssueInstant: testNow, Issuer: "sp", Destination: "https://idp.example/", ACSURL: "https://sp.example/acs"}.XML())
	if _, err := ParseAuthnRequest([]byte(good)); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, old, new, reason string }{
		{"another message", "AuthnRequest", "LogoutRequest", "not-a-request"},
		{"version", `Version="2.0"`, `Version="1.1"`, "form"},
		{"no ID", ` ID="_1"`, ``, "form"},
		{"hostile ID", ` ID="_1"`, ` ID="&lt;script>&quot;"`, "form"},
		{"no instant", ` IssueInstant="2026-11-24T09:30:00.000Z"`, ``, "form"},
		{"instant with an offset", `09:30:00.000Z`, `09:30:00.000+01:00`, "form"},
		{"empty issuer", `>sp<`, `><`, "issuer"},
		{"issuer with elements", `>sp<`, `><b/><`, "issuer"},
		{"binding", BindingPost, BindingRedirect, "binding"},
		{"comment", `>sp<`, `>sp<!-- -->x<`, "xml"},
		{"document type", `<samlp:AuthnRequest `, `<!DOCTYPE a><samlp:AuthnRequest `, "xml"},
	}
	for _, tt := range tests {
		doc := strings.ReplaceAll(good, tt.old, tt.new)
		_, err := ParseAuthnRequest([]byte(doc))
		if f := fault.Of(err); err == nil || f.Kind != fault.Invalid || f.Reason != tt.reason {
			t.Errorf("%s: got %v, want reason %s", tt.name, err, tt.reason)
		}
	}
}

func FuzzAuthnRequest(f *testing.F) {
	r := AuthnRequest{ID: "_1", IssueInstant: testNow, Issuer: "sp", Destination: "https://idp.example/"}
	f.Add(deflateRedirect(r.XML()))
	f.Add(deflateRedirect([]byte("<a>&#x41;</a>")))
	f.Add("")
	f.Fuzz(func(t *testing.T, parameter string) {
		xml, err := InflateRedirect(parameter)
		if err != nil {
			return
		}
		got, err := ParseAuthnRequest(xml)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("a fault of kind %s: %v", fault.Of(err).Kind, err)
			}
			return
		}
		if again, err := ParseAuthnRequest(got.XML()); err == nil && (again.Issuer != got.Issuer || again.ID != got.ID) {
			t.Errorf("writing and reading again gives %+v, want %+v", again, got)
		}
	})
}
