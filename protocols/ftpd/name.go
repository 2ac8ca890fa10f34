package ftpd

import (
	"context"
	"path"

	"github.com/fclairamb/ftpserverlib"

	"sftpgo/protocols"
)

// refusesName is the answer to a command whose name no operation accepts, or nil.
// The library resolves ".." before anybody else sees a name, and one that climbs
// above the root would come out as another name; so would one that is missing, as
// the working directory. CWD and CDUP are left to that: in the root they stay there,
// as users expect.
func (t *control) refusesName(verb, arg string) *refusal {
	switch verb {
	case "RETR", "STOR", "APPE", "DELE", "RNFR", "RNTO", "MKD", "XMKD", "RMD", "XRMD", "SIZE", "MDTM":
		if arg == "" {
			return &refusal{501, verb + " takes a name"}
		}
	case "AVBL":
	default:
		return nil
	}
	if err := t.c.current().CheckName(verb, t.c.directory(), arg); err != nil {
		st := protocols.StatusOf(err)
		return &refusal{st.FTP, st.Text}
	}
	return nil
}

// refuseName answers with no. Of a transfer the library hears, which forgets REST
// then: the next one would go on at a place that was meant for this one.
func (t *control) refuseName(verb string, no *refusal) []byte {
	switch verb {
	case "RETR", "STOR", "APPE":
		return t.c.begin("RETR", func(context.Context, *driver) (ftpserver.FileTransfer, error) { return nil, no })
	}
	return t.refuse(no)
}

// resolve returns the absolute name for one that a client sent.
func (d *driver) resolve(verb, raw string) (string, error) {
	dir := d.c.directory()
	if err := d.s.CheckName(verb, dir, raw); err != nil {
		return "", err
	}
	if path.IsAbs(raw) {
		return path.Clean(raw), nil
	}
	return path.Join(dir, raw), nil
}
