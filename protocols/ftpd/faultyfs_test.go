package ftpd_test

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"sync"
	"syscall"

	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// faults makes the storage fail, or panic, where a test wants it to, and counts
// how its files are used.
type faults struct {
	mu     sync.Mutex
	op     string
	err    error
	panics bool
	count  map[string]int
}

func (f *faults) set(op string, err error, panics bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.op, f.err, f.panics = op, err, panics
}

// check is called at the begin of each operation.
func (f *faults) check(op string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count == nil {
		f.count = map[string]int{}
	}
	f.count[op]++
	if f.op != op {
		return nil
	}
	if f.panics {
		panic("storage at /srv/secret is broken")
	}
	return f.err
}

func (f *faults) counted(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count[op]
}

// wrap puts the faults between session layer and storage.
func (f *faults) wrap(inner vfs.Factory) vfs.Factory { return faultyFactory{inner, f} }

type faultyFactory struct {
	vfs.Factory
	f *faults
}

func (x faultyFactory) Open(ctx context.Context, cfg []byte) (vfs.FS, error) {
	inner, err := x.Factory.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &faultyFS{inner.(*localfs.FS), x.f}, nil
}

type faultyFS struct {
	*localfs.FS
	f *faults
}

func (x *faultyFS) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	if err := x.f.check("stat"); err != nil {
		return nil, err
	}
	return x.FS.Stat(ctx, name)
}

func (x *faultyFS) List(ctx context.Context, name string) iter.Seq2[fs.FileInfo, error] {
	if err := x.f.check("list"); err != nil {
		return func(yield func(fs.FileInfo, error) bool) { yield(nil, err) }
	}
	return x.FS.List(ctx, name)
}

func (x *faultyFS) Mkdir(ctx context.Context, name string) error {
	if err := x.f.check("mkdir"); err != nil {
		return err
	}
	return x.FS.Mkdir(ctx, name)
}

func (x *faultyFS) Remove(ctx context.Context, name string) error {
	if err := x.f.check("remove"); err != nil {
		return err
	}
	return x.FS.Remove(ctx, name)
}

func (x *faultyFS) Rename(ctx context.Context, oldname, newname string) error {
	if err := x.f.check("rename"); err != nil {
		return err
	}
	return x.FS.Rename(ctx, oldname, newname)
}

func (x *faultyFS) Open(ctx context.Context, name string, mode vfs.Mode) (vfs.File, error) {
	if err := x.f.check("open"); err != nil {
		return nil, err
	}
	file, err := x.FS.Open(ctx, name, mode)
	if err != nil {
		return nil, err
	}
	return &faultyFile{file.(*localfs.File), x.f}, nil
}

type faultyFile struct {
	*localfs.File
	f *faults
}

func (x *faultyFile) Read(p []byte) (int, error) {
	if err := x.f.check("read"); err != nil {
		return 0, err
	}
	return x.File.Read(p)
}

func (x *faultyFile) Write(p []byte) (int, error) {
	if err := x.f.check("write"); err != nil {
		return 0, err
	}
	return x.File.Write(p)
}

// SyscallConn is asked for by sendfile.
func (x *faultyFile) SyscallConn() (syscall.RawConn, error) {
	if err := x.f.check("descriptor"); err != nil {
		return nil, err
	}
	return x.File.SyscallConn()
}

// ReadFrom can splice if it gets the connection itself, at most in a
// LimitedReader.
func (x *faultyFile) ReadFrom(r io.Reader) (int64, error) {
	if err := x.f.check("readfrom"); err != nil {
		return 0, err
	}
	inner := r
	if lr, ok := r.(*io.LimitedReader); ok {
		inner = lr.R
	}
	if _, ok := inner.(syscall.Conn); ok {
		_ = x.f.check("splice")
	}
	return x.File.ReadFrom(r)
}

func (x *faultyFile) Commit(ctx context.Context) error {
	if err := x.f.check("commit"); err != nil {
		return err
	}
	return x.File.Commit(ctx)
}
