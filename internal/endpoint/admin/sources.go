package admin

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/saml"
)

type certificate struct {
	Subject   string    `json:"subject"`
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
	SHA256    string    `json:"sha256" doc:"The fingerprint: SHA-256 of the certificate, in hexadecimal digits"`
}

func certificateOf(der []byte) certificate {
	c, err := x509.ParseCertificate(der)
	if err != nil { // it was read when it was stored
		return certificate{Subject: "unreadable", SHA256: saml.Fingerprint(der)}
	}
	return certificate{c.Subject.String(), c.NotBefore, c.NotAfter, saml.Fingerprint(der)}
}

func certificatesOf(all [][]byte) []certificate {
	out := []certificate{}
	for _, der := range all {
		out = append(out, certificateOf(der))
	}
	return out
}

type idp struct {
	EntityID          string        `json:"entityId"`
	SSORedirectURL    string        `json:"ssoRedirectUrl"`
	SSOPostURL        string        `json:"ssoPostUrl"`
	MetadataURL       string        `json:"metadataUrl"`
	Certificates      []certificate `json:"certificates"`
	AllowIDPInitiated bool          `json:"allowIdpInitiated"`
	JustInTime        bool          `json:"justInTime"`

	SLORedirectURL  string         `json:"sloRedirectUrl"`
	SLOPostURL      string         `json:"sloPostUrl"`
	SignRequests    bool           `json:"signRequests" doc:"Whether requests to sign in are signed"`
	SingleLogout    bool           `json:"singleLogout" doc:"Whether signing out here signs out at the provider too"`
	ValidUntil      *time.Time     `json:"validUntil,omitempty" doc:"How long the provider's metadata says it is good"`
	MetadataSigners []certificate  `json:"metadataCertificates" doc:"One of these must have signed the metadata at metadataUrl; none where the connection alone is trusted"`
	Check           *metadataCheck `json:"metadataCheck,omitempty" doc:"What came of asking for the metadata again"`
	Warnings        []string       `json:"warnings" doc:"What will keep people from signing in, or already does, in sentences"`
	OwnCertificate  *certificate   `json:"signingCertificate,omitempty" doc:"What this server signs its requests with; it is in the SAML metadata"`
}

type metadataCheck struct {
	CheckedAt time.Time  `json:"checkedAt"`
	GoodAt    *time.Time `json:"goodAt,omitempty"`
	Problem   string     `json:"problem,omitempty"`
}

type source struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Profile     string    `json:"profile"`
	Domains     []string  `json:"domains" doc:"E-mail domains whose people are led to it at sign-in"`
	LocalUsers  bool      `json:"localUsers" doc:"Whether users made by hand may sign in through it"`
	Owners      owners    `json:"owners" doc:"What its SCIM client may take over from others"`
	Nested      string    `json:"nestedGroups" enum:"refuse,expand" doc:"Whether its groups may have groups as members"`
	Removing    string    `json:"removing,omitempty" doc:"Set while it is being removed: what becomes of its people. It opens no door any more; remove it again to go on at once, as the server does after a while"`
	SCIMURL     string    `json:"scimUrl"`
	MetadataURL string    `json:"samlMetadataUrl"`
	ACSURL      string    `json:"samlAcsUrl"`
	LogoutURL   string    `json:"samlLogoutUrl"`
	IDP         *idp      `json:"idp,omitempty"`
	IDPRemoving bool      `json:"idpRemoving,omitempty" doc:"Set while the sessions of an identity provider that was removed are being ended. They open nothing any more; remove it again to go on at once, as the server does after a while"`
	CreatedAt   time.Time `json:"createdAt"`
}

func (d *door) source(s directory.Source) source {
	out := source{
		ID: s.ID, Name: s.Name, Profile: string(s.Profile), LocalUsers: s.LocalUsers, CreatedAt: s.CreatedAt,
		SCIMURL: d.Instance.PortalURL + "/scim/" + s.ID + "/v2",
		Domains: append([]string{}, s.Domains...),
		Owners:  ownersOf(s.Owners), Nested: string(cmp.Or(s.Nested, directory.NestingRefuse)), Removing: string(s.Closing), IDPRemoving: s.ProviderClosing,
		MetadataURL: d.Instance.PortalURL + "/saml/" + s.ID + "/metadata",
		ACSURL:      d.Instance.PortalURL + "/saml/" + s.ID + "/acs",
		LogoutURL:   d.Instance.PortalURL + "/saml/" + s.ID + "/slo",
	}
	if m := s.SAML; m.EntityID != "" {
		out.IDP = &idp{
			EntityID: m.EntityID, SSORedirectURL: m.SSORedirectURL, SSOPostURL: m.SSOPostURL, MetadataURL: m.MetadataURL, Certificates: certificatesOf(m.Certificates),
			AllowIDPInitiated: m.AllowIDPInitiated, JustInTime: m.JustInTime, SLORedirectURL: m.SLORedirectURL, SLOPostURL: m.SLOPostURL,
			SignRequests: m.SignRequests, SingleLogout: m.SingleLogout, MetadataSigners: certificatesOf(m.MetadataSigners), Warnings: []string{},
		}
		if !m.ValidUntil.IsZero() {
			out.IDP.ValidUntil = &m.ValidUntil
		}
		if len(m.SigningCertificate) > 0 {
			own := certificateOf(m.SigningCertificate)
			out.IDP.OwnCertificate = &own
		}
	}
	return out
}

// withState adds what came of refreshing the provider's metadata, and what an administrator should know.
func (d *door) withState(ctx context.Context, s directory.Source, err error) (*sourceOut, error) {
	out := &sourceOut{d.source(s)}
	if err != nil || out.Body.IDP == nil {
		return out, err
	}
	c, err := d.Directory.MetadataCheck(ctx, s.ID)
	if err != nil {
		return out, err
	}
	if !c.CheckedAt.IsZero() && s.SAML.MetadataURL != "" {
		out.Body.IDP.Check = &metadataCheck{CheckedAt: c.CheckedAt, Problem: c.Problem}
		if !c.GoodAt.IsZero() {
			out.Body.IDP.Check.GoodAt = &c.GoodAt
		}
	}
	out.Body.IDP.Warnings = append(out.Body.IDP.Warnings, s.SAML.Warnings(c, d.Now())...)
	return out, nil
}

type sourceOut struct{ Body source }

type closedOut struct {
	Status int
	Body   source
}

// SourcePath, like the other parts of inputs that are embedded, is exported because the framework fills only exported fields.
type SourcePath struct {
	ID string `path:"id" maxLength:"32"`
}

// removalTurn is for how long one request works on the removal of a directory, or of its identity provider: shorter than clients, and what stands between, wait for an answer.
const removalTurn = 10 * time.Second

// removing is what is left of a directory that is being removed.
type removing struct {
	Users  int `json:"usersLeft"`
	Groups int `json:"groupsLeft"`
}

type removingOut struct {
	Status int
	Body   removing
}

func (d *door) registerSources(api huma.API) {
	type directoriesOut struct {
		Body struct {
			Directories []source `json:"directories"`
		}
	}
	forAdmin(api, d, operation{http.MethodGet, "/directories", "ListDirectories", "Identity sources", 0},
		func(ctx context.Context, _ audit.Actor, _ *none) (*directoriesOut, error) {
			ss, err := d.Directory.Sources(ctx)
			out := &directoriesOut{}
			out.Body.Directories = []source{}
			for _, s := range ss {
				out.Body.Directories = append(out.Body.Directories, d.source(s))
			}
			return out, err
		})
	type createDirectoryIn struct {
		Body struct {
			ID         string `json:"id" doc:"1 to 32 lower-case letters, digits and inner dashes; part of the SCIM and SAML URLs"`
			Name       string `json:"name,omitempty"`
			Profile    string `json:"profile,omitempty" enum:"rfc,aws"`
			LocalUsers bool   `json:"localUsers,omitempty"`
		}
	}
	forAdmin(api, d, operation{http.MethodPost, "/directories", "CreateDirectory", "Add an identity source", http.StatusCreated},
		func(ctx context.Context, a audit.Actor, in *createDirectoryIn) (*sourceOut, error) {
			b := in.Body
			s, err := d.Directory.CreateSource(ctx, a, directory.Source{ID: b.ID, Name: b.Name, Profile: directory.Profile(b.Profile), LocalUsers: b.LocalUsers})
			return &sourceOut{d.source(s)}, err
		})
	forAdmin(api, d, operation{http.MethodGet, "/directories/{id}", "GetDirectory", "One identity source", 0},
		func(ctx context.Context, _ audit.Actor, in *SourcePath) (*sourceOut, error) {
			s, err := d.Directory.Source(ctx, in.ID)
			return d.withState(ctx, s, err)
		})
	type removeDirectoryIn struct {
		SourcePath
		People string `query:"people" enum:"release,disable,delete" doc:"What becomes of its users and groups: they become hand-made, that with the users disabled, or they go. Needed when it owns any"`
	}
	forAdmin(api, d, operation{http.MethodDelete, "/directories/{id}", "DeleteDirectory", "Remove an identity source, and say what becomes of its people. 202 after a while if something is left: ask again to go on. 204 when it is gone", http.StatusAccepted},
		func(ctx context.Context, a audit.Actor, in *removeDirectoryIn) (*removingOut, error) {
			done, err := d.Directory.DeleteSource(ctx, a, in.ID, directory.Disposal(in.People), d.Now().Add(removalTurn))
			if err != nil || done {
				return &removingOut{Status: http.StatusNoContent}, err
			}
			users, groups, err := d.Directory.CountsOf(ctx, in.ID)
			return &removingOut{http.StatusAccepted, removing{users, groups}}, err
		})
	d.registerIDP(api)
	d.registerOwners(api)
	d.registerNesting(api)
	d.registerTokens(api)
	d.registerGuard(api)
}

type idpIn struct {
	SourcePath
	Body struct {
		Metadata          string `json:"metadata,omitempty" doc:"The identity provider's SAML metadata (XML)"`
		MetadataURL       string `json:"metadataUrl,omitempty" format:"uri" doc:"Where to fetch it instead"`
		Name              string `json:"name,omitempty" doc:"The name shown on the sign-in page; unchanged when empty"`
		AllowIDPInitiated bool   `json:"allowIdpInitiated,omitempty" doc:"Accept sign-ins that begin at the identity provider"`
		JustInTime        bool   `json:"justInTime,omitempty" doc:"Create unknown users at their first sign-in"`
		SignRequests      bool   `json:"signRequests,omitempty" doc:"Sign requests to sign in; the certificate is in this server's SAML metadata"`
		SingleLogout      bool   `json:"singleLogout,omitempty" doc:"Sign out at the provider too when somebody signs out here"`

		MetadataCertificates string `json:"metadataCertificates,omitempty" doc:"Certificates (PEM), one of which must have signed the metadata at metadataUrl, now and whenever it is asked for again"`
	}
}

func (d *door) registerIDP(api huma.API) {
	forAdmin(api, d, operation{http.MethodPut, "/directories/{id}/idp", "SetIdentityProvider", "Trust an identity provider for sign-in", 0},
		func(ctx context.Context, a audit.Actor, in *idpIn) (*sourceOut, error) {
			m, err := d.metadata(ctx, in)
			if err != nil {
				return nil, err
			}
			m.AllowIDPInitiated, m.JustInTime, m.MetadataURL = in.Body.AllowIDPInitiated, in.Body.JustInTime, in.Body.MetadataURL
			m.SignRequests, m.SingleLogout = in.Body.SignRequests, in.Body.SingleLogout
			s, err := d.Directory.SetProvider(ctx, a, in.ID, func(s *directory.Source) error {
				s.SAML = m
				if in.Body.Name != "" {
					s.Name = in.Body.Name
				}
				return nil
			})
			return d.withState(ctx, s, err)
		})
	forAdmin(api, d, operation{http.MethodPost, "/directories/{id}/idp/refresh", "RefreshIdentityProvider", "Ask for the identity provider's metadata again, now", 0},
		func(ctx context.Context, a audit.Actor, in *SourcePath) (*sourceOut, error) {
			s, err := d.Directory.Source(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			if s.SAML.MetadataURL == "" {
				return nil, fault.New(fault.Conflict, "the provider's metadata was not given as an address, so there is nothing to ask; set the provider with metadataUrl")
			}
			if _, err := d.Directory.RefreshMetadata(ctx, a, in.ID, 0); err != nil {
				return nil, err
			}
			s, err = d.Directory.Source(ctx, in.ID)
			return d.withState(ctx, s, err)
		})
	forAdmin(api, d, operation{http.MethodDelete, "/directories/{id}/idp", "DeleteIdentityProvider", "Trust no identity provider any more, and end the sessions that it vouched for. 202 after a while if some are left: ask again to go on. 200 when none is", http.StatusAccepted},
		func(ctx context.Context, a audit.Actor, in *SourcePath) (*closedOut, error) {
			s, err := d.Directory.RemoveProvider(ctx, a, in.ID, d.Now().Add(removalTurn))
			status := http.StatusOK
			if s.ProviderClosing {
				status = http.StatusAccepted
			}
			return &closedOut{status, d.source(s)}, err
		})
}

func (d *door) metadata(ctx context.Context, in *idpIn) (directory.SAMLSettings, error) {
	if (in.Body.Metadata == "") == (in.Body.MetadataURL == "") {
		return directory.SAMLSettings{}, fault.New(fault.Invalid, "give either metadata or metadataUrl").At("metadata")
	}
	signers, err := certificatesIn(in.Body.MetadataCertificates)
	if err != nil {
		return directory.SAMLSettings{}, err
	}
	if in.Body.MetadataURL == "" {
		if len(signers) > 0 {
			return directory.SAMLSettings{}, fault.New(fault.Invalid, "metadataCertificates are for metadata that is fetched from metadataUrl").At("metadataCertificates")
		}
		return d.ParseMetadata([]byte(in.Body.Metadata))
	}
	m, err := d.Fetch(ctx, in.Body.MetadataURL, signers)
	m.MetadataSigners = signers
	return m, err
}

// certificatesIn reads certificates in PEM; anything else between them is refused.
func certificatesIn(text string) ([][]byte, error) {
	var out [][]byte
	for rest := []byte(strings.TrimSpace(text)); len(rest) > 0; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" || len(out) == 8 {
			return nil, fault.New(fault.Invalid, "give at most eight certificates, each in PEM").At("metadataCertificates")
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fault.New(fault.Invalid, "certificate %d cannot be read", len(out)+1).At("metadataCertificates").Because(err)
		}
		out = append(out, block.Bytes)
		rest = bytes.TrimSpace(rest)
	}
	return out, nil
}

type token struct {
	ID         string     `json:"id"`
	CreatedAt  time.Time  `json:"createdAt"`
	ExpiresAt  time.Time  `json:"expires"`
	LastUsedAt *time.Time `json:"lastUsedAt,omitempty"`
	URL        string     `json:"url" doc:"The SCIM base URL the token is for"`
	Token      string     `json:"token,omitempty" doc:"The secret; shown once, when it is made"`
}

func (d *door) token(t directory.Token, secret string) token {
	out := token{ID: t.ID, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, Token: secret, URL: d.Instance.PortalURL + "/scim/" + t.SourceID + "/v2"}
	if !t.LastUsedAt.IsZero() {
		out.LastUsedAt = &t.LastUsedAt
	}
	return out
}

func (d *door) registerTokens(api huma.API) {
	type tokensOut struct {
		Body struct {
			Tokens []token `json:"tokens"`
		}
	}
	type createTokenIn struct {
		SourcePath
		Body struct {
			Days int `json:"days,omitempty" minimum:"0" maximum:"3650" doc:"How long it lives; 365 when 0"`
		}
	}
	type deleteTokenIn struct {
		SourcePath
		Token string `path:"token" format:"uuid"`
	}
	forAdmin(api, d, operation{http.MethodGet, "/directories/{id}/scim-tokens", "ListScimTokens", "SCIM tokens, newest first, without their secrets", 0},
		func(ctx context.Context, _ audit.Actor, in *SourcePath) (*tokensOut, error) {
			if _, err := d.Directory.Source(ctx, in.ID); err != nil {
				return nil, err
			}
			ts, err := d.Directory.Tokens(ctx, in.ID)
			out := &tokensOut{}
			out.Body.Tokens = []token{}
			for _, t := range ts {
				out.Body.Tokens = append(out.Body.Tokens, d.token(t, ""))
			}
			return out, err
		})
	forAdmin(api, d, operation{http.MethodPost, "/directories/{id}/scim-tokens", "CreateScimToken", "Make a SCIM token; at most two are valid at a time", http.StatusCreated},
		func(ctx context.Context, a audit.Actor, in *createTokenIn) (*struct{ Body token }, error) {
			t, secret, err := d.Directory.CreateToken(ctx, a, in.ID, time.Duration(in.Body.Days)*24*time.Hour)
			return &struct{ Body token }{d.token(t, secret)}, err
		})
	forAdmin(api, d, operation{http.MethodDelete, "/directories/{id}/scim-tokens/{token}", "DeleteScimToken", "Revoke a SCIM token at once", http.StatusNoContent},
		func(ctx context.Context, a audit.Actor, in *deleteTokenIn) (*none, error) {
			return nil, d.Directory.DeleteToken(ctx, a, in.ID, in.Token)
		})
}
