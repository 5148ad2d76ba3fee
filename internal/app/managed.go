package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// managedPolicies is the catalogue of AWS managed policies: those built in, and over them what a directory holds. The error lists every fault of
// the directory, a line each, so that nothing is found out one by one.
func managedPolicies(dir string) (*policy.Catalogue, error) {
	if dir == "" {
		return policy.Builtin(), nil
	}
	root, err := os.OpenRoot(dir) // a link out of it is not followed
	if err != nil {
		return nil, fmt.Errorf("managed_policies: %w", err)
	}
	defer root.Close()
	var found []*policy.ManagedPolicy
	var faults []error
	names := map[string]string{}
	err = fs.WalkDir(root.FS(), ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, ours := strings.CutSuffix(entry.Name(), ".json")
		if entry.IsDir() || !ours {
			return nil
		}
		m, err := managedPolicy(root, file, name)
		if err == nil && names[strings.ToLower(name)] != "" {
			err = fmt.Errorf("%s has the same name; names are told apart by more than their paths and their case", names[strings.ToLower(name)])
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("managed_policies: %s: %s", path.Join(dir, file), told(err)))
			return nil
		}
		names[strings.ToLower(name)] = file
		found = append(found, m)
		return nil
	})
	if err != nil {
		faults = append(faults, fmt.Errorf("managed_policies: %w", err))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return policy.Builtin().With(found...), nil
}

// told is a fault's message, or an error of the file system.
func told(err error) string {
	if f := fault.Of(err); f.Kind != fault.Internal {
		return f.Message
	}
	return err.Error()
}

func managedPolicy(root *os.Root, file, name string) (*policy.ManagedPolicy, error) {
	f, err := root.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() > policy.MaxBytes {
		return nil, fmt.Errorf("larger than %d bytes, or unreadable", policy.MaxBytes)
	}
	document, err := root.ReadFile(file)
	if err != nil {
		return nil, err
	}
	where := "/"
	if dir := path.Dir(file); dir != "." {
		where = "/" + dir + "/"
	}
	return policy.NewManaged(where, name, document)
}
