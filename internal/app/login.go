package app

import (
	"context"

	"gatehouse/internal/jwt"
)

// loginScope is both the scope of the keys with which ID tokens of `aws login` are signed and the issuer's own part of its URL.
const loginScope = "signin"

func (a *App) loginIssuer() string { return a.Config.URL + "/oidc/" + loginScope }

func (a *App) signLogin(ctx context.Context, claims any) (string, error) {
	return a.keys.Sign(ctx, loginScope, jwt.ES384, claims)
}

// published is what an issuer below /oidc/ publishes: that of `aws login`, the instance's, or an account's, whose own part is a UUID.
func (a *App) published(ctx context.Context, issuerID string) (issuer string, keys []byte, err error) {
	switch issuerID {
	case loginScope:
		keys, err = a.keys.KeySet(ctx, loginScope, jwt.ES384)
		return a.loginIssuer(), keys, err
	case a.Instance.ID:
		keys, err = a.keys.KeySet(ctx, a.instanceScope(), jwt.RS256)
		return a.issuerURL(), keys, err
	}
	return a.IAM.PublishedKeys(ctx, issuerID)
}
