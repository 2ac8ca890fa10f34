package main

import (
	"encoding/binary"
	"testing"
)

// replayCyberduck is what Cyberduck and Mountain Duck send through the library
// sshj: reads far behind the end while nothing has been answered, a resume with
// APPEND at the offset where the file ends, posix-rename over the target, then
// mode and time one by one.
func replayCyberduck(t *testing.T, v *replayVisit) {
	r := v.dial(t)
	r.hello(3)
	r.text(fxpRealpath, ".")
	data := pattern("duck", 300_007)

	handle := r.text(fxpOpen, "/movie.part", fxfWrite|fxfCreate|fxfTrunc, 4, 0o100644)
	r.upload(handle, data[:100_000], 0, 32_768)
	r.status(fxOK, fxpClose, handle)
	if got := r.size(fxpStat, "/movie.part"); got != 100_000 {
		t.Fatalf("STAT: %d bytes", got)
	}
	handle = r.text(fxpOpen, "/movie.part", fxfWrite|fxfAppend, 0)
	r.upload(handle, data, 100_000, 32_768)
	r.status(fxOK, fxpClose, handle)

	writeFile(t, v.file("movie"), []byte("the old one"))
	r.status(fxOK, fxpExtended, "posix-rename@openssh.com", "/movie.part", "/movie")
	r.status(fxOK, fxpSetstat, "/movie", 4, 0o640)
	r.status(fxOK, fxpSetstat, "/movie", 8, shown, shown)
	wantFile(t, v.file("movie"), data)
	v.wantMeta(t, "movie", 0o640)
	wantGone(t, v.file("movie.part"))

	// Sixteen reads at a time; those behind the end are answered with EOF.
	handle = r.text(fxpOpen, "/movie", fxfRead, 0)
	var ids []uint32
	for i := range 16 {
		ids = append(ids, r.send(fxpRead, handle, uint64(i*32_768), 32_768))
	}
	var got []byte
	for _, id := range ids {
		reply := r.wait(id)
		if reply.kind != fxpData {
			r.wantStatus(fxEOF, reply, "read behind the end")
			continue
		}
		if n := binary.BigEndian.Uint32(reply.rest); int(n) != len(reply.rest)-4 {
			t.Fatalf("%d bytes announced, %d came", n, len(reply.rest)-4)
		}
		got = append(got, reply.rest[4:]...)
	}
	r.status(fxOK, fxpClose, handle)
	wantBytes(t, "movie", got, data)
	// A handle that is closed is not one.
	r.status(fxFailure, fxpClose, handle)
}
