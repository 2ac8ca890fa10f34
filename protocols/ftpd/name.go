package ftpd

import (
	"fmt"
	"strings"

	"sftpgo/protocols"
)

// refusesName answers a command whose name no operation accepts, and reports
// whether it did. The library resolves ".." before anybody else sees a name, and
// one that climbs above the root would come out as another name. CWD and CDUP are
// left to that: in the root they stay there, as users expect.
func (t *control) refusesName(verb, arg string) bool {
	s := t.c.current()
	if s == nil {
		return false
	}
	for _, name := range namesIn(verb, arg) {
		if err := s.CheckName(verb, t.c.directory(), name); err != nil {
			st := protocols.StatusOf(err)
			t.reply(fmt.Sprintf("%d %s", st.FTP, st.Text))
			return true
		}
	}
	return false
}

// namesIn returns what may be a name in the argument of a command.
func namesIn(verb, arg string) []string {
	_, rest, more := strings.Cut(arg, " ")
	switch verb {
	case "RETR", "STOR", "APPE", "DELE", "RNFR", "RNTO", "MKD", "XMKD", "RMD", "XRMD", "SIZE", "MDTM", "MLST", "MLSD", "AVBL":
		return []string{arg}
	case "LIST", "NLST", "STAT": // options may come first
		if more && strings.HasPrefix(arg, "-") {
			return []string{arg, rest}
		}
		return []string{arg}
	case "MFMT": // a time comes first
		return []string{rest}
	}
	return nil
}
