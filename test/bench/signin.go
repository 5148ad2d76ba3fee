package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatehouse/internal/app"
	"gatehouse/internal/directory"
	"gatehouse/internal/saml"
	"gatehouse/internal/signin"
)

// provider is an identity provider that can do no more than sign an answer.
type provider struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

const providerEntity = "https://idp.example/entity"

func newProvider() (p provider, err error) {
	if p.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return p, err
	}
	p.cert, err = saml.SelfSign(rand.Reader, p.key, saml.CertificateSpec{CommonName: "bench", NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)})
	return p, err
}

// answer is a signed response about a person that nobody asked for, in base64.
func (p provider) answer(acs, audience, name string) (string, error) {
	id := saml.NewID(rand.Reader)
	at, until := saml.Instant(time.Now()), saml.Instant(time.Now().Add(time.Hour))
	doc := fmt.Sprintf(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="%s" Version="2.0" IssueInstant="%s" Destination="%s"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">%s</Issuer>`+
		`<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>`, saml.NewID(rand.Reader), at, acs, providerEntity) +
		fmt.Sprintf(`<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="%s" Version="2.0" IssueInstant="%s"><Issuer>%s</Issuer><Subject><NameID Format="%s">%s</NameID>`, id, at, providerEntity, saml.NameIDEmail, name) +
		fmt.Sprintf(`<SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><SubjectConfirmationData NotOnOrAfter="%s" Recipient="%s"/></SubjectConfirmation></Subject>`, until, acs) +
		fmt.Sprintf(`<Conditions NotBefore="%s" NotOnOrAfter="%s"><AudienceRestriction><Audience>%s</Audience></AudienceRestriction></Conditions><AttributeStatement>`, at, until, audience) +
		fmt.Sprintf(`<Attribute Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"><AttributeValue>%s</AttributeValue></Attribute></AttributeStatement>`, name) +
		fmt.Sprintf(`<AuthnStatement AuthnInstant="%s" SessionIndex="s1"><AuthnContext><AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</AuthnContextClassRef></AuthnContext></AuthnStatement></Assertion></samlp:Response>`, at)
	signed, err := saml.Sign([]byte(doc), id, p.key, p.cert)
	return base64.StdEncoding.EncodeToString(signed), err
}

// signIns measures whole sign-ins: the answer posted to the assertion consumer service, verified and parked, then claimed by the browser, with a
// session at the end. Each costs two commits. The identity provider's signature, a private RSA operation dearer than all of it, is made
// beforehand, so that neither the rate nor the CPU time has it.
func signIns(ctx context.Context) error {
	s, err := start(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	const people = 1_000
	if err := s.preload(ctx, people); err != nil {
		return err
	}
	p, err := newProvider()
	if err != nil {
		return err
	}
	_, err = s.Directory.UpdateSource(ctx, bencher, app.DefaultSource, func(src *directory.Source) error {
		src.SAML.EntityID, src.SAML.SSORedirectURL, src.SAML.Certificates, src.SAML.AllowIDPInitiated = providerEntity, "https://idp.example/sso", [][]byte{p.cert.Raw}, true
		return nil
	})
	if err != nil {
		return err
	}
	base := s.url + "/saml/" + app.DefaultSource
	n := 12_000
	if *quick {
		n = 1_000
	}
	answers := make([]string, n)
	err = many(n, func(i int) (err error) {
		answers[i], err = p.answer(base+"/acs", base+"/metadata", fmt.Sprintf("preloaded-%d@example.com", 1+i%people))
		return err
	})
	if err != nil {
		return err
	}
	next := make(chan string, n)
	for _, a := range answers {
		next <- a
	}
	close(next)
	hc := &http.Client{
		Transport:     transport(*clients),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return measure("SAML sign-in: ACS, verified, and a durable session", func(int, int) error {
		a, ok := <-next
		if !ok {
			return errEnough
		}
		return signInOnce(ctx, hc, base, a)
	})
}

func signInOnce(ctx context.Context, hc *http.Client, base, answer string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/acs", strings.NewReader(url.Values{"SAMLResponse": {answer}}.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	parked, err := redirected(hc, req)
	if err != nil {
		return err
	}
	to, err := parked.Location()
	if err != nil {
		return err
	}
	if req, err = http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil); err != nil {
		return err
	}
	for _, c := range parked.Cookies() {
		req.AddCookie(c)
	}
	done, err := redirected(hc, req)
	if err != nil {
		return err
	}
	for _, c := range done.Cookies() {
		if c.Name == signin.PlainCookie && c.Value != "" {
			return nil
		}
	}
	return fmt.Errorf("no session was opened: %v", done.Header)
}

// redirected sends a request that must be answered with 303.
func redirected(hc *http.Client, req *http.Request) (*http.Response, error) {
	res, err := hc.Do(req)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err == nil && res.StatusCode != http.StatusSeeOther {
		err = fmt.Errorf("HTTP %d %.3000s", res.StatusCode, b)
	}
	return res, err
}
