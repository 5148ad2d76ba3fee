package sqlstore

import "gatehouse/internal/application"

type applicationDoc struct {
	Name               string             `json:"name"`
	Description        string             `json:"description,omitzero"`
	Disabled           bool               `json:"disabled,omitzero"`
	Hidden             bool               `json:"hidden,omitzero"`
	Origin             string             `json:"origin,omitzero"`
	URL                string             `json:"url,omitzero"`
	OpenToAll          bool               `json:"openToAll,omitzero"`
	BackgroundSessions bool               `json:"backgroundSessions,omitzero"`
	Scopes             []scopeDoc         `json:"scopes,omitempty"`
	RedirectURIs       []string           `json:"redirectUris,omitempty"`
	RefreshToken       bool               `json:"refreshToken,omitzero"`
	Issuers            []trustedIssuerDoc `json:"issuers,omitempty"`
	TokenExchange      bool               `json:"tokenExchange,omitzero"`
	ActorPolicy        string             `json:"actorPolicy,omitzero"`
	Tags               map[string]string  `json:"tags,omitempty"`
	CreatedAt          stamp              `json:"createdAt,omitzero"`
	CreatedFrom        string             `json:"createdFrom,omitzero"`
}

type scopeDoc struct {
	Name    string   `json:"name"`
	Targets []string `json:"targets,omitempty"`
}

type trustedIssuerDoc struct {
	AccountID string   `json:"accountId"`
	ID        string   `json:"id"`
	Audiences []string `json:"audiences"`
}

func newApplicationDoc(a application.Application) applicationDoc {
	return applicationDoc{
		Name: a.Name, Description: a.Description, Disabled: a.Disabled, Hidden: a.Portal.Hidden, Origin: string(a.Portal.Origin), URL: a.Portal.URL,
		OpenToAll: a.OpenToAll, BackgroundSessions: a.BackgroundSessions,
		Scopes:       mapped(a.Scopes, func(s application.Scope) scopeDoc { return scopeDoc{s.Name, s.Targets} }),
		RedirectURIs: a.Grants.RedirectURIs, RefreshToken: a.Grants.RefreshToken, TokenExchange: a.Grants.TokenExchange,
		Issuers: mapped(a.Grants.Issuers, func(i application.TrustedIssuer) trustedIssuerDoc {
			return trustedIssuerDoc{i.AccountID, i.IssuerID, i.Audiences}
		}),
		ActorPolicy: a.ActorPolicy, Tags: a.Tags, CreatedAt: stamp{a.CreatedAt}, CreatedFrom: a.CreatedFrom,
	}
}

func (d applicationDoc) into(a *application.Application) {
	a.Name, a.Description, a.Disabled = d.Name, d.Description, d.Disabled
	a.Portal = application.Portal{Hidden: d.Hidden, Origin: application.Origin(d.Origin), URL: d.URL}
	a.OpenToAll, a.BackgroundSessions = d.OpenToAll, d.BackgroundSessions
	a.Scopes = mapped(d.Scopes, func(s scopeDoc) application.Scope { return application.Scope{Name: s.Name, Targets: s.Targets} })
	a.Grants = application.Grants{
		RedirectURIs: d.RedirectURIs, RefreshToken: d.RefreshToken, TokenExchange: d.TokenExchange,
		Issuers: mapped(d.Issuers, func(i trustedIssuerDoc) application.TrustedIssuer {
			return application.TrustedIssuer{AccountID: i.AccountID, InstanceID: a.InstanceID, IssuerID: i.ID, Audiences: i.Audiences}
		}),
	}
	a.ActorPolicy, a.Tags, a.CreatedAt, a.CreatedFrom = d.ActorPolicy, d.Tags, d.CreatedAt.Time, d.CreatedFrom
}

type issuerDoc struct {
	AccountID string            `json:"accountId"`
	Name      string            `json:"name"`
	URL       string            `json:"url"`
	ClaimPath string            `json:"claimPath"`
	UserPath  string            `json:"userPath"`
	Tags      map[string]string `json:"tags,omitempty"`
	CreatedAt stamp             `json:"createdAt,omitzero"`
}

func newIssuerDoc(i application.Issuer) issuerDoc {
	return issuerDoc{i.AccountID, i.Name, i.URL, i.ClaimPath, i.UserPath, i.Tags, stamp{i.CreatedAt}}
}

func scanIssuer(r row) (application.Issuer, error) {
	var i application.Issuer
	var doc string
	if err := r.Scan(&i.ID, &i.InstanceID, &i.Version, &doc); err != nil {
		return i, err
	}
	d, err := decode[issuerDoc](doc)
	i.AccountID, i.Name, i.URL, i.ClaimPath, i.UserPath = d.AccountID, d.Name, d.URL, d.ClaimPath, d.UserPath
	i.Tags, i.CreatedAt = d.Tags, d.CreatedAt.Time
	return i, err
}
