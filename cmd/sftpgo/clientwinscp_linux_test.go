package main

import "testing"

// replayWinSCP is a day with WinSCP (winscp.net/eng/docs/resume and
// ui_login_sftp): it asks for version 6 and takes 3, canonicalizes each
// directory, uploads what is larger than 100 KiB to NAME.filepart, resumes that
// without APPEND after a lost connection, and at the end deletes the target,
// renames, and sets time and mode of the result.
func replayWinSCP(t *testing.T, v *replayVisit) {
	r := v.dial(t)
	if r.hello(6)["posix-rename@openssh.com"] != "1" {
		t.Error("posix-rename is not there")
	}
	home := r.text(fxpRealpath, ".")
	if home != "/" {
		t.Fatalf("home: %q", home)
	}
	r.names(home)
	old, data := pattern("old", 5000), pattern("winscp", 900_001)
	writeFile(t, v.file("report.bin"), old)
	chmodFile(t, v.file("report.bin"), 0o640)

	// The target is there, the partial file is not.
	if got := r.size(fxpLstat, "/report.bin"); got != 5000 {
		t.Errorf("LSTAT: %d bytes", got)
	}
	r.status(fxNoSuchFile, fxpLstat, "/report.bin.filepart")
	handle := r.text(fxpOpen, "/report.bin.filepart", fxfWrite|fxfCreate|fxfTrunc, 0)
	r.upload(handle, data[:400_000], 0, 32_000)
	if got := r.size(fxpLstat, "/report.bin.filepart"); got != 400_000 {
		t.Errorf("LSTAT of an upload under way: %d bytes", got)
	}
	// The line is cut. What came is there, the target as it was.
	_ = r.tcp.Close()
	second := v.dial(t)
	second.hello(6)
	if !eventually(patience, func() bool {
		reply := second.wait(second.send(fxpLstat, "/report.bin.filepart"))
		return reply.kind == fxpAttrs
	}) {
		t.Fatal("the partial file is not there")
	}
	wantFile(t, v.file("report.bin"), old)
	part := int(second.size(fxpLstat, "/report.bin.filepart"))
	if part != 400_000 {
		t.Fatalf("partial file has %d bytes", part)
	}
	handle = second.text(fxpOpen, "/report.bin.filepart", fxfWrite|fxfCreate, 0)
	second.upload(handle, data, part, 32_000)
	second.status(fxOK, fxpClose, handle)
	second.status(fxOK, fxpRemove, "/report.bin")
	second.status(fxOK, fxpRename, "/report.bin.filepart", "/report.bin")
	second.status(fxOK, fxpSetstat, "/report.bin", 4|8, 0o100640, shown, shown)
	wantFile(t, v.file("report.bin"), data)
	v.wantMeta(t, "report.bin", 0o640)
	wantGone(t, v.file("report.bin.filepart"))

	// A small file goes straight to its name; time and mode come while nothing has
	// been answered, behind the CLOSE.
	handle = second.text(fxpOpen, "/small.txt", fxfWrite|fxfCreate|fxfTrunc, 0)
	ids := []uint32{
		second.send(fxpWrite, handle, uint64(0), "small"),
		second.send(fxpClose, handle),
		second.send(fxpSetstat, "/small.txt", 4|8, 0o100600, shown, shown),
	}
	for _, id := range ids {
		second.wantStatus(fxOK, second.wait(id), "small file")
	}
	wantFile(t, v.file("small.txt"), []byte("small"))
	v.wantMeta(t, "small.txt", 0o600)
	// The plain rename replaces nothing.
	second.status(fxFailure, fxpRename, "/small.txt", "/report.bin")
	wantFile(t, v.file("report.bin"), data)

	if line := second.names("/")["report.bin"]; len(line) < 40 || line[:10] != "-rw-r-----" {
		t.Errorf("long name: %q", line)
	}
}
