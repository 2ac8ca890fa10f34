package dataprovider_test

import (
	"testing"

	"sftpgo/dataprovider"
)

func TestAllows(t *testing.T) {
	u := dataprovider.User{Permissions: map[string][]string{
		"/":                {"list", "download"},
		"/in":              {"*"},
		"/in/locked":       {},
		"/in/locked/again": {"upload"},
		"/a/b":             {"delete"},
	}}
	for _, c := range []struct {
		perm, name string
		want       bool
	}{
		{"list", "/", true},
		{"upload", "/", false},
		{"download", "/other/deep/file", true},
		{"delete", "/other", false},
		{"upload", "/in", true},
		{"chown", "/in/x/y/z", true},
		{"list", "/in/locked", false}, // an empty entry allows nothing
		{"list", "/in/locked/file", false},
		{"upload", "/in/locked/again/f", true},
		{"list", "/in/locked/again", false}, // no union with parents
		{"list", "/inner", true},            // not below /in
		{"upload", "/inner", false},
		{"list", "/a", true},
		{"delete", "/a/b", true},
		{"list", "/a/b/c", false},
		{"delete", "/a/bc", false},
		{"*", "/in", true},
		{"*", "/", false},
	} {
		if got := u.Allows(c.perm, c.name); got != c.want {
			t.Errorf("Allows(%q, %q) = %v", c.perm, c.name, got)
		}
	}
	if none := (&dataprovider.User{}); none.Allows("list", "/") || none.Allows("list", "/a/b") {
		t.Error("a record without permissions allows something")
	}
}

func TestPermissionsBelow(t *testing.T) {
	u := dataprovider.User{Permissions: map[string][]string{"/": {"*"}, "/a/b": {"list"}}}
	for name, want := range map[string]bool{
		"/": true, "/a": true, "/a/b": false, "/a/b/c": false, "/ab": false, "/b": false,
	} {
		if got := u.PermissionsBelow(name); got != want {
			t.Errorf("PermissionsBelow(%q) = %v", name, got)
		}
	}
	u.Permissions = map[string][]string{"/": {"*"}}
	if u.PermissionsBelow("/") {
		t.Error("PermissionsBelow(/) with the entry of / only")
	}
}
