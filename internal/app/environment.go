package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
)

// Environment is what `gatehouse env` prints: names and values, among them an access key. It lies in the data
// directory, mode 0600.
type Environment map[string]string

const environmentFile = "environment.json"

// ReadEnvironment reads what a server left in its data directory.
func ReadEnvironment(data string) (Environment, error) {
	b, err := os.ReadFile(filepath.Join(data, environmentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no %s; start `gatehouse serve` or `gatehouse demo` with this --data first", data, environmentFile)
	}
	if err != nil {
		return nil, err
	}
	var e Environment
	if err := json.Unmarshal(b, &e); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(data, environmentFile), err)
	}
	return e, nil
}

// Write puts e into the data directory, whole or not at all.
func (e Environment) Write(data string) error {
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(data, environmentFile), append(b, '\n'))
}

// WriteFile replaces a file of mode 0600, whole or not at all.
func WriteFile(path string, b []byte) error {
	return renameio.WriteFile(path, b, 0o600, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(0o600))
}

// Exports returns one "export NAME='value'" line per entry, by name, for a POSIX shell.
func (e Environment) Exports() string {
	names := make([]string, 0, len(e))
	for n := range e {
		names = append(names, n)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, "export %s='%s'\n", n, strings.ReplaceAll(e[n], "'", `'\''`))
	}
	return b.String()
}
