package webdavd_test

import (
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/protocols/webdavd"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// atLength runs floods at full length; make chaos does.
var atLength = flag.Bool("hostile", false, "run hostile clients at full length")

// conditionsOf are the conditional requests that litmus makes of something that is
// locked with a token and has a validator.
func conditionsOf(token, etag string) []struct {
	header string
	status int
} {
	corrupt := `"x` + etag[1:]
	return []struct {
		header string
		status int
	}{
		{"(<" + token + "> [" + etag + "])", 204},
		{"(<" + token + "> [" + corrupt + "])", 412},
		{"(<" + token + ">) (Not <DAV:no-lock>)", 204},
		{"(<" + token + "x>) (Not <DAV:no-lock>)", 423},
		{"(<" + token + "x>)", 412},
		{"(<DAV:no-lock>)", 412},
		{"(<" + token + "> [" + etag + "]) (Not <DAV:no-lock> [" + etag + "])", 204},
		{"(<" + token + "> [" + corrupt + "]) (Not <DAV:no-lock> [" + corrupt + "])", 412},
		{"(<" + token + "> [" + corrupt + "]) (Not <DAV:no-lock> [" + etag + "])", 204},
		{"([" + etag + "])", 423},
		{"(Not [" + etag + "])", 412},
		{"(not [" + corrupt + "] <" + token + ">)", 204},
	}
}

// TestConditionalPut runs them on a file with an exclusive lock, on one with
// several shared locks, and on one that is locked through its collection.
func TestConditionalPut(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	r.addUser("bob", r.home)
	r.write("own", "1")
	r.write("several", "1")
	r.write("coll/f", "1")
	tokens := map[string]string{"/own": r.lock("/own", exclusive)}
	r.lock("/several", shared)
	r.lock("/several", shared, "Login: bob")
	tokens["/several"] = r.lock("/several", shared)
	tokens["/coll/f"] = r.lock("/coll", exclusive)
	for name, token := range tokens {
		for i := range conditionsOf(token, `"e"`) {
			// The validator is a new one after each PUT.
			c := conditionsOf(token, r.want(200, "HEAD", name, "").header.Get("ETag"))[i]
			r.want(c.status, "PUT", name, fmt.Sprint(i), "If: "+c.header)
		}
		r.want(204, "UNLOCK", name, "", "Lock-Token: <"+token+">")
		r.want(412, "PUT", name, "x", "If: (<"+token+">)")
		r.want(412, "LOCK", name, "", "If: (<"+token+">)")
		r.want(409, "UNLOCK", name, "", "Lock-Token: <"+token+">")
	}
}

// TestIfOnEveryMethod: no method that changes something does so when the condition
// does not hold.
func TestIfOnEveryMethod(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	r.write("f", "1")
	r.write("d/g", "1")
	token := r.lock("/f", exclusive)
	r.events()
	for _, test := range []struct {
		method, path, body string
		header             []string
	}{
		{"PUT", "/f", "2", nil},
		{"PUT", "/new", "2", nil},
		{"DELETE", "/f", "", nil},
		{"DELETE", "/d", "", nil},
		{"MKCOL", "/new", "", nil},
		{"COPY", "/f", "", []string{"Destination: @/new"}},
		{"MOVE", "/f", "", []string{"Destination: @/new"}},
		{"MOVE", "/d", "", []string{"Destination: @/f"}},
		{"PROPPATCH", "/f", setProperty, nil},
		{"LOCK", "/d/g", exclusive, nil},
		{"LOCK", "/new", exclusive, nil},
		{"LOCK", "/f", "", nil},
		{"UNLOCK", "/f", "", []string{"Lock-Token: <" + token + ">"}},
	} {
		for _, condition := range []string{
			`(<` + token + `> ["other"])`, "</f> (Not <" + token + ">)", `</missing> (["x"]) (<` + token + ">)",
			`(<` + token + `> <DAV:no-lock>)`,
		} {
			r.want(412, test.method, test.path, test.body, append(test.header, "If: "+condition)...)
		}
		r.want(400, test.method, test.path, test.body, append(test.header, "If: (<"+token+">")...)
	}
	r.want(423, "PUT", "/f", "2")
	if got := r.events(); len(got) > 0 {
		t.Errorf("changed all the same: %q", got)
	}
}

func TestUnlockScope(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("d/f", "1")
	r.write("e", "1")
	r.write("g", "1")
	token, other := r.lock("/d", exclusive), r.lock("/g", exclusive)
	for _, test := range []struct {
		status       int
		path, header string
	}{
		{400, "/d", ""},
		{400, "/d", "Lock-Token: <>"},
		{400, "/d", "Lock-Token: <" + token},
		{400, "/d", "Lock-Token: " + token + ">"},
		{400, "/d", "Lock-Token: <" + token + "> <" + token + ">"},
		{409, "/", "Lock-Token: <" + token + ">"},
		{409, "/e", "Lock-Token: <" + token + ">"},
		{409, "/d/f", "Lock-Token: <" + token + "x>"},
		{204, "/d/f", "Lock-Token: <" + token + ">"},
		{409, "/d/f", "Lock-Token: <" + token + ">"},
		{409, "/e", "Lock-Token: " + other},
		{204, "/g", "Lock-Token: " + other}, // from npm's webdav
	} {
		header := []string{}
		if test.header != "" {
			header = append(header, test.header)
		}
		got := r.want(test.status, "UNLOCK", test.path, "", header...)
		if test.status == 409 && !strings.Contains(got.body, "<D:lock-token-matches-request-uri/>") {
			t.Errorf("%s: %s", test.path, got.body)
		}
	}
}

// TestRefreshIndirectly: any member of what is locked does for the name, with the
// token tagged or not; one beside it does not.
func TestRefreshIndirectly(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("d/sub/f", "1")
	r.write("e", "1")
	token := r.lock("/d", exclusive, "Timeout: Second-1000")
	for i, test := range []struct {
		path, condition string
		status          int
	}{
		{"/d", "(<" + token + ">)", 200},
		{"/d/sub/f", "(<" + token + ">)", 200},
		{"/d/sub/f", "<@/d> (<" + token + ">)", 200},
		{"/e", "<@/d> (<" + token + ">)", 412},
		{"/e", "(<" + token + ">)", 412},
		{"/d/sub/f", "(<" + token + `> ["other"])`, 412},
	} {
		life := fmt.Sprint("Second-", 2000+i)
		got := r.want(test.status, "LOCK", test.path, "", "If: "+test.condition, "Timeout: "+life)
		if test.status == 200 && (!strings.Contains(got.body, "<D:timeout>"+life+"<") ||
			!strings.Contains(got.body, "<D:lockroot><D:href>/d</D:href>") || got.header.Get("Lock-Token") != "") {
			t.Errorf("%s: %s %s", test.path, got.header, got.body)
		}
	}
	r.want(400, "LOCK", "/d", "")
}

// TestLockOfNothing: the lock of a name makes an empty file, with all that an
// upload has to pass.
func TestLockOfNothing(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1}, func(u *dataprovider.User) {
		u.QuotaFiles = 1
		u.Permissions["/read"] = []string{dataprovider.PermList, dataprovider.PermDownload}
		denyExtension(u)
	})
	r.write("read/f", "")
	r.want(409, "LOCK", "/missing/f", exclusive)
	r.want(403, "LOCK", "/read/new", exclusive)
	r.want(403, "LOCK", "/x.exe", exclusive)
	r.want(400, "LOCK", "/new", exclusive, "Depth: 1")
	token := r.lock("/new", exclusive)
	if diff := cmp.Diff([]string{"upload.done /new 1 0"}, r.events()); diff != "" || r.content("new") != "" {
		t.Errorf("%q (-want +got)\n%s", r.content("new"), diff)
	}
	r.want(507, "LOCK", "/second", exclusive)
	r.want(423, "DELETE", "/new", "")
	r.want(204, "PUT", "/new", "x", "If: (<"+token+">)")
	r.want(204, "UNLOCK", "/new", "", "Lock-Token: <"+token+">")
	if got := r.content("new") + r.content("second") + r.content("x.exe"); got != "x--" {
		t.Error(got)
	}
	// None of those that failed left a lock.
	for _, name := range []string{"/second", "/x.exe", "/read/new", "/missing/f"} {
		if got := r.call("PUT", name, ""); got.status == 423 {
			t.Errorf("%s is locked", name)
		}
	}
}

// again is another server on the same store, without a log.
func (r *rig) again() {
	r.t.Helper()
	if err := r.stop(); err != nil {
		r.t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	r.manager = session.NewManager(r.store, r.hooks, []vfs.Factory{localfs.NewFactory(log)}, r.metrics, log, 1, session.Config{})
	r.serve(log, webdavd.Config{}, webdavd.Binding{}, "")
}

// heap is the memory in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// open is a session of another protocol.
func (r *rig) open(user string) *session.Session {
	r.t.Helper()
	u, _, err := r.store.Users().Get(r.t.Context(), user)
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := r.manager.Open(r.t.Context(), u, session.Peer{Protocol: "SFTP", ID: "SFTP_1", Remote: netip.MustParseAddr("192.0.2.7")})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestLocksAndOtherProtocols: they do not heed locks, but what they remove or
// rename takes its lock along.
func TestLocksAndOtherProtocols(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	for _, name := range []string{"removed", "renamed", "d/f", "written"} {
		r.write(name, "1")
		r.lock("/"+name, exclusive)
	}
	s, ctx := r.open("alice"), t.Context()
	up, err := s.Upload(ctx, "/written", vfs.Write|vfs.Create|vfs.Truncate)
	if err == nil {
		_, err = up.WriteAt([]byte("2"), 0)
	}
	if err == nil {
		err = up.Close()
	}
	for _, err := range []error{err, s.Remove(ctx, "/removed"), s.Rename(ctx, "/renamed", "/new"), s.Rename(ctx, "/d", "/e")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r.want(201, "PUT", "/removed", "2")
	r.want(201, "PUT", "/renamed", "2")
	r.want(204, "PUT", "/new", "2")
	r.want(204, "PUT", "/e/f", "2")
	r.want(201, "MKCOL", "/d", "")
	r.want(201, "PUT", "/d/f", "2")
	r.want(423, "PUT", "/written", "3")
	if all, _, err := r.store.Locks().Load(ctx); err != nil || len(all) != 1 {
		t.Errorf("%d locks are kept, %v", len(all), err)
	}
}

// TestLocksOfNestedHomes: who sees a resource under another name sees its locks.
func TestLocksOfNestedHomes(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("team/f", "1")
	r.write("team/g", "1")
	r.addUser("bob", filepath.Join(r.home, "team"))
	token := r.lock("/team/f", exclusive)
	got := r.want(423, "PUT", "/f", "2", "Login: bob")
	if !strings.Contains(got.body, "<D:href>/f</D:href>") {
		t.Error(got.body)
	}
	r.want(207, "LOCK", "/", exclusive, "Login: bob")
	found := properties(t, r.want(207, "PROPFIND", "/", ask("lockdiscovery"), "Depth: 1", "Login: bob").body)
	if !strings.Contains(found["/f"]["lockdiscovery"], "<D:lockroot><D:href>/f</D:href>") || found["/g"]["lockdiscovery"] != "" {
		t.Errorf("%q", found)
	}
	r.want(204, "UNLOCK", "/team/f", "", "Lock-Token: <"+token+">")

	r.lock("/", exclusive) // above bob's root
	got = r.want(423, "PUT", "/f", "2", "Login: bob")
	if !strings.Contains(got.body, "<D:href>/</D:href>") || strings.Contains(got.body, "team") {
		t.Error(got.body)
	}
}

// TestLocksSurvive: another server on the same store holds them, and those of a
// user who is deleted end.
func TestLocksSurvive(t *testing.T) {
	r := newRig(t, session.Config{})
	r.addUser("bob", r.home)
	r.write("f", "1")
	r.write("g", "1")
	token := r.lock("/f", exclusive)
	r.lock("/g", exclusive, "Login: bob")
	r.again()
	r.want(423, "PUT", "/f", "2")
	r.want(204, "PUT", "/f", "2", "If: (<"+token+">)")
	r.want(423, "PUT", "/g", "2")
	if err := r.store.Users().Delete(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	r.want(204, "PUT", "/g", "2")
}

// TestLockFlood: the memory that locks take does not grow with the number of
// requests, and each has a clear answer.
func TestLockFlood(t *testing.T) {
	n := 5_000
	if *atLength {
		n = 100_000
	}
	r := newRig(t, session.Config{})
	r.again()
	r.write("f", "1")
	owner := strings.Repeat("x", 4000)
	body := strings.Replace(shared, "</D:lockinfo>", "<D:owner>"+owner+"</D:owner></D:lockinfo>", 1)
	status := map[int]int{}
	before := heap()
	for i := range n {
		switch i % 3 {
		case 0:
			status[r.call("LOCK", "/f", shared).status]++
		case 1:
			status[r.call("LOCK", "/f", body).status]++
		default:
			status[r.call("LOCK", "/f", exclusive).status]++
		}
	}
	grown := heap() - before
	t.Logf("%v, %d KiB more", status, grown>>10)
	if status[200] != 16 || status[423] < n/3 || status[200]+status[423]+status[507] != n {
		t.Errorf("answers: %v", status)
	}
	if grown > 8<<20 {
		t.Errorf("%d KiB more memory", grown>>10)
	}
	r.want(207, "PROPFIND", "/", "", "Depth: 1")
}
