package saml

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// testNow is the time at which the test responses are fresh.
var testNow = time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)

type testKey struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

func newTestKey(name string, key func() (*rsa.PrivateKey, error)) func() testKey {
	return sync.OnceValue(func() testKey {
		key, err := key()
		if err != nil {
			panic(err)
		}
		cert, err := SelfSign(rand.Reader, key, CertificateSpec{CommonName: name, NotBefore: testNow.AddDate(-1, 0, 0), NotAfter: testNow.AddDate(2, 0, 0)})
		if err != nil {
			panic(err)
		}
		return testKey{key, cert}
	})
}

// storedKey is the same in every process, so that what fuzzing finds stays found.
func storedKey() (*rsa.PrivateKey, error) {
	text, err := os.ReadFile("testdata/idp-key.pem")
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	return x509.ParsePKCS1PrivateKey(block.Bytes)
}

func freshKey() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }

// The identity provider's key, its next one, and an attacker's.
var (
	idpKey     = newTestKey("Microsoft Azure Federated SSO Certificate", storedKey)
	nextKey    = newTestKey("Next SSO Certificate", freshKey)
	attackKey  = newTestKey("Attacker", freshKey)
	xmlsecPath = sync.OnceValue(func() string { p, _ := exec.LookPath("xmlsec1"); return p })
)

// oracleAccepts asks xmlsec1 whether the signature of the element named by kind ("…:Response" with its namespace) verifies.
func oracleAccepts(t *testing.T, doc []byte, kind, xpath string) bool {
	t.Helper()
	if xmlsecPath() == "" {
		t.Skip("xmlsec1 is not installed (Debian: apt-get install xmlsec1): the differential check with another implementation is skipped")
	}
	dir := t.TempDir()
	in, cert := filepath.Join(dir, "in.xml"), filepath.Join(dir, "cert.pem")
	if err := os.WriteFile(in, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: idpKey().cert.Raw})
	if err := os.WriteFile(cert, block, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(xmlsecPath(), "--verify", "--pubkey-cert-pem", cert, "--enabled-key-data", "rsa",
		"--id-attr:ID", nsAssertion+":Assertion", "--id-attr:ID", kind, "--node-xpath", xpath, in)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("xmlsec1: %v: %s", err, out)
	}
	return err == nil
}

const signedXPath = "/*/*[local-name()='Signature']"

func TestSignIsAcceptedByOtherImplementations(t *testing.T) {
	t.Parallel()
	doc := []byte("<?xml version=\"1.0\"?>\n<samlp:Response xmlns:samlp=\"" + nsProtocol + "\" xmlns:unused=\"urn:unused\" Version='2.0' ID=\"_r1\" b=\"2\" a='&#9;&lt;\"x\"&#xA;&amp;>'>" +
		"<Issuer xmlns=\"" + nsAssertion + "\">https://idp.example/</Issuer>\r\n\t<samlp:Status  ><samlp:StatusCode Value='" + statusSuccess + "'/></samlp:Status>" +
		"<x:e xmlns:x=\"urn:x\" xmlns:y=\"urn:y\" y:q='1' x:q='2' q='3'>ümläut &gt; &#13; ]] <y:f xmlns=\"urn:d\"><g xmlns=\"\"/></y:f></x:e></samlp:Response>\n")
	k := idpKey()
	signed, err := Sign(doc, "_r1", k.key, k.cert)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(signed, []byte("</Issuer><Signature xmlns=")) {
		t.Error("the signature does not stand right after the issuer (Core §5.4.1)")
	}
	if !oracleAccepts(t, signed, nsProtocol+":Response", signedXPath) {
		t.Errorf("xmlsec1 refuses the signature:\n%s", signed)
	}
	if oracleAccepts(t, bytes.Replace(signed, []byte("ümläut"), []byte("umlaut"), 1), nsProtocol+":Response", signedXPath) {
		t.Error("xmlsec1 accepts a changed document: the check proves nothing")
	}
}

// goxmldsig is a second oracle. It is asked about a plainer document: of <y:f xmlns="urn:d"><g xmlns=""/></y:f>, where the
// declaration of urn:d is not visibly utilized, it makes another canonical form than xmlsec1 and this package do.
func TestSignIsAcceptedByGoxmldsig(t *testing.T) {
	t.Parallel()
	k := idpKey()
	doc := "<r xmlns:y='urn:y' ID='_1' b='2' a='&#9;&lt;&quot;&#xA;'><y:e xmlns:x='urn:x' y:q='1' x:q='2' q='3'>ümläut &#13;</y:e><g xmlns='urn:g'><h xmlns=''/></g></r>"
	signed, err := Sign([]byte(doc), "_1", k.key, k.cert)
	if err != nil {
		t.Fatal(err)
	}
	tree := etree.NewDocument()
	if err := tree.ReadFromBytes(signed); err != nil {
		t.Fatal(err)
	}
	ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{k.cert}})
	ctx.Clock = dsig.NewFakeClockAt(testNow)
	if _, err := ctx.Validate(tree.Root()); err != nil {
		t.Errorf("goxmldsig refuses the signature: %v", err)
	}
}

func TestSignRefusesWhatItCannotSignWell(t *testing.T) {
	t.Parallel()
	k := idpKey()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, doc, id string }{
		{"no such ID", `<a ID="x"><b/></a>`, "y"},
		{"empty ID", `<a ID=""><b/></a>`, ""},
		{"two elements with the ID", `<a ID="x"><b ID="x">.</b></a>`, "x"},
		{"empty element", `<a ID="x"/>`, "x"},
		{"signed already", `<a ID="x"><Signature xmlns="` + nsSignature + `"/></a>`, "x"},
		{"comment", `<a ID="x"><!-- --><b/></a>`, "x"},
	}
	for _, tt := range tests {
		if _, err := Sign([]byte(tt.doc), tt.id, k.key, k.cert); !fault.Is(err, fault.Internal) {
			t.Errorf("%s: got %v, want an internal fault", tt.name, err)
		}
	}
	if _, err := Sign([]byte(`<a ID="x"><b/></a>`), "x", k.key, attackKey().cert); err == nil {
		t.Error("signed with a certificate that is not the key's")
	}
	if _, err := Sign([]byte(`<a ID="x"><b/></a>`), "x", ec, k.cert); err == nil {
		t.Error("signed with a key that is not RSA")
	}
}

func TestAuthnRequestRoundTrip(t *testing.T) {
	t.Parallel()
	want := AuthnRequest{
		ID: NewID(rand.Reader), IssueInstant: testNow, Issuer: "https://sso.example/saml/d-1234567890?a=1&b=<2>",
		Destination: "https://login.example/saml2?tenant=1", ACSURL: "https://sso.example/saml/d-1234567890/acs",
		NameIDFormat: NameIDEmail, ForceAuthn: true,
	}
	location, err := want.RedirectURL("state-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(location, "https://login.example/saml2?tenant=1&SAMLRequest=") || !strings.HasSuffix(location, "&RelayState=state-1") {
		t.Errorf("got redirect %s", location)
	}
	xml, err := InflateRedirect(queryOf(t, location, "SAMLRequest"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseAuthnRequest(xml); err != nil || got != want {
		t.Errorf("HTTP-Redirect: got %+v, %v, want %+v", got, err, want)
	}
	form, err := want.PostForm("state-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if xml, err = DecodePost(form.Message); err != nil {
		t.Fatal(err)
	}
	if got, err := ParseAuthnRequest(xml); err != nil || got != want || form.Action != want.Destination {
		t.Errorf("HTTP-POST: got %+v, %v, want %+v", got, err, want)
	}
	if got := NewID(rand.Reader); len(got) != 33 || got[0] != '_' || got == want.ID {
		t.Errorf("got ID %q", got)
	}
	if _, err := want.RedirectURL(strings.Repeat("x", 81), nil); err == nil {
		t.Error("a relay state of 81 bytes was accepted (Bindings §3.4.3)")
	}
}
