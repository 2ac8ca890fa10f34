package scp

import (
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"sftpgo/protocols"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// maxDrain is how much of a file that cannot be stored is read and thrown away,
// so that the client can go on with the next one. Of a longer file not every
// byte is worth its transport; the run ends instead.
const maxDrain = 16 << 20

// sink takes files from the client.
type sink struct {
	peer
	target  string
	intoDir bool     // the target is a directory: names go below it
	slash   bool     // it was written with a slash at the end
	hidden  bool     // the account may not know what the target is
	levels  []level  // the directories announced and not ended
	times   *control // T line for the next entry
}

// level is a directory whose entries are arriving.
type level struct {
	name  string
	entry control
	times *control
}

func (x *sink) run() error {
	word := home(x.names[0])
	if err := x.s.CheckName("upload", "/", word.Text); err != nil {
		return x.warn(word.Text, err)
	}
	x.target = path.Clean("/" + word.Text)
	info, err := x.s.Stat(x.s.Context(), x.target)
	isDir := err == nil && info.IsDir()
	if x.directory && err == nil && !isDir {
		return x.warn(x.target, vfs.ErrNotDir)
	}
	if x.directory && errors.Is(err, vfs.ErrNotExist) {
		return x.warn(x.target, err)
	}
	x.intoDir = isDir || x.directory
	x.slash = strings.HasSuffix(word.Text, "/")
	x.hidden = err != nil && !errors.Is(err, vfs.ErrNotExist)
	if err := x.ack(); err != nil {
		return err
	}
	for {
		done, err := x.step()
		if done || err != nil {
			return err
		}
	}
}

// step handles one message of the client.
func (x *sink) step() (done bool, err error) {
	c, err := x.in.ReadByte()
	if errors.Is(err, io.EOF) {
		if len(x.levels) > 0 {
			return true, unexpected(err)
		}
		return true, nil
	}
	if err != nil {
		return true, unexpected(err)
	}
	if c == warnByte || c == fatalByte {
		if err := x.complaint(c); !isRefused(err) {
			return true, err
		}
		return false, nil // a complaint gets no answer
	}
	if err := x.in.UnreadByte(); err != nil {
		return true, err
	}
	line, err := x.line()
	if err != nil {
		return true, err
	}
	entry, err := parseControl(line)
	if err != nil {
		return true, x.protocolError(err.Error())
	}
	return false, x.handle(entry)
}

func (x *sink) handle(entry control) error {
	if entry.kind == 'T' {
		x.times = &entry
		return x.ack()
	}
	times := x.times
	x.times = nil
	switch entry.kind {
	case 'D':
		return x.enter(entry, times)
	case 'E':
		return x.leave()
	}
	return x.receive(entry, times)
}

// place returns the name that an entry gets. A directory that is sent to a target
// that does not exist becomes the target, slash or not, as with rcp; of a file a
// slash says that the target should be a directory.
func (x *sink) place(entry control) string {
	if n := len(x.levels); n > 0 {
		return path.Join(x.levels[n-1].name, entry.name)
	}
	if x.intoDir || x.slash && (entry.kind == 'C' || x.hidden) {
		return path.Join(x.target, entry.name)
	}
	return x.target
}

// enter begins a directory. One that exists is taken as it is.
func (x *sink) enter(entry control, times *control) error {
	if !x.recursive {
		return x.protocolError("received directory without -r")
	}
	name := x.place(entry)
	err := x.makeDir(name)
	if x.hidden && name == x.target && (errors.Is(err, vfs.ErrExist) || errors.Is(err, vfs.ErrPermission)) {
		// Only now it shows that the target may be a directory.
		below := path.Join(name, entry.name)
		if belowErr := x.makeDir(below); belowErr == nil || errors.Is(belowErr, vfs.ErrExist) {
			name, err = below, belowErr
		}
	}
	if err != nil && !errors.Is(err, vfs.ErrExist) {
		return x.warn(name, err)
	}
	x.levels = append(x.levels, level{name, entry, times})
	return x.ack()
}

// makeDir makes a directory unless it is there. ErrExist: something is, and the
// account may not know what.
func (x *sink) makeDir(name string) error {
	ctx := x.s.Context()
	info, err := x.s.Stat(ctx, name)
	switch {
	case err != nil:
		return x.s.Mkdir(ctx, name)
	case !info.IsDir():
		return vfs.ErrNotDir
	}
	return nil
}

// leave ends a directory: now that nothing is put into it any more, its times
// stay as they are set.
func (x *sink) leave() error {
	n := len(x.levels)
	if n == 0 {
		return x.protocolError("unexpected E")
	}
	l := x.levels[n-1]
	x.levels = x.levels[:n-1]
	setAttrs := func(ctx context.Context, a vfs.Attrs) error { return x.s.SetAttrs(ctx, l.name, a) }
	if err := x.apply(l.entry, l.times, setAttrs); err != nil {
		return x.warn(l.name, err)
	}
	return x.ack()
}

// apply sets what the client asked for: the mode with -p, times when it sent
// them. An account or a storage that does not allow one of them keeps its own
// value without a word; scripts that always say -p must not fail there.
func (x *sink) apply(entry control, times *control, set func(context.Context, vfs.Attrs) error) error {
	var mode, when vfs.Attrs
	if x.preserve {
		mode.Mode = &entry.mode
	}
	if times != nil {
		when.Atime, when.Mtime = &times.atime, &times.mtime
	}
	// The times last: to set the mode changes no time, but may be refused alone.
	for _, a := range []vfs.Attrs{mode, when} {
		if a == (vfs.Attrs{}) {
			continue
		}
		err := set(x.s.Context(), a)
		if errors.Is(err, vfs.ErrPermission) || errors.Is(err, vfs.ErrUnsupported) {
			x.log.Debug("attributes not set", "error", err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// open opens the place of a file. Whoever may not list learns only here that the
// target is a directory.
func (x *sink) open(entry control) (*session.Transfer, string, error) {
	const mode = vfs.Write | vfs.Create | vfs.Truncate
	name := x.place(entry)
	t, err := x.s.UploadSized(x.s.Context(), name, mode, entry.size)
	if errors.Is(err, vfs.ErrIsDir) && len(x.levels) == 0 && name == x.target {
		name = path.Join(x.target, entry.name)
		t, err = x.s.UploadSized(x.s.Context(), name, mode, entry.size)
	}
	return t, name, err
}

// receive takes one file.
func (x *sink) receive(entry control, times *control) error {
	t, name, err := x.open(entry)
	if err != nil {
		return x.warn(name, err)
	}
	err = x.content(t, entry, times)
	if err != nil {
		t.TransferError(err)
	}
	cerr := t.Close()
	var lost *lostError
	switch {
	case errors.As(err, &lost):
		return lost.err
	case isRefused(err): // the client knows what was wrong with its file
		return x.ack()
	case err != nil:
		return x.warn(name, err)
	case cerr != nil:
		return x.warn(name, cerr)
	}
	return x.ack()
}

// lostError is an error after which the stream cannot be used.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// content moves the bytes of a file and its attributes into t.
func (x *sink) content(t *session.Transfer, entry control, times *control) error {
	if err := x.ack(); err != nil {
		return &lostError{err}
	}
	var failure error
	for left := entry.size; left > 0; {
		n, err := io.ReadFull(x.in, x.buf[:min(int64(len(x.buf)), left)])
		if failure == nil && n > 0 {
			_, failure = t.Write(x.buf[:n])
		}
		if err != nil {
			return &lostError{unexpected(err)}
		}
		if left -= int64(n); failure != nil && left > maxDrain {
			return &lostError{x.abort(t.Name(), failure)}
		}
	}
	if err := x.farewell(); err != nil {
		if isRefused(err) {
			return err
		}
		return &lostError{err}
	}
	if failure != nil {
		return failure
	}
	return x.apply(entry, times, t.SetAttrs)
}

// statusText is what a client may read about err.
func statusText(err error) string { return protocols.StatusOf(err).Text }
