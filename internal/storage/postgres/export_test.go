package postgres

import (
	"database/sql"
	"log/slog"

	"gatehouse/internal/storage/sqlstore"
)

// NewEngine is the engine over an open pool, for tests of how it runs transactions.
func NewEngine(db *sql.DB) sqlstore.Engine {
	return &engine{db: db, log: slog.New(slog.DiscardHandler)}
}
