//go:build !unix

package sqlite

import "gatehouse/internal/fault"

// fileLock is never there.
type fileLock struct{}

// lockFile refuses: without a lock that ends with its process, two servers could write one database.
func lockFile(string) (*fileLock, error) {
	return nil, fault.New(fault.Unavailable, "the embedded database needs a Unix system (file locks); use PostgreSQL here")
}

func (*fileLock) release() error { return nil }
