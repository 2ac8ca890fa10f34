package main

import (
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"
)

// The probers know every verb of their protocol that takes a name.

type sftpProber struct{ *sftpActor }

func probeSFTP(s *realServer, user string) (prober, error) {
	a, err := newSFTPActor(s.sftp, user)
	return sftpProber{a}, err
}

func (p sftpProber) attempts() []attempt {
	simple := func(verb string, do func(name string) error, harmless ...kind) attempt {
		return attempt{verb: verb, do: func(name string) (string, error) { return "", sftpAnswer(do(name)) }, harmless: harmless}
	}
	writing := func(flags int) func(string) error {
		return func(name string) error { return p.write(name, flags, 0, []byte("evil")) }
	}
	return []attempt{
		{verb: "open", do: func(name string) (string, error) { b, err := p.get(name); return string(b), err }},
		simple("open to write", writing(os.O_WRONLY|os.O_CREATE|os.O_TRUNC)),
		simple("open to append", writing(os.O_WRONLY|os.O_CREATE|os.O_APPEND)),
		simple("open to change", writing(os.O_RDWR)),
		simple("open to make", writing(os.O_WRONLY|os.O_CREATE|os.O_EXCL)),
		{verb: "opendir", do: func(name string) (string, error) { return namesOf(p.c.ReadDir(name)) }},
		simple("stat", func(name string) error { _, err := p.c.Stat(name); return err }),
		simple("lstat", func(name string) error { _, err := p.c.Lstat(name); return err }, link),
		simple("chmod", func(name string) error { return p.c.Chmod(name, 0o777) }),
		simple("chtimes", func(name string) error { return p.c.Chtimes(name, time.Unix(1, 0), time.Unix(1, 0)) }),
		simple("truncate", func(name string) error { return p.c.Truncate(name, 0) }),
		simple("mkdir", p.c.Mkdir),
		simple("rmdir", p.c.RemoveDirectory),
		// The library tries the other request when one is refused.
		{verb: "remove", do: func(name string) (string, error) { return "", p.remove(name) }, harmless: []kind{link}, asks: 3},
		simple("rename from", func(name string) error { return p.c.Rename(name, "/taken") }, link),
		simple("rename to", func(name string) error { return p.c.Rename("/inside.txt", name) }, link),
		simple("posix-rename from", func(name string) error { return p.c.PosixRename(name, "/taken") }, link),
		simple("posix-rename to", func(name string) error { return p.c.PosixRename("/inside.txt", name) }, link),
		simple("symlink at", func(name string) error { return p.c.Symlink("inside.txt", name) }),
		// Any text may be in a link that leads nowhere outside.
		simple("symlink to", func(name string) error { return p.c.Symlink(name, "/new link") }, absolute, below, link),
		simple("link at", func(name string) error { return p.c.Link("/inside.txt", name) }, unparsable, absolute, below, link), // not supported at all
		{verb: "readlink", do: func(name string) (string, error) {
			text, err := p.c.ReadLink(name)
			if err == nil && text != "relfile" && text != "two" { // these two stay inside
				return text, nil
			}
			if err == nil {
				err = os.ErrPermission
			}
			return "", sftpAnswer(err)
		}, harmless: []kind{link}},
		simple("statvfs", func(name string) error { _, err := p.c.StatVFS(name); return err }),
	}
}

func namesOf(list []fs.FileInfo, err error) (string, error) {
	var b strings.Builder
	for _, info := range list {
		b.WriteString(info.Name() + "\n")
	}
	return b.String(), sftpAnswer(err)
}

type scpProber struct{ *scpActor }

func probeSCP(s *realServer, user string) (prober, error) {
	a, err := newSCPActor(s.sftp, user)
	return scpProber{a}, err
}

func (p scpProber) attempts() []attempt {
	return []attempt{
		{verb: "source", do: func(name string) (string, error) { b, err := p.get(name); return string(b), err }},
		{verb: "source of a tree", do: func(name string) (string, error) { return p.tree(name) }},
		{verb: "sink", do: func(name string) (string, error) { return "", p.put(name, []byte("evil")) }, asks: 2},
		{verb: "sink below", do: func(name string) (string, error) { return "", p.put(name+"/evil", []byte("evil")) }, asks: 2},
		{verb: "sink with a name", do: func(name string) (string, error) { return "", p.announce("-t", "C0644 4 "+name) }},
		{verb: "sink of a directory", do: func(name string) (string, error) { return "", p.announce("-r -t", "D0755 0 "+name) }},
	}
}

// tree asks for a directory and takes the first line only.
func (p scpProber) tree(name string) (string, error) {
	r, err := p.run("-r -f", name)
	if err != nil {
		return "", err
	}
	if _, err := r.in.Write([]byte{0}); err != nil {
		return "", err
	}
	line, err := r.out.ReadString('\n')
	if err == nil && line[0] == 1 {
		err = &refusedError{1, line[1:]}
	}
	return line, r.end(err)
}

// announce sends a line with a name of its own to a directory.
func (p scpProber) announce(flags, line string) error {
	r, err := p.run(flags, "/")
	if err != nil {
		return err
	}
	err = r.answer()
	if err == nil {
		err = r.say(line + "\n")
	}
	if err == nil && line[0] == 'C' {
		err = r.say("evil\x00")
	}
	return r.end(err)
}

type ftpProber struct{ *ftpActor }

func probeFTP(s *realServer, user string) (prober, error) {
	a, err := newFTPActor(s.ftp, user)
	return ftpProber{a}, err
}

func (p ftpProber) attempts() []attempt {
	simple := func(want int, verb string, harmless ...kind) attempt {
		return attempt{verb: verb, do: func(name string) (string, error) { return p.cmd(want, verb+" "+name) }, harmless: harmless}
	}
	receiving := func(verb string, harmless ...kind) attempt {
		return attempt{verb: verb, do: func(name string) (string, error) {
			b, err := p.receive(verb + " " + name)
			return string(b), err
		}, harmless: harmless}
	}
	sending := func(verb string) attempt {
		return attempt{verb: verb, do: func(name string) (string, error) { return "", p.send(verb+" "+name, []byte("evil")) }}
	}
	return []attempt{
		receiving("RETR"), sending("STOR"), sending("APPE"),
		receiving("LIST"), receiving("NLST"), receiving("MLSD"),
		simple(250, "MLST"), simple(213, "SIZE"), simple(213, "MDTM"), simple(213, "STAT"),
		simple(213, "MFMT 20200101000000"),
		simple(257, "MKD"), simple(250, "RMD"), simple(250, "DELE", link),
		{verb: "RNFR", do: func(name string) (string, error) { return "", p.rename(name, "/taken") }, harmless: []kind{link}},
		{verb: "RNTO", do: func(name string) (string, error) { return "", p.rename("/inside.txt", name) }, harmless: []kind{link}},
		simple(250, "CWD", unparsable), // ".." stays in the root, as users expect
	}
}

type davProber struct{ *davActor }

func probeDAV(s *realServer, user string) (prober, error) {
	return davProber{newDAVActor(s.dav, user)}, nil
}

// attempts take up to three looks at what is there before they are refused.
func (p davProber) attempts() []attempt {
	simple := func(method, body string, harmless []kind, header ...string) attempt {
		return attempt{verb: method, do: func(name string) (string, error) {
			b, err := p.call(method, name, []byte(body), header...)
			return string(b), err
		}, harmless: harmless, asks: 3}
	}
	toward := func(method string, harmless ...kind) attempt {
		return attempt{verb: method + " to", do: func(name string) (string, error) {
			b, err := p.call(method, "/inside.txt", nil, "Destination", escaped(name))
			return string(b), err
		}, harmless: harmless, asks: 3}
	}
	const lock = `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>`
	const patch = `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x xmlns="urn:x">1</x></D:prop></D:set></D:propertyupdate>`
	return []attempt{
		simple(http.MethodGet, "", nil), simple(http.MethodHead, "", nil), simple(http.MethodPost, "", nil),
		simple(http.MethodPut, "evil", nil), simple(http.MethodDelete, "", []kind{link}),
		simple("MKCOL", "", nil), simple("PROPFIND", "", nil, "Depth", "1"), simple("PROPPATCH", patch, nil),
		simple("LOCK", lock, nil, "Timeout", "Second-1"),
		simple("COPY", "", nil, "Destination", "/taken"), simple("MOVE", "", []kind{link}, "Destination", "/taken"),
		toward("COPY", link), toward("MOVE", link),
	}
}
