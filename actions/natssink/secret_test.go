package natssink_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/actions/natssink"
	"sftpgo/actions/sinktest"
)

// A password may have a comma in it: it is no list of servers, and no part of it is told.
func TestPasswordWithComma(t *testing.T) {
	var log bytes.Buffer
	for _, cfg := range []natssink.Config{
		{URL: "nats://user:sesame,open@127.0.0.1:1"},
		{URL: "nats://127.0.0.1:1", Settings: actions.HookNATS{URLs: []string{"nats://user:sesame,open@127.0.0.1:1"}}},
	} {
		s, err := natssink.New(cfg, sinktest.Format{}, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		err = s.Deliver(ctx, sinktest.Event("01A", "/a"))
		cancel()
		if err == nil || strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "parse") {
			t.Errorf("err = %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if strings.Contains(log.String(), "sesame") {
		t.Errorf("log: %s", log.String())
	}
}
