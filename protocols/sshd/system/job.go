package system

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/command"
	"sftpgo/protocols/sshd/scp"
	"sftpgo/protocols/sshd/shellword"
	"sftpgo/vfs"
)

// job is one run of a command.
type job struct {
	p    *program
	s    *session.Session
	st   command.Stream
	name string // what the event tells
	args []string
	x    *session.External
}

// plan parses the arguments, applies the rules to what they name, and opens it.
func (j *job) plan(ctx context.Context, args []shellword.Word) error {
	if j.p.name == rsync {
		return j.planRsync(ctx, args)
	}
	return j.planGit(ctx, args)
}

func (j *job) planGit(ctx context.Context, args []shellword.Word) error {
	call, err := parseGit(j.p.name, args)
	if err != nil {
		return err
	}
	repo, err := j.findRepo(ctx, call.repo)
	if err != nil {
		return err
	}
	j.name = repo
	use := session.ExternalUse{
		Command: j.p.name, Writes: j.p.name == receivePack,
		Targets: []session.ExternalTarget{{Name: repo, Follow: true}},
	}
	if j.x, err = j.s.External(ctx, use); err != nil {
		return err
	}
	j.args = append([]string{"git", strings.TrimPrefix(j.p.name, "git-")}, call.options...)
	j.args = append(j.args, operand(j.x.Names()[0]))
	return nil
}

// findRepo completes a name the way git does.
func (j *job) findRepo(ctx context.Context, name string) (string, error) {
	for _, repo := range []string{name, strings.TrimRight(name, "/") + ".git"} {
		info, err := j.s.Stat(ctx, repo)
		switch {
		case err == nil && info.IsDir():
			return repo, nil
		case err != nil && !errors.Is(err, vfs.ErrNotExist):
			return "", err
		}
	}
	return "", fmt.Errorf("%s %q: %w", j.p.name, name, vfs.ErrNotExist)
}

func (j *job) planRsync(ctx context.Context, args []shellword.Word) error {
	call, err := parseRsync(args)
	if err == nil && call.protected {
		err = call.readProtected(j.st.In)
	}
	if err != nil {
		return err
	}
	names, err := j.expand(&call)
	if err != nil {
		return err
	}
	use := session.ExternalUse{Command: rsync, Writes: call.writes()}
	for _, n := range names {
		use.Targets = append(use.Targets, session.ExternalTarget{Name: n, Follow: !call.sender || meansContents(n)})
	}
	j.name = names[len(names)-1]
	if j.x, err = j.s.External(ctx, use); err != nil {
		return err
	}
	j.args = append([]string{"rsync", "--server"}, call.options...)
	j.args = append(j.args, j.linkOption(&call), ".")
	for i, n := range names {
		j.args = append(j.args, call.operand(n, j.x.Names()[i]))
	}
	return nil
}

// expand returns the names that the client means. Its remote shell would have
// expanded patterns, but there is none.
func (j *job) expand(call *rsyncCall) ([]string, error) {
	var names []string
	for _, w := range call.names {
		if !call.sender {
			names = append(names, homeless(w.Text))
			continue
		}
		found, err := scp.Expand(j.s, w)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			if w.HasMeta() && strings.HasSuffix(w.Text, "/") {
				name += "/"
			}
			names = append(names, name)
		}
	}
	if len(names) > maxNames {
		return nil, fmt.Errorf("%w: more than %d names", errUsage, maxNames)
	}
	return names, nil
}

// maxNames bounds what one call of rsync may be given.
const maxNames = 10_000

// linkOption keeps links that rsync makes from leading out of the tree. A user who
// may not make links gets them in a form that leads nowhere.
func (j *job) linkOption(call *rsyncCall) string {
	u := j.s.User()
	mayLink := !slices.ContainsFunc(j.x.Trees(), func(t session.ExternalTree) bool {
		return !u.Allows(dataprovider.PermCreateSymlinks, t.Name)
	})
	if !mayLink || call.munge {
		return "--munge-links"
	}
	return "--safe-links"
}

// meansContents reports whether a name of rsync is what a directory holds.
func meansContents(name string) bool {
	return name == "" || strings.HasSuffix(name, "/") || name == "." || strings.HasSuffix(name, "/.")
}

// operand returns the argument for a name: asked is what the client wrote, real
// what it means, without links.
func (c *rsyncCall) operand(asked, real string) string {
	if c.relative {
		if before, _, ok := strings.Cut(asked, "/./"); ok {
			base := path.Join("/", before)
			if rest, ok := strings.CutPrefix(real, strings.TrimSuffix(base, "/")+"/"); ok {
				real = strings.TrimSuffix(base, "/") + "/./" + rest
			}
		}
	}
	arg := operand(real)
	switch {
	case strings.HasSuffix(asked, "/."):
		return strings.TrimSuffix(arg, "/.") + "/."
	case strings.HasSuffix(asked, "/"):
		return strings.TrimSuffix(arg, "/") + "/"
	}
	return arg
}

// operand is a virtual name as an argument of a program that runs in
// confine.Root: relative, and never an option.
func operand(name string) string {
	rel := strings.TrimPrefix(name, "/")
	switch {
	case rel == "":
		return "."
	case strings.HasPrefix(rel, "-") || strings.Contains(rel, ":"):
		return "./" + rel
	}
	return rel
}

// maxProtected is how long the arguments may be that come over the channel.
const maxProtected = 1 << 20

// readProtected reads what a client with --secluded-args sends first: its other
// arguments, each with a NUL, and one more NUL. The first is the name of the
// program.
func (c *rsyncCall) readProtected(in io.Reader) error {
	words := []shellword.Word{}
	var word []byte
	b := make([]byte, 1)
	for range maxProtected {
		if _, err := io.ReadFull(in, b); err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		if b[0] != 0 {
			word = append(word, b[0])
			continue
		}
		if len(word) == 0 {
			return c.takeProtected(words)
		}
		// A server expands patterns in them, too.
		words = append(words, shellword.Word{Text: unescaped(word), Pattern: string(word)})
		word = word[:0]
		if len(words) > shellword.MaxWords {
			break
		}
	}
	return fmt.Errorf("%w: too many", errUsage)
}

func (c *rsyncCall) takeProtected(words []shellword.Word) error {
	if len(words) == 0 {
		return fmt.Errorf("%w: no names", errUsage)
	}
	words[0] = shellword.Word{Text: "--server"}
	inner, err := parseRsync(words)
	if err != nil {
		return err
	}
	if inner.protected {
		return fmt.Errorf("%w: --secluded-args twice", errUsage)
	}
	inner.options = append(c.options, inner.options...)
	inner.sender = inner.sender || c.sender
	inner.relative = inner.relative || c.relative
	inner.removes = inner.removes || c.removes
	inner.munge = inner.munge || c.munge
	*c = inner
	return nil
}

func unescaped(word []byte) string {
	var b bytes.Buffer
	for i := 0; i < len(word); i++ {
		if word[i] == '\\' && i+1 < len(word) {
			i++
		}
		b.WriteByte(word[i])
	}
	return b.String()
}
