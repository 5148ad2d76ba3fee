package signingkey_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/jwt"
	"gatehouse/internal/seal"
	"gatehouse/internal/signingkey"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
	"gatehouse/internal/storage/sqlstore"
)

// world is a store, a keyset and a clock; nodes share them.
type world struct {
	db     *sqlstore.DB
	sealer *seal.Sealer
	now    time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	sealer, err := seal.OpenFile(filepath.Join(dir, "keyset"))
	if err != nil {
		t.Fatal(err)
	}
	return &world{db, sealer, time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)}
}

func (w *world) node() *signingkey.Service {
	return signingkey.NewService(w.db.SigningKeys(), w.sealer, func() time.Time { return w.now })
}

// sign makes a token that is valid for an hour and returns it with its kid.
func (w *world) sign(t *testing.T, s *signingkey.Service, scope, alg string) (token, kid string) {
	t.Helper()
	token, err := s.Sign(t.Context(), scope, alg, map[string]any{"iss": scope, "aud": "a", "exp": w.now.Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES384, jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	return token, signed.Signatures[0].Header.KeyID
}

// set returns what the scope publishes.
func (w *world) set(t *testing.T, s *signingkey.Service, scope string) (jwt.Keys, string) {
	t.Helper()
	doc, err := s.KeySet(t.Context(), scope, jwt.ES384)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jwt.ParseKeys(doc)
	if err != nil {
		t.Fatal(err)
	}
	return keys, string(doc)
}

func (w *world) verifies(t *testing.T, s *signingkey.Service, scope, token string) error {
	t.Helper()
	keys, _ := w.set(t, s, scope)
	_, err := jwt.Verify(token, jwt.Params{Issuer: scope, Keys: keys, Audiences: []string{"a"}, Now: w.now})
	return err
}

func TestRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(), w.node()
	_, published := w.set(t, a, "scope") // read before any token was signed
	token, first := w.sign(t, b, "scope", jwt.ES384)
	if !strings.Contains(published, first) {
		t.Error("the key that signs was not published before it signed")
	}
	if err := w.verifies(t, a, "scope", token); err != nil {
		t.Error(err)
	}
	w.now = w.now.Add(signingkey.Life - signingkey.Lead)
	if _, kid := w.sign(t, a, "scope", jwt.ES384); kid != first {
		t.Error("a successor signs before its turn")
	}
	ahead, _ := w.set(t, b, "scope")
	if ahead.Len() != 2 {
		t.Errorf("%d keys are published in the week before the change, want 2", ahead.Len())
	}
	w.now = w.now.Add(signingkey.Lead - time.Microsecond)
	last, kid := w.sign(t, b, "scope", jwt.ES384)
	if kid != first {
		t.Error("a key ends before its time")
	}
	w.now = w.now.Add(time.Microsecond)
	_, second := w.sign(t, b, "scope", jwt.ES384)
	if second == first {
		t.Error("a key signs after its time")
	}
	w.now = w.now.Add(time.Hour - time.Second)
	if err := w.verifies(t, a, "scope", last); err != nil {
		t.Errorf("the last token of the first key: %v", err)
	}
	w.now = w.now.Add(signingkey.Keep)
	if keys, _ := w.set(t, a, "scope"); keys.Len() != 1 {
		t.Errorf("%d keys are published a day later, want 1", keys.Len())
	}
	// Nobody asked for years: the next one begins now, and what is old is gone from the store.
	w.now = w.now.Add(10 * signingkey.Life)
	if _, kid := w.sign(t, a, "scope", jwt.ES384); kid == second {
		t.Error("a key of years ago signs")
	}
	stored, err := w.db.SigningKeys().SigningKeys(t.Context(), "scope")
	if err != nil || len(stored) != 1 || stored[0].Number != 3 {
		t.Errorf("%d keys are stored, %v; want the third alone", len(stored), err)
	}
}

func TestScopesHaveKeysOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.node()
	token, _ := w.sign(t, s, "one", jwt.ES384)
	if err := w.verifies(t, s, "two", token); !fault.Is(err, fault.Invalid) {
		t.Errorf("another scope's keys verify it: %v", err)
	}
	if _, err := s.Sign(t.Context(), "one", "HS256", map[string]any{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("HS256: %v", err)
	}
}

func TestNodesAgreeOnTheFirstKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kids := make([]string, 6)
	var wg sync.WaitGroup
	for i := range kids {
		s := w.node()
		wg.Go(func() { _, kids[i] = w.sign(t, s, "scope", jwt.ES384) })
	}
	wg.Wait()
	for _, kid := range kids {
		if kid != kids[0] {
			t.Errorf("nodes sign with different keys: %v", kids)
		}
	}
}

func TestPrivateKeysAreSealedInTheirPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sign(t, w.node(), "scope", jwt.ES384)
	keys, err := w.db.SigningKeys().SigningKeys(t.Context(), "scope")
	if err != nil || len(keys) != 1 {
		t.Fatal(len(keys), err)
	}
	if _, err := jwt.ParsePrivateKey(keys[0].Sealed, jwt.ES384); err == nil {
		t.Fatal("the private key is stored in clear")
	}
	moved := keys[0]
	moved.Scope = "other"
	if err := w.db.SigningKeys().InsertSigningKey(t.Context(), moved, time.Time{}, audit.New(t.Context(), w.now, audit.Gatehouse, "x", "x")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.node().Sign(t.Context(), "other", jwt.ES384, map[string]any{}); !fault.Is(err, fault.Internal) {
		t.Errorf("a key moved to another scope signs: %v", err)
	}
}
