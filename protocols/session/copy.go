package session

import (
	"context"
	"io/fs"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// Copy copies one file through the server: a download and an upload, with the
// rules and events of both, and one of the copy. An existing target is overwritten; one that is the
// source itself, by whatever name, is vfs.ErrExist. The dead properties of the
// source go along, and those of the target go.
func (s *Session) Copy(ctx context.Context, src, dst string) error {
	return s.CopyBy(ctx, CopyRule{}, src, dst)
}

// CopyRule is what a copy of a file keeps to.
type CopyRule struct {
	// New has it fail with vfs.ErrExist when there is something at its target, also if
	// the user may not see it: COPY with Overwrite F.
	New bool
	// Accept is asked when the copy is about to take its place, see Transfer.Accept; may
	// be nil.
	Accept func(ctx context.Context, old fs.FileInfo) error
}

// CopyBy is Copy that keeps to r.
func (s *Session) CopyBy(ctx context.Context, r CopyRule, src, dst string) error {
	if from, err := parse("copy", src); err == nil {
		to, err := parse("copy to", dst)
		if err == nil && (s.samePlace(ctx, s.behind(ctx, from), s.behind(ctx, to)) || s.emptiesSource(ctx, from, to)) {
			return refuse("copy", from, vfs.ErrExist)
		}
	}
	properties, err := s.copies(ctx, src, dst)
	if err != nil {
		return err
	}
	from, err := s.Download(ctx, src)
	if err != nil {
		return err
	}
	mode := vfs.Write | vfs.Create | vfs.Truncate
	if r.New {
		mode |= vfs.Excl
	}
	to, err := s.Upload(ctx, dst, mode)
	if err != nil {
		from.silent = true
		_ = from.Close() // only opened
		return err
	}
	to.up.properties, to.up.source = properties, from.Name()
	to.Accept(func(ctx context.Context, old fs.FileInfo) error {
		// No upload mode keeps a part: nobody goes on with a copy.
		if err := to.failure(); err != nil || r.Accept == nil {
			return err
		}
		return r.Accept(ctx, old)
	})
	if _, err = to.ReadFrom(from); err != nil {
		from.TransferError(err)
		to.TransferError(err)
	}
	if cerr := from.Close(); err == nil && cerr != nil {
		to.TransferError(cerr)
		err = cerr
	}
	if cerr := to.Close(); err == nil {
		err = cerr
	}
	return err
}

// MayCopy tells whether the rules allow Copy of a file, or Mkdir in the place of a
// directory, if nothing is at dst, so that what is there is not removed in vain.
func (s *Session) MayCopy(ctx context.Context, src, dst string) error {
	return s.do("copy", src, func(src string) error {
		dst, err := parse("copy to", dst)
		if err != nil {
			return err
		}
		info, err := s.fs.Stat(ctx, src)
		if err != nil {
			return err
		}
		read, create := dataprovider.PermDownload, dataprovider.PermUpload
		if info.IsDir() {
			read, create = dataprovider.PermList, dataprovider.PermCreateDirs
			if !s.allows(read, src) { // to see that it is there is not enough
				return refuse("copy", src, vfs.ErrPermission)
			}
		} else if !s.user.FileAllowed(src) || !s.user.FileAllowed(dst) {
			return refuse("copy", src, vfs.ErrPermission)
		}
		if !s.allowed(read, src) || !s.allowed(create, dst) {
			return refuse("copy", src, vfs.ErrPermission)
		}
		if limit := s.user.Filters.MaxUploadFileSize; limit > 0 && info.Mode().IsRegular() && info.Size() > limit {
			return refuse("copy to", dst, ErrQuota)
		}
		_, err = s.copies(ctx, src, dst)
		return err
	})
}

// emptiesSource reports whether dst is another name of the file src that would be
// written in place. A staged upload leaves the source alone.
func (s *Session) emptiesSource(ctx context.Context, src, dst string) bool {
	if s.m.cfg.UploadMode > 0 {
		return false
	}
	from, err := s.fs.Stat(ctx, src)
	if err != nil {
		return false
	}
	to, err := s.fs.Stat(ctx, dst)
	return err == nil && sameFile(from, to)
}

func (s *Session) samePlace(ctx context.Context, a, b string) bool {
	x, err := s.place(ctx, a)
	if err != nil {
		return false
	}
	y, err := s.place(ctx, b)
	return err == nil && x == y
}
