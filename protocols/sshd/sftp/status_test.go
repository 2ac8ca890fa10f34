package sftp

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/pkg/sftp"

	"sftpgo/vfs"
)

// TestAnswer holds that pkg/sftp finds the code in what it gets, and that the
// text is ours.
func TestAnswer(t *testing.T) {
	secret := errors.New("open /srv/data/alice/x: broken pipe")
	for _, tt := range []struct {
		err  error
		code error
		text string
	}{
		{fmt.Errorf("stat %q: %w", "/x", vfs.ErrNotExist), sftp.ErrSSHFxNoSuchFile, "no such file or directory"},
		{vfs.ErrPermission, sftp.ErrSSHFxPermissionDenied, "permission denied"},
		{vfs.ErrUnsupported, sftp.ErrSSHFxOpUnsupported, "operation not supported"},
		{vfs.ErrExist, sftp.ErrSSHFxFailure, "already exists"},
		{secret, sftp.ErrSSHFxFailure, "internal error"},
		{fmt.Errorf("write: %w", errBadMessage), sftp.ErrSSHFxBadMessage, "bad message"},
	} {
		got := answer(tt.err)
		if !errors.Is(got, tt.code) || got.Error() != tt.text {
			t.Errorf("answer(%v) = %v", tt.err, got)
		}
	}
	if answer(nil) != nil || answer(io.EOF) != io.EOF {
		t.Error("nil and io.EOF must pass as they are")
	}
}
