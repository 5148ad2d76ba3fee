package app

import (
	"context"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/jwt"
	"gatehouse/internal/localiam"
	"gatehouse/internal/propagation"
	"gatehouse/internal/signin"
)

// openContext is what STS asks of propagation.
func (a *App) openContext(ctx context.Context, account, assertion string) (localiam.PersonContext, error) {
	c, err := a.Propagation.OpenContext(ctx, account, assertion)
	if f := fault.Of(err); f != nil && f.Reason == propagation.ContextExpired {
		err = fault.New(fault.Invalid, "%s", f.Message).For(localiam.ReasonContextExpired).At(f.Field).Because(err)
	}
	return localiam.PersonContext{UserID: c.UserID, Keys: c.Keys}, err
}

// issuerURL is the instance as an issuer of ID tokens; its keys are published below it.
func (a *App) issuerURL() string { return a.Config.URL + "/oidc/" + a.Instance.ID }

// instanceScope is whose keys sign ID tokens: no account's issuer.
func (a *App) instanceScope() string { return "identity-center/" + a.Instance.ID }

// signForInstance signs ID tokens.
func (a *App) signForInstance(ctx context.Context, claims any) (string, error) {
	return a.keys.Sign(ctx, a.instanceScope(), jwt.RS256, claims)
}

// authorizations is what the page /authorize asks: of propagation about applications, which are named by their ARNs, and of sign-in about command lines.
type authorizations struct {
	*signin.Service
	applications *propagation.Service
}

func ofApplication(r signin.AuthorizationRequest) bool { return strings.HasPrefix(r.ClientID, "arn:") }

func (z authorizations) AuthorizationClient(ctx context.Context, r signin.AuthorizationRequest) (signin.Client, error) {
	if ofApplication(r) {
		return z.applications.AuthorizationClient(ctx, r)
	}
	return z.Service.AuthorizationClient(ctx, r)
}

func (z authorizations) Authorize(ctx context.Context, who signin.Identity, r signin.AuthorizationRequest) (string, error) {
	if ofApplication(r) {
		return z.applications.Authorize(ctx, who, r)
	}
	return z.Service.Authorize(ctx, who, r)
}

// bearers is what the portal's API asks about tokens: of sign-in first, whose they mostly are, then of propagation.
type bearers struct {
	*signin.Service
	applications *propagation.Service
}

func (b bearers) Bearer(ctx context.Context, token string) (signin.Identity, error) {
	who, err := b.Service.Bearer(ctx, token)
	if fault.Is(err, fault.Unauthenticated) {
		return b.applications.Bearer(ctx, token)
	}
	return who, err
}

func (b bearers) SignOutBearer(ctx context.Context, token string) error {
	err := b.Service.SignOutBearer(ctx, token)
	if fault.Is(err, fault.Unauthenticated) {
		return b.applications.SignOutBearer(ctx, token)
	}
	return err
}
