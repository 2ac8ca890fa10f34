// Package docs carries the parts of the manual that the binary can print.
package docs

import _ "embed"

// Configuration is the reference of the configuration, in Markdown.
//
//go:embed configuration.md
var Configuration string
