// Package web holds the page: the built files of this folder, ready to be served.
//
// In a fresh clone only a placeholder is embedded; `make web` builds the page.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Dist is the built page, rooted so that "index.html" is its first file. Beside a text file stand its copies packed by gzip and
// Brotli, with .gz and .br appended to the name. Files under "assets/" have the hash of their content in their name.
var Dist fs.FS = rooted()

func rooted() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is a constant and valid
	}
	return sub
}
