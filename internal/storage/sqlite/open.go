package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"github.com/pressly/goose/v3"
	msqlite "modernc.org/sqlite"

	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens the database file at path, creating it and its directory when they are not there, and brings its schema up to date.
// It fails with fault.Conflict when another process has it open or when a newer version of Gatehouse has
// changed its schema.
func Open(ctx context.Context, path string, log *slog.Logger) (*sqlstore.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := prepareFile(path); err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	e, err := open(ctx, path, log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, err), lock.release())
	}
	e.lock = lock
	return sqlstore.New(e, log), nil
}

// prepareFile creates the file before SQLite would, because SQLite's WAL and index take the mode of the file.
func prepareFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// engine is a [sqlstore.Engine].
type engine struct {
	writer  *writer
	readers *readers
	lock    *fileLock
}

func open(ctx context.Context, path string, log *slog.Logger) (_ *engine, err error) {
	write, err := pool(path, 1, "_txlock=immediate", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)", "_pragma=fullfsync(1)",
		"_pragma=temp_store(2)", "_pragma=cache_size(-65536)", "_pragma=wal_autocheckpoint(16000)", "_pragma=journal_size_limit(67108864)")
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, write, log); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	n := max(4, 2*runtime.GOMAXPROCS(0))
	read, err := pool(path, n, "mode=ro", "_pragma=query_only(1)", "_pragma=cache_size(-16384)")
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	w, err := startWriter(ctx, write, log)
	if err != nil {
		return nil, errors.Join(err, read.Close(), write.Close())
	}
	return &engine{writer: w, readers: &readers{db: read}}, nil
}

// pool opens a pool of n connections that are kept.
func pool(path string, n int, params ...string) (*sql.DB, error) {
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)"
	for _, p := range params {
		dsn += "&" + p
	}
	c, err := msqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(driver.Connector(c))
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// migrate brings the schema up to date.
func migrate(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir, goose.WithDisableGlobalRegistry(true), goose.WithSlog(log))
	if err != nil {
		return err
	}
	have, known, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if have > known {
		return fault.New(fault.Conflict, "the database has schema version %d, and this version of Gatehouse knows %d: use a newer Gatehouse", have, known).
			For("newer-schema")
	}
	_, err = p.Up(ctx)
	return err
}

// Dialect implements [sqlstore.Engine].
func (e *engine) Dialect() sqlstore.Dialect { return dialect() }

// Reader implements [sqlstore.Engine].
func (e *engine) Reader() sqlstore.Querier { return e.readers }

// Write implements [sqlstore.Engine].
func (e *engine) Write(ctx context.Context, f func(context.Context, sqlstore.Querier) error) error {
	return e.writer.write(ctx, f)
}

// Ping implements [sqlstore.Engine]: a read, and a turn of the writer.
func (e *engine) Ping(ctx context.Context) error {
	var one int
	if err := e.readers.QueryRowContext(ctx, `SELECT 1`).Scan(&one); err != nil {
		return err
	}
	return e.writer.write(ctx, func(context.Context, sqlstore.Querier) error { return nil })
}

// Close implements [sqlstore.Engine].
func (e *engine) Close() error {
	if !e.writer.stop() {
		return nil
	}
	return errors.Join(e.readers.close(), e.writer.close(), e.lock.release())
}
