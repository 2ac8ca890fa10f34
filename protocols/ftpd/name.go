package ftpd

import (
	"path"

	"sftpgo/protocols"
)

// refusesName is the answer to a command whose name no operation accepts, or nil.
// The library resolves ".." before anybody else sees a name, and one that climbs
// above the root would come out as another name. CWD and CDUP are left to that: in
// the root they stay there, as users expect.
func (t *control) refusesName(verb, arg string) *refusal {
	switch verb {
	case "RETR", "STOR", "APPE", "DELE", "RNFR", "RNTO", "MKD", "XMKD", "RMD", "XRMD", "SIZE", "MDTM", "AVBL":
		if err := t.c.current().CheckName(verb, t.c.directory(), arg); err != nil {
			st := protocols.StatusOf(err)
			return &refusal{st.FTP, st.Text}
		}
	}
	return nil
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
