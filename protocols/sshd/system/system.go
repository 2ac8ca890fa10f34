// Package system is the SSH commands that run external programs: git's server
// side and rsync. A client chooses neither the program nor an option that reads,
// writes or runs something else: its arguments are parsed and written anew, its
// names are resolved below its home, and the program sees nothing but the
// directories it works on (see package confine).
package system

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"sftpgo/protocols"
	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/command"
	"sftpgo/protocols/sshd/shellword"
	"sftpgo/protocols/sshd/system/confine"
)

// The commands.
const (
	receivePack   = "git-receive-pack"
	uploadPack    = "git-upload-pack"
	uploadArchive = "git-upload-archive"
	rsync         = "rsync"
)

// What is wrong with the arguments of a client; it is told.
var (
	errOption = errors.New("option not allowed")
	errUsage  = errors.New("bad arguments")
)

// New returns all commands of this package. Those that cannot run on this host,
// because a program is missing or the kernel cannot confine it, tell clients so;
// the log names them when they are enabled.
func New(cfg Config, log *slog.Logger) []command.Command {
	log = log.With("sender", "sshd")
	var list []command.Command
	enabled := false
	for _, name := range []string{receivePack, uploadPack, uploadArchive, rsync} {
		p := &program{name: name, err: errNotEnabled}
		if slices.Contains(cfg.Enabled, name) || slices.Contains(cfg.Enabled, "*") {
			enabled = true
			p.err = nil
		}
		list = append(list, p)
	}
	if !enabled {
		return list
	}
	helper, err := cfg.helper()
	if err == nil {
		err = tryHelper(helper)
	}
	if err != nil {
		log.Error("clients are refused git and rsync, because these programs cannot be confined here", "error", err)
	}
	for _, c := range list {
		p := c.(*program)
		switch {
		case p.err != nil:
		case err != nil:
			p.err = err
		default:
			p.helper = helper
			if p.binary, p.err = findBinary(p.name); p.err != nil {
				log.Error("clients are refused a command, because its program cannot be used", "command", p.name, "error", p.err)
			}
		}
	}
	return list
}

var errNotEnabled = errors.New("not enabled")

// program is one command.
type program struct {
	name   string
	err    error    // why it cannot run
	helper []string // see Config
	binary binary
}

var _ command.Command = (*program)(nil)

// Name implements command.Command.
func (p *program) Name() string { return p.name }

// Run implements command.Command.
func (p *program) Run(ctx context.Context, s *session.Session, args []shellword.Word, st command.Stream) uint32 {
	j := &job{p: p, s: s, st: st, name: lastOf(args)}
	status, err := j.run(ctx, args)
	// A name that was refused is told as it was given. But no program can be given a NUL.
	name := strings.ReplaceAll(j.name, "\x00", "?")
	s.CommandDone(context.WithoutCancel(ctx), st.Line, name, "", err)
	return status
}

// run plans and runs the job, and tells the client what is wrong. err is for the
// event; without it the status is 0.
func (j *job) run(ctx context.Context, args []shellword.Word) (status uint32, err error) {
	if j.p.err != nil {
		j.tell("not available on this server")
		return 1, j.p.err
	}
	if err := j.plan(ctx, args); err != nil {
		if !errors.Is(err, errOption) && !errors.Is(err, errUsage) {
			j.tell(protocols.StatusOf(err).Text)
		} else {
			j.tell(err.Error())
		}
		return 1, err
	}
	status, err = j.execute()
	if cerr := j.x.Close(ctx); cerr != nil {
		j.s.Log().Error("usage is not up to date until the next start of the server", "error", cerr)
	}
	if err == nil && status != 0 {
		err = fmt.Errorf("%s: exit status %d", j.p.name, status)
	}
	return status, err
}

func (j *job) tell(text string) {
	fmt.Fprintf(j.st.Err, "%s: %s\r\n", j.p.name, command.Printable(text))
}

func lastOf(args []shellword.Word) string {
	if len(args) == 0 {
		return ""
	}
	return args[len(args)-1].Text
}

// tryHelper finds out whether a program can be confined, by doing it without one.
func tryHelper(helper []string) error {
	if err := confine.Check(); err != nil {
		return err
	}
	proc, err := start(helper, confine.Spec{}, nil)
	if err != nil {
		return fmt.Errorf("%w (are namespaces allowed?)", err)
	}
	proc.closeStreams()
	status, err := proc.wait()
	if err == nil && status != 0 {
		err = fmt.Errorf("%w: the helper ends with status %d", errNotStarted, status)
	}
	return err
}
