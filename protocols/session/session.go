package session

import (
	"context"
	"io/fs"
	"iter"
	"log/slog"
	"net/netip"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// Peer is the other end of a session.
type Peer struct {
	Protocol string // SFTP, SCP, SSH, FTP or DAV, as events name it
	ID       string // of the connection, unique in the process, for logs and hooks
	Remote   netip.Addr
	Method   string // login method
	// Disconnect ends the connection; the session calls it when it is kicked or
	// idle for too long. It must not block and may be nil.
	Disconnect func()
}

type Session struct{}

func (s *Session) ID() string              { panic(1) }
func (s *Session) User() dataprovider.User { panic(1) }
func (s *Session) Peer() Peer              { panic(1) }

// Log has the attributes of the session.
func (s *Session) Log() *slog.Logger { panic(1) }

// Context ends with the session.
func (s *Session) Context() context.Context { panic(1) }

// Touch tells that the client did something (keep-alive, NOOP).
func (s *Session) Touch() { panic(1) }

// Close ends the session; open transfers fail.
func (s *Session) Close() error { panic(1) }

// Names: every method takes any name the client sent that is absolute or relative to "/", and parses it itself.
func (s *Session) Stat(ctx context.Context, name string) (fs.FileInfo, error)          { panic(1) }
func (s *Session) Lstat(ctx context.Context, name string) (fs.FileInfo, error)         { panic(1) }
func (s *Session) List(ctx context.Context, name string) iter.Seq2[fs.FileInfo, error] { panic(1) }

// Download opens a file for reading; Close emits the event.
func (s *Session) Download(ctx context.Context, name string) (*Transfer, error) { panic(1) }

// Upload opens a file for writing. mode is made of vfs.Write, Read, Create, Truncate, Excl; whether the upload is staged is
// the session's decision, not the caller's.
func (s *Session) Upload(ctx context.Context, name string, mode vfs.Mode) (*Transfer, error) {
	panic(1)
}
func (s *Session) Mkdir(ctx context.Context, name string) error { panic(1) }

// Remove deletes a file or link (a directory is vfs.ErrIsDir).
func (s *Session) Remove(ctx context.Context, name string) error { panic(1) }

// Rmdir deletes an empty directory.
func (s *Session) Rmdir(ctx context.Context, name string) error { panic(1) }

// RemoveAll deletes a file or a whole tree (permissions of all entries are checked first).
func (s *Session) RemoveAll(ctx context.Context, name string) error { panic(1) }

// Rename moves oldname; an existing file at newname is replaced if the user may overwrite.
func (s *Session) Rename(ctx context.Context, oldname, newname string) error { panic(1) }

// RenameNew is Rename that fails with vfs.ErrExist when newname exists.
func (s *Session) RenameNew(ctx context.Context, oldname, newname string) error { panic(1) }

// Copy copies one file through the server (upload and download events).
func (s *Session) Copy(ctx context.Context, src, dst string) error           { panic(1) }
func (s *Session) Symlink(ctx context.Context, target, newname string) error { panic(1) }
func (s *Session) Readlink(ctx context.Context, name string) (string, error) { panic(1) }

// SetAttrs applies all attributes given; on a name with an open upload of this session it acts on the upload.
func (s *Session) SetAttrs(ctx context.Context, name string, a vfs.Attrs) error { panic(1) }

// Space is what is left for the user: quota, else storage.
func (s *Session) Space(ctx context.Context, name string) (vfs.Space, error) { panic(1) }

// StorageRoot identifies the tree that the session sees (same for users who share a home), for lock tables.
func (s *Session) StorageRoot() string { panic(1) }

// Transfer is one upload or download.
type Transfer struct{}

func (t *Transfer) Name() string                                 { panic(1) } // parsed virtual name
func (t *Transfer) Read(p []byte) (int, error)                   { panic(1) }
func (t *Transfer) ReadAt(p []byte, off int64) (int, error)      { panic(1) }
func (t *Transfer) Write(p []byte) (int, error)                  { panic(1) }
func (t *Transfer) WriteAt(p []byte, off int64) (int, error)     { panic(1) }
func (t *Transfer) Seek(offset int64, whence int) (int64, error) { panic(1) }

// TransferError tells that the transfer broke (connection lost, body too short); call before Close.
func (t *Transfer) TransferError(err error)                         { panic(1) }
func (t *Transfer) Stat() (fs.FileInfo, error)                      { panic(1) }
func (t *Transfer) SetAttrs(ctx context.Context, a vfs.Attrs) error { panic(1) }

// Close commits or drops, settles quota and event. Its error is the answer to the client.
func (t *Transfer) Close() error { panic(1) }

// Metrics is what the session layer counts.
type Metrics interface {
	SessionsChanged(active int)
	// TransferDone counts one ended transfer: upload or download, bytes moved, nil or why it failed.
	TransferDone(upload bool, bytes int64, err error)
}

type Manager struct{}

func NewManager(store dataprovider.Store, hooks actions.Dispatcher, factories []vfs.Factory, metrics Metrics, log *slog.Logger, trackQuota int, cfg Config) *Manager {
	panic(1)
}

// Open starts a session of an authenticated user; ErrSessions when a limit is reached.
func (m *Manager) Open(ctx context.Context, u dataprovider.User, p Peer) (*Session, error) { panic(1) }
