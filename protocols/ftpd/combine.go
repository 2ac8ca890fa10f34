package ftpd

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// maxParts is the most files that one COMB may join.
const maxParts = 500

// combine answers COMB: the parts are appended to the target, which may exist, and
// deleted when the whole is stored. Until then nothing of them is lost.
func (c *client) combine(ctx context.Context, d *driver, arg string) (reply, error) {
	if c.srv.cfg.CombineSupport != supported {
		return reply{}, &refusal{502, "COMB is disabled"}
	}
	words, ok := splitQuoted(arg)
	if !ok || len(words) < 2 || len(words) > maxParts+1 {
		return reply{}, &refusal{501, "COMB takes a target and the parts, in quotes if they have spaces"}
	}
	seen := map[string]bool{}
	for i, raw := range words {
		name, err := d.resolve("COMB", raw)
		if err != nil {
			return reply{}, err
		}
		if seen[name] {
			return reply{}, &refusal{553, "COMB names a file twice"}
		}
		seen[name] = true
		words[i] = name
	}
	for _, part := range words[1:] { // else a client that tries again has them twice
		if err := d.s.MayRemove(ctx, part); err != nil {
			return reply{}, err
		}
	}
	if err := d.join(ctx, words[0], words[1:]); err != nil {
		return reply{}, err
	}
	for _, part := range words[1:] {
		if err := d.s.Remove(ctx, part); err != nil {
			no := refused(err)
			return reply{}, &refusal{no.code, "Combined, but a part stays: " + path.Base(part) + ": " + no.text}
		}
	}
	return reply{code: 250, text: "Combined"}, nil
}

// join appends the parts to target, as one upload.
func (d *driver) join(ctx context.Context, target string, parts []string) error {
	dst, err := d.s.Upload(ctx, target, vfs.Write|vfs.Create)
	if err != nil {
		return err
	}
	err = d.appendParts(ctx, dst, target, parts)
	if err != nil {
		dst.TransferError(err)
	}
	if cerr := dst.Close(); err == nil {
		err = cerr
	}
	return err
}

func (d *driver) appendParts(ctx context.Context, dst *session.Transfer, target string, parts []string) error {
	at, err := dst.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	end := at
	for _, part := range parts {
		n, err := d.appendPart(ctx, dst, target, part, end)
		end += n
		if err != nil {
			// What was there comes back: a client that tries again would have the
			// first parts twice.
			if terr := dst.SetAttrs(ctx, vfs.Attrs{Size: &at}); terr != nil {
				err = fmt.Errorf("%w (and the target keeps what was appended: %w)", err, terr)
			}
			return err
		}
	}
	return nil
}

func (d *driver) appendPart(ctx context.Context, dst *session.Transfer, target, part string, at int64) (int64, error) {
	src, err := d.s.Download(ctx, part)
	if err != nil {
		return 0, err
	}
	n, err := d.copyPart(ctx, dst, src, target, at)
	if err != nil {
		src.TransferError(err)
	}
	if cerr := src.Close(); err == nil {
		err = cerr
	}
	return n, err
}

func (d *driver) copyPart(ctx context.Context, dst, src *session.Transfer, target string, at int64) (int64, error) {
	from, err := src.Stat()
	if err != nil {
		return 0, err
	}
	// Two names of one file, or a link to the target: removing the part would
	// remove what was just written.
	if to, err := d.s.Stat(ctx, target); err == nil && uniqueOf(to) != "" && uniqueOf(to) == uniqueOf(from) {
		return 0, &refusal{553, "A part is the target"}
	}
	if from.Size() == 0 {
		return 0, nil
	}
	return src.CopyRange(ctx, dst, 0, from.Size(), at)
}

// splitQuoted splits an argument at spaces; a word in quotes may have spaces, and
// doubled quotes.
func splitQuoted(arg string) (words []string, ok bool) {
	for {
		arg = strings.TrimLeft(arg, " ")
		if arg == "" {
			return words, true
		}
		if arg[0] != '"' {
			word, rest, _ := strings.Cut(arg, " ")
			words, arg = append(words, word), rest
			continue
		}
		var b strings.Builder
		arg = arg[1:]
		for {
			part, rest, closed := strings.Cut(arg, `"`)
			if !closed {
				return nil, false
			}
			b.WriteString(part)
			if arg = rest; !strings.HasPrefix(arg, `"`) {
				break
			}
			b.WriteByte('"')
			arg = arg[1:]
		}
		if arg != "" && arg[0] != ' ' {
			return nil, false
		}
		words = append(words, b.String())
	}
}
