package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gatehouse/internal/access"
	"gatehouse/internal/signin"
)

func jsonOf(v any) ([]byte, error) { return json.Marshal(v) }

type none struct{}

// person is a user as she sees herself.
type person struct {
	ID          string `json:"id"`
	UserName    string `json:"userName"`
	DisplayName string `json:"displayName"`
	Email       string `json:"email"`
}

type sessionBody struct {
	User      person    `json:"user"`
	ExpiresAt time.Time `json:"expiresAt" doc:"When the session ends"`
	// Administers decides what a page offers, and nothing else.
	Administers bool     `json:"administers" doc:"Whether she has a role in the management account, so that its policies may let her administer"`
	Instance    Instance `json:"instance"`
}

func (d *door) registerSession(api huma.API) {
	forPerson(api, d, operation{http.MethodGet, "/session", "GetSession", "Who is signed in", 0},
		func(ctx context.Context, id signin.Identity, _ *none) (*struct{ Body sessionBody }, error) {
			u := id.User
			roles, err := d.Access.EntitledRoles(ctx, u.ID, d.Instance.ManagementAccountID, "", 1)
			return &struct{ Body sessionBody }{sessionBody{
				User:      person{u.ID, u.UserName, u.DisplayName, u.PrimaryEmail()},
				ExpiresAt: id.Session.ExpiresAt, Administers: len(roles) > 0, Instance: d.Instance,
			}}, err
		})
	type signedOut struct {
		Status int
		// Onward is a header, because the answer without one has no content.
		Onward string `header:"X-Sign-Out-At" doc:"Where to send the browser next, so that the identity provider signs her out too; left out when there is nowhere"`
	}
	forPerson(api, d, operation{http.MethodPost, "/session/logout", "SignOut", "End the browser's session with every token that hangs on it", http.StatusNoContent},
		func(ctx context.Context, id signin.Identity, _ *none) (*signedOut, error) {
			c, _ := ctx.Value(callerKey{}).(caller)
			onward := d.Onward(ctx, id.Session.Proof)
			return &signedOut{Status: http.StatusNoContent, Onward: onward}, d.SignIn.SignOut(ctx, c.secret)
		})
}

type portalRole struct {
	Name           string `json:"name" doc:"The permission set's name, or the account's own role as role/path/Name"`
	Description    string `json:"description"`
	SessionSeconds int    `json:"sessionSeconds"`
	RelayState     string `json:"relayState"`
}

type portalAccount struct {
	ID    string       `json:"id"`
	Name  string       `json:"name"`
	Email string       `json:"email"`
	Roles []portalRole `json:"roles"`
}

type portalPage struct {
	Accounts []portalAccount `json:"accounts"`
	Next     string          `json:"next" doc:"The cursor of the next page; empty on the last. An account's roles may continue there."`
}

func (d *door) registerPortal(api huma.API) {
	type listIn struct {
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"1000" doc:"The most roles on a page"`
		Cursor string `query:"cursor" maxLength:"600" pattern:"^([0-9]{12}/(ps-[a-zA-Z0-9./-]{16}|role/[a-zA-Z0-9+=,.@_/-]+))?$"`
	}
	forPerson(api, d, operation{http.MethodGet, "/portal/accounts", "ListPortalAccounts", "The accounts and roles the person may use, by account", 0},
		func(ctx context.Context, id signin.Identity, in *listIn) (*struct{ Body portalPage }, error) {
			page, err := d.portalPage(ctx, id.User.ID, in.Cursor, in.Limit)
			return &struct{ Body portalPage }{page}, err
		})
	type credentialsIn struct {
		Body struct {
			AccountID string `json:"accountId" pattern:"^[0-9]{12}$"`
			RoleName  string `json:"roleName" minLength:"1" maxLength:"600"`
		}
	}
	type credentials struct {
		AccessKeyID     string    `json:"accessKeyId"`
		SecretAccessKey string    `json:"secretAccessKey"`
		SessionToken    string    `json:"sessionToken"`
		Expiration      time.Time `json:"expiration"`
		Region          string    `json:"region"`
		EndpointURL     string    `json:"endpointUrl,omitempty" doc:"Where the keys work, if not at AWS itself"`
	}
	forPerson(api, d, operation{http.MethodPost, "/portal/credentials", "GetPortalCredentials", "Short-lived credentials of a role", 0},
		func(ctx context.Context, id signin.Identity, in *credentialsIn) (*struct{ Body credentials }, error) {
			c, err := d.Credentials(ctx, id, in.Body.AccountID, in.Body.RoleName)
			return &struct{ Body credentials }{credentials{c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.Expires, d.Instance.SSORegion, c.EndpointURL}}, err
		})
}

// portalPage reads one page of roles and folds it by account.
func (d *door) portalPage(ctx context.Context, userID, cursor string, limit int) (portalPage, error) {
	var after access.Place
	if cursor != "" {
		after = access.Place{AccountID: cursor[:12], Role: cursor[13:]}
	}
	es, err := d.Access.Entitlements(ctx, userID, after, limit)
	if err != nil {
		return portalPage{}, err
	}
	page := portalPage{Accounts: []portalAccount{}}
	for _, e := range es {
		if n := len(page.Accounts); n == 0 || page.Accounts[n-1].ID != e.Account.ID {
			page.Accounts = append(page.Accounts, portalAccount{ID: e.Account.ID, Name: e.Account.Name, Email: e.Account.Email})
		}
		a := &page.Accounts[len(page.Accounts)-1]
		r := portalRole{e.Name(), e.Set.Description, int(e.Set.SessionDuration / time.Second), e.Set.RelayState}
		if own := e.Existing; own != nil {
			r.Description, r.SessionSeconds = own.Description, int(own.Longest/time.Second)
		}
		a.Roles = append(a.Roles, r)
	}
	if len(es) > 0 {
		last := es[len(es)-1].Place()
		page.Next = last.AccountID + "/" + last.Role
	}
	return page, nil
}
