package actions

import (
	"path"
	"slices"
	"strings"
)

// pass reports whether no filter leaves the event out.
func (f HookFilters) pass(e *Event) bool {
	return f.Reason(e) == ""
}

// Reason names the filter that leaves an event out; empty: none does.
func (f HookFilters) Reason(e *Event) string {
	switch {
	case len(f.Protocols) > 0 && !slices.Contains(f.Protocols, e.Session.Protocol):
		return "protocols"
	case len(f.Users) > 0 && !matchesUser(f.Users, e.Session.User):
		return "users"
	case len(f.Paths) > 0 && !matchesPath(f.Paths, e.Object.Name) && !matchesPath(f.Paths, e.Object.Target) &&
		!matchesPath(f.Paths, e.Object.Behind):
		return "paths"
	case e.Result.Size < f.MinSize && hasSize(e.Kind):
		return "min_size"
	case f.OnlyFailures && e.Result.Status == StatusOK && !e.Kind.Question():
		return "only_failures"
	}
	return ""
}

func hasSize(k Kind) bool {
	switch k {
	case UploadDone, UploadFailed, UploadPart, DownloadDone, DeleteDone, CopyDone, UploadVerify, DownloadCheck, DeleteCheck:
		return true
	}
	return false
}

// matchesUser compares whole names. A name of a user may have a slash in it, which
// is a letter like any other.
func matchesUser(patterns []string, user string) bool {
	plain := func(s string) string { return strings.ReplaceAll(s, "/", "\x00") }
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, _ := path.Match(plain(p), plain(user)) // Validate has seen the pattern
		return ok
	})
}

func matchesPath(patterns []string, name string) bool {
	if name == "" {
		return false
	}
	return slices.ContainsFunc(patterns, func(p string) bool {
		if !strings.Contains(p, "/") {
			ok, _ := path.Match(p, path.Base(name)) // Validate has seen the pattern
			return ok
		}
		return matchParts(strings.Split(strings.Trim(p, "/"), "/"), strings.Split(strings.Trim(name, "/"), "/"))
	})
}

// matchParts compares part by part; a part ** of the pattern stands for any number
// of parts, none included. It remembers the last ** only: if the rest fits behind
// a longer stretch of it, it need not go back to an earlier one. So the time is
// bounded by the product of the lengths, whatever a client names its files.
func matchParts(pattern, name []string) bool {
	i, k := 0, 0
	star, mark := -1, 0
	for k < len(name) {
		switch {
		case i < len(pattern) && pattern[i] == "**":
			star, mark = i, k
			i++
		case i < len(pattern) && matchPart(pattern[i], name[k]):
			i, k = i+1, k+1
		case star >= 0:
			mark++
			i, k = star+1, mark
		default:
			return false
		}
	}
	for i < len(pattern) && pattern[i] == "**" {
		i++
	}
	return i == len(pattern)
}

func matchPart(pattern, part string) bool {
	ok, _ := path.Match(pattern, part) // Validate has seen the pattern
	return ok
}
