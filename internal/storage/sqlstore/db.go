package sqlstore

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
)

// DB is an open database. It is safe for concurrent use.
type DB struct {
	engine  Engine
	dialect Dialect
	log     *slog.Logger
	// texts caches queries translated to the dialect; its keys are the constants of this package.
	texts sync.Map
	// insertions caches the texts of insertions of several rows.
	insertions sync.Map
}

// Engine runs statements and transactions on one kind of database.
type Engine interface {
	Dialect() Dialect
	// Reader runs reads outside of transactions; they see everything whose Write has returned.
	Reader() Querier
	// Write runs f in a transaction and returns when its commit is durable. An error of f, or a panic in it, undoes
	// what f did and is returned. f may be run more than once. If ctx ends before f starts, f is not run.
	Write(ctx context.Context, f func(ctx context.Context, tx Querier) error) error
	// Ping reports whether the database can be read and written.
	Ping(ctx context.Context) error
	// Close waits for what is under way and releases everything.
	Close() error
}

// Querier runs statements; it is what *sql.DB, *sql.Tx and *sql.Conn have in common.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// New returns the stores over an engine whose schema is up to date.
func New(e Engine, log *slog.Logger) *DB { return &DB{engine: e, dialect: e.Dialect(), log: log} }

// Ping reports whether the database can be read and written: readiness.
func (db *DB) Ping(ctx context.Context) error { return db.fault(db.engine.Ping(ctx)) }

// Close waits for transactions under way and closes the database. Later calls of stores fail.
func (db *DB) Close() error { return db.engine.Close() }
