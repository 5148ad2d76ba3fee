// Package web carries the access portal: the pages that a browser shows under /start.
//
// # What is where
//
// The portal's source (React, TypeScript) is in this directory and built into dist by `npm run build`. dist is not
// kept in the repository, only an empty file that holds its place, so that the program compiles without Node; it
// then serves placeholder/index.html, which says how to build the portal.
//
// # What this package owns
//
// Files and how they are cached, nothing else. Who is signed in, and what they may see, is decided behind /api/v1:
// the pages are the same bytes for everybody and hold no secret. Sign-in, device approval and the console of an
// embedded account are pages of the server, and `HEAD /start` is answered before a request comes here.
//
// Start reading at Handler.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

//go:embed placeholder
var placeholder embed.FS

// Assets returns the files of the portal with index.html at the root: the built portal where there is one, else the
// placeholder page. The answer is fixed when the program is compiled.
func Assets() fs.FS {
	if built, err := fs.Sub(dist, "dist"); err == nil {
		if _, err := fs.Stat(built, "index.html"); err == nil {
			return built
		}
	}
	page, err := fs.Sub(placeholder, "placeholder")
	if err != nil {
		panic("web: cannot happen: the name of the embedded directory is a constant: " + err.Error())
	}
	return page
}
