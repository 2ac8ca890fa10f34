package dataprovider

import (
	"path"
	"slices"
	"strings"
)

// Allows reports whether the rules grant perm on name. The lookup walks up from
// name itself to "/"; the first directory with an entry of its own decides
// alone, nothing is inherited from the directories above it. Files are looked
// up as if they were directories, so a caller whose rule speaks of the parent
// passes the parent. name is absolute and clean.
func (u *User) Allows(perm, name string) bool {
	for dir := name; ; dir = path.Dir(dir) {
		if perms, ok := u.Permissions[dir]; ok {
			return slices.Contains(perms, PermAny) || slices.Contains(perms, perm)
		}
		if dir == "/" || dir == "." {
			return false
		}
	}
}

// PermissionsBelow reports whether a directory strictly below name has an entry
// of its own, so that one lookup does not speak for the whole tree.
func (u *User) PermissionsBelow(name string) bool {
	for dir := range u.Permissions {
		if below(name, dir) {
			return true
		}
	}
	return false
}

// below reports whether name is strictly below dir. Both are clean.
func below(dir, name string) bool {
	if dir == "/" {
		return name != "/"
	}
	return len(name) > len(dir) && name[len(dir)] == '/' && strings.HasPrefix(name, dir)
}
