//go:build unix

package natssink_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sftpgo/actions"
	"sftpgo/actions/brokertest"
	"sftpgo/actions/natssink"
	"sftpgo/actions/sinktest"
)

func TestLogin(t *testing.T) {
	for _, tt := range []struct {
		name      string
		arguments []string
		good, bad actions.HookNATS
		user      string // of the URL
	}{
		{"password", []string{"--user", "u", "--pass", "seeded"}, actions.HookNATS{User: "u", Password: "seeded"}, actions.HookNATS{User: "u", Password: "seeded2"}, ""},
		{"token", []string{"--auth", "seeded"}, actions.HookNATS{Token: "seeded"}, actions.HookNATS{}, ""},
		{"URL", []string{"--user", "u", "--pass", "seeded"}, actions.HookNATS{}, actions.HookNATS{User: "u", Password: "seeded2"}, "u:seeded@"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := started(t, tt.arguments...)
			tt.good.Core, tt.bad.Core = true, true
			url := strings.Replace(b.URL, "nats://", "nats://"+tt.user, 1)
			s := newSink(t, natssink.Config{URL: url, Settings: tt.good}, words{})
			if err := s.Try(t.Context(), sinktest.Event(eventID, "/a")); err != nil || strings.Contains(s.String(), "seeded") {
				t.Errorf("%s: %v", s, err)
			}
			s = newSink(t, natssink.Config{URL: b.URL, Settings: tt.bad}, words{})
			err := s.Try(t.Context(), sinktest.Event(eventID, "/a"))
			if err == nil || !strings.Contains(strings.ToLower(err.Error()), "authorization violation") || strings.Contains(err.Error(), "seeded") {
				t.Errorf("err = %v", err)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	certificate, err := brokertest.NewCertificate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := started(t, "--tls", "--tlscert", certificate.File, "--tlskey", certificate.Key)
	url := strings.Replace(b.URL, "nats://", "tls://", 1)
	for _, trust := range []*tls.Config{nil, {RootCAs: certificate.Pool}} {
		s := newSink(t, natssink.Config{URL: url, Settings: actions.HookNATS{Core: true}, TLS: trust}, words{})
		err := s.Try(t.Context(), sinktest.Event(eventID, "/a"))
		if (err == nil) != (trust != nil) || err != nil && !strings.Contains(err.Error(), "unknown authority") {
			t.Errorf("err = %v", err)
		}
	}
}

// The server is away at first, and twice more in the midst of 500 events.
func TestRestart(t *testing.T) {
	const all = 500
	b := natsServer(t)
	s := newSink(t, natssink.Config{URL: b.URL, Timeout: 2 * time.Minute}, words{})
	if err := s.Try(t.Context(), sinktest.Event(eventID, "/a")); err == nil || strings.Contains(err.Error(), "deadline") {
		t.Errorf("err = %v", err)
	}
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	observe(t, b).stream("files", func(c *jetstream.StreamConfig) { c.Subjects = []string{"post-finish"} })
	events := make(chan int)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := range events {
				for tries := 1; ; tries++ {
					err := s.Deliver(t.Context(), sinktest.Event(fmt.Sprintf("%026d", i), "/a"))
					if err == nil {
						break
					}
					if tries > 20 {
						t.Errorf("event %d: %v", i, err)
						break
					}
					time.Sleep(50 * time.Millisecond) // JetStream needs a moment to come back
				}
			}
		})
	}
	restarted := make(chan error, 2)
	for i := range all {
		if i == all/3 || i == 2*all/3 {
			go func() { restarted <- errors.Join(b.Kill(), b.Start(t.Context())) }()
			events <- i
			if err := <-restarted; err != nil {
				t.Fatal(err)
			}
			continue
		}
		events <- i
	}
	close(events)
	wg.Wait()
	stream, err := observe(t, b).js.Stream(t.Context(), "files")
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(t.Context())
	if err != nil || info.State.Msgs != all {
		t.Errorf("%d of %d events have arrived once, %v", info.State.Msgs, all, err)
	}
}
