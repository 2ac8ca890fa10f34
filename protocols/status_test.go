package protocols_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/protocols"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// sentinels are all errors that a front-end may meet.
func sentinels() []error {
	return []error{
		nil, context.Canceled, session.ErrClosed, session.ErrSessions, session.ErrTooMany, session.ErrQuota,
		session.ErrGone, session.ErrTooLarge, session.ErrDigest, session.ErrMetadata, session.ErrNotPart, session.ErrIncomplete,
		actions.ErrUnanswered, actions.ErrDenied, actions.ErrOverloaded, vfs.ErrNoSpace, vfs.ErrName, vfs.ErrIsDir, vfs.ErrNotDir, vfs.ErrNotEmpty, vfs.ErrBusy,
		vfs.ErrUnsupported, vfs.ErrUnavailable, vfs.ErrNotExist, vfs.ErrExist, vfs.ErrPermission,
		dataprovider.ErrUnavailable, errors.New("sql: no such table"),
	}
}

// TestStatusTable prints the answer of each protocol to each error, also when it
// comes wrapped.
func TestStatusTable(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "%-28s %4s %4s %4s  %s\n", "error", "SFTP", "FTP", "HTTP", "text")
	for _, err := range sentinels() {
		s := protocols.StatusOf(err)
		if err != nil {
			wrapped := protocols.StatusOf(fmt.Errorf("open %q: %w", "/a", &fs.PathError{Op: "open", Path: "/srv/alice/a", Err: err}))
			if diff := cmp.Diff(s, wrapped); diff != "" {
				t.Errorf("%v when wrapped: %s", err, diff)
			}
		}
		fmt.Fprintf(&b, "%-28s %4d %4d %4d  %s\n", fmt.Sprint(err), s.SFTP, s.FTP, s.HTTP, s.Text)
	}
	golden := filepath.Join("testdata", "status.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the table has changed; -update accepts it\n%s", diff)
	}
}
