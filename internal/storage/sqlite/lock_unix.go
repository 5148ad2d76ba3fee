//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"gatehouse/internal/fault"
)

// fileLock is the lock that says who has the database.
type fileLock struct{ file *os.File }

// lockFile takes the lock. The kernel drops it when the process ends, however it
// ends; the file stays, because removing it would let two processes lock two files of one name.
func lockFile(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the database's lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fault.New(fault.Conflict, "another process is using the data directory %s; stop it, or choose another directory", filepath.Dir(path)).For("locked")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &fileLock{f}, nil
}

// release gives the lock up, so that it can be taken at once. To close the file would not do: the lock belongs to what was opened, and
// a child process that has been forked and does not yet run its program holds that open too.
func (l *fileLock) release() error {
	return errors.Join(syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN), l.file.Close())
}
