package session_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// readFactory and readFS note when a file is opened to be read.
type readFactory struct {
	vfs.Factory
	read func()
}

func (f readFactory) Open(ctx context.Context, cfg []byte) (vfs.FS, error) {
	storage, err := f.Factory.Open(ctx, cfg)
	return readFS{storage, f.read}, err
}

type readFS struct {
	vfs.FS
	read func()
}

func (f readFS) Open(ctx context.Context, name string, mode vfs.Mode) (vfs.File, error) {
	if mode == vfs.Read {
		f.read()
	}
	return f.FS.Open(ctx, name, mode)
}

// timedUploads notes how much time there is to save a record.
type timedUploads struct {
	dataprovider.Uploads
	save func(ctx context.Context)
}

func (u timedUploads) Save(ctx context.Context, rec dataprovider.Upload) error {
	u.save(ctx)
	return u.Uploads.Save(ctx, rec)
}

// TestDigestOfLargeUpload: reading all the data again to compare them with a digest may
// take minutes, and is not taken from the time of what comes after it.
func TestDigestOfLargeUpload(t *testing.T) {
	for _, c := range []struct {
		digested string
		err      error
	}{{"abc", nil}, {"other", session.ErrDigest}} {
		r := newRig(t, session.Config{})
		log := slog.New(slog.DiscardHandler)
		var reading time.Time
		storage := readFactory{localfs.NewFactory(log), func() { reading = time.Now() }}
		saved := 0
		store := timedUploads{r.store.Uploads(), func(ctx context.Context) {
			if end, limited := ctx.Deadline(); !reading.IsZero() && limited && end.Before(reading.Add(30*time.Second)) {
				t.Errorf("%s: reading takes the time of the end", c.digested)
			}
			saved++
		}}
		r.manager = session.NewManager(r.store, r.hooks, []vfs.Factory{storage}, r.metrics, log, 1, session.Config{})
		uploads := session.NewResumables(r.manager, store, session.StagedPolicy(r.store.Users()), log)
		sum := sha256.Sum256([]byte(c.digested))
		u, err := uploads.Create(t.Context(), r.open(), session.NewUpload{
			Name: "/f", Length: 3, Digest: "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":",
		}, func() {})
		must(t, err)
		_, err = u.Receive(strings.NewReader("abc"), nil)
		must(t, err)
		if err := u.End(nil); !errors.Is(err, c.err) || reading.IsZero() || saved == 0 {
			t.Errorf("%s: %v, saved %d times", c.digested, err, saved)
		}
	}
}
