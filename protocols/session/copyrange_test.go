package session_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

func TestCopyRange(t *testing.T) {
	const rw = vfs.Read | vfs.Write
	for _, plain := range []bool{false, true} {
		t.Run(fmt.Sprint("plain ", plain), func(t *testing.T) {
			r := newRig(t, session.Config{UploadMode: 1}, func(u *dataprovider.User) { u.QuotaSize, u.QuotaFiles = 100, 10 })
			r.plain = plain
			mode := 1
			if plain {
				mode = 0
			}
			r.restart(session.Config{UploadMode: mode}, r.store)
			r.write("a", "0123456789")
			r.write("b", "old")
			r.count()
			s := r.open()
			from, err := s.Download(t.Context(), "/a")
			must(t, err)
			to := begin(t, s, "/b", put)
			for _, c := range []struct{ srcOff, n, dstOff, want int64 }{
				{0, 4, 0, 4}, {8, 0, 4, 2}, {5, 100, 8, 5}, {10, 0, 0, 0}, {50, 5, 0, 0},
			} {
				if n, err := from.CopyRange(t.Context(), to, c.srcOff, c.n, c.dstOff); n != c.want || err != nil {
					t.Errorf("%+v: %d %v", c, n, err)
				}
			}
			must(t, from.Close(), to.Close())
			if got := r.content("b"); got != "012389\x00\x0056789" {
				t.Errorf("copied %q", got)
			}
			r.exact(100)
			// Within one file, by one handle and by two.
			same := begin(t, s, "/a", rw)
			other := begin(t, s, "/a", rw)
			for _, c := range []struct {
				to                   *session.Transfer
				srcOff, n, dstOff, m int64
			}{
				{same, 0, 5, 3, 0}, {other, 3, 5, 0, 0}, {same, 0, 0, 5, 0}, {other, 2, 1, 2, 0},
				{same, 0, 3, 3, 3}, {other, 0, 0, 10, 10},
			} {
				n, err := same.CopyRange(t.Context(), c.to, c.srcOff, c.n, c.dstOff)
				if n != c.m || (c.m == 0) != errors.Is(err, vfs.ErrUnsupported) {
					t.Errorf("%+v: %d %v", c, n, err)
				}
			}
			must(t, same.Close(), other.Close())
			if got := r.content("a"); got != "01201267890120126789" {
				t.Errorf("copied %q", got)
			}
			r.exact(100)
		})
	}
}

func TestCopyRangeRefused(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.QuotaSize = 20 })
	r.write("a", "0123456789")
	r.count()
	s := r.open()
	from, err := s.Download(t.Context(), "/a")
	must(t, err)
	to := begin(t, s, "/b", put)
	for _, c := range []struct {
		from, to          *session.Transfer
		srcOff, n, dstOff int64
		want              error
	}{
		{from, from, 0, 2, 5, vfs.ErrUnsupported},
		{to, to, 0, 2, 5, vfs.ErrPermission},
		{from, to, -1, 2, 0, vfs.ErrUnsupported},
		{from, to, 0, -2, 0, vfs.ErrUnsupported},
		{from, to, 0, 2, -1, vfs.ErrUnsupported},
		{from, to, 0, 2, 1<<63 - 2, vfs.ErrUnsupported},
		{from, to, 1<<63 - 2, 5, 0, vfs.ErrUnsupported},
	} {
		if n, err := c.from.CopyRange(t.Context(), c.to, c.srcOff, c.n, c.dstOff); n != 0 || !errors.Is(err, c.want) {
			t.Errorf("%+v: %d %v", c, n, err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := from.CopyRange(gone, to, 0, 5, 0); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("after the context has ended: %d %v", n, err)
	}
	if n, err := from.CopyRange(t.Context(), to, 0, 10, 5); !errors.Is(err, session.ErrQuota) || n != 0 {
		t.Errorf("over the quota: %d %v", n, err)
	}
	if err := to.Close(); !errors.Is(err, session.ErrQuota) {
		t.Errorf("close: %v", err)
	}
	must(t, from.Close())
	r.exact(20)
}

// TestHugeSizeIsNoWayAroundTheQuota: what is asked for is not more than what fits
// into a number.
func TestHugeSizeIsNoWayAroundTheQuota(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.QuotaSize = 20 })
	r.write("a", "0123456789")
	r.count()
	s := r.open()
	for _, ask := range []func(tr *session.Transfer) error{
		func(tr *session.Transfer) error {
			return tr.SetAttrs(t.Context(), vfs.Attrs{Size: ptr(int64(1<<63 - 1))})
		},
		func(tr *session.Transfer) error { _, err := tr.WriteAt([]byte("x"), 1<<63-2); return err },
	} {
		tr := begin(t, s, "/b", put)
		if err := ask(tr); !errors.Is(err, session.ErrQuota) {
			t.Errorf("a huge size: %v", err)
		}
		if _, err := tr.WriteAt(make([]byte, 15), 0); !errors.Is(err, session.ErrQuota) {
			t.Errorf("after a huge size: %v", err)
		}
		_ = tr.Close()
		r.exact(20)
	}
}

// TestCopyRangeIsThrottled by the bandwidth of uploads.
func TestCopyRangeIsThrottled(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.UploadBandwidth = 128 })
	r.write("a", string(make([]byte, 64<<10)))
	s := r.open()
	from, err := s.Download(t.Context(), "/a")
	must(t, err)
	to := begin(t, s, "/b", put)
	start := time.Now()
	n, err := from.CopyRange(t.Context(), to, 0, 0, 0)
	if n != 64<<10 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	if took := time.Since(start); took < 200*time.Millisecond { // a burst passes at once, then 32 KiB wait
		t.Errorf("64 KiB at 128 KiB/s took %v", took)
	}
	must(t, from.Close(), to.Close())
}
