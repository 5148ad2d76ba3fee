// Package oidcissuer is what the issuers of web identity tokens publish, one for each account that gives such tokens out: a discovery document (OpenID Connect
// Discovery 1.0 §4) and the keys that verify the tokens (RFC 7517 §5). Anybody may read both; they hold nothing secret.
//
// It owns nothing: package localiam knows the issuers and their keys.
package oidcissuer

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/go-json-experiment/json"

	"gatehouse/internal/fault"
)

// Paths are where the door answers; {issuer} is the account's own part of its issuer URL.
var Paths = []string{discovery, keySet}

const (
	discovery = "GET /oidc/{issuer}/.well-known/openid-configuration"
	keySet    = "GET /oidc/{issuer}/.well-known/jwks.json"
)

// Config is what the door needs.
type Config struct {
	// Published returns an issuer's URL and JWK set; NotFound for an issuer that there is not.
	Published func(ctx context.Context, issuerID string) (issuer string, keys []byte, err error)
	// Algorithms are those with which tokens are signed.
	Algorithms []string
	Log        *slog.Logger
}

// document is the discovery document, with the members that AWS's has.
type document struct {
	Issuer     string   `json:"issuer"`
	Keys       string   `json:"jwks_uri"`
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
	Subjects   []string `json:"subject_types_supported"`
	Responses  []string `json:"response_types_supported"`
	Claims     []string `json:"claims_supported"`
}

// New returns the door.
func New(cfg Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(keySet, func(w http.ResponseWriter, r *http.Request) {
		_, keys, err := cfg.Published(r.Context(), r.PathValue("issuer"))
		cfg.answer(w, r, keys, err)
	})
	mux.HandleFunc(discovery, func(w http.ResponseWriter, r *http.Request) {
		issuer, _, err := cfg.Published(r.Context(), r.PathValue("issuer"))
		if err != nil {
			cfg.answer(w, r, nil, err)
			return
		}
		doc, err := json.Marshal(document{
			Issuer: issuer, Keys: issuer + "/.well-known/jwks.json", Algorithms: cfg.Algorithms, Subjects: []string{"public"}, Responses: []string{"id_token"},
			Claims: []string{"sub", "iss", "aud", "exp", "iat", "jti", "https://sts.amazonaws.com/"},
		})
		cfg.answer(w, r, doc, err)
	})
	return mux
}

// answer writes a document. Who caches it for an hour knows the next key in time: keys are published days before they sign.
func (cfg Config) answer(w http.ResponseWriter, r *http.Request, doc []byte, err error) {
	switch {
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Invalid):
		http.Error(w, "There is no such issuer.", http.StatusNotFound)
	case err != nil:
		cfg.Log.ErrorContext(r.Context(), "publishing an issuer's keys failed", "error", err)
		http.Error(w, "The keys cannot be had at the moment; try again.", http.StatusServiceUnavailable)
	default:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "public, max-age=3600")
		_, _ = w.Write(doc) // the client is gone when this fails
	}
}
