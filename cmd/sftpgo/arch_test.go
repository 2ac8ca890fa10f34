package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "sftpgo"

type rule struct {
	pattern string
	allowed []string
}

// imports says which packages of this module a package may name; the first
// pattern that matches counts ("/..." is a package and all below it, "/*" the
// packages one below).
func imports() []rule {
	frontEnd := []string{"protocols", "protocols/session", "protocols/auth", "protocols/waiting", "protocols/certs", "dataprovider", "vfs", "config/spelling"}
	return []rule{
		// The leaves know nothing of each other.
		{"vfs", nil},
		{"dataprovider", nil},
		{"actions", []string{"actions/plainjson"}},
		{"actions/plainjson", nil},
		{"docs", nil},
		{"config/spelling", nil},
		// What implements them knows the parent only. The outbox of events lives in
		// the data store.
		{"vfs/*", []string{"vfs"}},
		{"dataprovider/*", []string{"dataprovider"}},
		{"actions/outbox", []string{"actions", "dataprovider"}},
		{"actions/useraction", []string{"actions", "dataprovider"}},
		{"actions/*", []string{"actions"}},
		// The middle owns the rules. The table of failures names the errors of all.
		{"protocols", []string{"protocols/session", "actions", "dataprovider", "vfs"}},
		{"protocols/session", []string{"actions", "dataprovider", "vfs", "actions/plainjson"}},
		{"protocols/auth", []string{"dataprovider", "protocols/waiting"}},
		{"protocols/auth/keyboard", []string{"protocols/auth"}},
		{"protocols/waiting", nil},
		{"protocols/certs", nil},
		// For the listeners that cmd opens; webdavd takes its sets of addresses.
		{"protocols/proxied", []string{"protocols/waiting"}},
		{"protocols/web", []string{"dataprovider", "protocols/auth", "protocols/certs", "protocols/proxied", "protocols/session", "protocols/waiting"}},
		{"protocols/tus/page", nil},
		{"protocols/tus/tusdtest", nil},
		// Front-ends translate; none knows another, a backend or a store.
		{"protocols/sshd/...", append([]string{"protocols/sshd/..."}, frontEnd...)},
		{"protocols/ftpd/...", append([]string{"protocols/ftpd/..."}, frontEnd...)},
		// Those of HTTP tell the session of the request (actions.Request).
		{"protocols/webdavd/...", append([]string{"protocols/webdavd/...", "actions", "protocols/proxied", "protocols/web"}, frontEnd...)},
		{"protocols/tus", append([]string{"actions", "protocols/proxied", "protocols/web"}, frontEnd...)},
		{"protocols/telemetry/...", append([]string{"protocols/telemetry/..."}, frontEnd...)},
		// The sum of the Config of each package.
		{"config", []string{
			"actions", "actions/httpsink", "dataprovider", "protocols/session",
			"protocols/sshd", "protocols/ftpd", "protocols/webdavd", "protocols/tus", "protocols/telemetry", "protocols/proxied",
			"config/spelling",
		}},
		// The only place that names implementations. Nothing names this one.
		{"cmd/sftpgo", []string{
			"config", "docs", "vfs/...", "dataprovider/...", "actions/...", "protocols/...", "config/spelling",
		}},
	}
}

// owners says which packages may name a library, so that each can be replaced in
// one place.
func owners() map[string][]string {
	return map[string][]string{
		"github.com/pkg/sftp":                   {"protocols/sshd/..."},
		"github.com/fclairamb/ftpserverlib":     {"protocols/ftpd/..."},
		"golang.org/x/net/webdav":               {"protocols/webdavd/..."},
		"golang.org/x/crypto/ssh":               {"protocols/sshd/...", "protocols/auth", "dataprovider", "cmd/sftpgo"},
		"github.com/pires/go-proxyproto":        {"protocols/proxied"},
		"github.com/spf13/viper":                {"config"},
		"github.com/spf13/cobra":                {"cmd/sftpgo"},
		"gopkg.in/natefinch/lumberjack.v2":      {"cmd/sftpgo"},
		"github.com/subosito/gotenv":            {"cmd/sftpgo"},
		"github.com/prometheus/client_golang":   {"protocols/telemetry"},
		"github.com/hashicorp/go-retryablehttp": {"actions/httpsink"},
		"github.com/rabbitmq/amqp091-go":        {"actions/amqpsink"},
		"github.com/nats-io/nats.go":            {"actions/natssink"},
		"modernc.org/sqlite":                    {"dataprovider/sqlstore"},
		"github.com/redis/go-redis/v9":          {"dataprovider/inforedis"},
		"github.com/pressly/goose/v3":           {"dataprovider/sqlstore"},
		"github.com/jackc/pgx/v5":               {"dataprovider/sqlstore", "dataprovider/pgtest"},
	}
}

type goPackage struct {
	ImportPath string
	Name       string
	Imports    []string
}

func (p goPackage) path() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

func packages(t *testing.T) []goPackage {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Name,Imports", "./...")
	list.Dir = "../.."
	text, err := list.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []goPackage
	for d := json.NewDecoder(strings.NewReader(string(text))); ; {
		var p goPackage
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func matches(pattern, pkg string) bool {
	if tree, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == tree || strings.HasPrefix(pkg, tree+"/")
	}
	if parent, ok := strings.CutSuffix(pattern, "/*"); ok {
		return path.Dir(pkg) == parent
	}
	return pkg == pattern
}

func matchesAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, pkg) })
}

func TestWhoImportsWhom(t *testing.T) {
	rules := imports()
	used := map[string]bool{}
	for _, p := range packages(t) {
		i := slices.IndexFunc(rules, func(r rule) bool { return matches(r.pattern, p.path()) })
		if i < 0 {
			t.Errorf("%s: no rule says what it may import", p.path())
			continue
		}
		used[rules[i].pattern] = true
		for _, imported := range p.Imports {
			name, ours := strings.CutPrefix(imported, module+"/")
			if ours && !matchesAny(rules[i].allowed, name) {
				t.Errorf("%s must not import %s", p.path(), name)
			}
		}
	}
	for _, r := range rules {
		if !used[r.pattern] {
			t.Errorf("the rule for %s matches no package", r.pattern)
		}
	}
}

func TestLibrariesHaveOneOwner(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			for library, allowed := range owners() {
				if matches(library+"/...", imported) && !matchesAny(allowed, p.path()) {
					t.Errorf("%s must not import %s: that is for %s", p.path(), imported, strings.Join(allowed, ", "))
				}
			}
		}
	}
}

// A package that has no job of its own gathers everybody's.
func TestPackageNames(t *testing.T) {
	for _, p := range packages(t) {
		switch p.Name {
		case "common", "util", "utils", "helper", "helpers", "types", "models", "misc", "shared", "base":
			t.Errorf("%s: name it after its job", p.path())
		}
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, pkg string
		want         bool
	}{
		{"vfs", "vfs", true},
		{"vfs", "vfs/localfs", false},
		{"vfs/*", "vfs/localfs", true},
		{"vfs/*", "vfs", false},
		{"vfs/*", "vfs/a/b", false},
		{"vfs/...", "vfs", true},
		{"vfs/...", "vfs/a/b", true},
		{"vfs/...", "vfsx", false},
	} {
		if got := matches(tt.pattern, tt.pkg); got != tt.want {
			t.Errorf("%s %s: %v", tt.pattern, tt.pkg, got)
		}
	}
}
