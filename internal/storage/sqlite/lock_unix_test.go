//go:build unix

package sqlite

import (
	"path/filepath"
	"syscall"
	"testing"

	"gatehouse/internal/fault"
)

// TestAReleasedLockCanBeTaken keeps a second descriptor of the lock, as a child process has for a moment after the fork.
func TestAReleasedLockCanBeTaken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	first, err := lockFile(path)
	if err != nil {
		t.Fatal(err)
	}
	childs, err := syscall.Dup(int(first.file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Close(childs); err != nil {
			t.Error(err)
		}
	}()
	if _, err := lockFile(path); fault.Of(err) == nil || fault.Of(err).Reason != "locked" {
		t.Errorf("taken twice: got %v, want locked", err)
	}
	if err := first.release(); err != nil {
		t.Fatal(err)
	}
	second, err := lockFile(path)
	if err != nil {
		t.Fatalf("taken after its release: %v", err)
	}
	if err := second.release(); err != nil {
		t.Error(err)
	}
}
