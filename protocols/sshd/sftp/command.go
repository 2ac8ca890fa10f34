package sftp

import (
	"io/fs"
	"math"
	"time"

	"github.com/pkg/sftp"

	"sftpgo/vfs"
)

// Filecmd carries out the requests that answer with a status only.
func (h *handlers) Filecmd(r *sftp.Request) (err error) {
	defer h.guard(r.Method, r.Filepath, &err)
	ctx := h.s.Context()
	switch r.Method {
	case "Setstat":
		a, err := attrs(r)
		if err != nil {
			return err
		}
		return h.s.SetAttrs(ctx, r.Filepath, a)
	case "Rename":
		// draft 02, 6.5: "It is an error if there already exists a file with the
		// name specified by newpath."
		return h.s.RenameNew(ctx, r.Filepath, r.Target)
	case "Rmdir":
		return h.s.Rmdir(ctx, r.Filepath)
	case "Mkdir":
		return h.s.Mkdir(ctx, r.Filepath)
	case "Remove":
		return h.s.Remove(ctx, r.Filepath)
	case "Symlink":
		// Filepath is the text of the link as sent, Target the link itself: the
		// order of OpenSSH, which is not that of the draft.
		return h.s.Symlink(ctx, r.Filepath, r.Target)
	}
	return vfs.ErrUnsupported
}

// PosixRename is posix-rename@openssh.com: an existing file is replaced.
func (h *handlers) PosixRename(r *sftp.Request) (err error) {
	defer h.guard(r.Method, r.Filepath, &err)
	return h.s.Rename(h.s.Context(), r.Filepath, r.Target)
}

// StatVFS is statvfs@openssh.com.
func (h *handlers) StatVFS(r *sftp.Request) (_ *sftp.StatVFS, err error) {
	defer h.guard(r.Method, r.Filepath, &err)
	sp, err := h.s.Space(h.s.Context(), r.Filepath)
	if err != nil {
		return nil, err
	}
	block := max(sp.BlockSize, 1)
	return &sftp.StatVFS{
		Bsize: block, Frsize: block,
		Blocks: sp.Total / block, Bfree: sp.Free / block, Bavail: sp.Avail / block,
		Files: sp.Files, Ffree: sp.FilesFree, Favail: sp.FilesAvail,
		Namemax: sp.NameMax,
	}, nil
}

// attrs returns all attributes of a SETSTAT or FSETSTAT. Mode bits above 0777
// are dropped: a client never makes a setuid file.
func attrs(r *sftp.Request) (vfs.Attrs, error) {
	var a vfs.Attrs
	st := r.Attributes()
	if st == nil {
		return a, errBadMessage
	}
	has := r.AttrFlags()
	if has.Size {
		if st.Size > math.MaxInt64 {
			return a, errBadMessage
		}
		a.Size = new(int64(st.Size))
	}
	if has.UidGid {
		a.UID, a.GID = new(owner(st.UID)), new(owner(st.GID))
	}
	if has.Permissions {
		a.Mode = new(fs.FileMode(st.Mode & 0o777))
	}
	if has.Acmodtime {
		a.Atime, a.Mtime = new(time.Unix(int64(st.Atime), 0)), new(time.Unix(int64(st.Mtime), 0))
	}
	return a, nil
}

// owner returns an id, or -1 ("leave alone") for the largest one, as chown(2)
// does.
func owner(id uint32) int {
	if id == math.MaxUint32 {
		return -1
	}
	return int(id)
}
