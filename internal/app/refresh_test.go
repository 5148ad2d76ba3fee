package app

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/saml"
)

// publisher is an identity provider's metadata address.
type publisher struct {
	*httptest.Server
	document atomic.Value // string
	asked    atomic.Int64
}

func publish(t *testing.T, document string) *publisher {
	t.Helper()
	p := &publisher{}
	p.document.Store(document)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.asked.Add(1)
		_, _ = w.Write([]byte(p.document.Load().(string)))
	}))
	t.Cleanup(p.Close)
	return p
}

func issuer(t *testing.T, notAfter time.Time) (*rsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := saml.SelfSign(rand.Reader, key, saml.CertificateSpec{CommonName: "IdP", NotBefore: notAfter.AddDate(-3, 0, 0), NotAfter: notAfter})
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

func provider(entity string, certs ...*x509.Certificate) saml.IDPMetadata {
	return saml.IDPMetadata{EntityID: entity, SSORedirectURL: "https://idp.example/sso", SLORedirectURL: "https://idp.example/slo", Certificates: certs}
}

// TestMetadataIsRefreshed: new certificates are taken over while the old ones are trusted; what cannot be used changes nothing; another provider is
// not taken for the one that was chosen; and of many who ask at the same time one does.
func TestMetadataIsRefreshed(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	ctx, by := t.Context(), audit.Actor{Kind: audit.System, Name: "test"}
	_, old := issuer(t, p.now().AddDate(0, 1, 0))
	_, next := issuer(t, p.now().AddDate(3, 0, 0))
	const entity = "https://idp.example/"
	at := publish(t, string(provider(entity, old).XML()))
	set := func(signers ...[]byte) error {
		m, err := p.providerMetadata(ctx, at.URL, signers)
		if err != nil {
			return err
		}
		m.MetadataURL, m.MetadataSigners = at.URL, signers
		_, err = p.Directory.SetProvider(ctx, by, DefaultSource, func(s *directory.Source) error { s.SAML = m; return nil })
		return err
	}
	if err := set(); err != nil {
		t.Fatal(err)
	}
	source := func() directory.Source {
		s, err := p.Directory.Source(ctx, DefaultSource)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	key := source().SAML.SigningKey
	if len(key) == 0 {
		t.Error("a provider that takes logout messages has no key to answer with")
	}
	refresh := func() (bool, string) {
		t.Helper()
		changed, err := p.Directory.RefreshMetadata(ctx, by, DefaultSource, 0)
		if err != nil {
			t.Fatal(err)
		}
		c, err := p.Directory.MetadataCheck(ctx, DefaultSource)
		if err != nil {
			t.Fatal(err)
		}
		return changed, c.Problem
	}
	c, _ := p.Directory.MetadataCheck(ctx, DefaultSource)
	if w := source().SAML.Warnings(c, p.now()); len(w) != 1 || !strings.Contains(w[0], "expires on") {
		t.Errorf("warnings %q, want one of the certificate that ends in a month", w)
	}
	if changed, problem := refresh(); changed || problem != "" {
		t.Errorf("the same again: %v, %q", changed, problem)
	}
	rolled := provider(entity, old, next)
	rolled.ValidUntil = p.now().Add(48 * time.Hour).Truncate(time.Second)
	at.document.Store(string(rolled.XML()))
	if changed, problem := refresh(); !changed || problem != "" || len(source().SAML.Certificates) != 2 {
		t.Errorf("a second certificate: %v, %q", changed, problem)
	}
	good := source().SAML
	if w := good.Warnings(directory.MetadataCheck{}, p.now()); len(w) != 2 || !strings.Contains(w[1], "metadata expires") {
		t.Errorf("warnings %q", w)
	}
	if w := good.Warnings(directory.MetadataCheck{}, p.now().AddDate(5, 0, 0)); len(w) != 3 || !strings.Contains(w[0], "has expired") {
		t.Errorf("warnings in five years %q", w)
	}
	for name, doc := range map[string]string{
		"nothing": "", "another provider": string(provider("https://evil.example/", next).XML()), "no certificate": string(provider(entity).XML()), "an entity bomb": `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`, "too large": strings.Repeat("x", 300<<10),
		"a javascript address": strings.Replace(string(rolled.XML()), "https://idp.example/sso", "javascript:alert(1)", 1),
	} {
		at.document.Store(doc)
		changed, problem := refresh()
		if changed || problem == "" {
			t.Errorf("%s: changed %v, problem %q", name, changed, problem)
		}
		c, err := p.Directory.MetadataCheck(ctx, DefaultSource)
		if err != nil || c.GoodAt.IsZero() {
			t.Errorf("%s: when it was good is forgotten: %+v, %v", name, c, err)
		}
		if w := source().SAML.Warnings(c, p.now()); !slices.ContainsFunc(w, func(s string) bool { return strings.Contains(s, "The last good one is in use") }) {
			t.Errorf("%s: warnings %q", name, w)
		}
	}
	if now := source().SAML; now.EntityID != entity || len(now.Certificates) != 2 || string(now.SigningKey) != string(key) {
		t.Errorf("the last good one is gone: %+v", now)
	}
	// Bringing in the provider anew ends the warning.
	at.document.Store(string(rolled.XML()))
	if err := set(); err != nil {
		t.Fatal(err)
	}
	if c, err := p.Directory.MetadataCheck(ctx, DefaultSource); err != nil || c.Problem != "" || c.GoodAt.IsZero() {
		t.Errorf("after the provider was brought in anew: %+v, %v", c, err)
	}
	// Many at once, on any node: one asks.
	before := at.asked.Load()
	p.Directory.RefreshMetadata(ctx, by, DefaultSource, 0)
	for range 5 {
		if changed, err := p.Directory.RefreshMetadata(ctx, by, DefaultSource, directory.RefreshAtOnce); changed || err != nil {
			t.Errorf("%v, %v", changed, err)
		}
	}
	if n := at.asked.Load() - before; n != 1 {
		t.Errorf("asked %d times", n)
	}
	p.refreshDue(ctx, map[string]time.Time{}) // not due
	if n := at.asked.Load() - before; n != 1 {
		t.Errorf("asked %d times, though it was not due", n)
	}
}

// TestMetadataAskedForBeforeASignerWasNamed: what comes without a signature because none was demanded when it was asked for is not taken once one is.
func TestMetadataAskedForBeforeASignerWasNamed(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	ctx, by := t.Context(), audit.Actor{Kind: audit.System, Name: "test"}
	_, good := issuer(t, p.now().AddDate(1, 0, 0))
	_, evil := issuer(t, p.now().AddDate(1, 0, 0))
	settings := func(c *x509.Certificate) directory.SAMLSettings {
		return directory.SAMLSettings{EntityID: "https://idp.example/", SSORedirectURL: "https://idp.example/sso", Certificates: [][]byte{c.Raw}, MetadataURL: "https://idp.example/metadata"}
	}
	set := func(m directory.SAMLSettings) {
		t.Helper()
		if _, err := p.Directory.SetProvider(ctx, by, DefaultSource, func(s *directory.Source) error { s.SAML = m; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	set(settings(good))
	node := directory.NewService(directory.Config{
		Store: p.db.Directory(), IdentityStoreID: p.Instance.IdentityStoreID, Now: p.now, Rand: rand.Reader,
		Metadata: func(context.Context, string, [][]byte) (directory.SAMLSettings, error) {
			signed := settings(good)
			signed.MetadataSigners = [][]byte{good.Raw}
			set(signed)
			return settings(evil), nil
		},
	})
	if changed, err := node.RefreshMetadata(ctx, by, DefaultSource, 0); changed || err != nil {
		t.Errorf("changed %v, %v", changed, err)
	}
	s, err := p.Directory.Source(ctx, DefaultSource)
	if err != nil || len(s.SAML.Certificates) != 1 || !slices.Equal(s.SAML.Certificates[0], good.Raw) {
		t.Errorf("the certificate of an unsigned document is trusted: %v", err)
	}
}

// TestMetadataThatMustBeSigned: once a signer is named, nothing is taken without its signature: not unsigned, not changed, not by another, not wrapped.
func TestMetadataThatMustBeSigned(t *testing.T) {
	t.Parallel()
	a := &App{Config: Config{URL: "http://127.0.0.1:8080"}}
	now := time.Now()
	key, cert := issuer(t, now.AddDate(1, 0, 0))
	other, otherCert := issuer(t, now.AddDate(1, 0, 0))
	plain := strings.Replace(string(provider("https://idp.example/", cert).XML()), "<EntityDescriptor ", `<EntityDescriptor ID="_m" `, 1)
	sign := func(doc string, k *rsa.PrivateKey, c *x509.Certificate) string {
		signed, err := saml.Sign([]byte(doc), "_m", k, c)
		if err != nil {
			t.Fatal(err)
		}
		return string(signed)
	}
	good := sign(plain, key, cert)
	evil := strings.NewReplacer(`ID="_m"`, `ID="_e"`, "https://idp.example/", "https://evil.example/").Replace(plain)
	at := publish(t, good)
	get := func() (directory.SAMLSettings, error) {
		return a.providerMetadata(context.Background(), at.URL, [][]byte{cert.Raw})
	}
	if m, err := get(); err != nil || m.EntityID != "https://idp.example/" {
		t.Errorf("got %+v, %v", m, err)
	}
	for name, doc := range map[string]string{
		"not signed": plain, "changed": strings.Replace(good, "https://idp.example/sso", "https://evil.example/sso", 1), "by another": sign(plain, other, otherCert),
		"wrapped":      strings.Replace(evil, "</EntityDescriptor>", good+"</EntityDescriptor>", 1),
		"beside":       `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">` + good + evil + `</EntitiesDescriptor>`,
		"with comment": strings.Replace(good, "<IDPSSODescriptor", "<!-- --><IDPSSODescriptor", 1),
	} {
		at.document.Store(doc)
		if m, err := get(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: taken as %+v, %v", name, m, err)
		}
	}
}

// TestSigningKeysAreSealed: what the database holds of a source's key opens only with the keyset and only for that source; the API shows the certificate alone.
func TestSigningKeysAreSealed(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	ctx, by := t.Context(), audit.Actor{Kind: audit.System, Name: "test"}
	_, cert := issuer(t, p.now().AddDate(1, 0, 0))
	m := samlSettings(provider("https://idp.example/", cert))
	m.SignRequests = true
	src, err := p.Directory.SetProvider(ctx, by, DefaultSource, func(s *directory.Source) error { s.SAML = m; return nil })
	if err != nil {
		t.Fatal(err)
	}
	sealed := src.SAML.SigningKey
	if _, err := x509.ParsePKCS8PrivateKey(sealed); err == nil || len(sealed) == 0 {
		t.Error("the key is stored in clear, or not at all")
	}
	keys := providerKeys{p.sealer, p.rand, p.now}
	if _, err := keys.OpenKey("other", sealed); err == nil {
		t.Error("the key of one source opens for another")
	}
	key, own, err := p.Directory.Signer(src)
	if err != nil || !own.PublicKey.(*rsa.PublicKey).Equal(key.Public()) {
		t.Fatalf("got %v", err)
	}
	// Another provider for the same source: the key stays, because the metadata that was given away has it.
	other := samlSettings(provider("https://other.example/", cert))
	if again, err := p.Directory.SetProvider(ctx, by, DefaultSource, func(s *directory.Source) error { s.SAML = other; return nil }); err != nil || string(again.SAML.SigningKey) != string(sealed) {
		t.Errorf("the key has changed with the provider: %v", err)
	}
	if _, _, err := p.Directory.Signer(directory.Source{ID: "none"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a source without a key: %v", err)
	}
}
