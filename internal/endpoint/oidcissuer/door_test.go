package oidcissuer

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"testing"

	"gatehouse/internal/fault"
	"gatehouse/internal/jwt"
)

func TestDocuments(t *testing.T) {
	t.Parallel()
	door := New(Config{Algorithms: []string{"RS256", "ES384"}, Log: slog.New(slog.DiscardHandler), Published: func(_ context.Context, id string) (string, []byte, error) {
		switch id {
		case "i-1":
			return "https://gatehouse.test/oidc/i-1", []byte(`{"keys":[]}`), nil
		case "broken":
			return "", nil, errors.New("secret of the database")
		}
		return "", nil, fault.New(fault.NotFound, "there is no such issuer")
	}})
	get := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		door.ServeHTTP(w, httptest.NewRequest(method, "https://gatehouse.test"+path, nil))
		return w
	}
	w := get("GET", "/oidc/i-1/.well-known/openid-configuration")
	// A relying party of ours reads it as any other's.
	if keys, err := jwt.ParseDiscovery(w.Body.Bytes(), "https://gatehouse.test/oidc/i-1"); err != nil || keys != "https://gatehouse.test/oidc/i-1/.well-known/jwks.json" {
		t.Errorf("got %q, %v of %s", keys, err, w.Body)
	}
	var doc map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Header().Get("Content-Type") != "application/json" {
		t.Error(err, w.Header())
	}
	for _, required := range []string{"issuer", "jwks_uri", "response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"} { // Discovery 1.0 §3
		if doc[required] == nil {
			t.Errorf("the document has no %s", required)
		}
	}
	if w := get("GET", "/oidc/i-1/.well-known/jwks.json"); w.Code != 200 || w.Body.String() != `{"keys":[]}` {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	for path, status := range map[string]int{
		"/oidc/i-2/.well-known/openid-configuration": 404, "/oidc/i-2/.well-known/jwks.json": 404, "/oidc/i-1/": 404, "/oidc/../.well-known/jwks.json": 404,
		"/oidc/broken/.well-known/jwks.json": 503, "/oidc/broken/.well-known/openid-configuration": 503,
	} {
		if w := get("GET", path); w.Code != status && w.Code/100 != 3 || w.Body.Len() > 200 || json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: got %d %s, want %d", path, w.Code, w.Body, status)
		}
	}
	if w := get("POST", "/oidc/i-1/.well-known/jwks.json"); w.Code != 405 {
		t.Errorf("POST: got %d", w.Code)
	}
}
