package localfs

import "io/fs"

// info is a FileInfo under the name that was asked for, with the identity of
// the object.
type info struct {
	fs.FileInfo
	name string
	id   string
}

// Name returns the base of the name that was asked for: not that of the file
// behind a link, not that of a staged upload.
func (i *info) Name() string { return i.name }

// FileID returns what stays the same through a rename and differs for a new
// file of the same name; "" where the operating system has nothing like that.
func (i *info) FileID() string { return i.id }
