package session

import "sftpgo/dataprovider"

// Rights are the permissions that hold in a directory, for listings that show
// what a client may do. Every operation checks for itself.
type Rights struct {
	List, Download, Upload, Overwrite, Delete, Rename, CreateDirs bool
}

// somewhere reports whether there is a directory for which the user has a permission.
func (s *Session) somewhere(perm string) bool {
	for dir := range s.user.Permissions {
		if s.user.Allows(perm, dir) {
			return true
		}
	}
	return false
}

// Rights returns what the user may do in the directory name: with what is listed
// there, and what may be added. A name that is not valid has none.
func (s *Session) Rights(name string) Rights {
	dir, err := parse("rights", name)
	if err != nil {
		return Rights{}
	}
	real := dir
	if !s.uniform {
		real = s.behind(s.ctx, dir)
	}
	may := func(perm string) bool { return s.user.Allows(perm, dir) && s.user.Allows(perm, real) }
	return Rights{
		List:       may(dataprovider.PermList),
		Download:   may(dataprovider.PermDownload),
		Upload:     may(dataprovider.PermUpload),
		Overwrite:  may(dataprovider.PermOverwrite),
		Delete:     may(dataprovider.PermDelete),
		Rename:     may(dataprovider.PermRename),
		CreateDirs: may(dataprovider.PermCreateDirs),
	}
}
