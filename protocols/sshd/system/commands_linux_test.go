package system_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/protocols/sshd/system"
)

func TestQuotaEndsPush(t *testing.T) {
	r := newRig(t, func(u *dataprovider.User) { u.QuotaSize = 300_000 })
	r.run("git", "init", "-q", "--bare", filepath.Join(r.home, "repo.git"))
	r.scan()
	r.run("git", "init", "-q", ".")
	random := make([]byte, 2_000_000)
	f, err := os.Open("/dev/urandom")
	must(t, err)
	defer f.Close()
	_, err = f.Read(random)
	must(t, err)
	r.write(filepath.Join(r.work, "big"), string(random))
	r.run("git", "add", ".")
	r.run("git", "commit", "-q", "-m", "big")
	out := r.fails("git", "push", "h:repo.git", "HEAD:main")
	if !strings.Contains(out, "quota exceeded") {
		t.Errorf("the client is not told: %s", out)
	}
	r.counted()
	if diff := cmp.Diff([]string{"ssh.cmd git-receive-pack /repo.git 2"}, r.events()); diff != "" {
		t.Error(diff)
	}
	used, err := r.store.Usage().Get(t.Context(), "alice")
	must(t, err)
	if used.Bytes > 300_000 {
		t.Errorf("%d bytes are used", used.Bytes)
	}
}

// What is compressed on the way is larger here than what the client sent.
func TestQuotaOfCompressed(t *testing.T) {
	r := newRig(t, func(u *dataprovider.User) { u.QuotaSize = 1_000_000 })
	for _, name := range []string{"a", "b", "c"} {
		r.write(filepath.Join(r.work, "src", name), strings.Repeat("x", 900_000))
	}
	r.run("rsync", "-az", "src/a", "h:") // fits
	r.counted()
	r.write(filepath.Join(r.work, "src", "huge"), strings.Repeat("x", 3_000_000))
	r.fails("rsync", "-az", "src/huge", "h:") // a file may not be larger than the quota
	r.counted()
	r.events()
	_ = r.client("rsync", "-az", "--bwlimit=1", "src/", "h:").Run() // may be done before it is looked at
	r.counted()
	out := r.fails("rsync", "-az", "src/", "h:") // begins over quota, if so
	used, err := r.store.Usage().Get(t.Context(), "alice")
	must(t, err)
	if used.Bytes > 1_000_000 && !strings.Contains(out, "quota exceeded") {
		t.Errorf("%d bytes are used: %s", used.Bytes, out)
	}
}

// The client is killed in the middle: its process group has gone, and what it
// left is counted.
func TestClientKilled(t *testing.T) {
	for _, how := range []string{"client", "session"} {
		t.Run(how, func(t *testing.T) {
			r := newRig(t)
			r.write(filepath.Join(r.work, "src/first"), "small")
			r.write(filepath.Join(r.work, "src/second"), strings.Repeat("0123456789", 5_000_000))
			cmd := r.client("rsync", "-a", "--bwlimit=2000", "--partial", "--inplace", "src/", "h:up/")
			must(t, cmd.Start())
			s := <-r.running
			for begun := false; !begun; time.Sleep(10 * time.Millisecond) {
				info, err := os.Stat(filepath.Join(r.home, "up/second"))
				begun = err == nil && info.Size() > 100_000
			}
			seen := groups(t)
			if how == "client" {
				must(t, cmd.Process.Kill())
			} else {
				go s.Close()
			}
			_ = cmd.Wait() // it was killed
			select {
			case <-r.ended:
			case <-time.After(20 * time.Second):
				t.Fatal("the command does not end")
			}
			gone(t, seen[:1])
			r.counted()
			if diff := cmp.Diff([]string{"ssh.cmd rsync /up 0"}, r.events()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A repository holds whatever its owner uploaded. Nothing of it runs, and nothing
// outside is read.
func TestHostileRepository(t *testing.T) {
	r := newRig(t)
	touched := filepath.Join(t.TempDir(), "touched")
	outside := filepath.Join(t.TempDir(), "outside.git")
	r.run("git", "init", "-q", "--bare", outside)
	r.run("git", "init", "-q", ".")
	r.write(filepath.Join(r.work, "f"), "text")
	r.run("git", "add", ".")
	r.run("git", "commit", "-q", "-m", "c")
	r.run("git", "push", "-q", outside, "HEAD:secret")
	evil := filepath.Join(r.home, "evil.git")
	r.run("git", "init", "-q", "--bare", evil)
	script := "#!/bin/sh\ntouch " + touched + " /files/evil.git/touched touched\n"
	for _, hook := range strings.Fields("pre-receive update post-receive post-update reference-transaction push-to-checkout proc-receive pre-auto-gc") {
		r.write(filepath.Join(evil, "hooks", hook), script)
		must(t, os.Chmod(filepath.Join(evil, "hooks", hook), 0o755))
	}
	r.write(filepath.Join(evil, "run"), script)
	must(t, os.Chmod(filepath.Join(evil, "run"), 0o755))
	r.write(filepath.Join(evil, "config"), `[core]
	bare = true
	repositoryformatversion = 0
	hooksPath = /files/evil.git/hooks
	fsmonitor = /files/evil.git/run
	alternateRefsCommand = /files/evil.git/run
[uploadpack]
	packObjectsHook = /files/evil.git/run
[tar "tar.gz"]
	command = /files/evil.git/run
	remote = true
[tar "sh"]
	command = "touch `+touched+`; cat"
	remote = true
[gc]
	auto = 1
[filter "x"]
	smudge = /files/evil.git/run
	required = true
`)
	r.write(filepath.Join(evil, "info/attributes"), "* filter=x\n")
	r.write(filepath.Join(evil, "objects/info/alternates"), filepath.Join(outside, "objects")+"\n")

	r.scan()
	r.run("git", "push", "-q", "h:evil.git", "HEAD:main")
	r.run("git", "clone", "-q", "h:evil.git", "clone")
	r.fails("git", "archive", "--remote=h:evil.git", "--format=tar.gz", "main")
	r.fails("git", "archive", "--remote=h:evil.git", "--format=sh", "main")
	r.run("git", "-C", evil, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "fsck", "--no-dangling")

	// References to objects that only the other repository has.
	r.write(filepath.Join(evil, "packed-refs"), "")
	id := strings.TrimSpace(r.run("git", "-C", outside, "rev-parse", "secret"))
	thief := filepath.Join(r.home, "thief.git")
	r.run("git", "init", "-q", "--bare", thief)
	r.write(filepath.Join(thief, "objects/info/alternates"), filepath.Join(outside, "objects")+"\n")
	r.write(filepath.Join(thief, "refs/heads/stolen"), id+"\n")
	_ = r.client("git", "clone", "-q", "h:thief.git", "stolen").Run()
	if out, err := r.client("git", "-C", "stolen", "cat-file", "-e", id).CombinedOutput(); err == nil {
		t.Errorf("objects of another repository are read: %s", out)
	}
	must(t, os.MkdirAll(filepath.Join(r.home, "byfile"), 0o755))
	r.write(filepath.Join(r.home, "byfile/.git"), "gitdir: "+outside+"\n")
	r.fails("git", "clone", "-q", "h:byfile", "byfile")
	must(t, os.Symlink(outside, filepath.Join(r.home, "bylink.git")))
	r.fails("git", "clone", "-q", "h:bylink.git", "bylink")
	r.scan()
	r.write(filepath.Join(r.work, "f"), "other text")
	r.run("git", "commit", "-q", "-a", "-m", "d")
	r.run("git", "push", "-q", "h:evil.git", "HEAD:more")

	for _, name := range []string{touched, filepath.Join(evil, "touched")} {
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%s was made: something of the repository ran", name)
		}
	}
	r.counted()
}

func TestHostileRsync(t *testing.T) {
	r := newRig(t)
	secret := filepath.Join(t.TempDir(), "secret")
	must(t, os.MkdirAll(secret, 0o755))
	r.write(filepath.Join(secret, "file"), "secret")
	r.write(filepath.Join(r.home, "dir/own"), "own")
	r.write(filepath.Join(r.home, "other/private"), "private")
	for link, to := range map[string]string{
		"dir/tofile": filepath.Join(secret, "file"), "dir/todir": secret, "out": secret, "dir/toother": "../other/private",
	} {
		must(t, os.Symlink(to, filepath.Join(r.home, link)))
	}
	r.scan()
	r.write(filepath.Join(r.work, "src/new"), "new")
	r.write(filepath.Join(r.work, "todir/new"), "new")

	for _, args := range [][]string{
		{"-aL", "h:dir/", "got/"}, {"-a", "--copy-unsafe-links", "h:dir/", "got/"}, {"-aL", "h:dir", "got/"}, {"-ak", "h:dir/", "got/"},
		{"-a", "h:out/file", "got/"}, {"-a", "h:dir/tofile/", "got/"}, {"-a", "h:" + secret + "/file", "got/"},
		{"-a", "h:../../" + secret + "/file", "got/"}, {"-a", "--files-from=-", "h:dir/", "got/"},
		{"-a", "-f", ". " + secret + "/file", "h:dir/", "got/"},
	} {
		cmd := r.client("rsync", args...)
		cmd.Stdin = strings.NewReader("../../../../../" + secret + "/file\n../other/private\n")
		out, _ := cmd.CombinedOutput() // some warn only
		if strings.Contains(string(out), r.home) {
			t.Errorf("%q: the client is told of the host: %s", args, out)
		}
	}
	must(t, filepath.WalkDir(r.work, func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if text, err := os.ReadFile(name); err != nil || strings.Contains(string(text), "secret") || string(text) == "private" {
			t.Errorf("%s: %q %v", name, text, err)
		}
		return nil
	}))

	for _, args := range [][]string{
		{"-a", "src/", "h:out/"}, {"-a", "src/", "h:dir/todir/"}, {"-aK", "src/", "h:dir/todir/"}, {"-a", "src/", "h:" + secret + "/"},
		{"-a", "src/", "h:../" + filepath.Base(secret) + "/"}, {"-aK", "todir", "h:dir/"},
		{"-a", "--backup-dir=" + secret, "-b", "src/", "h:dir/"}, {"-a", "--temp-dir=" + secret, "src/", "h:dir/"},
		{"-a", "--link-dest=" + secret, "src/", "h:dir/"}, {"-a", "-M--log-file=" + secret + "/log", "src/", "h:dir/"},
		{"-a", "--partial-dir=" + secret, "src/", "h:dir/"}, {"-a", "--delete", "src/", "h:out/"},
	} {
		_ = r.client("rsync", args...).Run() // most fail
	}
	list, err := os.ReadDir(secret)
	must(t, err)
	if len(list) != 1 {
		t.Errorf("written outside: %v", list)
	}
	r.counted()
}

// A user with rules of their own for a directory below does not get around them.
func TestNarrowerRules(t *testing.T) {
	r := newRig(t, func(u *dataprovider.User) { u.Permissions["/dir/closed"] = []string{"list"} })
	r.write(filepath.Join(r.home, "dir/closed/file"), "text")
	r.write(filepath.Join(r.work, "src/new"), "new")
	for _, args := range [][]string{
		{"-a", "src/", "h:dir/"}, {"-a", "h:dir/", "got/"}, {"-a", "h:dir/closed/file", "got/"}, {"-a", "src/", "h:"}, {"-a", "h:d*", "got/"},
	} {
		if out := r.fails("rsync", args...); !strings.Contains(out, "permission denied") {
			t.Errorf("%q: %s", args, out)
		}
	}
	must(t, os.Mkdir(filepath.Join(r.home, "beside"), 0o755))
	r.run("rsync", "-a", "src/", "h:beside/")
}

// Who may not make links gets them in a form that leads nowhere.
func TestLinksWithoutPermission(t *testing.T) {
	r := newRig(t, func(u *dataprovider.User) {
		u.Permissions["/"] = []string{"list", "download", "upload", "create_dirs", "overwrite", "delete"}
	})
	must(t, os.MkdirAll(filepath.Join(r.work, "src"), 0o755), os.Symlink("target", filepath.Join(r.work, "src/link")))
	r.run("rsync", "-a", "--safe-links", "src/", "h:up/")
	if to, err := os.Readlink(filepath.Join(r.home, "up/link")); err != nil || to == "target" {
		t.Errorf("%q %v", to, err)
	}
}

// The status of the program is the status of the command.
func TestStatus(t *testing.T) {
	r := newRig(t)
	must(t, os.MkdirAll(r.home, 0o755))
	r.fails("rsync", "-a", "h:nothing", "got/")
	if status := <-r.ended; status != 23 {
		t.Errorf("status %d", status)
	}
	r.fails("git", "clone", "-q", "h:nothing")
	if status := <-r.ended; status != 1 {
		t.Errorf("status %d", status)
	}
	want := []string{"ssh.cmd rsync /nothing 0", "ssh.cmd git-upload-pack /nothing 0"}
	if diff := cmp.Diff(want, r.events()); diff != "" {
		t.Error(diff)
	}
}

// The limit of the user holds for what a program moves.
func TestBandwidth(t *testing.T) {
	r := newRig(t, func(u *dataprovider.User) { u.UploadBandwidth, u.DownloadBandwidth = 64, 64 })
	r.write(filepath.Join(r.work, "src/f"), strings.Repeat("0123456789", 15_000))
	for _, args := range [][]string{{"-a", "src/", "h:up/"}, {"-a", "h:up/", "got/"}} {
		begun := time.Now()
		r.run("rsync", args...)
		if took := time.Since(begun); took < time.Second {
			t.Errorf("%q: 150 kB take %v", args, took)
		}
	}
}

// The user of the host owns what the programs make.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can change the user")
	}
	r := newRig(t, func(u *dataprovider.User) { u.UID, u.GID = 12345, 12346 })
	must(t, os.MkdirAll(r.home, 0o755), os.Chown(r.home, 12345, 12346))
	r.write(filepath.Join(r.work, "src/new"), "new")
	r.run("rsync", "-rt", "src/", "h:up/")
	if out := strings.TrimSpace(r.run("stat", "-c", "%u:%g", filepath.Join(r.home, "up/new"))); out != "12345:12346" {
		t.Error(out)
	}
}

// What is not enabled, and what cannot run here, is refused.
func TestNotEnabled(t *testing.T) {
	var log strings.Builder
	list := system.New(system.Config{}, slog.New(slog.NewTextHandler(&log, nil)))
	if len(list) != 4 || log.Len() > 0 {
		t.Errorf("%v %s", list, log.String())
	}
	system.New(system.Config{Enabled: []string{"rsync"}, Helper: []string{"/bin/false"}}, slog.New(slog.NewTextHandler(&log, nil)))
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "cannot be confined") {
		t.Error(log.String())
	}
}
