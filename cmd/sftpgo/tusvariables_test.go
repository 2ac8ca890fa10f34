package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

func TestTusStrayVariables(t *testing.T) {
	var f tusFlags
	cmd := &cobra.Command{Use: "tus"}
	f.register(cmd)
	got := strayVariables(cmd.Flags(), []string{
		"PATH=/bin", "RUSTUS_PORT=80", "RUSTUS_DATA_DIR=/srv", "RUSTUS_DATADIR=/srv", "RUSTUS_SERVICE_PORT_HTTP=80", "RUSTUS_SENTRY_DSN=",
	})
	want := []string{
		"RUSTUS_DATADIR (did you mean RUSTUS_DATA_DIR?)", "RUSTUS_PORT (did you mean RUSTUS_SERVER_PORT?)", "RUSTUS_SERVICE_PORT_HTTP",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
