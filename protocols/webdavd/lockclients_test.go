package webdavd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgo/protocols/session"
)

// TestCadaverLocks: cadaver finds a lock of another client of its user, takes it
// over, works under it and gives it back; a collection, too.
func TestCadaverLocks(t *testing.T) {
	cadaver := client(t, "cadaver")
	r := newRig(t, session.Config{UploadMode: 1})
	r.write("f", "old")
	r.write("coll/g", "old")
	r.lock("/f", exclusive)
	dir := t.TempDir()
	for name, content := range map[string]string{
		"local": "new", ".netrc": fmt.Sprintf("machine 127.0.0.1 login alice password %s\n", password),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused := run(t, dir, "put local f\nquit\n", cadaver, r.url+"/")
	if r.content("f") != "old" || !strings.Contains(refused, "423") {
		t.Errorf("without the lock: %q\n%s", r.content("f"), refused)
	}
	out := run(t, dir, strings.Join([]string{
		"discover f", "steal f", "showlocks", "put local f", "unlock f",
		"lock coll", "put local coll/g", "put local coll/new", "move coll/new coll/newer", "unlock coll", "quit",
	}, "\n")+"\n", cadaver, r.url+"/")
	if got := r.content("f") + r.content("coll/g") + r.content("coll/newer"); got != "newnewnew" {
		t.Errorf("%q\n%s", got, out)
	}
	for _, bad := range []string{"failed", "error"} {
		if strings.Contains(strings.ToLower(out), bad) {
			t.Errorf("cadaver reports a failure:\n%s", out)
		}
	}
	r.want(204, "PUT", "/f", "free")
	r.want(204, "PUT", "/coll/g", "free")
}
