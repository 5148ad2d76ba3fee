package directory

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Limits of SCIM tokens, as AWS has them.
const (
	MaxTokens       = 2
	DefaultTokenAge = 365 * 24 * time.Hour
)

var sourceID = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

// CreateSource adds an identity source.
func (s *Service) CreateSource(ctx context.Context, a audit.Actor, src Source) (Source, error) {
	src.Version, src.CreatedAt = 1, s.now()
	if err := checkSource(&src); err != nil {
		return Source{}, err
	}
	if err := s.checkDomains(ctx, src); err != nil {
		return Source{}, err
	}
	return src, s.store.PutSource(ctx, src, 0, audit.New(ctx, src.CreatedAt, a, "gatehouse:CreateSource", src.ID))
}

// UpdateSource reads the source, lets change edit it and writes it back.
func (s *Service) UpdateSource(ctx context.Context, a audit.Actor, id string, change func(*Source) error) (Source, error) {
	for try := 0; ; try++ {
		src, err := s.store.Source(ctx, id)
		if err != nil {
			return Source{}, err
		}
		if src.Closing != "" {
			return Source{}, closing(id)
		}
		old := src.Version
		if err := change(&src); err != nil {
			return Source{}, err
		}
		if src.SAML.EntityID != "" && src.ProviderClosing {
			return Source{}, fault.New(fault.Conflict, "the sessions of the identity provider before are being ended; go on with its removal first").For("closing").About(ResourceSource, id)
		}
		src.ID, src.Version, src.Closing = id, old+1, ""
		if err := checkSource(&src); err != nil {
			return Source{}, err
		}
		if err := s.checkDomains(ctx, src); err != nil {
			return Source{}, err
		}
		err = s.store.PutSource(ctx, src, old, audit.New(ctx, s.now(), a, "gatehouse:UpdateSource", id).With("entityId", src.SAML.EntityID))
		if again(ctx, err, try) {
			continue
		}
		return src, err
	}
}

func checkSource(src *Source) error {
	if !sourceID.MatchString(src.ID) {
		return invalid("id", "an identity source's id is 1 to 32 lower-case letters, digits and inner dashes; %q is not", src.ID)
	}
	if src.ID == BuiltIn {
		return invalid("id", "%q is the built-in directory, which is always there; choose another id", BuiltIn)
	}
	if src.Profile == "" {
		src.Profile = ProfileRFC
	}
	if src.Profile != ProfileRFC && src.Profile != ProfileAWS {
		return invalid("profile", "profile is %q or %q, not %q", ProfileRFC, ProfileAWS, src.Profile)
	}
	if src.Name == "" {
		src.Name = src.ID
	}
	if err := checkText("name", src.Name); err != nil {
		return err
	}
	if err := foldDomains(src); err != nil {
		return err
	}
	if err := checkGuard(src.Guard); err != nil {
		return err
	}
	if err := checkOwners(src); err != nil {
		return err
	}
	if err := checkNesting(src); err != nil {
		return err
	}
	return checkSAML(src.SAML)
}

// MaxDomains is how many e-mail domains a source may have.
const MaxDomains = 100

var domainName = regexp.MustCompile(`^([\pL\pM\pN]([\pL\pM\pN-]{0,61}[\pL\pM\pN])?\.)*[\pL\pM\pN]([\pL\pM\pN-]{0,61}[\pL\pM\pN])?$`)

// foldDomains brings a source's e-mail domains into the form in which they are compared.
func foldDomains(src *Source) error {
	if len(src.Domains) > MaxDomains {
		return invalid("domains", "a source has at most %d e-mail domains", MaxDomains)
	}
	var out []string
	for _, d := range src.Domains {
		if d = Fold(d); len(d) > 253 || !domainName.MatchString(d) {
			return invalid("domains", "%q is not an e-mail domain; write it without the @, as in example.com", d)
		}
		out = append(out, d)
	}
	slices.Sort(out)
	src.Domains = slices.Compact(out)
	return nil
}

// checkDomains refuses a domain that another source has, so that it is never a matter of chance who vouches for whom. Two changes at the same
// moment may both pass; then the source whose id comes first has the domain.
func (s *Service) checkDomains(ctx context.Context, src Source) error {
	if len(src.Domains) == 0 {
		return nil
	}
	others, err := s.store.Sources(ctx)
	if err != nil {
		return err
	}
	for _, o := range others {
		for _, d := range src.Domains {
			if o.ID != src.ID && slices.Contains(o.Domains, d) {
				return fault.New(fault.Conflict, "the e-mail domain %q belongs to the identity source %q", d, o.ID).For("uniqueness").At("domains")
			}
		}
	}
	return nil
}

func checkSAML(m SAMLSettings) error {
	if m.EntityID == "" {
		return nil
	}
	if m.SSORedirectURL == "" && m.SSOPostURL == "" {
		return invalid("saml", "the identity provider's metadata names no single sign-on address (HTTP-Redirect or HTTP-POST)")
	}
	for _, raw := range []string{m.SSORedirectURL, m.SSOPostURL, m.SLORedirectURL, m.SLOPostURL, m.SLORedirectAnswerURL, m.SLOPostAnswerURL} {
		u, err := url.Parse(raw)
		if raw != "" && (err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http")) {
			return invalid("saml", "the address %q of the identity provider is not an http(s) URL", raw)
		}
	}
	if len(m.Certificates) == 0 {
		return invalid("saml", "the identity provider's metadata has no signing certificate, so nothing it says could be believed")
	}
	if m.SingleLogout && m.SLORedirectURL == "" && m.SLOPostURL == "" {
		return invalid("singleLogout", "the identity provider's metadata names no single logout address, so nobody could be signed out there")
	}
	if len(m.MetadataSigners) > 0 && m.MetadataURL == "" {
		return invalid("metadataSigners", "the metadata's signers are for metadata that is fetched from an address")
	}
	for _, der := range slices.Concat(m.Certificates, m.MetadataSigners) {
		if _, err := x509.ParseCertificate(der); err != nil {
			return fault.New(fault.Invalid, "a signing certificate cannot be read").At("saml").Because(err)
		}
	}
	return nil
}

// Vouches reports whether what an identity source vouched for at a time is good still: the source is there and was then, neither it nor its identity provider is
// being removed, and no provider was since.
func (s *Service) Vouches(ctx context.Context, sourceID string, at time.Time) (bool, error) {
	if sourceID == BuiltIn {
		return true, nil
	}
	src, err := s.store.Source(ctx, sourceID)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return src.Closing == "" && !src.ProviderClosing && !at.Before(src.CreatedAt) && !at.Before(src.VouchesSince), err
}

// Source returns one identity source.
func (s *Service) Source(ctx context.Context, id string) (Source, error) {
	return s.store.Source(ctx, id)
}

// Sources lists all identity sources, by id.
func (s *Service) Sources(ctx context.Context) ([]Source, error) { return s.store.Sources(ctx) }

// CreateToken makes a SCIM token for a source and returns it with its secret, which is not kept. age 0 means
// [DefaultTokenAge]. A third valid token is fault.Quota.
func (s *Service) CreateToken(ctx context.Context, a audit.Actor, sourceID string, age time.Duration) (Token, string, error) {
	if _, err := s.store.Source(ctx, sourceID); err != nil {
		return Token{}, "", err
	}
	if age == 0 {
		age = DefaultTokenAge
	}
	if age < time.Minute || age > 10*DefaultTokenAge {
		return Token{}, "", invalid("age", "a token lives between one minute and ten years")
	}
	now := s.now()
	secret := "ghscim_" + arn.NewSecret(s.rand, 43) // 43 × 6 bits: 256 bits of randomness
	t := Token{ID: arn.UUID(s.rand), SourceID: sourceID, Hash: hash(secret), CreatedAt: now, ExpiresAt: now.Add(age), CreatedBy: a.ID}
	e := audit.New(ctx, now, a, "gatehouse:CreateScimToken", sourceID).With("token", t.ID)
	if err := s.store.InsertToken(ctx, t, MaxTokens, e); err != nil {
		return Token{}, "", err
	}
	return t, secret, nil
}

func hash(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

// DeleteToken revokes a token at once.
func (s *Service) DeleteToken(ctx context.Context, a audit.Actor, sourceID, id string) error {
	return s.store.DeleteToken(ctx, sourceID, id, audit.New(ctx, s.now(), a, "gatehouse:DeleteScimToken", sourceID).With("token", id))
}

// Tokens lists a source's tokens, newest first; their hashes are of no use to anyone.
func (s *Service) Tokens(ctx context.Context, sourceID string) ([]Token, error) {
	return s.store.Tokens(ctx, sourceID)
}

// Authenticate finds the source whose SCIM token the secret is. The token must belong to sourceID, so that
// one source's token opens no other's door. Every refusal is the same fault.Unauthenticated. The look-up is by hash of a
// 256-bit secret: timing tells nothing that helps to guess one.
func (s *Service) Authenticate(ctx context.Context, sourceID, secret string) (Source, Token, error) {
	refused := fault.New(fault.Unauthenticated, "the bearer token is missing, unknown, expired or of another directory")
	t, err := s.store.TokenByHash(ctx, hash(secret))
	if fault.Is(err, fault.NotFound) {
		return Source{}, Token{}, refused
	}
	if err != nil {
		return Source{}, Token{}, err
	}
	now := s.now()
	if t.SourceID != sourceID || !now.Before(t.ExpiresAt) {
		return Source{}, Token{}, refused
	}
	src, err := s.store.Source(ctx, sourceID)
	if err != nil || src.Closing != "" {
		return Source{}, Token{}, refused.Because(err)
	}
	if s.seen.due(t.ID, now) {
		// The note of last use is a convenience: failing to write it must not refuse a valid client.
		_ = s.store.TouchToken(ctx, t.ID, now)
	}
	return src, t, nil
}

// touched remembers when each token's last use was last written, so that a busy client costs one small write a
// minute and not one per request.
type touched struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (t *touched) due(id string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.last[id]) < time.Minute {
		return false
	}
	if t.last == nil {
		t.last = map[string]time.Time{}
	}
	t.last[id] = now
	return true
}
