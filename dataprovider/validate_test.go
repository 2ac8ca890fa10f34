package dataprovider_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/password"
)

func newHasher() *password.Hasher {
	return password.NewHasher(dataprovider.Argon2Options{Memory: 64, Iterations: 1, Parallelism: 1})
}

// aliceJSON is the documented example record, without its virtual folder.
const aliceJSON = `{"username":"alice","status":1,"password":"s3cret","home_dir":"/srv/data/alice",
 "permissions":{"/":["list","download"],"/in":["*"],"/in/locked":[]},
 "quota_size":1073741824,"quota_files":1000,"max_sessions":5,"upload_bandwidth":512,
 "filters":{"denied_ip":["198.51.100.0/24"],"denied_protocols":["FTP"],"max_upload_file_size":104857600,
            "file_patterns":[{"path":"/in","denied_patterns":["*.exe"]}]}}`

func alice(t *testing.T) dataprovider.User {
	t.Helper()
	u, err := dataprovider.User{}.Patched([]byte(aliceJSON))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestPreparedExample(t *testing.T) {
	h := newHasher()
	u, err := alice(t).Prepared(t.Context(), "", h)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := h.Verify(t.Context(), u.Password, "s3cret"); !ok || err != nil {
		t.Errorf("the stored password does not verify: %v, %v", ok, err)
	}
	u.ID = 3
	got, err := json.Marshal(u.Redacted())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"id":3,"status":1,"username":"alice","expiration_date":0,"home_dir":"/srv/data/alice",` +
		`"uid":0,"gid":0,"max_sessions":5,"quota_size":1073741824,"quota_files":1000,` +
		`"permissions":{"/":["list","download"],"/in":["*"],"/in/locked":[]},` +
		`"used_quota_size":0,"used_quota_files":0,"last_quota_update":0,"upload_bandwidth":512,"download_bandwidth":0,"last_login":0,` +
		`"filters":{"denied_ip":["198.51.100.0/24"],"denied_protocols":["FTP"],` +
		`"file_patterns":[{"path":"/in","denied_patterns":["*.exe"]}],"max_upload_file_size":104857600},` +
		`"filesystem":{"provider":0,"s3config":{"access_secret":{}},"gcsconfig":{"credentials":{}},"azblobconfig":{"account_key":{}},` +
		`"cryptconfig":{"passphrase":{}},"sftpconfig":{"password":{},"private_key":{}}}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}

	// What the documentation reads out of it.
	for _, c := range []struct {
		perm, name string
		want       bool
	}{
		{"download", "/", true}, {"upload", "/", false}, {"upload", "/in", true},
		{"list", "/in/locked", false}, {"list", "/team", true}, {"upload", "/team", false},
	} {
		if got := u.Allows(c.perm, c.name); got != c.want {
			t.Errorf("Allows(%q, %q) = %v", c.perm, c.name, got)
		}
	}
	if u.FileAllowed("/in/a.exe") || !u.FileAllowed("/in/a.txt") || !u.FileAllowed("/a.exe") {
		t.Error("file patterns are wrong")
	}
}

func TestPreparedIsIdempotent(t *testing.T) {
	u := alice(t)
	u.PublicKeys = []string{newKeyLine(t) + " a ", `from="192.0.2.0/24" ` + newKeyLine(t)}
	u.Permissions["/x/../y/"] = []string{"upload", "list", "upload"}
	u.Filters.FileExtensions = []dataprovider.ExtensionsFilter{{Path: "/p/", AllowedExtensions: []string{".JPG", ".jpg"}}}
	u.Filters.AllowedIP = []string{"192.0.2.7/24", "192.0.2.7/24"}
	u.Filters.DeniedLoginMethods = []string{"publickey", "publickey"}
	u.UsedQuotaFiles, u.LastLogin = 5, 5

	once, err := u.Prepared(t.Context(), "", newHasher())
	if err != nil {
		t.Fatal(err)
	}
	twice, err := once.Prepared(t.Context(), "/other", newHasher())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(once, twice); diff != "" {
		t.Errorf("a second pass changed the record:\n%s", diff)
	}
	// A trip through JSON, as stores make it, changes nothing either.
	data, err := json.Marshal(once)
	if err != nil {
		t.Fatal(err)
	}
	var stored dataprovider.User
	if err := json.Unmarshal(data, &stored); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(once, stored); diff != "" {
		t.Errorf("JSON changed the record:\n%s", diff)
	}
	want := map[string][]string{"/": {"list", "download"}, "/in": {"*"}, "/in/locked": {}, "/y": {"upload", "list"}}
	if diff := cmp.Diff(want, once.Permissions); diff != "" {
		t.Errorf("permissions (-want +got):\n%s", diff)
	}
	if once.UsedQuotaFiles != 0 || once.LastLogin != 0 {
		t.Error("counters were taken from the input")
	}
	if len(u.Permissions["/x/../y/"]) != 3 || u.Filters.FileExtensions[0].AllowedExtensions[0] != ".JPG" {
		t.Error("the input was changed")
	}
}

func TestPreparedNormalises(t *testing.T) {
	for name, c := range map[string]struct {
		change func(u *dataprovider.User)
		get    func(u dataprovider.User) any
		want   any
	}{
		"default home": {
			func(u *dataprovider.User) { u.HomeDir = "" },
			func(u dataprovider.User) any { return u.HomeDir }, "/srv/base/alice",
		},
		"clean home": {
			func(u *dataprovider.User) { u.HomeDir = "/srv//x/../alice/" },
			func(u dataprovider.User) any { return u.HomeDir }, "/srv/alice",
		},
		"star swallows": {
			func(u *dataprovider.User) { u.Permissions = map[string][]string{"/": {"list", "*", "upload"}} },
			func(u dataprovider.User) any { return u.Permissions }, map[string][]string{"/": {"*"}},
		},
		"nil list allows nothing": {
			func(u *dataprovider.User) { u.Permissions = map[string][]string{"/": {"list"}, "/a": nil} },
			func(u dataprovider.User) any { return u.Permissions }, map[string][]string{"/": {"list"}, "/a": {}},
		},
		"patterns lower-cased": {
			func(u *dataprovider.User) {
				u.Filters.FilePatterns = []dataprovider.PatternsFilter{{Path: "/A/", DeniedPatterns: []string{"*.EXE", "*.exe"}}}
			},
			func(u dataprovider.User) any { return u.Filters.FilePatterns },
			[]dataprovider.PatternsFilter{{Path: "/A", DeniedPatterns: []string{"*.exe"}}},
		},
		"other providers cleared": {
			func(u *dataprovider.User) { u.Filesystem.S3.Bucket = "b" },
			func(u dataprovider.User) any { return u.Filesystem }, dataprovider.Filesystem{},
		},
		"hash kept": {
			func(u *dataprovider.User) {
				u.Password = "$2y$04$abcdefghijklmnopqrstuuoBpIrM0OnplXjsOI8DWYJTHUhJDuUv."
			},
			func(u dataprovider.User) any { return u.Password }, "$2y$04$abcdefghijklmnopqrstuuoBpIrM0OnplXjsOI8DWYJTHUhJDuUv.",
		},
		"empty lists": {
			func(u *dataprovider.User) { u.Filters.AllowedIP = []string{} },
			func(u dataprovider.User) any { return u.Filters.AllowedIP }, []string(nil),
		},
	} {
		t.Run(name, func(t *testing.T) {
			u := alice(t)
			c.change(&u)
			got, err := u.Prepared(t.Context(), "/srv/base", newHasher())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, c.get(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPreparedRefuses(t *testing.T) {
	type user = dataprovider.User
	cert := newCertificateLine(t, ssh.UserCert)
	for name, c := range map[string]struct {
		change func(u *user)
		want   string // a line of the error begins so
	}{
		"no name":        {func(u *user) { u.Username = "" }, "username: required"},
		"dot":            {func(u *user) { u.Username = "." }, "username: "},
		"dots":           {func(u *user) { u.Username = "..." }, "username: "},
		"slash":          {func(u *user) { u.Username = "a/b" }, "username: "},
		"space":          {func(u *user) { u.Username = "a b" }, "username: "},
		"newline":        {func(u *user) { u.Username = "a\n" }, "username: "},
		"long":           {func(u *user) { u.Username = strings.Repeat("a", 256) }, "username: "},
		"no home":        {func(u *user) { u.HomeDir = "" }, "home_dir: required"},
		"relative home":  {func(u *user) { u.HomeDir = "srv/a" }, "home_dir: "},
		"NUL home":       {func(u *user) { u.HomeDir = "/srv\x00" }, "home_dir: "},
		"no credentials": {func(u *user) { u.Password = "" }, "password: a password or public_keys"},
		"unknown hash":   {func(u *user) { u.Password = "$y$j9T$a$b" }, "password: "},
		"long password":  {func(u *user) { u.Password = strings.Repeat("a", 2000) }, "password: "},
		"bad key":        {func(u *user) { u.PublicKeys = []string{newKeyLine(t), "x"} }, "public_keys[1]: "},
		"certificate CA": {func(u *user) { u.PublicKeys = []string{"cert-authority " + cert} }, "public_keys[0]: option cert-authority"},
		"no permissions": {func(u *user) { u.Permissions = nil }, "permissions: required"},
		"no root":        {func(u *user) { u.Permissions = map[string][]string{"/a": {"*"}} }, `permissions["/"]: required`},
		"empty root":     {func(u *user) { u.Permissions["/"] = nil }, `permissions["/"]: required`},
		"relative dir":   {func(u *user) { u.Permissions["a"] = []string{"*"} }, `permissions["a"]: `},
		"percent dir":    {func(u *user) { u.Permissions["%d"] = []string{"*"} }, `permissions["%d"]: "%d" is not`},
		"root spelling":  {func(u *user) { u.Permissions["//"] = []string{"*"} }, `permissions["//"]: write the root`},
		"same dir":       {func(u *user) { u.Permissions["/in/"] = []string{"*"} }, `permissions["/in/"]: "/in" is already`},
		"NUL dir":        {func(u *user) { u.Permissions["/\x00"] = []string{"*"} }, `permissions["/\x00"]: `},
		"unknown perm":   {func(u *user) { u.Permissions["/in"] = []string{"list", "read"} }, `permissions["/in"][1]: "read"`},
		"status":         {func(u *user) { u.Status = 2 }, "status: 2"},
		"expiration":     {func(u *user) { u.ExpirationDate = -1 }, "expiration_date: -1"},
		"uid":            {func(u *user) { u.UID = -1 }, "uid: -1"},
		"gid":            {func(u *user) { u.GID = 65536 }, "gid: 65536"},
		"sessions":       {func(u *user) { u.MaxSessions = -1 }, "max_sessions: -1"},
		"quota size":     {func(u *user) { u.QuotaSize = -1 }, "quota_size: -1"},
		"quota files":    {func(u *user) { u.QuotaFiles = -1 }, "quota_files: -1"},
		"upload speed":   {func(u *user) { u.UploadBandwidth = -1 }, "upload_bandwidth: -1"},
		"download speed": {func(u *user) { u.DownloadBandwidth = math.MaxInt64 }, "download_bandwidth: "},
		"file size":      {func(u *user) { u.Filters.MaxUploadFileSize = -1 }, "filters.max_upload_file_size: -1"},
		"bare address":   {func(u *user) { u.Filters.AllowedIP = []string{"192.0.2.1"} }, `filters.allowed_ip[0]: "192.0.2.1" is not in CIDR`},
		"bad network":    {func(u *user) { u.Filters.DeniedIP = []string{"10.0.0.0/8", "x"} }, "filters.denied_ip[1]: "},
		"unknown method": {func(u *user) { u.Filters.DeniedLoginMethods = []string{"pw"} }, "filters.denied_login_methods[0]: "},
		"unknown proto":  {func(u *user) { u.Filters.DeniedProtocols = []string{"SFTP"} }, "filters.denied_protocols[0]: "},
		"all protocols":  {func(u *user) { u.Filters.DeniedProtocols = []string{"SSH", "FTP", "DAV", "HTTP"} }, "filters.denied_protocols: all"},
		"all methods": {func(u *user) {
			u.Filters.DeniedLoginMethods = []string{"publickey", "password", "keyboard-interactive", "publickey+password",
				"publickey+keyboard-interactive", "TLSCertificate", "TLSCertificate+password"}
		}, "filters.denied_login_methods: all"},
		"extension path": {func(u *user) {
			u.Filters.FileExtensions = []dataprovider.ExtensionsFilter{{Path: "a", DeniedExtensions: []string{"."}}}
		}, "filters.file_extensions[0].path: "},
		"extension lists": {func(u *user) { u.Filters.FileExtensions = []dataprovider.ExtensionsFilter{{Path: "/"}} }, "filters.file_extensions[0]: allowed_extensions or"},
		"empty extension": {func(u *user) {
			u.Filters.FileExtensions = []dataprovider.ExtensionsFilter{{Path: "/", DeniedExtensions: []string{""}}}
		}, "filters.file_extensions[0].denied_extensions[0]: empty"},
		"extensions twice": {func(u *user) {
			e := dataprovider.ExtensionsFilter{Path: "/a", DeniedExtensions: []string{".a"}}
			f := e
			f.Path = "/a/"
			u.Filters.FileExtensions = []dataprovider.ExtensionsFilter{e, f}
		}, "filters.file_extensions[1].path: "},
		"pattern lists": {func(u *user) { u.Filters.FilePatterns = []dataprovider.PatternsFilter{{Path: "/"}} }, "filters.file_patterns[0]: allowed_patterns or"},
		"bad pattern": {func(u *user) {
			u.Filters.FilePatterns = []dataprovider.PatternsFilter{{Path: "/", AllowedPatterns: []string{"*", "[a"}}}
		}, "filters.file_patterns[0].allowed_patterns[1]: "},
		"tls username":    {func(u *user) { u.Filters.TLSUsername = "CN" }, "filters.tls_username: "},
		"S3":              {func(u *user) { u.Filesystem.Provider = 1 }, "filesystem.provider: 1 (S3 storage) is not available"},
		"unknown storage": {func(u *user) { u.Filesystem.Provider = 9 }, "filesystem.provider: 9 is unknown"},
		"virtual folders": {func(u *user) { u.VirtualFolders = make([]dataprovider.VirtualFolder, 1) }, "virtual_folders: virtual folders are not available"},
	} {
		t.Run(name, func(t *testing.T) {
			u := alice(t)
			c.change(&u)
			got, err := u.Prepared(t.Context(), "", newHasher())
			if !errors.Is(err, dataprovider.ErrInvalid) {
				t.Fatalf("got %v, want ErrInvalid", err)
			}
			if diff := cmp.Diff(dataprovider.User{}, got); diff != "" {
				t.Errorf("a record came back: %s", diff)
			}
			text := strings.TrimPrefix(err.Error(), "validation error: ")
			if !strings.HasPrefix(text, c.want) || strings.Contains(text, "\n") {
				t.Errorf("got %q, want just one fault that begins with %q", text, c.want)
			}
		})
	}
}

func TestPreparedNamesAllFaults(t *testing.T) {
	u := dataprovider.User{Status: 7, QuotaSize: -5, Filters: dataprovider.UserFilters{AllowedIP: []string{"x", "y"}}}
	_, err := u.Prepared(t.Context(), "", newHasher())
	if !errors.Is(err, dataprovider.ErrInvalid) {
		t.Fatal(err)
	}
	for _, key := range []string{
		"username: ", "home_dir: ", "status: ", "quota_size: ", "password: ", "permissions: ",
		"filters.allowed_ip[0]: ", "filters.allowed_ip[1]: ",
	} {
		if !strings.Contains(err.Error(), key) {
			t.Errorf("%q is missing in:\n%v", key, err)
		}
	}
}
