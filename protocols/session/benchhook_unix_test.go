//go:build unix

package session_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/actions/outbox"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// blackHole is a store whose outbox takes everything and keeps nothing, so that only
// what stands in front of it is measured.
type blackHole struct{ dataprovider.Store }

func (s blackHole) Outbox() dataprovider.Outbox { return &blackOutbox{Outbox: s.Store.Outbox()} }

type blackOutbox struct {
	dataprovider.Outbox
	last atomic.Int64
}

func (o *blackOutbox) Announce(context.Context, []byte) (int64, error) { return o.last.Add(1), nil }
func (o *blackOutbox) Drop(context.Context, int64) error               { return nil }

func (o *blackOutbox) Settle(context.Context, int64, dataprovider.Settlement) (dataprovider.Amount, error) {
	return dataprovider.Amount{}, nil
}

type unreached struct{}

func (unreached) Deliver(context.Context, *actions.Event) error { return nil }

// BenchmarkHook measures uploads of one small file each, over a session, with nobody
// to be told and with a hook whose events nobody keeps: the difference is what a hook
// costs an upload before the store.
func BenchmarkHook(b *testing.B) {
	target := outbox.Target{
		Name: "common.actions", Sink: unreached{}, Workers: 1, Limit: time.Second,
		Kinds: []actions.Kind{actions.UploadDone, actions.UploadFailed, actions.UploadPart},
		Wants: actions.Config{}.Wants,
	}
	told := outbox.Hooks{Targets: []outbox.Target{target}}
	for _, c := range []struct {
		name  string
		hooks outbox.Hooks
	}{{"none", outbox.Hooks{}}, {"told", told}} {
		b.Run(c.name, func(b *testing.B) {
			_, home := benchSession(b)
			store := blackHole{memstore.New(memstore.Config{})}
			log := slog.New(slog.DiscardHandler)
			d, err := outbox.New(store.Outbox(), c.hooks, nil, log, outbox.DefaultConfig())
			if err != nil {
				b.Fatal(err)
			}
			m := session.NewManager(store, d, []vfs.Factory{localfs.NewFactory(log)}, &counters{}, log, 2, session.Config{})
			user := dataprovider.User{Username: "alice", HomeDir: home, Permissions: map[string][]string{"/": {"*"}}}
			s, err := m.Open(b.Context(), user, session.Peer{Protocol: "SFTP", ID: "SFTP_1", Remote: netip.MustParseAddr("192.0.2.7")})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			content := make([]byte, 4096)
			b.ReportAllocs()
			began, i := cpu(b), 0
			for ; b.Loop(); i++ {
				name := fmt.Sprintf("/file%d", i)
				if err := putSmall(s, name, content); err != nil {
					b.Fatal(err)
				}
				if err := os.Remove(home + name); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpu(b)-began).Nanoseconds())/float64(i), "cpu-ns/op")
		})
	}
}

// cpu is the processor time of this process: wall time says more about what else
// the machine does.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func putSmall(s *session.Session, name string, content []byte) error {
	t, err := s.Upload(s.Context(), name, put)
	if err != nil {
		return err
	}
	if _, err := t.WriteAt(content, 0); err != nil {
		return err
	}
	return t.Close()
}
