//go:build unix

package file

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A pipe that nobody writes into would be waited for for ever.
func TestPipesAreNotRead(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "a.yaml")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Skip(err)
	}
	sources, err := Open(filepath.Dir(name))
	if err != nil {
		t.Fatal(err)
	}
	if _, problems := Load(sources, nil); len(problems) != 1 || !strings.Contains(problems[0].Message, "no file") {
		t.Error(problems)
	}
}
