package directory

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Keys makes and opens the keys with which the service provider signs requests. Private keys are kept sealed, bound to their source.
type Keys interface {
	// NewKey returns a fresh RSA key, sealed, and its certificate (DER).
	NewKey(sourceID string) (sealed, certificate []byte, err error)
	// OpenKey opens what NewKey sealed for the same source.
	OpenKey(sourceID string, sealed []byte) (crypto.Signer, error)
}

// Signer returns the key with which requests to the source's identity provider are signed, and its certificate.
//
// Faults: NotFound when the source has none; it gets one with the first setting that needs one ([Service.SetProvider]).
func (s *Service) Signer(src Source) (crypto.Signer, *x509.Certificate, error) {
	if len(src.SAML.SigningKey) == 0 || s.keys == nil {
		return nil, nil, fault.New(fault.NotFound, "the identity source %q has no key to sign with", src.ID).About(ResourceSource, src.ID)
	}
	key, err := s.keys.OpenKey(src.ID, src.SAML.SigningKey)
	if err != nil {
		return nil, nil, fault.New(fault.Internal, "the signing key of an identity source does not open").Because(err)
	}
	cert, err := x509.ParseCertificate(src.SAML.SigningCertificate)
	if err != nil {
		return nil, nil, fault.New(fault.Internal, "the signing certificate of an identity source cannot be read").Because(err)
	}
	return key, cert, nil
}

// SetProvider makes a source trust an identity provider. edit decides the source's settings, the provider's included; the service
// provider's own key stays, and is made where the settings need one: to sign requests, or to answer logout requests.
func (s *Service) SetProvider(ctx context.Context, a audit.Actor, id string, edit func(*Source) error) (Source, error) {
	var made struct{ key, certificate []byte }
	src, err := s.UpdateSource(ctx, a, id, func(src *Source) error {
		key, certificate := src.SAML.SigningKey, src.SAML.SigningCertificate
		if err := edit(src); err != nil {
			return err
		}
		m := &src.SAML
		m.SigningKey, m.SigningCertificate = key, certificate
		needs := m.SignRequests || m.SingleLogout || m.SLORedirectURL != "" || m.SLOPostURL != ""
		if !needs || len(m.SigningKey) > 0 || s.keys == nil {
			return nil
		}
		if made.key == nil { // the change may be tried again
			var err error
			if made.key, made.certificate, err = s.keys.NewKey(id); err != nil {
				return fault.New(fault.Internal, "a signing key could not be made").Because(err)
			}
		}
		m.SigningKey, m.SigningCertificate = made.key, made.certificate
		return nil
	})
	if err != nil || src.SAML.MetadataURL == "" {
		return src, err
	}
	// What is trusted now was just fetched; a problem with the provider before is none any more.
	now := s.now()
	if _, _, err := s.store.ClaimMetadataCheck(ctx, id, now, now); err != nil {
		return src, err
	}
	return src, s.store.PutMetadataCheck(ctx, MetadataCheck{SourceID: id, CheckedAt: now, GoodAt: now})
}

// MetadataCheck is what came of asking for an identity provider's metadata.
type MetadataCheck struct {
	SourceID string
	// CheckedAt is when it was last asked for; zero for never.
	CheckedAt time.Time
	// Problem says why the last answer was not used; empty when it was good.
	Problem string
	// GoodAt is when a good answer last came.
	GoodAt time.Time
}

const (
	// RefreshEvery is how often metadata is asked for, RetryEvery how often after a failure.
	RefreshEvery = 6 * time.Hour
	RetryEvery   = time.Hour
	// RefreshAtOnce is how often a signature that does not verify may lead to asking at once: the provider may have a new certificate.
	RefreshAtOnce = 5 * time.Minute
)

// MetadataDue reports whether a source's metadata is to be asked for again.
func MetadataDue(src Source, c MetadataCheck, now time.Time) bool {
	every := RefreshEvery
	if c.Problem != "" {
		every = RetryEvery
	}
	return src.SAML.MetadataURL != "" && now.Sub(c.CheckedAt) >= every
}

// RefreshMetadata asks for a source's metadata again, unless that was done less than least ago, by any node, and takes over the addresses,
// certificates and dates in it. What cannot be used changes nothing: the last good metadata stays, and the check says what is wrong.
// An identity provider keeps its name: metadata of another one is not taken, because whoever answers at the address
// must not be able to put himself in the place of the provider that the administrator chose. Settings are not metadata and stay.
//
// It reports whether the source's settings changed. Faults: NotFound; a problem with the metadata is no fault.
func (s *Service) RefreshMetadata(ctx context.Context, a audit.Actor, id string, least time.Duration) (changed bool, err error) {
	src, err := s.store.Source(ctx, id)
	if err != nil || src.SAML.MetadataURL == "" || s.metadata == nil {
		return false, err
	}
	now := s.now()
	// Anybody can have this asked, by a message with a bad signature: that must cost a read, not a write.
	if last, err := s.store.MetadataCheck(ctx, id); err != nil || least > 0 && now.Sub(last.CheckedAt) < least {
		return false, err
	}
	c, claimed, err := s.store.ClaimMetadataCheck(ctx, id, now, now.Add(-least))
	if err != nil || !claimed {
		return false, err
	}
	c.SourceID, c.CheckedAt, c.Problem = id, now, ""
	fresh, err := s.metadata(ctx, src.SAML.MetadataURL, src.SAML.MetadataSigners)
	if err == nil && fresh.EntityID != src.SAML.EntityID {
		err = fault.New(fault.Invalid, "the metadata at the address is now that of another identity provider, %.200q; set the provider anew if that is meant", fresh.EntityID)
	}
	if err == nil {
		changed, err = s.takeOver(ctx, a, src, fresh)
	}
	if err != nil {
		if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Unauthenticated) {
			return false, err
		}
		c.Problem = fault.Shown(err)
	} else {
		c.GoodAt = now
	}
	return changed, s.store.PutMetadataCheck(ctx, c)
}

// takeOver writes what is new in the metadata, if the source is still with the same provider, and believes the same signers.
func (s *Service) takeOver(ctx context.Context, a audit.Actor, src Source, fresh SAMLSettings) (bool, error) {
	if sameMetadata(src.SAML, fresh) {
		return false, nil
	}
	_, err := s.UpdateSource(ctx, a, src.ID, func(now *Source) error {
		if now.SAML.EntityID != src.SAML.EntityID || now.SAML.MetadataURL != src.SAML.MetadataURL || !slices.EqualFunc(now.SAML.MetadataSigners, src.SAML.MetadataSigners, bytes.Equal) {
			return fault.New(fault.Invalid, "the identity provider was changed meanwhile")
		}
		m := &now.SAML
		m.SSORedirectURL, m.SSOPostURL, m.Certificates, m.ValidUntil = fresh.SSORedirectURL, fresh.SSOPostURL, fresh.Certificates, fresh.ValidUntil
		m.SLORedirectURL, m.SLOPostURL, m.SLORedirectAnswerURL, m.SLOPostAnswerURL = fresh.SLORedirectURL, fresh.SLOPostURL, fresh.SLORedirectAnswerURL, fresh.SLOPostAnswerURL
		return nil
	})
	return err == nil, err
}

func sameMetadata(a, b SAMLSettings) bool {
	return a.SSORedirectURL == b.SSORedirectURL && a.SSOPostURL == b.SSOPostURL && a.SLORedirectURL == b.SLORedirectURL && a.SLOPostURL == b.SLOPostURL &&
		a.SLORedirectAnswerURL == b.SLORedirectAnswerURL && a.SLOPostAnswerURL == b.SLOPostAnswerURL && a.ValidUntil.Equal(b.ValidUntil) && slices.EqualFunc(a.Certificates, b.Certificates, bytes.Equal)
}

// MetadataCheck returns what came of asking for a source's metadata; a zero one if it was never asked for again.
func (s *Service) MetadataCheck(ctx context.Context, id string) (MetadataCheck, error) {
	return s.store.MetadataCheck(ctx, id)
}

// warnBefore is how long before its end a certificate is warned of; metadata that says how long it is good is renewed more often.
const (
	warnBefore         = 60 * 24 * time.Hour
	warnMetadataBefore = 7 * 24 * time.Hour
)

// Warnings says, each in a sentence, what will stop people from signing in through the provider, or already may: certificates and metadata that expire, and
// metadata that cannot be refreshed. Nothing is switched off by a date: an expired certificate's key is still the one that was chosen.
func (m SAMLSettings) Warnings(c MetadataCheck, now time.Time) []string {
	var out []string
	for _, der := range m.Certificates {
		cert, err := x509.ParseCertificate(der)
		if err != nil || cert.NotAfter.Sub(now) > warnBefore {
			continue
		}
		out = append(out, fmt.Sprintf("The signing certificate %q %s; bring in the metadata with its successor.", cert.Subject, ending(cert.NotAfter, now)))
	}
	if !m.ValidUntil.IsZero() && m.ValidUntil.Sub(now) <= warnMetadataBefore {
		out = append(out, fmt.Sprintf("The identity provider's metadata %s; bring it in again.", ending(m.ValidUntil, now)))
	}
	if c.Problem != "" && m.MetadataURL != "" {
		out = append(out, fmt.Sprintf("The metadata could not be refreshed at %s: %s. The last good one is in use.", c.CheckedAt.UTC().Format(time.RFC3339), strings.TrimSuffix(c.Problem, ".")))
	}
	return out
}

func ending(at, now time.Time) string {
	if at.After(now) {
		return "expires on " + at.UTC().Format(time.DateOnly)
	}
	return "has expired on " + at.UTC().Format(time.DateOnly)
}
