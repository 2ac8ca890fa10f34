package webdavd_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sftpgo/protocols/session"
)

// run runs a client in dir and returns what it said.
func run(t *testing.T, dir, stdin, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "HOME="+dir, "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func TestCurl(t *testing.T) {
	curl := client(t, "curl")
	r := newRig(t, session.Config{UploadMode: 1})
	dir := t.TempDir()
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	if err := os.WriteFile(filepath.Join(dir, "big"), big, 0o600); err != nil {
		t.Fatal(err)
	}
	common := []string{"-sS", "--fail", "-u", "alice:" + password}
	do := func(args ...string) string { t.Helper(); return run(t, dir, "", curl, append(common, args...)...) }

	do("-T", "big", r.url+"/big%20fil%C3%A9")
	if r.content("big filé") != string(big) {
		t.Error("upload differs")
	}
	do("-o", "back", r.url+"/big%20fil%C3%A9")
	if err := os.WriteFile(filepath.Join(dir, "back"), big[:1000], 0o600); err != nil {
		t.Fatal(err)
	}
	do("-C", "-", "-o", "back", r.url+"/big%20fil%C3%A9") // resume
	back, err := os.ReadFile(filepath.Join(dir, "back"))
	if err != nil || !bytes.Equal(back, big) {
		t.Errorf("resumed download differs: %v", err)
	}
	do("-X", "MKCOL", r.url+"/d")
	do("-X", "MOVE", "-H", "Destination: "+r.url+"/d/x", r.url+"/big%20fil%C3%A9")
	do("-X", "DELETE", r.url+"/d")
	if got := r.content("d/x"); got != "-" {
		t.Errorf("deleted file is still there, %d bytes", len(got))
	}
}

func TestCadaver(t *testing.T) {
	cadaver := client(t, "cadaver")
	r := newRig(t, session.Config{UploadMode: 1})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "local.txt"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	netrc := fmt.Sprintf("machine 127.0.0.1 login alice password %s\n", password)
	if err := os.WriteFile(filepath.Join(dir, ".netrc"), []byte(netrc), 0o600); err != nil {
		t.Fatal(err)
	}
	script := strings.Join([]string{
		"mkcol sub", "cd sub", "put local.txt a.txt", "copy a.txt b.txt", "move b.txt c.txt",
		"lock c.txt", "discover c.txt", "unlock c.txt", "cd ..", "ls sub", "get sub/c.txt back.txt",
		"delete sub/a.txt", "quit",
	}, "\n") + "\n"
	out := run(t, dir, script, cadaver, r.url+"/")
	if r.content("sub/c.txt") != "hello" || r.content("sub/a.txt") != "-" {
		t.Errorf("c.txt = %q, a.txt = %q\n%s", r.content("sub/c.txt"), r.content("sub/a.txt"), out)
	}
	back, err := os.ReadFile(filepath.Join(dir, "back.txt"))
	if err != nil || string(back) != "hello" {
		t.Errorf("download: %q, %v\n%s", back, err, out)
	}
	for _, bad := range []string{"failed", "error"} {
		if strings.Contains(strings.ToLower(out), bad) {
			t.Errorf("cadaver reports a failure:\n%s", out)
		}
	}
}

// TestDavfs2 works in a mount as people do: cp -r, mv, rm, editors.
func TestDavfs2(t *testing.T) {
	mount := client(t, "mount.davfs")
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		t.Skipf("no FUSE here: %v", err)
	} else {
		_ = f.Close()
	}
	r := newRig(t, session.Config{UploadMode: 1})
	dir, err := os.MkdirTemp("", "davfs2") // t.TempDir is closed to the user that davfs2 becomes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	point := filepath.Join(dir, "mnt")
	src := filepath.Join(dir, "src")
	for _, d := range []string{point, filepath.Join(dir, "cache"), filepath.Join(src, "sub dir")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{dir: 0o755, filepath.Join(dir, "cache"): 0o777} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	conf := filepath.Join(dir, "davfs2.conf")
	// buf_size: Linux (seen with 6.18) reads directories in pieces larger than the
	// 16 KiB that davfs2 1.6 has room for by default, and ls gets EINVAL.
	settings := fmt.Sprintf("cache_dir %s\ndelay_upload 0\nask_auth 0\nuse_locks 1\nbuf_size 64\nsecrets %s\n",
		filepath.Join(dir, "cache"), filepath.Join(dir, "secrets"))
	for name, content := range map[string]string{
		conf: settings, filepath.Join(dir, "secrets"): fmt.Sprintf("%s/ alice %s\n", r.url, password),
		filepath.Join(src, "a.txt"): "alpha\n", filepath.Join(src, "sub dir", "ü.txt"): strings.Repeat("umlaut\n", 9999),
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), mount, "-o", "conf="+conf, r.url+"/", point).CombinedOutput()
	if err != nil {
		if bytes.Contains(out, []byte("Operation not permitted")) || bytes.Contains(out, []byte("Permission denied")) {
			t.Skipf("mounting is not permitted here: %s", out)
		}
		t.Fatalf("mount: %v\n%s", err, out)
	}
	mounted := true
	unmount := func() {
		if mounted {
			mounted = false
			run(t, dir, "", "umount", point) // waits until davfs2 has stored everything
		}
	}
	defer unmount()

	script := `set -e
cp -r src mnt/tree
cat mnt/tree/a.txt | grep -q alpha
mv mnt/tree mnt/moved
echo beta >> mnt/moved/a.txt
printf 'new' > mnt/moved/.a.swp; mv mnt/moved/.a.swp mnt/moved/b.txt
rm "mnt/moved/sub dir/ü.txt"; cp "src/sub dir/ü.txt" mnt/moved/again.txt
df mnt >/dev/null
mkdir mnt/empty; rmdir mnt/empty
ls -la mnt/moved | grep again.txt
ls mnt
`
	said := run(t, dir, script, "sh", "-s")
	unmount()
	for name, want := range map[string]string{
		"moved/a.txt": "alpha\nbeta\n", "moved/b.txt": "new", "moved/again.txt": strings.Repeat("umlaut\n", 9999),
		"moved/sub dir/ü.txt": "-", "tree/a.txt": "-",
	} {
		if got := r.content(name); got != want {
			t.Errorf("%s = %.40q, want %.40q\n%s", name, got, want, said)
		}
	}
	for _, gone := range []string{"empty", "tree"} {
		if _, err := os.Stat(filepath.Join(r.home, gone)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", gone, err)
		}
	}
}
