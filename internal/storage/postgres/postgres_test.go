package postgres_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"gatehouse/internal/fault"
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

func raw(t testing.TB, url string) *sql.DB {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*cfg)
	t.Cleanup(func() { db.Close() })
	return db
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	var statements recorded
	t.Run("Suite", func(t *testing.T) {
		empty := server.Database(t)
		db, err := postgres.Open(t.Context(), empty, slog.New(slog.DiscardHandler)) // which makes the schema
		if err != nil || db.Close() != nil {
			t.Fatal(err)
		}
		storagetest.Run(t, func(tb testing.TB) *sqlstore.DB {
			url := server.Copy(tb, empty)
			return sqlstore.New(recorder{postgres.NewEngine(raw(tb, url)), &statements}, slog.New(slog.DiscardHandler))
		})
	})
	t.Run("EveryQuerySeeksAnIndex", func(t *testing.T) { testPlans(t, server, &statements) })
	for name, run := range map[string]func(*testing.T, *pgtest.Server){
		"NodesThatStartTogether":  testTogether,
		"NewerSchema":             testNewerSchema,
		"NotUTF8":                 testNotUTF8,
		"DeadlockIsRunAgain":      testDeadlock,
		"APanicIsContained":       testPanic,
		"LostConnection":          testLostConnection,
		"TwoNodesShareOneStore":   testTwoNodes,
		"ACancelledCallIsAborted": testCancelled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, server)
		})
	}
}

func BenchmarkPostgres(b *testing.B) {
	server := pgtest.Start(b)
	storagetest.Benchmarks(b, func(tb testing.TB) *sqlstore.DB { return openAt(tb, server.Database(tb)) })
}

// testTogether: several nodes open an empty database at the same moment; each finds it migrated once.
func testTogether(t *testing.T, server *pgtest.Server) {
	url := server.Database(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			db, err := postgres.Open(context.Background(), url, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			if err := db.Ping(context.Background()); err != nil {
				t.Errorf("ping: %v", err)
			}
			if err := db.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	wg.Wait()
}

func testNewerSchema(t *testing.T, server *pgtest.Server) {
	url := server.Database(t)
	openAt(t, url)
	if _, err := raw(t, url).Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`); err != nil {
		t.Fatal(err)
	}
	_, err := postgres.Open(t.Context(), url, slog.New(slog.DiscardHandler))
	if f := fault.Of(err); f == nil || f.Kind != fault.Conflict || f.Reason != "newer-schema" {
		t.Errorf("got %v, want Conflict newer-schema", err)
	}
}

func testNotUTF8(t *testing.T, server *pgtest.Server) {
	_, err := postgres.Open(t.Context(), server.DatabaseIn(t, "SQL_ASCII"), slog.New(slog.DiscardHandler))
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v, want Invalid", err)
	}
}

// testDeadlock: two transactions lock two rows crosswise, which the server must break; both succeed in the end.
func testDeadlock(t *testing.T, server *pgtest.Server) {
	url := server.Database(t)
	openAt(t, url)
	e := postgres.NewEngine(raw(t, url))
	_, err := raw(t, url).Exec(`INSERT INTO id_counts (name, prefix, n) VALUES ('a', '', 0), ('b', '', 0)`)
	if err != nil {
		t.Fatal(err)
	}
	var runs atomic.Int64
	var both, wg sync.WaitGroup
	both.Add(2)
	for _, names := range [][]string{{"a", "b"}, {"b", "a"}} {
		var once sync.Once
		wg.Go(func() {
			err := e.Write(context.Background(), func(ctx context.Context, tx sqlstore.Querier) error {
				runs.Add(1)
				for _, name := range names {
					if _, err := tx.ExecContext(ctx, `UPDATE id_counts SET n = n + 1 WHERE name = $1`, name); err != nil {
						return fmt.Errorf("update: %w", err)
					}
					once.Do(func() { both.Done(); both.Wait() })
				}
				return nil
			})
			if err != nil {
				t.Errorf("got %v, want the transaction to be run again after the deadlock", err)
			}
		})
	}
	wg.Wait()
	var sum int
	if err := raw(t, url).QueryRow(`SELECT SUM(n) FROM id_counts`).Scan(&sum); err != nil || sum != 4 || runs.Load() < 3 {
		t.Errorf("sum %d after %d runs (%v), want 4 after at least 3", sum, runs.Load(), err)
	}
}

// testPanic: a defect inside a transaction is contained, undone, and gives its connection back.
func testPanic(t *testing.T, server *pgtest.Server) {
	url := server.Database(t)
	openAt(t, url)
	pool := raw(t, url)
	pool.SetMaxOpenConns(1)
	e := postgres.NewEngine(pool)
	err := e.Write(t.Context(), func(ctx context.Context, tx sqlstore.Querier) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO id_counts (name, prefix, n) VALUES ('x', '', 0)`); err != nil {
			return err
		}
		panic("a defect")
	})
	if err == nil || !strings.Contains(err.Error(), "a defect") {
		t.Errorf("got %v, want the panic as an error", err)
	}
	var n int
	if err := pool.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM id_counts`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows (%v), want none", n, err)
	}
}

// testLostConnection: what the server cuts off is Unavailable, and the next call works again.
func testLostConnection(t *testing.T, server *pgtest.Server) {
	url := server.Database(t)
	db := openAt(t, url)
	if err := storagetest.Insert(t, db, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := raw(t, url).Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gatehouse' AND datname = current_database()`); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := storagetest.Insert(t, db, 2)
		if err == nil {
			break
		}
		if !fault.Is(err, fault.Unavailable) || time.Now().After(deadline) {
			t.Fatalf("got %v, want Unavailable, and soon none", err)
		}
	}
}

// testTwoNodes: what one node wrote, the other reads.
func testTwoNodes(t *testing.T, server *pgtest.Server) {
	url := server.Database(t)
	one, two := openAt(t, url), openAt(t, url)
	if err := storagetest.Insert(t, one, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Directory().User(t.Context(), storagetest.User(1).ID); err != nil {
		t.Errorf("the other node: %v", err)
	}
	if err := storagetest.Insert(t, two, 1); !fault.Is(err, fault.Conflict) {
		t.Errorf("the same user on the other node: %v, want Conflict", err)
	}
}

func testCancelled(t *testing.T, server *pgtest.Server) {
	db := openAt(t, server.Database(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := db.Directory().User(ctx, "x")
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want Unavailable", err)
	}
}

func TestTheURLsPasswordIsNeverInAnError(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	for _, url := range []string{
		"postgres://user:s3cret@127.0.0.1:1/db?connect_timeout=1", "postgres://user:s3cret@[::1/db", "postgres://user:s3cret@host:notaport/db", "host=127.0.0.1 port=1 password=s3cret connect_timeout=1",
	} {
		_, err := postgres.Open(t.Context(), url, slog.New(slog.NewTextHandler(&log, nil)))
		if err == nil {
			t.Errorf("%s: opened", url)
			continue
		}
		if strings.Contains(err.Error(), "s3cret") || strings.Contains(fault.Shown(err), "s3cret") || strings.Contains(log.String(), "s3cret") {
			t.Errorf("the password is in %q or in the log", err)
		}
	}
}
