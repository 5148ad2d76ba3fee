// Package model is what AWS's APIs look like, as data: one description per service (NAME.shapes) with its operations, structures, limits,
// patterns and errors, in a compact language of our own and without prose.
//
// tools/shapes makes Go from it, which is what the server runs on; the descriptions themselves are read by the generator and by tests that are
// made from them. Start reading at parse.go, which has the language.
package model

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed *.shapes
var files embed.FS

// Services names every service that is described, sorted.
func Services() []string {
	names, err := fs.Glob(files, "*.shapes")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for i, n := range names {
		names[i] = strings.TrimSuffix(n, ".shapes")
	}
	return names
}

// Read returns the description of a service.
func Read(service string) (*API, error) {
	text, err := files.ReadFile(service + ".shapes")
	if err != nil {
		return nil, fmt.Errorf("there is no description of %s", service)
	}
	a, err := Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", service, err)
	}
	return a, nil
}
