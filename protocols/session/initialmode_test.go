package session_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

func TestInitialMode(t *testing.T) {
	for mode := range 3 {
		for _, tt := range []struct {
			name    string
			cfg     session.Config
			perms   []string
			asked   fs.FileMode
			changes bool
		}{
			{"private", session.Config{}, []string{"*"}, 0o600, true},
			{"executable", session.Config{}, []string{"*"}, 0o755, true},
			{"read-only", session.Config{}, []string{"*"}, 0o400, true},
			{"special bits", session.Config{}, []string{"*"}, fs.ModeSetuid | 0o700, true},
			{"no chmod", session.Config{}, []string{"list", "upload", "create_dirs"}, 0o600, false},
			{"ignored", session.Config{SetstatMode: 1}, []string{"*"}, 0o600, false},
		} {
			t.Run(fmt.Sprintf("mode %d/%s", mode, tt.name), func(t *testing.T) {
				tt.cfg.UploadMode = mode
				r := newRig(t, tt.cfg, func(u *dataprovider.User) { u.Permissions["/"] = tt.perms })
				s := r.open()
				made := func(name string) fs.FileMode {
					info, err := os.Stat(filepath.Join(r.home, name))
					if err != nil {
						t.Fatal(err)
					}
					return info.Mode() &^ fs.ModeDir
				}
				if err := upload(s, "/default", "x", put, nil); err != nil {
					t.Fatal(err)
				}
				if err := s.Mkdir(t.Context(), "/defaultdir"); err != nil {
					t.Fatal(err)
				}
				up, err := s.Upload(t.Context(), "/f", put)
				if err != nil {
					t.Fatal(err)
				}
				if err := up.InitialMode(t.Context(), tt.asked); err != nil {
					t.Error(err)
				}
				if err := up.Close(); err != nil {
					t.Error(err)
				}
				if err := s.MkdirMode(t.Context(), "/d", tt.asked); err != nil {
					t.Error(err)
				}
				file, dir := made("default"), made("defaultdir")
				if tt.changes {
					// The umask is what the default lacks.
					file, dir = tt.asked.Perm()&dir, tt.asked.Perm()&dir
				}
				if got := made("f"); got != file {
					t.Errorf("file: %v, want %v", got, file)
				}
				if got := made("d"); got != dir {
					t.Errorf("directory: %v, want %v", got, dir)
				}
			})
		}
	}
}

// TestInitialModeOfAnother: what is there keeps its mode.
func TestInitialModeOfAnother(t *testing.T) {
	for mode := range 3 {
		r := newRig(t, session.Config{UploadMode: mode})
		s := r.open()
		r.write("f", "old")
		if err := os.Chmod(filepath.Join(r.home, "f"), 0o640); err != nil {
			t.Fatal(err)
		}
		up, err := s.Upload(t.Context(), "/f", put)
		if err != nil {
			t.Fatal(err)
		}
		if err := up.InitialMode(t.Context(), 0o777); err != nil {
			t.Error(err)
		}
		if err := up.Close(); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(filepath.Join(r.home, "f")); err != nil || info.Mode() != 0o640 {
			t.Errorf("mode %d: %v, %v", mode, info.Mode(), err)
		}
	}
}
