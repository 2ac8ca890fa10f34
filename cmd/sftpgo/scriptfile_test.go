package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdBigFile makes a file with content that shows where a piece went astray:
// bigfile NAME SIZE, the size in KiB.
func cmdBigFile(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: bigfile NAME KIB")
	}
	kib, err := strconv.Atoi(args[1])
	ts.Check(err)
	var b bytes.Buffer
	for i := range kib {
		fmt.Fprintf(&b, "%-1023d\n", i)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o644))
}

// cmdSame compares two files or trees byte by byte.
func cmdSame(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: same A B")
	}
	check(ts, neg, ts.Exec("diff", "-r", ts.MkAbs(args[0]), ts.MkAbs(args[1])))
}

// cmdMount mounts the WebDAV tree of alice at mnt with davfs2: mount PASSWORD.
// Where the system does not let us mount, the script is skipped.
func cmdMount(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: mount PASSWORD")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil || os.Getuid() != 0 {
		rigOf(ts).env.T().Skip("mounting needs root and /dev/fuse")
	}
	url := "http://127.0.0.1:" + ts.Getenv("DAV_PORT") + "/"
	ts.Check(os.MkdirAll(ts.MkAbs("mnt"), 0o755))
	cache, err := os.MkdirTemp("", "davfs2") // davfs2 opens it as a user of its own
	ts.Check(err)
	ts.Check(os.Chmod(cache, 0o777))
	rigOf(ts).env.Defer(func() { _ = os.RemoveAll(cache) })
	conf := "buf_size 64\nuse_locks 1\ndelay_upload 0\ncache_dir " + cache + "\ngui_optimize 0\nsecrets " + ts.MkAbs("secrets") + "\nask_auth 0\n"
	ts.Check(os.WriteFile(ts.MkAbs("davfs2.conf"), []byte(conf), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("secrets"), []byte(url+" alice "+args[0]+"\n"), 0o600))
	mount := exec.Command("mount.davfs", "-o", "conf="+ts.MkAbs("davfs2.conf"), url, ts.MkAbs("mnt"))
	mount.Env = append(os.Environ(), "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	if out, err := mount.CombinedOutput(); err != nil {
		ts.Fatalf("mount.davfs: %v\n%s", err, out)
	}
	for range 100 {
		if exec.Command("mountpoint", "-q", ts.MkAbs("mnt")).Run() == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	ts.Fatalf("not mounted")
}
