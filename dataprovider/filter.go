package dataprovider

import (
	"path"
	"slices"
	"strings"
)

// FileAllowed reports whether the name of a file passes the filters of the
// user. For suffixes and for patterns the nearest directory above the file that
// has an entry decides alone, and both must agree. name is absolute and clean;
// listings, stat and mkdir are not asked.
func (u *User) FileAllowed(name string) bool {
	lower := strings.ToLower(name)
	byExtension, ok := nearest(name, u.Filters.FileExtensions, func(f *ExtensionsFilter) string { return f.Path })
	if ok && !byExtension.allows(lower) {
		return false
	}
	byPattern, ok := nearest(name, u.Filters.FilePatterns, func(f *PatternsFilter) string { return f.Path })
	return !ok || byPattern.allows(path.Base(lower))
}

// FiltersBelow reports whether a directory strictly below name has a filter of
// its own.
func (u *User) FiltersBelow(name string) bool {
	return slices.ContainsFunc(u.Filters.FileExtensions, func(f ExtensionsFilter) bool { return below(name, f.Path) }) ||
		slices.ContainsFunc(u.Filters.FilePatterns, func(f PatternsFilter) bool { return below(name, f.Path) })
}

// HasFileFilters reports whether any file name could be refused.
func (u *User) HasFileFilters() bool {
	return len(u.Filters.FileExtensions) > 0 || len(u.Filters.FilePatterns) > 0
}

func nearest[F any](name string, filters []F, dirOf func(*F) string) (*F, bool) {
	if len(filters) == 0 {
		return nil, false
	}
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		for i := range filters {
			if dirOf(&filters[i]) == dir {
				return &filters[i], true
			}
		}
		if dir == "/" || dir == "." {
			return nil, false
		}
	}
}

func (f *ExtensionsFilter) allows(lowerName string) bool {
	hit := func(suffix string) bool { return strings.HasSuffix(lowerName, suffix) }
	if slices.ContainsFunc(f.DeniedExtensions, hit) {
		return false
	}
	return len(f.AllowedExtensions) == 0 || slices.ContainsFunc(f.AllowedExtensions, hit)
}

func (f *PatternsFilter) allows(lowerBase string) bool {
	for _, pattern := range f.DeniedPatterns {
		// A pattern that cannot be read protects something nobody can name.
		if hit, err := path.Match(pattern, lowerBase); hit || err != nil {
			return false
		}
	}
	return len(f.AllowedPatterns) == 0 || slices.ContainsFunc(f.AllowedPatterns, func(pattern string) bool {
		hit, err := path.Match(pattern, lowerBase)
		return hit && err == nil
	})
}
