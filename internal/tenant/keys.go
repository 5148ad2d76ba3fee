package tenant

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/saml"
)

// keyRecord is a signing key as stored: PKCS #8 and the certificate, both DER.
type keyRecord struct {
	Key    []byte `json:"key"`
	Cert   []byte `json:"cert"`
	Active bool   `json:"active"`
}

// signingKey is an opened one.
type signingKey struct {
	key    crypto.Signer
	cert   *x509.Certificate
	active bool
}

const (
	certificateName  = "Microsoft Azure Federated SSO Certificate"
	certificateYears = 3
)

// newKeys makes the two certificates of a fresh tenant: one that signs and one that waits to take over, as in a
// tenant whose administrator has prepared a rollover.
func (t *Tenant) newKeys() ([]keyRecord, error) {
	active, err := t.newKey(true)
	if err != nil {
		return nil, err
	}
	waiting, err := t.newKey(false)
	return []keyRecord{active, waiting}, err
}

func (t *Tenant) newKey(active bool) (keyRecord, error) {
	key, err := rsa.GenerateKey(t.rand, 2048)
	if err != nil {
		return keyRecord{}, err
	}
	from := t.now().Add(-5 * time.Minute)
	cert, err := saml.SelfSign(t.rand, key, saml.CertificateSpec{CommonName: certificateName, NotBefore: from, NotAfter: from.AddDate(certificateYears, 0, 0)})
	if err != nil {
		return keyRecord{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return keyRecord{Key: der, Cert: cert.Raw, Active: active}, err
}

func openKeys(records []keyRecord) ([]signingKey, error) {
	var out []signingKey
	for i, r := range records {
		k, err := x509.ParsePKCS8PrivateKey(r.Key)
		if err != nil {
			return nil, fmt.Errorf("signing key %d: %w", i, err)
		}
		signer, ok := k.(*rsa.PrivateKey)
		if !ok {
			return nil, fmt.Errorf("signing key %d is not RSA", i)
		}
		cert, err := x509.ParseCertificate(r.Cert)
		if err != nil {
			return nil, fmt.Errorf("signing certificate %d: %w", i, err)
		}
		out = append(out, signingKey{signer, cert, r.Active})
	}
	if len(out) == 0 {
		return nil, errors.New("the tenant has no signing key")
	}
	return out, nil
}

// signer returns the key that signs now: the active one, or when that has expired and another has not, the
// other, as Entra switches by itself. The caller holds t.mu.
func (t *Tenant) signer() signingKey {
	now := t.now()
	var best *signingKey
	for i := range t.signing {
		k := &t.signing[i]
		if k.active && now.Before(k.cert.NotAfter) {
			return *k
		}
		if best == nil || k.cert.NotAfter.After(best.cert.NotAfter) {
			best = k
		}
	}
	return *best
}

// Certificate is what can be seen of a signing certificate.
type Certificate struct {
	Thumbprint string    `json:"thumbprint"` // SHA-1, as Entra shows it
	NotBefore  time.Time `json:"notBefore"`
	NotAfter   time.Time `json:"notAfter"`
	Active     bool      `json:"active"`
	PEM        string    `json:"pem"`
}

// Certificates returns the signing certificates.
func (t *Tenant) Certificates() []Certificate {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Certificate
	for _, k := range t.signing {
		out = append(out, Certificate{thumbprint(k.cert), k.cert.NotBefore, k.cert.NotAfter, k.active, certPEM(k.cert)})
	}
	return out
}

func thumbprint(c *x509.Certificate) string {
	sum := sha1.Sum(c.Raw) // a name, not a proof
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func certPEM(c *x509.Certificate) string {
	return "-----BEGIN CERTIFICATE-----\n" + wrap(base64.StdEncoding.EncodeToString(c.Raw), 64) + "-----END CERTIFICATE-----\n"
}

func wrap(s string, n int) string {
	var b strings.Builder
	for len(s) > 0 {
		k := min(n, len(s))
		b.WriteString(s[:k] + "\n")
		s = s[k:]
	}
	return b.String()
}

// ActivateCertificate makes the certificate with that thumbprint the one that signs: the middle of a rollover.
func (t *Tenant) ActivateCertificate(thumb string) error {
	return t.change(func(st *state) error {
		found := -1
		for i, k := range t.signing {
			if strings.EqualFold(thumbprint(k.cert), thumb) {
				found = i
			}
		}
		if found < 0 {
			return fault.New(fault.NotFound, "No certificate has the thumbprint %q.", clip(thumb, 80))
		}
		for i := range t.signing {
			t.signing[i].active, st.Keys[i].Active = i == found, i == found
		}
		return nil
	})
}
