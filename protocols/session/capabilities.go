package session

import "sftpgo/vfs"

// Capabilities is what the storage of a session can do beyond files and
// directories. A protocol advertises by it.
type Capabilities struct {
	Symlinks  bool // Symlink and Readlink
	HardLinks bool // Link
	Attrs     bool // SetAttrs of more than the size
	LinkAttrs bool // SetLinkAttrs
	Space     bool // Space, if no quota answers it
	Sync      bool // Transfer.Sync
}

// Capabilities tells what the storage behind the session can do, whatever its user
// may.
func (s *Session) Capabilities() Capabilities {
	var c Capabilities
	_, c.Symlinks = vfs.As[vfs.Linker](s.fs)
	_, c.HardLinks = vfs.As[vfs.HardLinker](s.fs)
	_, c.Attrs = vfs.As[vfs.AttrSetter](s.fs)
	_, c.LinkAttrs = vfs.As[vfs.LinkAttrSetter](s.fs)
	_, c.Space = vfs.As[vfs.Measurer](s.fs)
	c.Space = c.Space || s.account.quota.limited()
	if d, ok := vfs.As[vfs.Durable](s.fs); ok {
		c.Sync = d.Durable()
	}
	return c
}
