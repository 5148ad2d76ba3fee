package postgres

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"gatehouse/internal/storage/sqlstore"
)

var errStandby = errors.New("the server is a standby, which can only be read")

func dialect() sqlstore.Dialect {
	return sqlstore.Dialect{
		Name:      "postgres",
		Lock:      "FOR NO KEY UPDATE",
		Exclusive: "FOR UPDATE",
		Share:     "FOR KEY SHARE",
		Claim:     "FOR NO KEY UPDATE SKIP LOCKED",
		// Before deadlock_timeout, a second by default, makes anybody else a deadlock's victim. 55P03 is an outage: try again.
		Yield:     "SET LOCAL lock_timeout = '500ms'",
		List:      func(param string) string { return "(SELECT unnest(" + param + "::text[]))" },
		ListArg:   listArg,
		Unique:    func(err error) bool { return state(err) == "23505" },
		Reference: func(err error) bool { return state(err) == "23503" },
		Outage:    outage,
	}
}

// listArg: a nil slice would be NULL, and NOT IN (NULL) is never true.
func listArg(l []string) any {
	if l == nil {
		return []string{}
	}
	return l
}

func state(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// retry: serialization_failure and deadlock_detected, which undo the transaction and would succeed when run again.
func retry(err error) bool { return state(err) == "40001" || state(err) == "40P01" }

// outage: what may pass without anybody changing the request or the program (PostgreSQL manual, appendix A: classes 08
// connection, 53 resources, 57P shutdown, 25006 read-only after a fail-over, and what retrying did not help).
func outage(err error) bool {
	if s := state(err); s != "" {
		return retry(err) || s == "25006" || s == "55P03" || strings.HasPrefix(s, "08") || strings.HasPrefix(s, "53") || strings.HasPrefix(s, "57P")
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.Is(err, errStandby) || errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || pgconn.SafeToRetry(err)
}
