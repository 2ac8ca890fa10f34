package main

import (
	"runtime/debug"
	"strings"
)

// The linker sets these (-X main.version=...); nothing else writes them.
var (
	version = "0.1.0-dev"
	commit  = ""
)

// build tells what was compiled, when, with what.
type build struct {
	version  string
	commit   string // empty if unknown
	date     string // of the commit, RFC 3339; empty if unknown
	features []feature
}

// feature is a part that a build may lack.
type feature struct {
	name string
	in   bool
}

// thisBuild fills in from the Go toolchain what the linker was not told.
func thisBuild() build {
	b := build{version: version, commit: commit, features: features()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			if b.commit == "" {
				b.commit = s.Value[:min(8, len(s.Value))]
			}
		case "vcs.time":
			b.date = s.Value
		}
	}
	return b
}

// String is what --version prints: the form that scripts take apart.
func (b build) String() string {
	var out strings.Builder
	out.WriteString("SFTPGo " + b.version)
	if b.commit != "" && !strings.Contains(b.version, b.commit) {
		out.WriteString("-" + b.commit)
	}
	if b.date != "" {
		out.WriteString("-" + b.date)
	}
	for _, f := range b.features {
		sign := " -"
		if f.in {
			sign = " +"
		}
		out.WriteString(sign + f.name)
	}
	return out.String()
}

func features() []feature {
	return []feature{
		{"portable", false},
		{"metrics", true},
		{"bolt", false},
		{"mysql", false},
		{"pgsql", false},
		{"sqlite", true},
		{"s3", false},
		{"gcs", false},
		{"azblob", false},
		{"awskms", false},
		{"gcpkms", false},
		{"vaultkms", false},
	}
}
