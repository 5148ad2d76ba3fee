package propagation

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/fault"
)

// Provider is the context provider whose assertions these are (API_ProvidedContext).
const Provider = "arn:aws:iam::aws:contextProvider/IdentityCenter"

// ContextExpired is the reason of the refusal of a context that is over.
const ContextExpired = "expired-context"

// kind is what a context is for.
type kind string

const (
	// identity says who the person is, for decisions. audit says it for logs alone: a session made with it has none of the condition keys.
	identity kind = "identity"
	auditing kind = "audit"
)

// statement is what a context holds, sealed. Only this server reads it.
type statement struct {
	Grant       string `json:"g"`
	Application string `json:"a"`
	User        string `json:"u"`
	Kind        kind   `json:"k"`
	Expires     int64  `json:"e"` // seconds since 1970
}

// associated binds a context to the instance it speaks for and to the account whose principals may use it: for any other it does not even open.
func (s *Service) associated(account string) []byte {
	return []byte("gatehouse/identity-context/" + s.cfg.Instance + "/" + account)
}

func (s *Service) sealContext(g Grant, account string, k kind, end time.Time) (string, error) {
	plain, err := json.Marshal(statement{g.ID, g.Application, g.UserID, k, end.Unix()})
	if err != nil {
		return "", fault.New(fault.Internal, "encode an identity context").Because(err)
	}
	sealed, err := s.cfg.Sealer.Seal(plain, s.associated(account))
	if err != nil {
		return "", fault.New(fault.Internal, "seal an identity context").Because(err)
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// maxContext is longer than any context made here.
const maxContext = 2048

// Context is what STS is told by an identity context that it was shown.
type Context struct {
	// UserID is the person on whose behalf the session will act.
	UserID string
	// Keys are the condition keys that the session has, with their values; none for an audit context.
	Keys map[string]string
}

// OpenContext reads an identity context that a principal of an account shows. The grant behind it must still be there, its person must still
// be allowed to use the application, and the context must not have expired.
//
// Faults: Invalid for one that was not issued here, to that account; with Reason [ContextExpired] for one that is over.
func (s *Service) OpenContext(ctx context.Context, account, assertion string) (Context, error) {
	bad := fault.New(fault.Invalid, "The context assertion is not one that was issued to an application of the account %s.", account).At("ProvidedContexts")
	if assertion == "" || len(assertion) > maxContext {
		return Context{}, bad
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(assertion)
	if err != nil {
		return Context{}, bad
	}
	plain, err := s.cfg.Sealer.Open(sealed, s.associated(account))
	if err != nil {
		return Context{}, bad
	}
	var st statement
	if err := json.Unmarshal(plain, &st); err != nil {
		return Context{}, fault.New(fault.Internal, "a sealed identity context does not decode").Because(err)
	}
	over := fault.New(fault.Invalid, "The context assertion has expired, or the sign-in behind it is over.").For(ContextExpired).At("ProvidedContexts")
	if s.now().Unix() >= st.Expires {
		return Context{}, over
	}
	g, err := s.store.Grant(ctx, st.Grant)
	if err != nil {
		return Context{}, hide(err, over)
	}
	if g.UserID != st.User || g.Application != st.Application {
		return Context{}, over
	}
	if err := s.lives(ctx, g); err != nil {
		return Context{}, hide(err, over)
	}
	n, err := arn.ParseApplication(g.Application)
	if err != nil {
		return Context{}, over.Because(err)
	}
	if _, err := s.user(ctx, n, g.UserID, g.CreatedAt); err != nil {
		return Context{}, hide(err, over)
	}
	out := Context{UserID: g.UserID}
	if st.Kind == identity {
		out.Keys = map[string]string{
			"identitystore:UserId": g.UserID, "identitystore:IdentityStoreArn": arn.IdentityStore(s.cfg.Owner, s.cfg.IdentityStore),
			"identitycenter:ApplicationArn": g.Application, "identitycenter:CredentialId": g.ID, "identitycenter:InstanceArn": arn.Instance(s.cfg.Instance),
		}
	}
	return out, nil
}

// actor is who speaks in the name of the subject (RFC 8693 §4.1): the issuer that was believed.
type actor struct {
	Subject string `json:"sub"`
}

// idClaims are the claims of an ID token, as AWS has them.
type idClaims struct {
	Issuer          string `json:"iss"`
	Subject         string `json:"sub"`
	Audience        string `json:"aud"`
	IssuedAt        int64  `json:"iat"`
	Expires         int64  `json:"exp"`
	AuthTime        int64  `json:"auth_time"`
	ID              string `json:"jti"`
	Actor           *actor `json:"act,omitempty"`
	IdentityStoreID string `json:"aws:identity_store_id"`
	IdentityStore   string `json:"aws:identity_store_arn"`
	Instance        string `json:"aws:instance_arn"`
	InstanceAccount string `json:"aws:instance_account"`
	Application     string `json:"aws:application_arn"`
	CredentialID    string `json:"aws:credential_id"`
	IdentityContext string `json:"sts:identity_context,omitempty"`
	AuditContext    string `json:"sts:audit_context,omitempty"`
}

// idToken says who the person is, to the application (OpenID Connect Core §2). The audience is the application's ARN, which is its client id.
func (s *Service) idToken(ctx context.Context, a application.Application, g Grant, account, identityContext string, now, end time.Time) (string, error) {
	c := idClaims{
		Issuer: s.cfg.Issuer, Subject: g.UserID, Audience: a.ARN(), IssuedAt: now.Unix(), Expires: end.Unix(), AuthTime: g.AuthenticatedAt.Unix(), ID: arn.UUID(s.cfg.Rand),
		IdentityStoreID: s.cfg.IdentityStore, IdentityStore: arn.IdentityStore(s.cfg.Owner, s.cfg.IdentityStore), Instance: arn.Instance(s.cfg.Instance),
		InstanceAccount: s.cfg.Owner, Application: a.ARN(), CredentialID: g.ID, IdentityContext: identityContext,
	}
	if g.Issuer != "" {
		c.Actor = &actor{g.Issuer}
	}
	if identityContext != "" {
		var err error
		if c.AuditContext, err = s.sealContext(g, account, auditing, end); err != nil {
			return "", err
		}
	}
	return s.cfg.Sign(ctx, c)
}
