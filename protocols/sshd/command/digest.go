package command

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"

	"sftpgo/protocols/session"
)

// run writes one line for each name. A file that cannot be read does not keep
// the others from being read; the first failure is returned.
func (d digest) run(ctx context.Context, c *call) error {
	words, unknown := operands(c.args)
	if unknown != "" {
		return c.misuse("unknown option " + unknown)
	}
	if len(words) == 0 {
		words = []string{stdin}
	}
	var first error
	for _, word := range words {
		if err := d.one(ctx, c, word); err != nil && first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return first
}

func (d digest) one(ctx context.Context, c *call, word string) error {
	h := d.make()
	if word == stdin {
		if err := copyAlive(ctx, h, c.In, c.s); err != nil {
			return c.fail(stdin, fmt.Errorf("%s: read the standard input: %w", c.command, err))
		}
		return c.answer("%s  -\n", hex.EncodeToString(h.Sum(nil)))
	}
	name := absolute(word)
	if err := c.s.Digest(ctx, word, h); err != nil {
		return c.fail(name, err)
	}
	mark, shown := escape(name)
	return c.answer("%s%s  %s\n", mark, hex.EncodeToString(h.Sum(nil)), shown)
}

// copyAlive copies what the client sends, which is as good a sign of life as any
// operation, until ctx is done or the client has sent all.
func copyAlive(ctx context.Context, w io.Writer, r io.Reader, s *session.Session) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		s.Touch()
		if _, werr := w.Write(buf[:n]); werr != nil {
			return werr
		}
		if cerr := context.Cause(ctx); cerr != nil {
			return cerr
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
