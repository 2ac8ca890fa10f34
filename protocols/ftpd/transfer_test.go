package ftpd_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

func TestTransfers(t *testing.T) {
	s := start(t, options{})
	c := login(t, s)

	c.stor("hello", "STOR /a.txt")
	if got := s.read(t, "a.txt"); got != "hello" {
		t.Errorf("stored %q", got)
	}
	if got := c.get("RETR a.txt"); got != "hello" {
		t.Errorf("fetched %q", got)
	}
	if got := c.cmd(213, "SIZE a.txt"); got != "5" {
		t.Errorf("SIZE %q", got)
	}

	c.stor(" world", "APPE a.txt")
	c.cmd(350, "REST 6")
	c.stor("there!!", "STOR a.txt")
	if got := s.read(t, "a.txt"); got != "hello there!!" {
		t.Errorf("after APPE and REST: %q", got)
	}
	c.cmd(350, "REST 6")
	if got := c.get("RETR a.txt"); got != "there!!" {
		t.Errorf("resumed download %q", got)
	}
	if got := c.get("RETR a.txt"); got != "hello there!!" {
		t.Errorf("REST lasts longer than one command: %q", got)
	}
	c.stor("short", "STOR a.txt")
	if got := s.read(t, "a.txt"); got != "short" {
		t.Errorf("overwritten: %q", got)
	}

	c.stor("", "STOR empty")
	c.stor("", "APPE empty")
	if got := c.get("RETR empty"); got != "" {
		t.Errorf("an empty file has %q", got)
	}
	c.stor("new", "APPE appended-new")
	if got := s.read(t, "appended-new"); got != "new" {
		t.Errorf("APPE of a new file: %q", got)
	}
}

func TestASCIIKeepsBytes(t *testing.T) {
	s := start(t, options{})
	c := login(t, s)
	const text = "a\nb\r\nc\rd"
	c.cmd(200, "TYPE A")
	c.stor(text, "STOR a")
	if got := s.read(t, "a"); got != text {
		t.Errorf("stored %q", got)
	}
	if got := c.get("RETR a"); got != text {
		t.Errorf("fetched %q", got)
	}
}

func TestRestartOutside(t *testing.T) {
	s := start(t, options{})
	s.write(t, "a", "12345")
	c := login(t, s)
	c.cmd(350, "REST -3")
	d := c.data("RETR a")
	defer d.Close()
	c.expect(501)
	c.cmd(350, "REST -3")
	d = c.data("STOR a")
	defer d.Close()
	c.expect(501)
	c.cmd(501, "REST x")
	for _, cmd := range []string{"RETR a", "STOR a"} {
		c.cmd(350, "REST 6")
		d = c.data("%s", cmd)
		defer d.Close()
		c.expect(554)
		c.cmd(350, "REST 5")
		if cmd == "RETR a" {
			if got := c.get("%s", cmd); got != "" {
				t.Errorf("at the end: %q", got)
			}
		}
	}
	c.stor("6", "STOR a")
	c.cmd(350, "REST 1")
	d = c.data("STOR new")
	defer d.Close()
	c.expect(550)
	if _, err := os.Stat(s.path("new")); err == nil {
		t.Error("a file was made that begins with a hole")
	}
	c.cmd(350, "REST 3")
	if got := c.get("LIST"); !strings.HasSuffix(got, " a\r\n") { // REST is for files
		t.Errorf("LIST: %q", got)
	}
	if got := s.read(t, "a"); got != "123456" {
		t.Errorf("file changed to %q", got)
	}
}

func TestFilesAndDirectories(t *testing.T) {
	s := start(t, options{})
	c := login(t, s)
	c.cmd(257, "MKD /d")
	c.cmd(550, "MKD /d")
	c.cmd(257, "MKD d/e")
	c.cmd(250, "CWD d")
	if text := c.cmd(257, "PWD"); !strings.HasPrefix(text, `"/d" `) {
		t.Errorf("PWD %q", text)
	}
	c.stor("x", "STOR f")
	c.cmd(550, "CWD f")
	c.cmd(550, "CWD nowhere")
	c.cmd(350, "RNFR f")
	c.cmd(250, "RNTO e/g")
	if got := s.read(t, "d/e/g"); got != "x" {
		t.Errorf("renamed file has %q", got)
	}
	c.cmd(550, "RMD e")
	c.cmd(550, "DELE e")
	c.cmd(550, "RMD e/g")
	c.cmd(250, "DELE e/g")
	c.cmd(550, "DELE e/g")
	c.cmd(250, "RMD e")
	c.cmd(250, "CDUP")
	c.cmd(250, "RMD d")
	c.cmd(550, "RNFR d")
	c.cmd(503, "RNTO d")
	s.empty(t)
}

func TestRenameReplaces(t *testing.T) {
	s := start(t, options{})
	s.write(t, "a", "new")
	s.write(t, "b", "old")
	if err := os.Symlink("nowhere", s.path("dangling")); err != nil {
		t.Fatal(err)
	}
	c := login(t, s)
	c.cmd(350, "RNFR a")
	c.cmd(250, "RNTO b")
	if got := s.read(t, "b"); got != "new" {
		t.Errorf("b has %q", got)
	}
	c.cmd(350, "RNFR dangling")
	c.cmd(250, "RNTO moved")
	if to, err := os.Readlink(s.path("moved")); err != nil || to != "nowhere" {
		t.Errorf("a link that dangles was not renamed: %q, %v", to, err)
	}
}

func TestTimes(t *testing.T) {
	s := start(t, options{})
	s.write(t, "a", "x")
	c := login(t, s)
	c.cmd(213, "MFMT 20210304050607 a")
	if got := c.cmd(213, "MDTM a"); got != "20210304050607" {
		t.Errorf("MDTM %q", got)
	}
	info, err := os.Stat(s.path("a"))
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2021, 3, 4, 5, 6, 7, 0, time.UTC); !info.ModTime().Equal(want) {
		t.Errorf("time on disk %v, want %v", info.ModTime(), want)
	}
	if got := c.get("MLSD /"); !strings.Contains(got, "Modify=20210304050607;") {
		t.Errorf("MLSD is not in UTC: %q", got)
	}
	if got := c.cmd(250, "MLST a"); !strings.Contains(got, "Type=file;Size=1;Modify=20210304050607;") {
		t.Errorf("MLST %q", got)
	}
}

func TestSpace(t *testing.T) {
	s := start(t, options{user: func(u *dataprovider.User) { u.QuotaSize = 1000 }})
	c := login(t, s)
	c.stor(strings.Repeat("x", 400), "STOR a")
	if got := c.cmd(213, "AVBL /"); got != "600" {
		t.Errorf("AVBL %q, want 600", got)
	}
	c.cmd(200, "ALLO 600")
	c.cmd(552, "ALLO 601")
}

func TestQuota(t *testing.T) {
	s := start(t, options{user: func(u *dataprovider.User) { u.QuotaSize = 1000; u.QuotaFiles = 2 }})
	c := login(t, s)
	c.stor("first", "STOR first")
	s.events.take(t, 1)
	code, text := c.put(strings.Repeat("x", 5000), "STOR large")
	if code != 552 || text != "quota exceeded" {
		t.Errorf("reply %d %q, want 552 quota exceeded", code, text)
	}
	e := s.events.take(t, 1)[0]
	if e.Kind != actions.UploadFailed || e.Result.Status != actions.StatusQuota {
		t.Errorf("event %s with status %d", e.Kind, e.Result.Status)
	}
	if _, err := os.Stat(s.path("large")); err == nil {
		t.Error("the file is there")
	}
	c.stor("second", "STOR second")
	d := c.data("STOR third")
	defer d.Close()
	c.expect(552) // full before it starts
	u, err := s.store.Usage().Get(t.Context(), testUser)
	if err != nil || u.Amount != (dataprovider.Amount{Files: 2, Bytes: 11}) {
		t.Errorf("usage %+v, %v", u.Amount, err)
	}
}

func TestNames(t *testing.T) {
	s := start(t, options{})
	c := login(t, s)
	names := []string{
		"with space", " leading", "trailing ", "-la", "-dash file", "ünïcödé 文件 🎉", `"quoted"`, "a;b=c; d",
		"per%cent", "*", "?", "~", "back\\slash", "Icon\rx", strings.Repeat("n", 255),
	}
	for _, name := range names {
		c.stor(name, "STOR %s", name)
		if got := s.read(t, name); got != name {
			t.Errorf("%q holds %q", name, got)
		}
		if got := c.get("RETR %s", name); got != name {
			t.Errorf("fetched %q from %q", got, name)
		}
	}
	listed := strings.Split(strings.TrimSuffix(c.get("NLST"), "\r\n"), "\r\n")
	if len(listed) != len(names) {
		t.Errorf("%d names listed, want %d: %q", len(listed), len(names), listed)
	}
	for _, name := range names {
		c.cmd(250, "DELE %s", name)
	}
	s.empty(t)
}

func TestNamesRefused(t *testing.T) {
	s := start(t, options{})
	outside := s.path("../outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, s.path("absolute")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../outside", s.path("relative")); err != nil {
		t.Fatal(err)
	}
	c := login(t, s)
	for _, tt := range []struct {
		name string
		code int
	}{
		{"nul\x00byte", 553}, {"not utf8 \xff\xfe", 553}, {strings.Repeat("n", 256), 553},
		{".sftpgo-upload.1", 553}, {"absolute", 550}, {"relative", 550},
		{"../outside", 553}, {"/../../outside", 553},
	} {
		for _, cmd := range []string{"SIZE", "MDTM", "MLST", "STAT", "MFMT 20200101000000"} {
			c.cmd(tt.code, "%s %s", cmd, tt.name)
		}
		d := c.data("RETR %s", tt.name)
		c.expect(tt.code)
		d.Close()
	}
	// Changing the directory stays in the root, as users expect.
	c.cmd(250, "CWD /../..")
	c.cmd(550, "CWD ../outside")
	for _, name := range []string{"nul\x00byte", "not utf8 \xff", strings.Repeat("n", 256), ".sftpgo-upload.1", "../new"} {
		c.cmd(553, "MKD %s", name)
		d := c.data("STOR %s", name)
		c.expect(553)
		d.Close()
	}
	for _, name := range []string{"absolute", "relative"} {
		d := c.data("STOR %s", name)
		c.expect(550)
		d.Close()
	}
	if b, err := os.ReadFile(outside); err != nil || string(b) != "secret" {
		t.Errorf("the file outside has %q, %v", b, err)
	}
}

func TestEvents(t *testing.T) {
	s := start(t, options{})
	c := login(t, s)
	c.stor("12345", "STOR a")
	c.stor("67", "APPE a")
	c.get("RETR a")
	c.cmd(350, "REST 5")
	c.get("RETR a")
	c.cmd(257, "MKD d")
	c.cmd(350, "RNFR a")
	c.cmd(250, "RNTO d/b")
	c.cmd(250, "DELE d/b")
	c.cmd(250, "RMD d")
	c.get("LIST")
	type line struct {
		kind   actions.Kind
		name   string
		target string
		size   int64
		status actions.Status
	}
	want := []line{
		{actions.UploadDone, "/a", "", 5, actions.StatusOK},
		{actions.UploadDone, "/a", "", 7, actions.StatusOK},
		{actions.DownloadDone, "/a", "", 7, actions.StatusOK},
		{actions.DownloadDone, "/a", "", 2, actions.StatusOK},
		{actions.RenameDone, "/a", "/d/b", 0, actions.StatusOK},
		{actions.DeleteDone, "/d/b", "", 7, actions.StatusOK},
	}
	for i, e := range s.events.take(t, len(want)) {
		got := line{e.Kind, e.Object.Name, e.Object.Target, e.Result.Size, e.Result.Status}
		if e.Kind == actions.RenameDone {
			got.size = 0 // of no meaning here
		}
		if got != want[i] {
			t.Errorf("event %d: %+v, want %+v", i, got, want[i])
		}
		if e.Session.Protocol != "FTP" || e.Session.User != testUser || e.Session.RemoteIP != "127.0.0.1" ||
			!strings.HasPrefix(e.Session.ID, "FTP_0_") {
			t.Errorf("event %d: session %+v", i, e.Session)
		}
	}
}

func TestReadOnlyUser(t *testing.T) {
	s := start(t, options{user: func(u *dataprovider.User) {
		u.Permissions = map[string][]string{"/": {dataprovider.PermList, dataprovider.PermDownload}}
	}})
	s.write(t, "a", "x")
	c := login(t, s)
	c.get("RETR a")
	for _, cmd := range []string{"DELE a", "MKD b", "RMD a", "MFMT 20210304050607 a"} {
		if text := c.cmd(550, "%s", cmd); text != "permission denied" {
			t.Errorf("%s: %q", cmd, text)
		}
	}
	c.cmd(350, "RNFR a")
	c.cmd(550, "RNTO b")
	for _, cmd := range []string{"STOR a", "STOR b", "APPE a"} {
		d := c.data("%s", cmd)
		c.expect(550)
		d.Close()
	}
	if got := s.read(t, "a"); got != "x" {
		t.Errorf("file has %q", got)
	}
}
