package sqlite_test

import (
	"path/filepath"
	"testing"

	"gatehouse/internal/storage/sqlstore"
	"gatehouse/internal/storage/storagetest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(tb testing.TB) *sqlstore.DB { return openAt(tb, filepath.Join(tb.TempDir(), "gatehouse.db")) })
}
