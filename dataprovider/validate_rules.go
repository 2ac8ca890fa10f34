package dataprovider

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// preparedPermissions cleans the directories, lets "*" swallow the rest of a
// list and drops duplicates.
func preparedPermissions(f *faults, in map[string][]string) map[string][]string {
	if len(in) == 0 {
		f.add("permissions", `required; {"/":["*"]} allows everything`)
		return nil
	}
	out := make(map[string][]string, len(in))
	for _, key := range slices.Sorted(maps.Keys(in)) {
		jsonPath := fmt.Sprintf("permissions[%q]", key)
		dir, err := cleanDir(key)
		switch {
		case err != nil:
			f.add(jsonPath, "%w", err)
		case dir == "/" && key != "/":
			f.add(jsonPath, `write the root as "/"`)
		case out[dir] != nil:
			f.add(jsonPath, "%q is already there in another spelling", dir)
		}
		out[dir] = preparedPermissionList(f, jsonPath, in[key])
	}
	if len(in["/"]) == 0 {
		f.add(`permissions["/"]`, "required and not empty")
	}
	return out
}

// preparedPermissionList is never nil: an empty list allows nothing and is
// written as such.
func preparedPermissionList(f *faults, jsonPath string, in []string) []string {
	out := []string{}
	for i, perm := range in {
		if !slices.Contains(Permissions(), perm) {
			f.add(fmt.Sprintf("%s[%d]", jsonPath, i), "%q is unknown; known are %s", perm, strings.Join(Permissions(), " "))
		}
		if !slices.Contains(out, perm) {
			out = append(out, perm)
		}
	}
	if slices.Contains(out, PermAny) {
		return []string{PermAny}
	}
	return out
}

// cleanDir returns the form in which rules are looked up.
func cleanDir(dir string) (string, error) {
	if !path.IsAbs(dir) {
		return dir, fmt.Errorf("%q is not an absolute path", dir)
	}
	if strings.ContainsRune(dir, 0) || !utf8.ValidString(dir) {
		return dir, fmt.Errorf("%q is not a path", dir)
	}
	return path.Clean(dir), nil
}

// The values of UserFilters.TLSUsername; empty is TLSUsernameNone.
const (
	TLSUsernameNone       = "None"
	TLSUsernameCommonName = "CommonName" // that of a client certificate is the username
)

func (u UserFilters) prepared(f *faults) UserFilters {
	u.AllowedIP = preparedNetworks(f, "filters.allowed_ip", u.AllowedIP)
	u.DeniedIP = preparedNetworks(f, "filters.denied_ip", u.DeniedIP)
	u.DeniedLoginMethods = preparedSubset(f, "filters.denied_login_methods", u.DeniedLoginMethods, loginMethods())
	u.DeniedProtocols = preparedSubset(f, "filters.denied_protocols", u.DeniedProtocols,
		[]string{ProtocolSSH, ProtocolFTP, ProtocolDAV, ProtocolHTTP})
	u.FileExtensions = preparedExtensions(f, u.FileExtensions)
	u.FilePatterns = preparedPatterns(f, u.FilePatterns)
	switch u.TLSUsername {
	case "", TLSUsernameNone, TLSUsernameCommonName:
	default:
		f.add("filters.tls_username", "%q is not None or CommonName", u.TLSUsername)
	}
	return u
}

func loginMethods() []string {
	return []string{
		LoginPublicKey, LoginPassword, LoginKeyboardInteractive, LoginKeyAndPassword, LoginKeyAndKeyboard,
		LoginTLSCertificate, LoginTLSAndPassword,
	}
}

func preparedNetworks(f *faults, key string, in []string) []string {
	var out []string
	for i, cidr := range in {
		cidr = strings.TrimSpace(cidr)
		if _, err := parseNetwork(cidr); err != nil {
			f.add(fmt.Sprintf("%s[%d]", key, i), "%q is not in CIDR notation, such as 192.0.2.0/24 or 192.0.2.1/32", cidr)
		}
		if !slices.Contains(out, cidr) {
			out = append(out, cidr)
		}
	}
	return out
}

// preparedSubset takes names out of all, but never all of them.
func preparedSubset(f *faults, key string, in, all []string) []string {
	var out []string
	for i, name := range in {
		if !slices.Contains(all, name) {
			f.add(fmt.Sprintf("%s[%d]", key, i), "%q is unknown; known are %s", name, strings.Join(all, " "))
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	if len(out) >= len(all) {
		f.add(key, "all are denied; use status 0 to disable the account")
	}
	return out
}

func preparedExtensions(f *faults, in []ExtensionsFilter) []ExtensionsFilter {
	const key = "filters.file_extensions"
	var out []ExtensionsFilter
	for i, e := range in {
		at := fmt.Sprintf("%s[%d]", key, i)
		e.Path = preparedFilterDir(f, at, e.Path)
		e.AllowedExtensions = preparedNames(f, at+".allowed_extensions", e.AllowedExtensions)
		e.DeniedExtensions = preparedNames(f, at+".denied_extensions", e.DeniedExtensions)
		if len(e.AllowedExtensions)+len(e.DeniedExtensions) == 0 {
			f.add(at, "allowed_extensions or denied_extensions is required")
		}
		if slices.ContainsFunc(out, func(o ExtensionsFilter) bool { return o.Path == e.Path }) {
			f.add(at+".path", "%q has an entry already", e.Path)
		}
		out = append(out, e)
	}
	return out
}

func preparedPatterns(f *faults, in []PatternsFilter) []PatternsFilter {
	const key = "filters.file_patterns"
	var out []PatternsFilter
	for i, p := range in {
		at := fmt.Sprintf("%s[%d]", key, i)
		p.Path = preparedFilterDir(f, at, p.Path)
		checkPatterns(f, at+".allowed_patterns", p.AllowedPatterns)
		checkPatterns(f, at+".denied_patterns", p.DeniedPatterns)
		p.AllowedPatterns = preparedNames(f, at+".allowed_patterns", p.AllowedPatterns)
		p.DeniedPatterns = preparedNames(f, at+".denied_patterns", p.DeniedPatterns)
		if len(p.AllowedPatterns)+len(p.DeniedPatterns) == 0 {
			f.add(at, "allowed_patterns or denied_patterns is required")
		}
		if slices.ContainsFunc(out, func(o PatternsFilter) bool { return o.Path == p.Path }) {
			f.add(at+".path", "%q has an entry already", p.Path)
		}
		out = append(out, p)
	}
	return out
}

func preparedFilterDir(f *faults, at, dir string) string {
	clean, err := cleanDir(dir)
	if err != nil {
		f.add(at+".path", "%w", err)
	}
	return clean
}

// preparedNames lower-cases, because filters are matched that way, and drops
// duplicates.
func preparedNames(f *faults, key string, in []string) []string {
	var out []string
	for i, name := range in {
		if name = strings.ToLower(name); name == "" {
			f.add(fmt.Sprintf("%s[%d]", key, i), "empty")
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func checkPatterns(f *faults, key string, patterns []string) {
	for i, pattern := range patterns {
		if _, err := path.Match(pattern, "x"); err != nil {
			f.add(fmt.Sprintf("%s[%d]", key, i), "%q is not a valid pattern", pattern)
		}
	}
}
