package localiam

import (
	"context"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Signer signs web identity tokens; see package signingkey.
type Signer interface {
	Sign(ctx context.Context, scope, algorithm string, claims any) (string, error)
	KeySet(ctx context.Context, scope string, algorithms ...string) ([]byte, error)
}

// OutboundAlgorithms are those with which web identity tokens are signed (API_GetWebIdentityToken).
func OutboundAlgorithms() []string { return []string{"RS256", "ES384"} }

// Reasons of faults of outbound federation.
const (
	// ReasonFederationEnabled and ReasonFederationDisabled: it is so already, or there is nothing to tell. (FeatureEnabled, FeatureDisabled)
	ReasonFederationEnabled  = "federation-enabled"
	ReasonFederationDisabled = "federation-disabled"
	// ReasonOutboundDisabled: tokens are not given out. (OutboundWebIdentityFederationDisabledException)
	ReasonOutboundDisabled = "outbound-disabled"
	// ReasonEscalation: the token would outlive the session it is asked with. (SessionDurationEscalationException)
	ReasonEscalation = "duration-escalation"
	// ReasonTokenSize: the token would be too large. (JWTPayloadSizeExceededException)
	ReasonTokenSize = "token-size"
)

const (
	// DefaultIdentityToken is how long a web identity token lives that was asked for without a duration.
	DefaultIdentityToken = 5 * time.Minute
	minIdentityToken     = time.Minute
	maxIdentityToken     = time.Hour
	// maxIdentityClaims bounds what the caller brings into a token, in bytes: its audiences, its tags and those of the principal. With it a token
	// stays below 16 KiB, which is more than most HTTP servers take in a header.
	maxIdentityClaims = 10 << 10
)

// OutboundScope is the scope of the keys with which an issuer's tokens are signed.
func OutboundScope(issuerID string) string { return "sts/" + issuerID }

// issuerURL is what the claim "iss" says.
func (s *Service) issuerURL(issuerID string) string { return s.cfg.URL + "/oidc/" + issuerID }

// EnableOutboundFederation lets the account's principals get web identity tokens, and returns the account's issuer URL. The first time makes
// the issuer; later times bring back the same.
func (s *Service) EnableOutboundFederation(ctx context.Context, a audit.Actor, accountID string) (issuer string, err error) {
	set, err := s.changeSettings(ctx, a, accountID, "EnableOutboundWebIdentityFederation", func(set *Settings) error {
		if set.Outbound {
			return fault.New(fault.Conflict, "Outbound web identity federation is already enabled for your account").For(ReasonFederationEnabled)
		}
		if set.IssuerID == "" {
			set.IssuerID = arn.UUID(s.cfg.Rand)
		}
		set.Outbound = true
		return nil
	})
	return s.issuerURL(set.IssuerID), err
}

// DisableOutboundFederation ends it. Tokens that were given out stay valid, and the issuer's keys published.
func (s *Service) DisableOutboundFederation(ctx context.Context, a audit.Actor, accountID string) error {
	_, err := s.changeSettings(ctx, a, accountID, "DisableOutboundWebIdentityFederation", func(set *Settings) error {
		if !set.Outbound {
			return errFederationDisabled()
		}
		set.Outbound = false
		return nil
	})
	return err
}

func errFederationDisabled() error {
	return fault.New(fault.NotFound, "Outbound web identity federation is not enabled for your account").For(ReasonFederationDisabled)
}

// OutboundFederation returns the account's issuer URL; NotFound while federation is disabled.
func (s *Service) OutboundFederation(ctx context.Context, accountID string) (issuer string, err error) {
	set, err := s.cfg.Store.Settings(ctx, accountID)
	if err == nil && !set.Outbound {
		err = errFederationDisabled()
	}
	return s.issuerURL(set.IssuerID), err
}

// PublishedKeys returns an issuer's URL and JWK set; NotFound for an issuer that there is not.
func (s *Service) PublishedKeys(ctx context.Context, issuerID string) (issuer string, keys []byte, err error) {
	if _, err = s.cfg.Store.IssuerAccount(ctx, issuerID); err != nil {
		return "", nil, err
	}
	keys, err = s.cfg.Tokens.KeySet(ctx, OutboundScope(issuerID), OutboundAlgorithms()...)
	return s.issuerURL(issuerID), keys, err
}

// IdentityRequest is what GetWebIdentityToken is asked.
type IdentityRequest struct {
	// Audiences are 1–10.
	Audiences []string
	// Algorithm is one of [OutboundAlgorithms].
	Algorithm string
	// Duration is a minute to an hour; zero means five minutes.
	Duration time.Duration
	// Tags become the claim "request_tags".
	Tags map[string]string
	// Region is the one that the request was signed for.
	Region string
}

// identityClaims are what a web identity token says (IAM User Guide, «Understanding token claims»).
type identityClaims struct {
	Issuer   string        `json:"iss"`
	Audience any           `json:"aud"` // a string, or a list of several
	Subject  string        `json:"sub"`
	IssuedAt int64         `json:"iat"`
	Expires  int64         `json:"exp"`
	ID       string        `json:"jti"`
	AWS      accountClaims `json:"https://sts.amazonaws.com/"`
}

type accountClaims struct {
	Account       string            `json:"aws_account"`
	Region        string            `json:"source_region,omitempty"`
	Organization  string            `json:"org_id,omitempty"`
	Paths         []string          `json:"ou_path,omitempty"`
	Principal     string            `json:"principal_id,omitempty"`
	PrincipalTags map[string]string `json:"principal_tags,omitempty"`
	SessionEnds   string            `json:"original_session_exp,omitempty"`
	Provider      string            `json:"federated_provider,omitempty"`
	Person        string            `json:"identity_store_user_id,omitempty"`
	Source        string            `json:"source_identity,omitempty"`
	RequestTags   map[string]string `json:"request_tags,omitempty"`
}

// WebIdentityToken gives the caller a token that says to others who it is. Whether it may have one was decided by the caller of
// this method.
func (s *Service) WebIdentityToken(ctx context.Context, c Caller, in IdentityRequest) (token string, expires time.Time, err error) {
	claims, err := s.identityClaims(ctx, c, in)
	if err != nil {
		return "", time.Time{}, err
	}
	token, err = s.cfg.Tokens.Sign(ctx, OutboundScope(claims.issuerID), in.Algorithm, claims.identityClaims)
	if fault.Is(err, fault.Invalid) {
		err = fault.New(fault.Invalid, "Value '%s' at 'signingAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [RS256, ES384]", clip(in.Algorithm)).For("constraint").At("SigningAlgorithm")
	}
	return token, time.Unix(claims.Expires, 0).UTC(), err
}

type issued struct {
	identityClaims
	issuerID string
}

func (s *Service) identityClaims(ctx context.Context, c Caller, in IdentityRequest) (out issued, err error) {
	set, err := s.cfg.Store.Settings(ctx, c.AccountID)
	if err != nil {
		return out, err
	}
	if !set.Outbound {
		return out, fault.New(fault.Denied, "Outbound web identity federation is not enabled for account %s", c.AccountID).For(ReasonOutboundDisabled)
	}
	duration := in.Duration
	if duration == 0 {
		duration = DefaultIdentityToken
	}
	if duration < minIdentityToken || duration > maxIdentityToken {
		return out, fault.New(fault.Invalid, "DurationSeconds must be between 60 and 3600.").At("DurationSeconds")
	}
	if err := checkTags(in.Tags); err != nil {
		return out, err
	}
	now := s.now()
	expires := now.Add(duration)
	if c.Temporary() && expires.After(c.Expires) {
		return out, fault.New(fault.Denied, "The requested duration would extend the token beyond the end of the session it is requested with").For(ReasonEscalation)
	}
	g, err := s.grounds(ctx, c)
	if err != nil {
		return out, err
	}
	out = issued{identityClaims{
		Issuer: s.issuerURL(set.IssuerID), Audience: in.Audiences, Subject: c.PrincipalARN, IssuedAt: now.Unix(), Expires: expires.Unix(), ID: arn.UUID(s.cfg.Rand),
		AWS: accountClaims{
			Account: c.AccountID, Region: in.Region, Organization: g.standing.OrganizationID, Principal: c.PrincipalARN, PrincipalTags: g.rights.tags,
			Person: c.PersonID, Source: c.SourceIdentity, RequestTags: in.Tags,
		},
	}, set.IssuerID}
	if len(in.Audiences) == 1 {
		out.Audience = in.Audiences[0]
	}
	if g.standing.Path != "" {
		out.AWS.Paths = []string{g.standing.Path}
	}
	if c.session != nil {
		out.AWS.SessionEnds, out.AWS.Provider = c.Expires.Format(time.RFC3339), c.session.Provider
		out.AWS.PrincipalTags = principalTags(g.rights.tags, c.session.Tags)
	}
	if size(in.Audiences, in.Tags, out.AWS.PrincipalTags) > maxIdentityClaims {
		return out, fault.New(fault.Invalid, "The requested token payload size exceeds the maximum allowed size").For(ReasonTokenSize)
	}
	return out, nil
}

// principalTags are those of the role, a session tag taking the place of a role's tag of the same key, in any case of letters.
func principalTags(role, session map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range role {
		if !hasFolded(session, k) {
			out[k] = v
		}
	}
	for k, v := range session {
		out[k] = v
	}
	return out
}

// size is how many bytes lists and maps have; every entry costs a few more in JSON.
func size(list []string, maps ...map[string]string) int {
	n := 0
	for _, v := range list {
		n += len(v) + 3
	}
	for _, m := range maps {
		for k, v := range m {
			n += len(k) + len(v) + 6
		}
	}
	return n
}
