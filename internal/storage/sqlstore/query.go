package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// conn runs queries for one call of a store method. It carries that call's context and does not outlive it.
type conn struct {
	ctx context.Context
	q   Querier
	db  *DB
}

// row is one row to scan.
type row interface{ Scan(dest ...any) error }

// tail scans the first columns of a row into dest, and leaves the others to whoever scans what it returns.
func tail(r row, first ...any) row { return rest{r, first} }

type rest struct {
	row
	first []any
}

// Scan implements row.
func (r rest) Scan(dest ...any) error { return r.row.Scan(slices.Concat(r.first, dest)...) }

// list is a parameter for {list $n}.
type list []string

func (db *DB) read(ctx context.Context) conn { return conn{ctx, db.engine.Reader(), db} }

// change runs f in a transaction that also writes e.
func (db *DB) change(ctx context.Context, e audit.Event, f func(c conn) error) error {
	ev, err := eventRow(e)
	if err != nil {
		return err
	}
	return db.write(ctx, func(c conn) error {
		if err := f(c); err != nil {
			return err
		}
		return c.insertEvent(ev)
	})
}

// changeEach is change with several events.
func (db *DB) changeEach(ctx context.Context, es []audit.Event, f func(c conn) error) error {
	evs := make([]preparedEvent, len(es))
	for i, e := range es {
		var err error
		if evs[i], err = eventRow(e); err != nil {
			return err
		}
	}
	return db.write(ctx, func(c conn) error {
		if err := f(c); err != nil {
			return err
		}
		return c.insertEvents(evs)
	})
}

// write runs f in a transaction that writes no event.
func (db *DB) write(ctx context.Context, f func(c conn) error) error {
	return db.fault(db.engine.Write(ctx, func(ctx context.Context, tx Querier) error { return f(conn{ctx, tx, db}) }))
}

// exec runs a statement and returns how many rows it changed.
func (c conn) exec(query string, args ...any) (int64, error) {
	if err := c.bind(args); err != nil {
		return 0, err
	}
	res, err := c.q.ExecContext(c.ctx, c.db.text(query), args...)
	if err != nil {
		return 0, c.db.failed(query, err)
	}
	return res.RowsAffected()
}

// run is exec for statements whose row count says nothing.
func (c conn) run(query string, args ...any) error {
	_, err := c.exec(query, args...)
	return err
}

// one returns the first row of a query; sql.ErrNoRows when there is none.
func one[T any](c conn, scan func(row) (T, error), query string, args ...any) (T, error) {
	if err := c.bind(args); err != nil {
		var none T
		return none, err
	}
	v, err := scan(c.q.QueryRowContext(c.ctx, c.db.text(query), args...))
	return v, c.db.failed(query, err)
}

// all returns the rows of a query.
func all[T any](c conn, scan func(row) (T, error), query string, args ...any) (_ []T, err error) {
	if err := c.bind(args); err != nil {
		return nil, err
	}
	rows, err := c.q.QueryContext(c.ctx, c.db.text(query), args...)
	if err != nil {
		return nil, c.db.failed(query, err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, c.db.failed(query, err)
		}
		out = append(out, v)
	}
	return out, c.db.failed(query, rows.Err())
}

// column scans a row of one column.
func column[T any](r row) (T, error) {
	var v T
	err := r.Scan(&v)
	return v, err
}

// bind turns arguments into what both drivers take. Text that PostgreSQL would refuse is refused on every engine, so that
// a hostile byte gives the same answer everywhere.
func (c conn) bind(args []any) error {
	for i, a := range args {
		switch v := a.(type) {
		case string:
			if !storable(v) {
				return unstorable()
			}
		case time.Time:
			args[i] = v.UnixMicro()
		case bool:
			args[i] = int64(0)
			if v {
				args[i] = int64(1)
			}
		case list:
			if slices.ContainsFunc(v, func(s string) bool { return !storable(s) }) {
				return unstorable()
			}
			args[i] = c.db.dialect.ListArg(v)
		}
	}
	return nil
}

func storable(s string) bool { return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) }

func unstorable() error {
	return fault.New(fault.Invalid, "text must be UTF-8 without NUL characters")
}

// into scans microseconds into a time.
func into(t *time.Time) instant { return instant{t} }

type instant struct{ t *time.Time }

// Scan implements sql.Scanner.
func (i instant) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T", src)
	}
	*i.t = moment(n)
	return nil
}

// moment is the time of a number of microseconds since 1970, in UTC. The zero time comes back as the zero time.
func moment(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
