package sqlstore

import (
	"context"
	"errors"
)

// DryRun calls f with stores that see what f changes and whose changes are all undone when f returns: to find out what would happen. It returns f's
// error.
//
// f has a transaction to itself. On SQLite that is the only one that writes, so f must be quick, must not write through other stores than those it is
// given, and must wait for nobody who does. On PostgreSQL it locks what it changes until it returns; where it would wait for others for long, its
// stores answer fault.Unavailable, so that it is never others who have to give way. f may be run again from the start.
func (db *DB) DryRun(ctx context.Context, f func(ctx context.Context, dry *DB) error) error {
	var failed error
	err := db.engine.Write(ctx, func(inner context.Context, tx Querier) error {
		if db.dialect.Yield != "" {
			if _, err := tx.ExecContext(inner, db.dialect.Yield); err != nil {
				return err
			}
		}
		return undone(inner, tx, func() { failed = f(inner, New(dryEngine{db.engine, tx}, db.log)) })
	})
	if err != nil {
		return db.fault(err)
	}
	return failed
}

// undone runs f and takes back what it did in the transaction, which can then be committed as if nothing had been: on SQLite, others share the commit.
func undone(ctx context.Context, tx Querier, f func()) error {
	if _, err := tx.ExecContext(ctx, "SAVEPOINT dry_run"); err != nil {
		return err
	}
	f()
	return back(ctx, tx, "dry_run")
}

// back undoes what was done since a savepoint, and forgets that.
func back(ctx context.Context, tx Querier, savepoint string) error {
	if _, err := tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT "+savepoint); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "RELEASE SAVEPOINT "+savepoint)
	return err
}

// dryEngine is an engine inside a transaction of another.
type dryEngine struct {
	Engine
	tx Querier
}

// Reader implements [Engine]. Reads see what was changed.
func (e dryEngine) Reader() Querier { return e.tx }

// Write implements [Engine]: f's changes stay if it succeeds, until the end of the dry run.
func (e dryEngine) Write(ctx context.Context, f func(context.Context, Querier) error) error {
	ctx = context.WithoutCancel(ctx) // as every transaction that has begun
	if _, err := e.tx.ExecContext(ctx, "SAVEPOINT dry_write"); err != nil {
		return err
	}
	if err := f(ctx, e.tx); err != nil {
		return errors.Join(err, back(ctx, e.tx, "dry_write"))
	}
	_, err := e.tx.ExecContext(ctx, "RELEASE SAVEPOINT dry_write")
	return err
}

// Close implements [Engine]. The database is not a dry run's to close.
func (e dryEngine) Close() error { return nil }
