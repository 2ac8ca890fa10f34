// Package system is the SSH commands that run external programs: git's server
// side and rsync. A client chooses neither the program nor an option that reads,
// writes or runs something else: its arguments are parsed and written anew, its
// names are resolved below its home, and the program sees nothing but the
// directory it works on (see package confine).
package system

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/command"
	"sftpgo/protocols/sshd/shellword"
)

// New returns all commands of this package. Those that cannot run on this host,
// because a program is missing or the kernel cannot confine it, tell clients so;
// the log names them when they are enabled.
func New(cfg Config, log *slog.Logger) []command.Command {
	var list []command.Command
	var missing []string
	for _, name := range []string{receivePack, uploadPack, uploadArchive, rsync} {
		p := &program{name: name}
		list = append(list, p)
		if slices.Contains(cfg.Enabled, name) || slices.Contains(cfg.Enabled, "*") {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		log.Warn("commands that clients are refused: " + strings.Join(missing, ", "))
	}
	return list
}

// The commands.
const (
	receivePack   = "git-receive-pack"
	uploadPack    = "git-upload-pack"
	uploadArchive = "git-upload-archive"
	rsync         = "rsync"
)

// program is one command.
type program struct {
	name string
}

var _ command.Command = (*program)(nil)

// Name implements command.Command.
func (p *program) Name() string { return p.name }

// Run implements command.Command.
func (p *program) Run(_ context.Context, _ *session.Session, _ []shellword.Word, st command.Stream) uint32 {
	fmt.Fprintf(st.Err, "%s: not available on this server\r\n", p.name)
	return 1
}
