package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Open connects to the database at a URL (postgres://user:password@host/database?…, or a key=value string as libpq takes it) and brings its
// schema up to date. The database must exist, be encoded in UTF-8 and run on PostgreSQL 13 or later; the user must own it
// or be allowed to create tables. It fails with fault.Conflict when a newer version of Gatehouse has changed the schema.
func Open(ctx context.Context, url string, log *slog.Logger) (*sqlstore.DB, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		// pgx's own text may repeat parts of the URL, which holds a password.
		return nil, fault.New(fault.Invalid, "the database URL is not a PostgreSQL URL (postgres://user:password@host/database)").At("database")
	}
	cfg.RuntimeParams["application_name"] = "gatehouse"
	cfg.RuntimeParams["default_transaction_isolation"] = "read committed"
	db := stdlib.OpenDB(*cfg)
	conns := max(16, 4*runtime.GOMAXPROCS(0))
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(time.Hour)
	if err := ready(ctx, db, log); err != nil {
		return nil, errors.Join(fmt.Errorf("open PostgreSQL database %q on %s: %w", cfg.Database, cfg.Host, err), db.Close())
	}
	return sqlstore.New(&engine{db: db, log: log}, log), nil
}

func ready(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	var version int
	var encoding string
	row := db.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding')`)
	if err := row.Scan(&version, &encoding); err != nil {
		return err
	}
	if version < 130000 {
		return fault.New(fault.Invalid, "the server is PostgreSQL %d; Gatehouse needs 13 or later", version/10000)
	}
	if encoding != "UTF8" {
		return fault.New(fault.Invalid, "the database is encoded in %s; Gatehouse needs UTF8 (CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0)", encoding)
	}
	return migrate(ctx, db, log)
}

// migrate brings the schema up to date.
func migrate(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, dir,
		goose.WithDisableGlobalRegistry(true), goose.WithSlog(log), goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	if _, err = p.Up(ctx); err != nil {
		return err
	}
	// After Up, because before it the bookkeeping table of a fresh database may be in the making by another node. Nothing is
	// applied to a newer schema: all that is known is applied there already.
	have, known, err := p.GetVersions(ctx)
	if err == nil && have > known {
		err = fault.New(fault.Conflict, "the database has schema version %d, and this version of Gatehouse knows %d: use a newer Gatehouse", have, known).
			For("newer-schema")
	}
	return err
}

// engine is a [sqlstore.Engine].
type engine struct {
	db  *sql.DB
	log *slog.Logger
}

// Dialect implements [sqlstore.Engine].
func (e *engine) Dialect() sqlstore.Dialect { return dialect() }

// Reader implements [sqlstore.Engine].
func (e *engine) Reader() sqlstore.Querier { return e.db }

// Ping implements [sqlstore.Engine]. A standby, which can be read only, is not ready.
func (e *engine) Ping(ctx context.Context) error {
	var standby bool
	if err := e.db.QueryRowContext(ctx, `SELECT pg_is_in_recovery()`).Scan(&standby); err != nil {
		return err
	}
	if standby {
		return errStandby
	}
	return nil
}

// Close implements [sqlstore.Engine].
func (e *engine) Close() error { return e.db.Close() }

// attempts bounds how often a transaction is run again.
const attempts = 8

// Write implements [sqlstore.Engine].
func (e *engine) Write(ctx context.Context, f func(context.Context, sqlstore.Querier) error) error {
	for n := 1; ; n++ {
		err := e.once(ctx, f)
		if err == nil || n == attempts || !retry(err) {
			return err
		}
		e.log.Debug("transaction run again", "attempt", n, "error", err)
		select {
		case <-time.After(time.Duration(n*n) * 2 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (e *engine) once(ctx context.Context, f func(context.Context, sqlstore.Querier) error) (err error) {
	tx, err := e.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a transaction: %v", p)
			e.log.Error("panic in a transaction", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
		if err != nil {
			if undo := tx.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) {
				e.log.Debug("rollback", "error", undo) // the connection is gone, and the transaction with it
			}
		}
	}()
	if err := f(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}
