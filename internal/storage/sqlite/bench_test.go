package sqlite_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlstore"
	"gatehouse/internal/storage/storagetest"
)

func openAt(tb testing.TB, path string) *sqlstore.DB {
	tb.Helper()
	db, err := sqlite.Open(tb.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	return db
}

func BenchmarkSQLite(b *testing.B) {
	storagetest.Benchmarks(b, func(tb testing.TB) *sqlstore.DB {
		return openAt(tb, filepath.Join(tb.TempDir(), "gatehouse.db"))
	})
}
