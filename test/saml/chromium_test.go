package samlclients

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/saml"
)

// siteIDP is an identity provider on another site than the server: it goes by the name localhost, the server by 127.0.0.1. It
// signs whoever comes in as anna, at once, with the kind of page that identity providers answer with.
type siteIDP struct {
	t    *testing.T
	url  string
	g    gatehouse
	key  *rsa.PrivateKey
	cert *x509.Certificate
	mu   sync.Mutex
	// planted is the page at /plant: another browser's answer.
	planted string
}

func startSite(t *testing.T, g gatehouse) *siteIDP {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := saml.SelfSign(rand.Reader, key, saml.CertificateSpec{CommonName: "Site", NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	i := &siteIDP{t: t, g: g, key: key, cert: cert}
	server := httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(server.Close)
	i.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	return i
}

func (i *siteIDP) metadata() []byte {
	return saml.IDPMetadata{EntityID: i.url, SSORedirectURL: i.url + "/sso", Certificates: []*x509.Certificate{i.cert}}.XML()
}

func (i *siteIDP) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if r.URL.Path == "/plant" {
		_, _ = w.Write([]byte(i.planted))
		return
	}
	_, _ = w.Write([]byte(i.answer(r.URL.Query())))
}

// answer is the page that posts the answer to a request by itself.
func (i *siteIDP) answer(q url.Values) string {
	i.t.Helper()
	message, err := saml.InflateRedirect(q.Get("SAMLRequest"))
	if err != nil {
		return err.Error()
	}
	ask, err := saml.ParseAuthnRequest(message)
	if err != nil {
		return err.Error()
	}
	now, id := time.Now(), saml.NewID(rand.Reader)
	at, end := saml.Instant(now), saml.Instant(now.Add(time.Hour))
	doc := fmt.Sprintf(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="%[1]s" Version="2.0" IssueInstant="%[2]s" Destination="%[3]s" InResponseTo="%[4]s"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">%[5]s</Issuer>`+
		`<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="%[1]sa" Version="2.0" IssueInstant="%[2]s"><Issuer>%[5]s</Issuer>`+
		`<Subject><NameID Format="%[6]s">%[7]s</NameID><SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><SubjectConfirmationData InResponseTo="%[4]s" NotOnOrAfter="%[8]s" Recipient="%[3]s"/></SubjectConfirmation></Subject>`+
		`<Conditions NotOnOrAfter="%[8]s"><AudienceRestriction><Audience>%[9]s</Audience></AudienceRestriction></Conditions><AuthnStatement AuthnInstant="%[2]s"/></Assertion></samlp:Response>`,
		id, at, ask.ACSURL, ask.ID, i.url, saml.NameIDEmail, anna, end, ask.Issuer)
	signed, err := saml.Sign([]byte(doc), id, i.key, i.cert)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf(`<!doctype html><title>Site</title><form method="post" action="%s"><input type="hidden" name="SAMLResponse" value="%s"><input type="hidden" name="RelayState" value="%s"></form><script>document.forms[0].submit()</script>`,
		html.EscapeString(ask.ACSURL), base64.StdEncoding.EncodeToString(signed), html.EscapeString(q.Get("RelayState")))
}

// chromium opens an address in a fresh profile and returns the page where it ends, after all redirects and scripts.
func chromium(t *testing.T, address string) string {
	t.Helper()
	path := need(t, "chromium", "chromium")
	// Not t.TempDir: a process of Chromium's may still be writing when the page is there.
	profile, err := os.MkdirTemp("", "gatehouse-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--user-data-dir="+profile, "--virtual-time-budget=10000", "--dump-dom", address)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("chromium: %v", err)
	}
	return string(out)
}

// The decision that the cookie is sent with finish but not with the cross-site POST stands on what browsers do.
func TestChromiumSignsIn(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, g gatehouse) {
		idp := startSite(t, g)
		g.trust(t, idp.metadata(), false)
		who, err := url.Parse(g.who)
		if err != nil {
			t.Fatal(err)
		}
		page := chromium(t, g.url+"/saml/"+sourceID+"/login?return_to="+url.QueryEscape(who.Path))
		if !strings.Contains(page, anna) {
			t.Errorf("the last page is\n%s", page)
		}
		// Login CSRF: a page of another site posts an answer to a request that was begun elsewhere.
		attacker := newBrowser(t)
		planted := idp.answer(attacker.begin(g))
		idp.mu.Lock()
		idp.planted = planted
		idp.mu.Unlock()
		page = chromium(t, idp.url+"/plant")
		if strings.Contains(page, anna) || !strings.Contains(page, "begun in another browser") {
			t.Errorf("after an answer was planted the last page is\n%s", page)
		}
	})
}
