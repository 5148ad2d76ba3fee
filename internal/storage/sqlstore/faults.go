package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"gatehouse/internal/fault"
)

// failed adds the query to an error that is not a fault. Arguments are left out: they may be personal.
func (db *DB) failed(query string, err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return fmt.Errorf("%w (in: %s)", err, strings.Join(strings.Fields(query), " "))
}

// fault gives an error that leaves the package its kind.
func (db *DB) fault(err error) error {
	var f *fault.Fault
	switch {
	case err == nil || errors.As(err, &f):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.Unavailable, "the request ended before the database answered").Because(err)
	case db.dialect.Outage(err):
		return fault.New(fault.Unavailable, "the database is not available at the moment; try again").Because(err)
	}
	return fault.New(fault.Internal, "database").Because(err)
}

// lookup makes sql.ErrNoRows a NotFound fault about the resource, and any other error a fault.
func (db *DB) lookup(err error, resource, id string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return missing(resource, id)
	}
	return db.fault(err)
}

func missing(resource, id string) error {
	return fault.New(fault.NotFound, "there is no such %s", noun(resource)).About(resource, id)
}

// noun is how a resource is called in a sentence.
func noun(resource string) string { return strings.ToLower(strings.ReplaceAll(resource, "_", " ")) }

func conflict(reason, format string, args ...any) *fault.Fault {
	return fault.New(fault.Conflict, format, args...).For(reason)
}

func stale(resource, id string) error {
	return conflict("version", "it was changed in the meantime; read it again").About(resource, id)
}
