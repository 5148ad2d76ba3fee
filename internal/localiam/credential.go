package localiam

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/fault"
)

// claims are what a session token holds, sealed. Names are short: the token travels with every request.
type claims struct {
	Secret         string     `json:"k"`
	Kind           CallerKind `json:"t"`
	AccountID      string     `json:"a"`
	Name           string     `json:"n"`           // of the role or user
	ID             string     `json:"i"`           // its unique id
	SessionName    string     `json:"s,omitempty"` // of a role session
	SourceIdentity string     `json:"o,omitempty"`
	PersonID       string     `json:"p,omitempty"`
	Behind         string     `json:"h,omitempty"` // the person from whose session this one was assumed, PersonID itself being hers alone
	Provider       string     `json:"f,omitempty"` // the provider a person came through
	// Subjects are further people on whose behalf it acts, by the contexts that were shown; Context are the condition keys of the one it was made with.
	Subjects []string          `json:"u,omitempty"`
	Context  map[string]string `json:"c,omitempty"`
	// Web are the condition keys that a web identity token gave.
	Web        map[string][]string `json:"w,omitempty"`
	Policy     string              `json:"d,omitempty"` // inline session policy
	PolicyARNs []string            `json:"m,omitempty"` // managed session policies
	Tags       map[string]string   `json:"g,omitempty"`
	Transitive []string            `json:"v,omitempty"` // keys of Tags that pass on, in folded case
	Issued     int64               `json:"b"`           // microseconds since 1970
	Expires    int64               `json:"e"`           // seconds since 1970
}

// maxToken is longer than any token made here: the largest claims have two policies' worth of text.
const maxToken = 16 << 10

// associated binds a token to its access key.
func associated(keyID string) []byte { return []byte("gatehouse/session-token/" + keyID) }

// associatedKey binds a stored secret to its access key.
func associatedKey(keyID string) []byte { return []byte("gatehouse/access-key/" + keyID) }

// person is who stands behind the session, directly or through the sessions it was assumed with; empty when nobody of the identity
// store does.
func (c *claims) person() string {
	if c == nil {
		return ""
	}
	return cmp.Or(c.PersonID, c.Behind)
}

// issue makes credentials of the claims. Secret and times are filled in here.
func (s *Service) issue(c claims, duration time.Duration) (Credentials, error) {
	now := s.now()
	keyID := arn.NewAccessKeyID(s.cfg.Rand, "ASIA", c.AccountID)
	c.Secret = s.secret()
	c.Issued = now.UnixMicro()
	c.Expires = now.Add(duration).Unix()
	plain, err := json.Marshal(c)
	if err != nil {
		return Credentials{}, fault.New(fault.Internal, "encode a session").Because(err)
	}
	sealed, err := s.cfg.Sealer.Seal(plain, associated(keyID))
	if err != nil {
		return Credentials{}, fault.New(fault.Internal, "seal a session").Because(err)
	}
	out := Credentials{
		AccessKeyID: keyID, SecretAccessKey: c.Secret, SessionToken: base64.StdEncoding.EncodeToString(sealed),
		Expires: time.Unix(c.Expires, 0).UTC(), UserID: c.ID, SourceIdentity: c.SourceIdentity, PackedPolicySize: c.packed(),
	}
	if c.Kind == KindRoleSession {
		out.ARN, out.UserID = arn.AssumedRole(c.AccountID, c.Name, c.SessionName), c.ID+":"+c.SessionName
	}
	return out, nil
}

// secret mints a secret access key. None begins with a dash: on a command line it would be taken for an option.
func (s *Service) secret() string {
	for {
		if k := arn.NewSecret(s.cfg.Rand, 40); k[0] != '-' {
			return k
		}
	}
}

// packed says how full the session's room for policies and tags is, in percent.
func (c claims) packed() int {
	n := len(c.Policy)
	for _, a := range c.PolicyARNs {
		n += len(a)
	}
	for k, v := range c.Tags {
		n += len(k) + len(v)
	}
	return (n*100 + maxPacked - 1) / maxPacked
}

// maxPacked is the room for session policies, their ARNs and session tags, in bytes.
const maxPacked = 6144

// Credential is what a request is verified with.
type Credential struct {
	// Secret is the secret access key. It checks a signature and goes nowhere else.
	Secret string
	Caller Caller
}

// Reasons of the Unauthenticated faults that [Service.Credential] answers.
const (
	// ReasonUnknownKey: the key does not exist or is inactive, the token is not this key's own, or the
	// role or user is gone. (InvalidClientTokenId, UnrecognizedClientException)
	ReasonUnknownKey = "unknown-key"
	// ReasonExpired: the session is over, by its time or by a revocation. (ExpiredToken, ExpiredTokenException)
	ReasonExpired = "expired"
)

func errUnknownKey() error {
	return fault.New(fault.Unauthenticated, "The security token included in the request is invalid.").For(ReasonUnknownKey)
}

func errExpired() error {
	return fault.New(fault.Unauthenticated, "The security token included in the request is expired").For(ReasonExpired)
}

// Credential finds the secret and the caller of an access key. A long-term key (AKIA…) comes without token; a
// temporary one (ASIA…) needs its own. That the caller knows the secret is for the signature to show.
func (s *Service) Credential(ctx context.Context, accessKeyID, sessionToken string) (Credential, error) {
	if strings.HasPrefix(accessKeyID, "ASIA") {
		return s.sessionCredential(ctx, accessKeyID, sessionToken)
	}
	if sessionToken != "" || !strings.HasPrefix(accessKeyID, "AKIA") || len(accessKeyID) > 128 {
		return Credential{}, errUnknownKey()
	}
	return s.keyCredential(ctx, accessKeyID)
}

// keyCredential finds a long-term key. Every change of a key or its user raises the generation of the account, which the key's id bears.
func (s *Service) keyCredential(ctx context.Context, id string) (Credential, error) {
	account, ok := arn.AccessKeyAccount(id)
	if !ok {
		return s.readKey(ctx, id)
	}
	return cached(ctx, s, account, id, func(n *snapshot) map[string]Credential { return n.keys }, func() (Credential, error) {
		c, err := s.readKey(ctx, id)
		if err == nil && c.Caller.AccountID != account {
			err = fault.New(fault.Internal, "access key %s is account %s's and bears another", id, c.Caller.AccountID)
		}
		return c, err
	})
}

func (s *Service) readKey(ctx context.Context, id string) (Credential, error) {
	k, err := s.cfg.Store.AccessKey(ctx, id)
	if fault.Is(err, fault.NotFound) || err == nil && !k.Active {
		return Credential{}, errUnknownKey()
	}
	if err != nil {
		return Credential{}, err
	}
	secret, err := s.cfg.Sealer.Open(k.SealedSecret, associatedKey(k.ID))
	if err != nil {
		return Credential{}, fault.New(fault.Internal, "the secret of access key %s does not open", k.ID).Because(err)
	}
	u, err := s.user(ctx, k.AccountID, k.UserName)
	if fault.Is(err, fault.NotFound) {
		return Credential{}, errUnknownKey()
	}
	if err != nil {
		return Credential{}, err
	}
	return Credential{Secret: string(secret), Caller: userCaller(u, id)}, nil
}

func userCaller(u User, keyID string) Caller {
	return Caller{Kind: KindUser, AccountID: u.AccountID, ARN: u.ARN(), PrincipalARN: u.ARN(), UserID: u.ID, Name: u.Name, AccessKeyID: keyID, uniqueID: u.ID}
}

func (s *Service) sessionCredential(ctx context.Context, keyID, token string) (Credential, error) {
	c, err := s.open(keyID, token)
	if err != nil {
		return Credential{}, err
	}
	if !s.cfg.Now().Before(time.Unix(c.Expires, 0)) {
		return Credential{}, errExpired()
	}
	caller, err := s.sessionCaller(ctx, c)
	if err != nil {
		return Credential{}, err
	}
	caller.AccessKeyID = keyID
	subjects := []string{c.ID}
	for _, person := range c.people() {
		subjects = append(subjects, PersonSubject(person))
		if err := s.present(ctx, person, caller.Issued); err != nil {
			return Credential{}, err
		}
	}
	before, err := s.cfg.Store.RevokedBefore(ctx, subjects...)
	if err != nil {
		return Credential{}, err
	}
	if caller.Issued.Before(before) {
		return Credential{}, errExpired()
	}
	return Credential{Secret: c.Secret, Caller: caller}, nil
}

// present answers errExpired unless the person may go on with a session issued then.
func (s *Service) present(ctx context.Context, person string, issued time.Time) error {
	if s.cfg.Person == nil {
		return nil
	}
	ok, err := s.cfg.Person(ctx, person, issued)
	if err == nil && !ok {
		return errExpired()
	}
	return err
}

// open reads a session token. Nothing in it is believed before the seal has been checked.
func (s *Service) open(keyID, token string) (*claims, error) {
	if token == "" || len(token) > maxToken {
		return nil, errUnknownKey()
	}
	sealed, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, errUnknownKey()
	}
	plain, err := s.cfg.Sealer.Open(sealed, associated(keyID))
	if err != nil {
		return nil, errUnknownKey()
	}
	var c claims
	if err := json.Unmarshal(plain, &c); err != nil {
		return nil, fault.New(fault.Internal, "a sealed session does not decode").Because(err)
	}
	return &c, nil
}

// sessionCaller looks up the role or user of a session: it must still be the very same.
func (s *Service) sessionCaller(ctx context.Context, c *claims) (Caller, error) {
	caller := Caller{Kind: c.Kind, AccountID: c.AccountID, SessionName: c.SessionName, SourceIdentity: c.SourceIdentity, PersonID: c.PersonID,
		Issued: time.UnixMicro(c.Issued).UTC(), Expires: time.Unix(c.Expires, 0).UTC(), uniqueID: c.ID, session: c}
	var id Identity
	var err error
	switch c.Kind {
	case KindRoleSession:
		var r Role
		r, err = s.role(ctx, c.AccountID, c.Name)
		id, caller.PrincipalARN = r.Identity, r.ARN()
		caller.ARN, caller.UserID = arn.AssumedRole(c.AccountID, r.Name, c.SessionName), c.ID+":"+c.SessionName
	case KindUser:
		var u User
		u, err = s.user(ctx, c.AccountID, c.Name)
		id, caller.PrincipalARN = u.Identity, u.ARN()
		caller.ARN, caller.UserID = u.ARN(), u.ID
	case KindFederated:
		var u User
		u, err = s.user(ctx, c.AccountID, c.Name)
		id, caller.ARN, caller.UserID = u.Identity, federatedARN(c.AccountID, c.SessionName), c.AccountID+":"+c.SessionName
		caller.PrincipalARN = caller.ARN
	case KindRoot: // there is nothing to look up: an account has one root, for ever
		caller.ARN, caller.UserID = arn.IAM(c.AccountID, "root"), c.AccountID
		caller.PrincipalARN, id.ID = caller.ARN, c.ID
	default:
		return Caller{}, errUnknownKey()
	}
	if fault.Is(err, fault.NotFound) || err == nil && id.ID != c.ID {
		return Caller{}, errUnknownKey()
	}
	caller.Name = id.Name
	return caller, err
}
