// Package sqlitetest gives tests new databases. To make the schema takes longer than most tests do; so it is made once in a process, and
// each test gets a copy of the file.
package sqlitetest

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"gatehouse/internal/storage/sqlite"
)

// Path is the path of a new database for the time of a test, with its schema and nothing in it. It is to be opened with [sqlite.Open].
func Path(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "gatehouse.db")
	Make(tb, path)
	return path
}

// Make makes a new database at a path, whose directory must be there.
func Make(tb testing.TB, path string) {
	tb.Helper()
	file, err := empty()
	if err == nil {
		err = os.WriteFile(path, file, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// empty is the file of a database with its schema.
var empty = sync.OnceValues(func() (_ []byte, err error) {
	dir, err := os.MkdirTemp("", "sqlitetest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	path := filepath.Join(dir, "gatehouse.db")
	db, err := sqlite.Open(context.Background(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
