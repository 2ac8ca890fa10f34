package docs_test

import (
	"context"
	"strings"
	"testing"

	"sftpgo/dataprovider"
)

// What not-yet.md says of user records is what validation says.
func TestRefusedUsersAreDocumented(t *testing.T) {
	page := text(t, "not-yet.md")
	for key, change := range map[string]func(*dataprovider.User){
		"filesystem.provider": func(u *dataprovider.User) { u.Filesystem.Provider = dataprovider.ProviderS3 },
		"virtual_folders": func(u *dataprovider.User) {
			u.VirtualFolders = []dataprovider.VirtualFolder{{Name: "f", VirtualPath: "/f"}}
		},
	} {
		u := dataprovider.User{
			Username: "alice", Password: "secret", HomeDir: "/srv/alice",
			Permissions: map[string][]string{"/": {dataprovider.PermAny}},
		}
		if _, err := u.Prepared(t.Context(), "", plain{}); err != nil {
			t.Fatal(err)
		}
		change(&u)
		_, err := u.Prepared(t.Context(), "", plain{})
		if err == nil {
			t.Errorf("%s is not refused any more: take it out of not-yet.md", key)
			continue
		}
		if !strings.Contains(err.Error(), key) || !strings.Contains(page, "| `"+key+"` |") {
			t.Errorf("%s: not a row of not-yet.md, or refused with another key: %v", key, err)
		}
	}
}

// plain stands in for the hasher.
type plain struct{}

func (plain) Hash(_ context.Context, s string) (string, error) { return s, nil }
func (plain) IsHash(string) (bool, error)                      { return false, nil }
