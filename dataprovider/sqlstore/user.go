package sqlstore

import (
	"maps"
	"slices"

	"sftpgo/dataprovider"
)

func userTable(s *Store) *table[dataprovider.User] {
	return &table[dataprovider.User]{
		store: s, kind: "user", table: "users",
		name:  func(u *dataprovider.User) string { return u.Username },
		setID: func(u *dataprovider.User, id int64) { u.ID = id },
		stored: func(u dataprovider.User) dataprovider.User {
			return u.WithUsage(dataprovider.UsageRecord{}) // counted elsewhere
		},
		clone: cloneUser,
		// A new user inherits nothing from one of the same name.
		replaced: func(t *tx, name string) error {
			if _, err := t.exec("DELETE FROM usage WHERE owner = ?", name); err != nil {
				return err
			}
			if err := t.dropLocksOf(name); err != nil {
				return err
			}
			if err := t.dropUploadsOf(name); err != nil {
				return err
			}
			return t.disown(name)
		},
	}
}

// cloneUser copies whatever a record refers to.
func cloneUser(u dataprovider.User) dataprovider.User {
	u.PublicKeys = slices.Clone(u.PublicKeys)
	u.VirtualFolders = slices.Clone(u.VirtualFolders)
	for i := range u.VirtualFolders {
		f := &u.VirtualFolders[i]
		f.Users = slices.Clone(f.Users)
	}
	u.Permissions = maps.Clone(u.Permissions)
	for dir, list := range u.Permissions {
		u.Permissions[dir] = slices.Clone(list)
	}
	f := &u.Filters
	for _, list := range []*[]string{&f.AllowedIP, &f.DeniedIP, &f.DeniedLoginMethods, &f.DeniedProtocols} {
		*list = slices.Clone(*list)
	}
	sftp := &u.Filesystem.SFTP
	sftp.Fingerprints = slices.Clone(sftp.Fingerprints)
	f.FileExtensions = slices.Clone(f.FileExtensions)
	for i := range f.FileExtensions {
		e := &f.FileExtensions[i]
		e.AllowedExtensions, e.DeniedExtensions = slices.Clone(e.AllowedExtensions), slices.Clone(e.DeniedExtensions)
	}
	f.FilePatterns = slices.Clone(f.FilePatterns)
	for i := range f.FilePatterns {
		p := &f.FilePatterns[i]
		p.AllowedPatterns, p.DeniedPatterns = slices.Clone(p.AllowedPatterns), slices.Clone(p.DeniedPatterns)
	}
	return u
}
