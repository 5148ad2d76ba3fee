//go:build !unix

package sqlite

import (
	"os"

	"gatehouse/internal/fault"
)

// lockFile refuses: without a lock that ends with its process, two servers could write one database.
func lockFile(string) (*os.File, error) {
	return nil, fault.New(fault.Unavailable, "the embedded database needs a Unix system (file locks); use PostgreSQL here")
}
