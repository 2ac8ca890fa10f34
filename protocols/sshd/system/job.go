package system

import (
	"context"
	"errors"
	"fmt"
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
