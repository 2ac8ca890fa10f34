package shell

import (
	"context"
	"io/fs"
	"strconv"
	"time"

	"sftpgo/protocols/sshd/command"
	"sftpgo/protocols/sshd/lsline"
	"sftpgo/vfs"
)

// widths are those of the columns whose contents vary.
type widths struct{ names, size int }

func widthsOf(rows []row) widths {
	var w widths
	for _, r := range rows {
		w.names = max(w.names, len(strconv.Itoa(vfs.NamesOf(r.info))))
		w.size = max(w.size, len(strconv.FormatInt(r.info.Size(), 10)))
	}
	return w
}

// blocks is the number after "total": what the files hold, in KiB.
func blocks(rows []row) int64 {
	var n int64
	for _, r := range rows {
		n += (r.info.Size() + 1023) / 1024
	}
	return n
}

// write shows rows in the layout of GNU ls. The owner is the account: it says whose
// tree this is, and who owns the files on the host is nobody's business.
func (l *listing) write(ctx context.Context, rows []row, w widths) {
	now, owner := time.Now(), l.owner()
	var line []byte
	for _, r := range rows {
		line = line[:0]
		if l.long {
			line = lsline.AppendMode(line, r.info.Mode())
			line = append(line, ' ')
			line = appendRight(line, int64(vfs.NamesOf(r.info)), w.names)
			line = append(line, ' ')
			line = append(line, owner...)
			line = append(line, ' ')
			line = append(line, owner...)
			line = append(line, ' ')
			line = appendRight(line, r.info.Size(), w.size)
			line = append(line, ' ')
			line = l.appendTime(line, r.info.ModTime(), now)
			line = append(line, ' ')
		}
		line = append(line, command.Printable(r.shown)...)
		if l.long && r.info.Mode()&fs.ModeSymlink != 0 {
			line = append(line, " -> "...)
			line = append(line, l.target(ctx, r)...)
		}
		line = append(line, '\n')
		_, _ = l.out.Write(line) // a failure is noted below
	}
}

// target is the text of a link, or a question mark where the account may not know
// it: clients count on something being there.
func (l *listing) target(ctx context.Context, r row) string {
	text, err := l.s.Readlink(ctx, r.name)
	if err != nil || text == "" {
		return "?"
	}
	return command.Printable(text)
}

func (l *listing) appendTime(p []byte, t, now time.Time) []byte {
	t = t.Local()
	if l.full {
		return t.AppendFormat(p, "2006-01-02 15:04:05.000000000 -0700")
	}
	return lsline.AppendTime(p, t, now)
}

func appendRight(p []byte, v int64, width int) []byte {
	digits := strconv.FormatInt(v, 10)
	for range width - len(digits) {
		p = append(p, ' ')
	}
	return append(p, digits...)
}

// unseen is a directory that the account may not look at.
type unseen struct{}

var _ fs.FileInfo = unseen{}

func (unseen) Name() string       { return "." }
func (unseen) Size() int64        { return 0 }
func (unseen) Mode() fs.FileMode  { return fs.ModeDir }
func (unseen) ModTime() time.Time { return time.Unix(0, 0) }
func (unseen) IsDir() bool        { return true }
func (unseen) Sys() any           { return nil }
