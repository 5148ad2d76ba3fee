package signin_test

import (
	"log/slog"
	"testing"

	"gatehouse/internal/signin/signintest"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
)

// newWorld returns a World over a real database, so that what is used up once is used up once by SQL too.
func newWorld(t testing.TB) signintest.World {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return signintest.Over(t, db.SignIn())
}
