package ftpd_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

// ncftp is from before RFC 3659 was common: it lists with options and patterns, and
// sets times and modes with SITE.
func TestNcFTP(t *testing.T) {
	put, get, ls := client(t, "ncftpput"), client(t, "ncftpget"), client(t, "ncftpls")
	s := start(t, options{cfg: everything})
	host, port, _ := net.SplitHostPort(s.addr)
	login := []string{"-u", testUser, "-p", testPassword, "-P", port}
	local := t.TempDir()
	want := tree(t, local)
	run(t, "", put, append(login, "-m", "-R", host, "/up", local)...)
	at := filepath.Join("up", filepath.Base(local))
	same(t, s.path(at), want)
	back := t.TempDir()
	run(t, "", get, append(login, "-R", "-T", host, back, "/"+at)...) // -T: without tar
	same(t, filepath.Join(back, filepath.Base(local)), want)

	// Only downloads: ncftpput -z 3.2.6 sends the whole file after REST.
	part := filepath.Join(t.TempDir(), "large.bin")
	if err := os.WriteFile(part, []byte(want["large.bin"][:1<<20]), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "", get, append(login, "-z", host, filepath.Dir(part), "/"+at+"/large.bin")...)
	if b, _ := os.ReadFile(part); string(b) != want["large.bin"] {
		t.Errorf("resumed: %d bytes", len(b))
	}
	for _, name := range []string{"a.txt", "b.txt", "c.dat"} {
		s.write(t, "names/"+name, name)
	}
	globbed := t.TempDir()
	run(t, "", get, append(login, host, globbed, "/names/*.txt")...)
	same(t, globbed, map[string]string{"a.txt": "a.txt", "b.txt": "b.txt"})
	if got := run(t, "", ls, append(login, "-1", "ftp://"+host+"/names/")...); got != "a.txt\nb.txt\nc.dat\n" {
		t.Errorf("ncftpls: %q", got)
	}
}
