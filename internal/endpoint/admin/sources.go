package admin

import (
	"context"
	"crypto/x509"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

type certificate struct {
	Subject   string    `json:"subject"`
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
}

type idp struct {
	EntityID          string        `json:"entityId"`
	SSORedirectURL    string        `json:"ssoRedirectUrl"`
	SSOPostURL        string        `json:"ssoPostUrl"`
	MetadataURL       string        `json:"metadataUrl"`
	Certificates      []certificate `json:"certificates"`
	AllowIDPInitiated bool          `json:"allowIdpInitiated"`
	JustInTime        bool          `json:"justInTime"`
}

type source struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Profile     string    `json:"profile"`
	LocalUsers  bool      `json:"localUsers" doc:"Whether users made by hand may sign in through it"`
	SCIMURL     string    `json:"scimUrl"`
	MetadataURL string    `json:"samlMetadataUrl"`
	ACSURL      string    `json:"samlAcsUrl"`
	IDP         *idp      `json:"idp,omitempty"`
	CreatedAt   time.Time `json:"createdAt"`
}

func (d *door) source(s directory.Source) source {
	out := source{
		ID: s.ID, Name: s.Name, Profile: string(s.Profile), LocalUsers: s.LocalUsers, CreatedAt: s.CreatedAt,
		SCIMURL:     d.Instance.PortalURL + "/scim/" + s.ID + "/v2",
		MetadataURL: d.Instance.PortalURL + "/saml/" + s.ID + "/metadata",
		ACSURL:      d.Instance.PortalURL + "/saml/" + s.ID + "/acs",
	}
	if m := s.SAML; m.EntityID != "" {
		out.IDP = &idp{m.EntityID, m.SSORedirectURL, m.SSOPostURL, m.MetadataURL, nil, m.AllowIDPInitiated, m.JustInTime}
		for _, der := range m.Certificates {
			if c, err := x509.ParseCertificate(der); err == nil {
				out.IDP.Certificates = append(out.IDP.Certificates, certificate{c.Subject.String(), c.NotBefore, c.NotAfter})
			}
		}
	}
	return out
}

type sourceOut struct{ Body source }

// SourcePath, like the other parts of inputs that are embedded, is exported because the framework fills only exported fields.
type SourcePath struct {
	ID string `path:"id" maxLength:"32"`
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
			return &sourceOut{d.source(s)}, err
		})
	d.registerIDP(api)
	d.registerTokens(api)
}

type idpIn struct {
	SourcePath
	Body struct {
		Metadata          string `json:"metadata,omitempty" doc:"The identity provider's SAML metadata (XML)"`
		MetadataURL       string `json:"metadataUrl,omitempty" format:"uri" doc:"Where to fetch it instead"`
		Name              string `json:"name,omitempty" doc:"The name shown on the sign-in page; unchanged when empty"`
		AllowIDPInitiated bool   `json:"allowIdpInitiated,omitempty" doc:"Accept sign-ins that begin at the identity provider"`
		JustInTime        bool   `json:"justInTime,omitempty" doc:"Create unknown users at their first sign-in"`
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
			s, err := d.Directory.UpdateSource(ctx, a, in.ID, func(s *directory.Source) error {
				s.SAML = m
				if in.Body.Name != "" {
					s.Name = in.Body.Name
				}
				return nil
			})
			return &sourceOut{d.source(s)}, err
		})
	forAdmin(api, d, operation{http.MethodDelete, "/directories/{id}/idp", "DeleteIdentityProvider", "Trust no identity provider any more", 0},
		func(ctx context.Context, a audit.Actor, in *SourcePath) (*sourceOut, error) {
			s, err := d.Directory.UpdateSource(ctx, a, in.ID, func(s *directory.Source) error {
				s.SAML = directory.SAMLSettings{}
				return nil
			})
			return &sourceOut{d.source(s)}, err
		})
}

func (d *door) metadata(ctx context.Context, in *idpIn) (directory.SAMLSettings, error) {
	xml := []byte(in.Body.Metadata)
	if (in.Body.Metadata == "") == (in.Body.MetadataURL == "") {
		return directory.SAMLSettings{}, fault.New(fault.Invalid, "give either metadata or metadataUrl").At("metadata")
	}
	if in.Body.MetadataURL != "" {
		var err error
		if xml, err = d.Fetch(ctx, in.Body.MetadataURL); err != nil {
			return directory.SAMLSettings{}, err
		}
	}
	return d.ParseMetadata(xml)
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
