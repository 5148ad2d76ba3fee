package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// readers runs reads on the read-only pool, preparing every query once. The queries are constants or come in a
// few sizes, so what is kept is bounded.
//
// A read whose context has ended is not begun; one that has begun is finished. Every query seeks an index and has a limit, so that is
// a matter of microseconds, while database/sql and the driver would each start a goroutine to watch a context that can end:
// more than the read itself costs.
type readers struct {
	db    *sql.DB
	stmts sync.Map // query → *sql.Stmt
}

func (r *readers) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := r.stmts.Load(query); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := r.db.PrepareContext(ctx, positional(query))
	if err != nil {
		return nil, err
	}
	if other, lost := r.stmts.LoadOrStore(query, s); lost {
		return other.(*sql.Stmt), s.Close()
	}
	return s, nil
}

// ExecContext refuses: the connections are read-only anyway.
func (r *readers) ExecContext(context.Context, string, ...any) (sql.Result, error) {
	return nil, errors.New("a write outside of a transaction")
}

// QueryContext implements [sqlstore.Querier].
func (r *readers) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	s, err := r.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// QueryRowContext implements [sqlstore.Querier].
func (r *readers) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if ctx.Err() != nil {
		return r.db.QueryRowContext(ctx, query, args...) // gives the context's error inside the row
	}
	ctx = context.WithoutCancel(ctx)
	s, err := r.prepared(ctx, query)
	if err != nil {
		return r.db.QueryRowContext(ctx, query, args...) // gives the same error inside the row
	}
	return s.QueryRowContext(ctx, args...)
}

func (r *readers) close() error {
	var errs []error
	r.stmts.Range(func(_, s any) bool {
		errs = append(errs, s.(*sql.Stmt).Close())
		return true
	})
	return errors.Join(append(errs, r.db.Close())...)
}
