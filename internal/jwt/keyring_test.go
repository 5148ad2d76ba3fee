package jwt

import (
	"context"
	"crypto/elliptic"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"gatehouse/internal/fault"
)

// web is what issuers publish: documents by address.
type web struct {
	mu    sync.Mutex
	docs  map[string][]byte
	asked int
	now   time.Time
}

func (w *web) fetch(_ context.Context, url string) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if doc := w.docs[url]; doc != nil {
		return doc, nil
	}
	return nil, errors.New("no such document")
}

// publish makes an issuer of the keys.
func (w *web) publish(issuer string, keys ...jose.JSONWebKey) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.docs[issuer+"/.well-known/openid-configuration"] = fmt.Appendf(nil, `{"issuer":%q,"jwks_uri":%q,"other":1}`, issuer, issuer+"/keys")
	w.docs[issuer+"/keys"] = must(jsonOf(jose.JSONWebKeySet{Keys: keys}))
}

func newWeb() (*web, *Keyring) {
	w := &web{docs: map[string][]byte{}, now: noon()}
	return w, NewKeyring(w.fetch, func() time.Time { return w.now })
}

func (w *web) fresh() string {
	return good(map[string]any{"iat": w.now.Unix(), "exp": w.now.Add(time.Minute).Unix()})
}

func TestKeysAreFoundKeptAndChanged(t *testing.T) {
	t.Parallel()
	w, ring := newWeb()
	old, next := ec(elliptic.P256()), ec(elliptic.P256())
	verify := func(token string) error {
		_, err := ring.Verify(t.Context(), token, issuer, []string{audience})
		return err
	}
	asked := func(want int) {
		t.Helper()
		if w.asked != want {
			t.Errorf("the issuer was asked %d times, want %d", w.asked, want)
		}
	}
	w.publish(issuer, public(old, "old"))
	for range 3 {
		if err := verify(sign(jose.ES256, old, "old", nil, w.fresh())); err != nil {
			t.Fatal(err)
		}
	}
	asked(2) // discovery and keys, once

	w.publish(issuer, public(next, "next"))
	for range 3 { // made-up key ids do not become requests
		wantRefused(t, "a key that is not known, just after asking", verify(sign(jose.ES256, next, "next", nil, w.fresh())))
	}
	asked(2)
	w.now = w.now.Add(askAgain)
	if err := verify(sign(jose.ES256, next, "next", nil, w.fresh())); err != nil {
		t.Errorf("the next key: %v", err)
	}
	wantRefused(t, "the withdrawn key", verify(sign(jose.ES256, old, "old", nil, w.fresh())))
	asked(4)

	clear(w.docs) // the issuer is down: what is known stays good, for its time
	w.now = w.now.Add(askAgain)
	wantRefused(t, "a made-up key while the issuer is down", verify(sign(jose.ES256, old, "x", nil, w.fresh())))
	if err := verify(sign(jose.ES256, next, "next", nil, w.fresh())); err != nil {
		t.Errorf("a good key while the issuer is down: %v", err)
	}
	w.now = w.now.Add(KeysLife)
	if err := verify(sign(jose.ES256, next, "next", nil, w.fresh())); !fault.Is(err, fault.Unavailable) {
		t.Errorf("after the keys' life: %v, want unavailable", err)
	}
	w.publish(issuer, public(next, "next"))
	w.now = w.now.Add(askAgain)
	if err := verify(sign(jose.ES256, next, "next", nil, w.fresh())); err != nil {
		t.Errorf("the issuer is back: %v", err)
	}
}

// TestIssuerMixUp: an issuer that is trusted too cannot speak for another.
func TestIssuerMixUp(t *testing.T) {
	t.Parallel()
	const rogue = "https://rogue.example.com"
	w, ring := newWeb()
	honest, evil := ec(elliptic.P256()), ec(elliptic.P256())
	w.publish(issuer, public(honest, "k"))
	w.publish(rogue, public(evil, "k"))
	_, err := ring.Verify(t.Context(), sign(jose.ES256, evil, "k", nil, good(nil)), issuer, []string{audience})
	wantRefused(t, "signed by the rogue in the other's name, shown as the other's", err)
	_, err = ring.Verify(t.Context(), sign(jose.ES256, evil, "k", nil, good(nil)), rogue, []string{audience})
	wantRefused(t, "signed by the rogue in the other's name, shown as the rogue's", err)
	_, err = ring.Verify(t.Context(), sign(jose.ES256, honest, "k", nil, good(nil)), rogue, []string{audience})
	wantRefused(t, "the honest one's token, shown as the rogue's", err)
	if named, err := Issuer(sign(jose.ES256, evil, "k", nil, good(nil))); err != nil || named != issuer {
		t.Errorf("Issuer = %q, %v", named, err)
	}
}

func TestDiscoveryRefusals(t *testing.T) {
	t.Parallel()
	key := ec(elliptic.P256())
	for what, doc := range map[string]string{
		"§4.3 another issuer":    `{"issuer":"https://rogue.example.com","jwks_uri":"` + issuer + `/keys"}`,
		"§4.3 a slash more":      `{"issuer":"` + issuer + `/","jwks_uri":"` + issuer + `/keys"}`,
		"no issuer":              `{"jwks_uri":"` + issuer + `/keys"}`,
		"no keys":                `{"issuer":"` + issuer + `"}`,
		"keys over plain http":   `{"issuer":"` + issuer + `","jwks_uri":"http://login.example.com/tenant/keys"}`,
		"keys in a file":         `{"issuer":"` + issuer + `","jwks_uri":"file:///etc/passwd"}`,
		"keys behind a password": `{"issuer":"` + issuer + `","jwks_uri":"https://a:b@login.example.com/tenant/keys"}`,
		"two issuers":            `{"issuer":"x","issuer":"` + issuer + `","jwks_uri":"` + issuer + `/keys"}`,
		"not JSON":               `<html>`,
	} {
		w, ring := newWeb()
		w.publish(issuer, public(key, "k"))
		w.docs[issuer+"/.well-known/openid-configuration"] = []byte(doc)
		if _, err := ring.Verify(t.Context(), sign(jose.ES256, key, "k", nil, good(nil)), issuer, []string{audience}); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	const plain = "http://login.example.com"
	w, ring := newWeb()
	w.publish(plain, public(key, "k"))
	if _, err := ring.Verify(t.Context(), sign(jose.ES256, key, "k", nil, good(map[string]any{"iss": plain})), plain, []string{audience}); !fault.Is(err, fault.Unavailable) || w.asked != 0 {
		t.Errorf("an issuer over plain http: %v, asked %d times", err, w.asked)
	}
	const here = "http://127.0.0.1:8081"
	w.publish(here, public(key, "k"))
	if _, err := ring.Verify(t.Context(), sign(jose.ES256, key, "k", nil, good(map[string]any{"iss": here})), here, []string{audience}); err != nil {
		t.Errorf("an issuer on this machine: %v", err)
	}
}

func TestManyAtOnceAskOnce(t *testing.T) {
	t.Parallel()
	w, ring := newWeb()
	key := ec(elliptic.P256())
	w.publish(issuer, public(key, "k"))
	token := sign(jose.ES256, key, "k", nil, w.fresh())
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := ring.Verify(t.Context(), token, issuer, []string{audience}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if w.asked != 2 {
		t.Errorf("asked %d times, want 2", w.asked)
	}
}

func TestTheKeyringIsBounded(t *testing.T) {
	t.Parallel()
	w, ring := newWeb()
	for i := range 3 * maxIssuers {
		w.now = w.now.Add(time.Second)
		_, _ = ring.Verify(t.Context(), "x", fmt.Sprintf("https://%d.example.com", i), []string{audience})
	}
	if len(ring.issuers) != maxIssuers {
		t.Errorf("%d issuers are kept, want %d", len(ring.issuers), maxIssuers)
	}
	if ring.issuers[fmt.Sprintf("https://%d.example.com", 3*maxIssuers-1)] == nil {
		t.Error("the newest was forgotten")
	}
}
