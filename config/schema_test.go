package config

import (
	"reflect"
	"strings"
	"testing"

	"sftpgo/actions"
	"sftpgo/actions/httpsink"
)

func TestUnavailableKeysAreUnavailable(t *testing.T) {
	root := &node{shape: section, available: true, keys: map[string]*node{}}
	root.describe(reflect.ValueOf(Default()))
	seen := map[string]bool{}
	for _, path := range unavailable() {
		if seen[path] {
			t.Errorf("%s is listed twice", path)
		}
		seen[path] = true
		n := root
		for key := range strings.SplitSeq(path, ".") {
			if n = n.keys[strings.TrimSuffix(key, "[]")]; n == nil {
				break
			}
		}
		if n != nil {
			t.Errorf("%s is available: take it off the list", path)
		}
	}
}

func TestSchemaHoldsEveryField(t *testing.T) {
	var walk func(n *node)
	walk = func(n *node) {
		if n.available && n.shape == value {
			if _, err := convert("", n.typ); err != nil {
				t.Errorf("%s: %v", n.path, err)
			}
		}
		for _, child := range n.keys {
			walk(child)
		}
	}
	walk(schema())
}

// A key whose name says that it names a file is resolved by Load.
func TestPathsAreComplete(t *testing.T) {
	cfg := Default()
	cfg.SFTPD.HostKeys = []string{"x"}
	cfg.SFTPD.HostCertificates = []string{"x"}
	cfg.SFTPD.TrustedUserCAKeys = []string{"x"}
	cfg.FTPD.CACertificates = []string{"x"}
	cfg.FTPD.CARevocationLists = []string{"x"}
	cfg.WebDAVD.CACertificates = []string{"x"}
	cfg.WebDAVD.CARevocationLists = []string{"x"}
	cfg.Tus.CACertificates = []string{"x"}
	cfg.Tus.CARevocationLists = []string{"x"}
	cfg.HTTP.CACertificates = []string{"x"}
	cfg.HTTP.Certificates = append(cfg.HTTP.Certificates, httpsink.KeyPair{})
	cfg.Hooks = []actions.Hook{{TLS: actions.HookTLS{CACertificates: []string{"x"}}}}
	paths := cfg.paths()
	var walk func(n *node)
	walk = func(n *node) {
		for _, child := range n.keys {
			if child.available && child.shape == value {
				name := strings.NewReplacer("[]", ".0").Replace(child.path)
				if child.typ.Kind() == reflect.Slice {
					name += ".0"
				}
				file := strings.HasSuffix(child.key, "_file") || strings.HasSuffix(child.key, "_dir") || strings.HasSuffix(child.key, "_path") ||
					child.key == "host_keys" || child.key == "host_certificates" || child.key == "trusted_user_ca_keys" || child.key == "ca_certificates" || child.key == "ca_revocation_lists" || child.key == "cert" || child.key == "key" || child.path == "data_provider.name"
				if file != (paths[name] != nil) {
					t.Errorf("%s: by its name a file: %v, resolved: %v", name, file, paths[name] != nil)
				}
			}
			walk(child)
		}
	}
	walk(schema())
}
