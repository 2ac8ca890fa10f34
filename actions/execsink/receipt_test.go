//go:build unix

package execsink_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/execsink"
	"sftpgo/actions/sinktest"
)

// What a program wrote is in the receipt, if anybody wants one.
func TestReceipt(t *testing.T) {
	s := newSink(t, script(t, "echo thanks; echo and more >&2\n"), sinktest.Format{}, execsink.DefaultConfig())
	var got actions.Receipt
	err := s.Deliver(actions.WithReceipt(t.Context(), &got), sinktest.Event("01A", "/a"))
	if diff := cmp.Diff(actions.Receipt{Status: "exit status 0", Output: "thanks\nand more\n"}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if err := deliver(t, s); err != nil {
		t.Error(err)
	}
}
