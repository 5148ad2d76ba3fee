package postgres_test

import (
	"log/slog"
	"testing"

	"gatehouse/internal/storage/postgres"
	"gatehouse/internal/storage/postgres/pgtest"
	"gatehouse/internal/storage/sqlstore"
	"gatehouse/internal/storage/storagetest"
)

func openAt(tb testing.TB, url string) *sqlstore.DB {
	tb.Helper()
	db, err := postgres.Open(tb.Context(), url, slog.New(slog.DiscardHandler))
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

func TestPostgres(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	storagetest.Run(t, func(tb testing.TB) *sqlstore.DB { return openAt(tb, server.Database(tb)) })
}

func BenchmarkPostgres(b *testing.B) {
	server := pgtest.Start(b)
	storagetest.Benchmarks(b, func(tb testing.TB) *sqlstore.DB { return openAt(tb, server.Database(tb)) })
}
