package ftpd

import (
	"context"
	"path"
)

// describe answers MLST (RFC 3659, section 7.3) with the whole name, since it is
// not said in which directory the client thinks to be.
func describe(ctx context.Context, d *driver, arg string) (reply, error) {
	l, err := d.lookUp(ctx, "MLST", arg)
	if err != nil {
		return reply{}, err
	}
	l.entry.name = l.name
	line := d.c.facts.appendFacts(nil, l.entry, d.s.Rights(path.Dir(l.name)), d.s.Rights(l.name))
	return reply{code: 250, head: "Facts:", body: []string{string(line)}, text: "End"}, nil
}
