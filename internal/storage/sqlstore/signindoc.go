package sqlstore

import (
	"gatehouse/internal/signin"
)

type settingsDoc struct {
	SessionNanoseconds int64 `json:"sessionNanoseconds"`
}

type signinRequestDoc struct {
	Relay       string `json:"relay,omitzero"`
	BrowserHash []byte `json:"browserHash,omitempty"`
	ReturnTo    string `json:"returnTo,omitzero"`
	CreatedAt   stamp  `json:"createdAt,omitzero"`
}

func scanSigninRequest(r row) (signin.Request, error) {
	var q signin.Request
	var doc string
	if err := r.Scan(&q.ID, &q.SourceID, into(&q.UsedAt), into(&q.ExpiresAt), &doc); err != nil {
		return q, err
	}
	d, err := decode[signinRequestDoc](doc)
	q.Relay, q.BrowserHash, q.ReturnTo, q.CreatedAt = d.Relay, d.BrowserHash, d.ReturnTo, d.CreatedAt.Time
	return q, err
}

type proofDoc struct {
	Method       signin.Method     `json:"method,omitzero"`
	SourceID     string            `json:"source,omitzero"`
	NameID       string            `json:"nameId,omitzero"`
	SessionIndex string            `json:"sessionIndex,omitzero"`
	NotOnOrAfter stamp             `json:"notOnOrAfter,omitzero"`
	Attributes   map[string]string `json:"attributes,omitempty"`
}

func newProofDoc(p signin.Proof) proofDoc {
	return proofDoc{p.Method, p.SourceID, p.NameID, p.SessionIndex, stamp{p.NotOnOrAfter}, p.Attributes}
}

func (d proofDoc) proof() signin.Proof {
	return signin.Proof{
		Method: d.Method, SourceID: d.SourceID, NameID: d.NameID, SessionIndex: d.SessionIndex, NotOnOrAfter: d.NotOnOrAfter.Time, Attributes: d.Attributes,
	}
}

type parkedDoc struct {
	RequestID   string   `json:"request,omitzero"`
	BrowserHash []byte   `json:"browserHash,omitempty"`
	ReturnTo    string   `json:"returnTo,omitzero"`
	UserID      string   `json:"user,omitzero"`
	Proof       proofDoc `json:"proof,omitzero"`
	CreatedAt   stamp    `json:"createdAt,omitzero"`
}

func scanParked(r row) (signin.Parked, error) {
	var p signin.Parked
	var doc string
	if err := r.Scan(&p.Hash, into(&p.ExpiresAt), &doc); err != nil {
		return p, err
	}
	d, err := decode[parkedDoc](doc)
	p.RequestID, p.BrowserHash, p.ReturnTo, p.UserID, p.Proof, p.CreatedAt = d.RequestID, d.BrowserHash, d.ReturnTo, d.UserID, d.Proof.proof(), d.CreatedAt.Time
	return p, err
}

type sessionDoc struct {
	Proof     proofDoc `json:"proof,omitzero"`
	CreatedAt stamp    `json:"createdAt,omitzero"`
}

const sessionColumns = `s.id, s.hash, s.user_id, s.last_seen_at, s.expires_at, s.doc`

// sessionRow scans sessionColumns, alone or at the end of a longer row.
type sessionRow struct {
	signin.Session
	doc string
}

func (s *sessionRow) dest() []any {
	return []any{&s.ID, &s.Hash, &s.UserID, into(&s.LastSeenAt), into(&s.ExpiresAt), &s.doc}
}

func (s *sessionRow) session() (signin.Session, error) {
	d, err := decode[sessionDoc](s.doc)
	s.Proof, s.CreatedAt = d.Proof.proof(), d.CreatedAt.Time
	return s.Session, err
}

func scanSession(r row) (signin.Session, error) {
	var s sessionRow
	if err := r.Scan(s.dest()...); err != nil {
		return signin.Session{}, err
	}
	return s.session()
}

type clientDoc struct {
	SecretHash   []byte             `json:"secretHash,omitempty"`
	Name         string             `json:"name,omitzero"`
	GrantTypes   []signin.GrantType `json:"grantTypes,omitempty"`
	RedirectURIs []string           `json:"redirectUris,omitempty"`
	Scopes       []string           `json:"scopes,omitempty"`
	IssuerURL    string             `json:"issuerUrl,omitzero"`
	CreatedAt    stamp              `json:"createdAt,omitzero"`
}

func scanClient(r row) (signin.Client, error) {
	var c signin.Client
	var doc string
	if err := r.Scan(&c.ID, into(&c.ExpiresAt), &doc); err != nil {
		return c, err
	}
	d, err := decode[clientDoc](doc)
	c.SecretHash, c.Name, c.GrantTypes, c.RedirectURIs, c.Scopes = d.SecretHash, d.Name, d.GrantTypes, d.RedirectURIs, d.Scopes
	c.IssuerURL, c.CreatedAt = d.IssuerURL, d.CreatedAt.Time
	return c, err
}

type deviceDoc struct {
	ClientID  string `json:"client"`
	GrantID   string `json:"grant"`
	Origin    string `json:"origin,omitzero"`
	CreatedAt stamp  `json:"createdAt,omitzero"`
}

const deviceColumns = `hash, user_code, status, user_id, session_id, expires_at, doc`

func scanDevice(r row) (signin.Device, error) {
	var v signin.Device
	var doc string
	if err := r.Scan(&v.Hash, &v.UserCode, &v.Status, &v.UserID, &v.SessionID, into(&v.ExpiresAt), &doc); err != nil {
		return v, err
	}
	d, err := decode[deviceDoc](doc)
	v.ClientID, v.GrantID, v.Origin, v.CreatedAt = d.ClientID, d.GrantID, d.Origin, d.CreatedAt.Time
	return v, err
}

type codeDoc struct {
	ClientID    string    `json:"client"`
	RedirectURI string    `json:"redirectUri,omitzero"`
	Challenge   string    `json:"challenge,omitzero"`
	Scopes      []string  `json:"scopes,omitempty"`
	GrantID     string    `json:"grant"`
	UserID      string    `json:"user"`
	CreatedAt   stamp     `json:"createdAt,omitzero"`
	Role        chosenDoc `json:"role,omitzero"`
}

// chosenDoc is the role that somebody chose for a command line.
type chosenDoc struct {
	AccountID string `json:"account"`
	Name      string `json:"name"`
}

const codeColumns = `hash, session_id, used_at, expires_at, doc`

func scanCode(r row) (signin.Code, error) {
	var c signin.Code
	var doc string
	if err := r.Scan(&c.Hash, &c.SessionID, into(&c.UsedAt), into(&c.ExpiresAt), &doc); err != nil {
		return c, err
	}
	d, err := decode[codeDoc](doc)
	c.ClientID, c.RedirectURI, c.Challenge, c.Scopes, c.GrantID, c.UserID, c.CreatedAt = d.ClientID, d.RedirectURI, d.Challenge, d.Scopes, d.GrantID, d.UserID, d.CreatedAt.Time
	c.Role = signin.Role(d.Role)
	return c, err
}

// tokenDoc is the stored shape of access and refresh tokens, but for their key columns.
type tokenDoc struct {
	ClientID  string    `json:"client"`
	UserID    string    `json:"user"`
	Scopes    []string  `json:"scopes,omitempty"`
	CreatedAt stamp     `json:"createdAt,omitzero"`
	Role      chosenDoc `json:"role,omitzero"`
	Key       string    `json:"key,omitzero"`
}

// sessionAccess is an access token and its session; sessionRefresh a refresh token and its.
type sessionAccess struct {
	token   signin.AccessToken
	session signin.Session
}

type sessionRefresh struct {
	token   signin.RefreshToken
	session signin.Session
}

func scanAccess(r row) (a sessionAccess, err error) {
	var s sessionRow
	var doc string
	t := &a.token
	if err := r.Scan(append([]any{&t.Hash, &t.GrantID, &t.SessionID, into(&t.ExpiresAt), &doc}, s.dest()...)...); err != nil {
		return a, err
	}
	d, err := decode[tokenDoc](doc)
	if err != nil {
		return a, err
	}
	t.ClientID, t.UserID, t.Scopes, t.CreatedAt = d.ClientID, d.UserID, d.Scopes, d.CreatedAt.Time
	a.session, err = s.session()
	return a, err
}

func scanRefresh(r row) (f sessionRefresh, err error) {
	var s sessionRow
	var doc string
	t := &f.token
	if err := r.Scan(append([]any{&t.Hash, &t.GrantID, &t.SessionID, into(&t.RotatedAt), &t.Nonce, into(&t.ExpiresAt), &doc}, s.dest()...)...); err != nil {
		return f, err
	}
	d, err := decode[tokenDoc](doc)
	if err != nil {
		return f, err
	}
	t.ClientID, t.UserID, t.Scopes, t.CreatedAt = d.ClientID, d.UserID, d.Scopes, d.CreatedAt.Time
	t.Role, t.Key = signin.Role(d.Role), d.Key
	f.session, err = s.session()
	return f, err
}
