package scp

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/shellword"
	"sftpgo/vfs"
)

// source sends files to the client.
type source struct{ peer }

func (x *source) run() error {
	if err := x.response(); err != nil {
		return err
	}
	for _, word := range x.names {
		if err := x.sendWord(word); err != nil {
			return err
		}
	}
	return nil
}

// sendWord sends what a word of the command line names: the matches of a
// pattern, or else the file of that name, as a shell and scp would do together.
func (x *source) sendWord(word shellword.Word) error {
	names, err := Expand(x.s, word)
	if err != nil {
		return x.warn(word.Text, err)
	}
	for _, name := range names {
		if err := x.sendName(name); err != nil {
			return err
		}
	}
	return nil
}

// sendName sends what has that name. A single file is not looked at before: who
// may download but not list gets what they can name.
func (x *source) sendName(name string) error {
	base := path.Base(path.Clean("/" + name))
	if !x.recursive && base != "/" {
		return x.sendFile(name, base)
	}
	info, err := x.s.Stat(x.s.Context(), name)
	if err != nil {
		return x.warn(name, err)
	}
	if base == "/" {
		// The root has no name, and clients refuse "/" and ".". The directory of
		// a user is usually called like the user.
		if base = x.s.User().Username; checkName(base) != nil {
			base = "home"
		}
	}
	if info.IsDir() {
		if !x.recursive {
			return x.warnText(name, notRegular)
		}
		return x.sendDir(name, base, info, nil)
	}
	return x.sendFile(name, base)
}

// notRegular is how scp calls all that is no file.
const notRegular = "not a regular file"

// announce sends the lines before an entry and reads the answer.
func (x *source) announce(kind byte, info fs.FileInfo, size int64, base string) error {
	if x.preserve {
		if err := x.send(timesLine(info.ModTime(), accessTime(info))); err != nil {
			return err
		}
		if err := x.response(); err != nil {
			return err
		}
	}
	if err := x.send(entryLine(kind, info.Mode(), size, base)); err != nil {
		return err
	}
	return x.response()
}

func (x *source) sendFile(name, base string) error {
	if strings.ContainsRune(base, '\n') {
		return x.warnText(name, "the protocol has no way to send a line break in a name")
	}
	t, err := x.s.Download(x.s.Context(), name)
	if errors.Is(err, vfs.ErrIsDir) {
		return x.warnText(name, notRegular)
	}
	if err != nil {
		return x.warn(name, err)
	}
	err = x.sendContent(t, base)
	if err != nil {
		t.TransferError(err)
	}
	if cerr := t.Close(); cerr != nil {
		// The client has its last byte already; the exit status still tells.
		x.failed = true
		x.log.Warn("end of download", "path", name, "error", cerr)
	}
	if isRefused(err) {
		return nil
	}
	return err
}

func (x *source) sendContent(t *session.Transfer, base string) error {
	info, err := t.Stat()
	if err != nil {
		if werr := x.warn(t.Name(), err); werr != nil {
			return werr
		}
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	size := info.Size()
	if err := x.announce('C', info, size, base); err != nil {
		return err
	}
	for sent := int64(0); sent < size; {
		n, err := t.ReadAt(x.buf[:min(int64(len(x.buf)), size-sent)], sent)
		if n == 0 && err == nil {
			err = io.ErrNoProgress
		}
		if _, werr := x.out.Write(x.buf[:n]); werr != nil {
			return fmt.Errorf("write: %w", werr)
		}
		if sent += int64(n); err != nil && sent < size {
			return x.abort(t.Name(), unexpected(err))
		}
	}
	if err := x.ack(); err != nil {
		return err
	}
	return x.farewell()
}

// abort ends the run in the middle of a file. The protocol has no message for
// that place, so the text goes to standard error; filling the file up with
// zeros, as scp does, would leave the client with a wrong file of right size.
func (p *peer) abort(name string, err error) error {
	text := statusText(err)
	if _, werr := fmt.Fprintf(p.stderr, "scp: %s: %s\n", printable(name), text); werr != nil {
		return fmt.Errorf("write: %w", werr)
	}
	p.failed = true
	return err
}

// sendDir sends a directory with all that is in it: files as they come, then
// the subdirectories. above holds the identities of the directories it is in.
func (x *source) sendDir(name, base string, info fs.FileInfo, above []string) error {
	if strings.ContainsRune(base, '\n') {
		return x.warnText(name, "the protocol has no way to send a line break in a name")
	}
	next, stop := iter.Pull2(x.s.List(x.s.Context(), name))
	defer stop()
	entry, err, more := next()
	if more && err != nil {
		return x.warn(name, err) // before the client makes the directory
	}
	if err := x.announce('D', info, 0, base); err != nil {
		if isRefused(err) {
			return nil
		}
		return err
	}
	above = append(slices.Clone(above), vfs.FileIDOf(info))
	var dirs []fs.FileInfo
	for ; more && err == nil; entry, err, more = next() {
		dir, err := x.sendEntry(path.Join(name, entry.Name()), entry, above)
		if err != nil {
			return err
		}
		if dir != nil {
			dirs = append(dirs, named{dir, entry.Name()})
		}
	}
	if err != nil {
		if err := x.warn(name, err); err != nil {
			return err
		}
	}
	stop() // no handle stays open on the way down
	for _, dir := range dirs {
		if err := x.sendDir(path.Join(name, dir.Name()), dir.Name(), dir, above); err != nil {
			return err
		}
	}
	if err := x.send("E\n"); err != nil {
		return err
	}
	if err := x.response(); err != nil && !isRefused(err) {
		return err
	}
	return nil
}

// sendEntry sends a file of a directory; a directory it gives back. Links are
// followed, unless they lead to a directory that is being sent already.
func (x *source) sendEntry(name string, entry fs.FileInfo, above []string) (dir fs.FileInfo, err error) {
	link := entry.Mode()&fs.ModeSymlink != 0
	if link {
		if entry, err = x.s.Stat(x.s.Context(), name); err != nil {
			return nil, x.warn(name, err)
		}
	}
	switch {
	case entry.IsDir():
		id := vfs.FileIDOf(entry)
		if link && (id == "" || slices.Contains(above, id)) {
			return nil, x.warnText(name, "link to a directory skipped: it may lead back")
		}
		return entry, nil
	case !entry.Mode().IsRegular():
		return nil, x.warnText(name, notRegular)
	}
	return nil, x.sendFile(name, path.Base(name))
}

// named is an entry under the name it has in its directory: what a link leads
// to has another.
type named struct {
	fs.FileInfo
	name string
}

func (n named) Name() string   { return n.name }
func (n named) FileID() string { return vfs.FileIDOf(n.FileInfo) }
