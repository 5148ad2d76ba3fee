// Package ssoportal is the API sso: what a signed-in command line sees of the access portal.
//
// # What it owns
//
// The wire only: GET /assignment/accounts, /assignment/roles and /federation/credentials, and POST /logout, with the access token in the header
// x-amz-sso_bearer_token and no signature. Who the token belongs to is package signin's answer, what she may reach package access's, both
// computed at each request: nothing is cached here.
//
// # Errors
//
// One table, in errors.go. UnauthorizedException is what makes the CLI say that the sign-in has expired; ForbiddenException
// (403, "No access") is not in AWS's model and yet what AWS answers.
//
// Start reading at [New].
package ssoportal

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
	"gatehouse/internal/signin"
	"gatehouse/internal/target"
)

// Tokens is what this door asks of sign-in. *signin.Service has it.
type Tokens interface {
	Bearer(ctx context.Context, accessToken string) (signin.Identity, error)
	SignOutBearer(ctx context.Context, accessToken string) error
}

// Entitlements is what this door asks of access. *access.Service has it.
type Entitlements interface {
	EntitledAccounts(ctx context.Context, userID, after string, limit int) ([]organization.Account, error)
	EntitledRoles(ctx context.Context, userID, accountID, after string, limit int) ([]access.Entitlement, error)
}

// Config is what the door is made of; every field is required.
type Config struct {
	Tokens       Tokens
	Entitlements Entitlements
	// Credentials returns credentials for the role of the permission set (by name), or for the account's own role ("role/path/Name"), in the
	// account, for as long as the set or the role allows. It is what checks that the person is entitled to it now: fault.Denied "No access" otherwise, whatever the reason.
	Credentials func(ctx context.Context, who signin.Identity, accountID, roleName string) (target.Credentials, error)
	Log         *slog.Logger
}

// Paths are where the handler of [New] is to be mounted: GET, but POST for the last.
var Paths = [...]string{"/assignment/accounts", "/assignment/roles", "/federation/credentials", "/logout"}

// New returns the handler of all operations.
func New(c Config) http.Handler {
	d := door{c}
	mux := http.NewServeMux()
	mux.Handle("GET /assignment/accounts", operation(d, d.listAccounts))
	mux.Handle("GET /assignment/roles", operation(d, d.listAccountRoles))
	mux.Handle("GET /federation/credentials", operation(d, d.getRoleCredentials))
	mux.HandleFunc("POST /logout", d.logout)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		d.refuse(w, r, fault.New(fault.Invalid, "there is no such operation"))
	})
	return mux
}

type door struct{ Config }

// tokenHeader carries the access token.
const tokenHeader = "x-amz-sso_bearer_token"

// operation is the adapter of the operations that read: it authenticates, reads and checks the input, and writes the answer. Who has no token
// learns nothing else.
func operation[I any, O any, P interface {
	*I
	awswire.Checker
}](d door, f func(context.Context, signin.Identity, *I) (*O, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := d.Tokens.Bearer(r.Context(), r.Header.Get(tokenHeader))
		if err != nil {
			d.refuse(w, r, err)
			return
		}
		in := new(I)
		if err := awswire.DecodeREST(r, nil, P(in)); err != nil {
			d.refuse(w, r, err)
			return
		}
		if err := awswire.Valid(P(in)); err != nil {
			d.refuse(w, r, err)
			return
		}
		out, err := f(r.Context(), who, in)
		if err != nil {
			d.refuse(w, r, err)
			return
		}
		if err := awswire.WriteREST(w, audit.OriginOf(r.Context()).RequestID, out); err != nil {
			d.refuse(w, r, err)
		}
	})
}

func (d door) listAccounts(ctx context.Context, who signin.Identity, in *ListAccountsRequest) (*ListAccountsResponse, error) {
	after, err := awswire.Cursor(in.NextToken, "ListAccounts")
	if err != nil {
		return nil, err
	}
	limit := awswire.Limit(in.MaxResults)
	accounts, err := d.Entitlements.EntitledAccounts(ctx, who.User.ID, after, limit+1)
	if err != nil {
		return nil, err
	}
	accounts, next := awswire.Page(accounts, limit, func(a organization.Account) string { return a.ID })
	out := &ListAccountsResponse{AccountList: []AccountInfo{}, NextToken: awswire.PageToken(next, "ListAccounts")}
	for _, a := range accounts {
		out.AccountList = append(out.AccountList, AccountInfo{AccountId: &a.ID, AccountName: &a.Name, EmailAddress: &a.Email})
	}
	return out, nil
}

func (d door) listAccountRoles(ctx context.Context, who signin.Identity, in *ListAccountRolesRequest) (*ListAccountRolesResponse, error) {
	if !arn.IsAccountID(*in.AccountId) {
		return nil, fault.New(fault.Invalid, "account_id must be 12 digits")
	}
	what := []string{"ListAccountRoles", *in.AccountId}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	limit := awswire.Limit(in.MaxResults)
	roles, err := d.Entitlements.EntitledRoles(ctx, who.User.ID, *in.AccountId, after, limit+1)
	if err != nil {
		return nil, err
	}
	roles, next := awswire.Page(roles, limit, func(r access.Entitlement) string { return r.Place().Role })
	out := &ListAccountRolesResponse{RoleList: []RoleInfo{}, NextToken: awswire.PageToken(next, what...)}
	for _, r := range roles {
		out.RoleList = append(out.RoleList, RoleInfo{RoleName: new(r.Name()), AccountId: in.AccountId})
	}
	return out, nil
}

func (d door) getRoleCredentials(ctx context.Context, who signin.Identity, in *GetRoleCredentialsRequest) (*GetRoleCredentialsResponse, error) {
	if !arn.IsAccountID(*in.AccountId) {
		return nil, fault.New(fault.Invalid, "account_id must be 12 digits")
	}
	if !setName.MatchString(*in.RoleName) && !arn.IsRoleResource(*in.RoleName) {
		return nil, fault.New(fault.Invalid, "role_name must be the name of a permission set, or an account's own role as role/path/Name")
	}
	c, err := d.Credentials(ctx, who, *in.AccountId, *in.RoleName)
	if err != nil {
		return nil, err
	}
	// The expiration is in milliseconds, unlike every other time of these APIs.
	return &GetRoleCredentialsResponse{RoleCredentials: &RoleCredentials{
		AccessKeyId: &c.AccessKeyID, SecretAccessKey: &c.SecretAccessKey, SessionToken: &c.SessionToken,
		Expiration: new(c.Expires.UnixMilli()),
	}}, nil
}

// logout ends the sign-in session the token hangs on, and with it every token of it. The answer has no body.
func (d door) logout(w http.ResponseWriter, r *http.Request) {
	err := d.Tokens.SignOutBearer(r.Context(), r.Header.Get(tokenHeader))
	if err == nil {
		err = awswire.WriteREST(w, audit.OriginOf(r.Context()).RequestID, nil)
	}
	if err != nil {
		d.refuse(w, r, err)
	}
}

var setName = regexp.MustCompile(`^[\w+=,.@-]{1,32}$`)
