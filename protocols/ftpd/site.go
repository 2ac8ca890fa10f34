package ftpd

import (
	"context"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"sftpgo/vfs"
)

// site answers SITE with what belongs to UNIX and not to FTP.
func (c *client) site(ctx context.Context, d *driver, arg string) (reply, error) {
	if !c.srv.cfg.EnableSite {
		return reply{}, &refusal{500, "SITE is disabled"}
	}
	verb, rest, _ := strings.Cut(arg, " ")
	switch strings.ToUpper(verb) {
	case "CHMOD":
		return siteDone(d.chmod(ctx, rest))
	case "SYMLINK":
		return siteDone(d.symlink(ctx, rest))
	case "UTIME":
		return siteDone(d.utime(ctx, rest))
	case "HELP":
		return reply{code: 214, head: "SITE has:", text: "End", body: []string{
			"CHMOD mode name", "SYMLINK target name", "UTIME YYYYMMDDhhmmss name",
		}}, nil
	}
	return reply{}, &refusal{500, "Unknown SITE command, see SITE HELP"}
}

func siteDone(err error) (reply, error) { return reply{code: 200, text: "Done"}, err }

// chmod takes the nine bits only: what runs as another user is not for strangers
// to make.
func (d *driver) chmod(ctx context.Context, arg string) error {
	octal, raw, ok := strings.Cut(arg, " ")
	bits, err := strconv.ParseUint(octal, 8, 12)
	if err != nil || !ok || raw == "" {
		return &refusal{501, "SITE CHMOD takes an octal mode and a name"}
	}
	name, err := d.resolve("SITE CHMOD", raw)
	if err != nil {
		return err
	}
	mode := fs.FileMode(bits) & fs.ModePerm
	return d.s.SetAttrs(ctx, name, vfs.Attrs{Mode: &mode})
}

// symlink keeps the text of the target as it was given.
func (d *driver) symlink(ctx context.Context, arg string) error {
	words, ok := splitQuoted(arg)
	if !ok || len(words) != 2 {
		return &refusal{501, "SITE SYMLINK takes a target and a name, in quotes if they have spaces"}
	}
	name, err := d.resolve("SITE SYMLINK", words[1])
	if err != nil {
		return err
	}
	return d.s.Symlink(ctx, words[0], name)
}

// utime takes "time name", or as in wu-ftpd "name atime mtime ctime UTC".
func (d *driver) utime(ctx context.Context, arg string) error {
	words := strings.Split(arg, " ")
	n := len(words)
	if n >= 5 && strings.EqualFold(words[n-1], "UTC") {
		atime, aerr := parseTime(words[n-4])
		mtime, merr := parseTime(words[n-3])
		if aerr == nil && merr == nil {
			return d.setTimes(ctx, "SITE UTIME", strings.Join(words[:n-4], " "), atime, mtime)
		}
	}
	if n >= 2 {
		if mtime, err := parseTime(words[0]); err == nil {
			return d.setTimes(ctx, "SITE UTIME", strings.Join(words[1:], " "), mtime, mtime)
		}
	}
	return &refusal{501, "SITE UTIME takes YYYYMMDDhhmmss and a name"}
}

// setTime answers MFMT (draft-somers-ftp-mfxx-04, section 3.1).
func setTime(ctx context.Context, d *driver, arg string) (reply, error) {
	text, raw, ok := strings.Cut(arg, " ")
	mtime, err := parseTime(text)
	if err != nil || !ok || raw == "" {
		return reply{}, &refusal{501, "MFMT takes YYYYMMDDhhmmss and a name"}
	}
	if err := d.setTimes(ctx, "MFMT", raw, mtime, mtime); err != nil {
		return reply{}, err
	}
	return reply{code: 213, text: "Modify=" + text + "; " + raw}, nil
}

func (d *driver) setTimes(ctx context.Context, op, raw string, atime, mtime time.Time) error {
	name, err := d.resolve(op, raw)
	if err != nil {
		return err
	}
	return d.s.SetAttrs(ctx, name, vfs.Attrs{Atime: &atime, Mtime: &mtime})
}

// parseTime reads a time of RFC 3659, section 2.3; it may have a fraction.
func parseTime(text string) (time.Time, error) { return time.Parse(mlsxTime, text) }
