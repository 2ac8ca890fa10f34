package storetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
)

// OpenUploads returns an empty dataprovider.Uploads that is closed at the end of t,
// and what makes time pass for its leases.
type OpenUploads func(t *testing.T) (u dataprovider.Uploads, pass func(time.Duration))

// RunUploads tests that what open returns keeps the promises of
// dataprovider.Uploads. Each part gets one of its own.
func RunUploads(t *testing.T, open OpenUploads) {
	parts := []struct {
		name string
		test func(*testing.T, OpenUploads)
	}{
		{"records", testUploadRecords},
		{"absent", testUploadAbsent},
		{"list", testUploadList},
		{"list of all", testUploadListAll},
		{"concurrent add", testUploadConcurrentAdd},
		{"leases", testUploadLeases},
		{"lease that ran out", testUploadLeaseEnd},
		{"lease of a deleted one", testUploadLeaseDeleted},
		{"concurrent holders", testUploadConcurrentHolders},
		{"end of the context", testUploadContext},
	}
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) { p.test(t, open) })
	}
}

// uploadOf is a record that has all that a server for everybody needs, too.
func uploadOf(id string) dataprovider.Upload {
	return dataprovider.Upload{
		ID: id, Name: "/in/" + id, Data: "/in/" + id, Length: 1 << 40, Offset: 17,
		Metadata: "filename w7wuYmlu,empty", Created: time.Date(2024, 3, 1, 10, 0, 0, 123_000_000, time.UTC),
		Expires: time.Date(2024, 3, 2, 10, 0, 0, 0, time.UTC), State: dataprovider.UploadOpen,
		Protocol: "HTTP", RemoteIP: "192.0.2.7", Reserved: dataprovider.Amount{Files: 1, Bytes: 1 << 40},
		FileID: "42", Unverified: true, Withheld: true, Digest: "sha-256=:AA==:",
	}
}

func sameUpload(t *testing.T, want, got dataprovider.Upload) {
	t.Helper()
	same := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("upload (-want +got)\n%s", diff)
	}
}

func testUploadRecords(t *testing.T, open OpenUploads) {
	u, _ := open(t)
	ctx, get := t.Context(), value[dataprovider.Upload](t)
	first, bare := uploadOf("3cd911fe-eba0-499a-b220-b1d1b947b80f"), dataprovider.Upload{
		ID: "b", Name: "/b", Data: "/b", Length: -1, Created: uploadOf("").Created, State: dataprovider.UploadOpen,
	}
	must(t, u.Add(ctx, first))
	must(t, u.Add(ctx, bare))
	sameUpload(t, first, get(u.Get(ctx, first.ID)))
	sameUpload(t, bare, get(u.Get(ctx, "b")))
	if err := u.Add(ctx, dataprovider.Upload{ID: first.ID, Data: "/other"}); !errors.Is(err, dataprovider.ErrExists) {
		t.Errorf("a second one of the id: %v", err)
	}
	sameUpload(t, first, get(u.Get(ctx, first.ID)))

	bare.Length, bare.Offset, bare.State = 0, 0, dataprovider.UploadComplete
	must(t, u.Save(ctx, bare))
	first.Offset, first.Length, first.State = 1<<40, 1<<40, dataprovider.UploadVerifying
	first.Expires = time.Time{}
	must(t, u.Save(ctx, first))
	final := uploadOf("final")
	final.Final, final.Parts, final.State = true, []string{"b", first.ID, "b"}, dataprovider.UploadComplete
	part := uploadOf("part")
	part.Partial, part.Name, part.State = true, "", dataprovider.UploadGone
	must(t, u.Add(ctx, final))
	must(t, u.Add(ctx, part))
	for _, want := range []dataprovider.Upload{first, bare, final, part} {
		sameUpload(t, want, get(u.Get(ctx, want.ID)))
	}
	must(t, u.Delete(ctx, first.ID))
	if _, err := u.Get(ctx, first.ID); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	must(t, u.Add(ctx, first)) // a hook may choose the id again
}

func testUploadAbsent(t *testing.T, open OpenUploads) {
	u, _ := open(t)
	ctx := t.Context()
	hostile := []string{"absent", "", ".", "..", "../absent", "a/../../b", "/etc/passwd", `a\b`, "a\x00b", "*", "[a", "\xff", strings.Repeat("x", 5000)}
	for _, id := range hostile {
		if _, err := u.Get(ctx, id); !errors.Is(err, dataprovider.ErrNotFound) {
			t.Errorf("Get(%.20q): %v", id, err)
		}
		if err := u.Save(ctx, uploadOf(id)); !errors.Is(err, dataprovider.ErrNotFound) {
			t.Errorf("Save(%.20q): %v", id, err)
		}
		if err := u.Delete(ctx, id); err != nil {
			t.Errorf("Delete(%.20q): %v", id, err)
		}
		if err := u.Release(ctx, id, "me"); err != nil {
			t.Errorf("Release(%.20q): %v", id, err)
		}
	}
	for got, err := range u.List(ctx, "", "") {
		t.Errorf("something was made: %v, %v", got, err)
	}
}

// listed returns the ids.
func listed(t *testing.T, u dataprovider.Uploads, owner, after string) string {
	t.Helper()
	var ids []string
	for got, err := range u.List(t.Context(), owner, after) {
		must(t, err)
		sameUploadID(t, got)
		ids = append(ids, got.ID)
	}
	return strings.Join(ids, " ")
}

func sameUploadID(t *testing.T, got dataprovider.Upload) {
	t.Helper()
	want := uploadOf(got.ID)
	want.Owner = got.Owner
	sameUpload(t, want, got)
}

func testUploadList(t *testing.T, open OpenUploads) {
	u, _ := open(t)
	ctx := t.Context()
	if got := listed(t, u, "", ""); got != "" {
		t.Errorf("empty: %q", got)
	}
	for _, id := range []string{"c", "a", "d", "b"} {
		one := uploadOf(id)
		if id == "b" || id == "d" {
			one.Owner = "bob"
		}
		must(t, u.Add(ctx, one))
	}
	must(t, u.Hold(ctx, "b", "me", time.Minute)) // a lease is no upload
	for _, tt := range []struct{ owner, after, want string }{
		{"", "", "a b c d"}, {"", "b", "c d"}, {"", "bb", "c d"}, {"", "d", ""},
		{"bob", "", "b d"}, {"bob", "b", "d"}, {"nobody", "", ""},
	} {
		if got := listed(t, u, tt.owner, tt.after); got != tt.want {
			t.Errorf("list of %q after %q: %q, want %q", tt.owner, tt.after, got, tt.want)
		}
	}
	for range u.List(ctx, "", "") {
		break // must not panic
	}
}

// testUploadListAll: what is deleted while it is listed does no harm.
func testUploadListAll(t *testing.T, open OpenUploads) {
	u, _ := open(t)
	ctx := t.Context()
	const n = 2500 // more than any batch
	for i := range n {
		must(t, u.Add(ctx, uploadOf(name("u", 10_000+i))))
	}
	seen, last := 0, ""
	for got, err := range u.List(ctx, "", "") {
		must(t, err)
		if got.ID <= last {
			t.Fatalf("%q after %q", got.ID, last)
		}
		last = got.ID
		seen++
		must(t, u.Delete(ctx, got.ID))
	}
	if seen != n {
		t.Errorf("%d of %d", seen, n)
	}
	if got := listed(t, u, "", ""); got != "" {
		t.Errorf("left: %.100q", got)
	}
}

func testUploadConcurrentAdd(t *testing.T, open OpenUploads) {
	u, _ := open(t)
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			one := uploadOf("same")
			one.Offset = int64(i)
			switch err := u.Add(t.Context(), one); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, dataprovider.ErrExists):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of 8 added the same id", won.Load())
	}
	if _, err := u.Get(t.Context(), "same"); err != nil {
		t.Error(err)
	}
}

const leaseTime = time.Minute

// refused tells that another one has the lease.
func refused(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, dataprovider.ErrConflict) {
		t.Errorf("%v, want ErrConflict", err)
	}
}

func testUploadLeases(t *testing.T, open OpenUploads) {
	u, pass := open(t)
	ctx, wanted := t.Context(), value[bool](t)
	must(t, u.Add(ctx, uploadOf("a")))
	must(t, u.Add(ctx, uploadOf("b")))
	must(t, u.Hold(ctx, "a", "one", leaseTime))
	must(t, u.Hold(ctx, "a", "one", leaseTime)) // prolongs
	if wanted(u.Renew(ctx, "a", "one", leaseTime)) {
		t.Error("nobody waits")
	}
	must(t, u.Hold(ctx, "b", "two", leaseTime)) // another upload
	refused(t, u.Hold(ctx, "a", "two", leaseTime))
	if !wanted(u.Renew(ctx, "a", "one", leaseTime)) {
		t.Error("somebody waits")
	}
	must(t, u.Release(ctx, "a", "two")) // not its own
	refused(t, u.Hold(ctx, "a", "two", leaseTime))
	must(t, u.Release(ctx, "a", "one"))
	must(t, u.Hold(ctx, "a", "two", leaseTime))
	if wanted(u.Renew(ctx, "a", "two", leaseTime)) {
		t.Error("who waited has it now")
	}
	refused(t, u.Hold(ctx, "a", "one", leaseTime))
	pass(leaseTime / 2)
	if !wanted(u.Renew(ctx, "a", "two", leaseTime)) {
		t.Error("somebody waits")
	}
	pass(leaseTime * 3 / 4)
	refused(t, u.Hold(ctx, "a", "one", leaseTime)) // Renew has prolonged it
	sameUploadID(t, value[dataprovider.Upload](t)(u.Get(ctx, "a")))
}

func testUploadLeaseEnd(t *testing.T, open OpenUploads) {
	u, pass := open(t)
	ctx := t.Context()
	must(t, u.Add(ctx, uploadOf("a")))
	must(t, u.Hold(ctx, "a", "one", leaseTime))
	pass(2 * leaseTime)
	if _, err := u.Renew(ctx, "a", "one", leaseTime); err != nil {
		t.Errorf("it ran out, but nobody took it: %v", err)
	}
	pass(2 * leaseTime)
	must(t, u.Hold(ctx, "a", "two", leaseTime))
	_, err := u.Renew(ctx, "a", "one", leaseTime)
	refused(t, err)
	must(t, u.Release(ctx, "a", "one"))
	refused(t, u.Hold(ctx, "a", "one", leaseTime))
}

func testUploadLeaseDeleted(t *testing.T, open OpenUploads) {
	u, _ := open(t)
	ctx := t.Context()
	must(t, u.Add(ctx, uploadOf("a")))
	must(t, u.Hold(ctx, "a", "one", leaseTime))
	must(t, u.Delete(ctx, "a"))
	must(t, u.Release(ctx, "a", "one"))
	must(t, u.Add(ctx, uploadOf("a")))
	must(t, u.Hold(ctx, "a", "two", leaseTime))
}

// testUploadConcurrentHolders: at any moment one has the lease.
func testUploadConcurrentHolders(t *testing.T, open OpenUploads) {
	u, _ := open(t)
	ctx := t.Context()
	must(t, u.Add(ctx, uploadOf("a")))
	var holding, held atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			holder := name("h", i)
			for range 40 {
				err := u.Hold(ctx, "a", holder, leaseTime)
				if errors.Is(err, dataprovider.ErrConflict) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := holding.Add(1); n != 1 {
					t.Errorf("%d holders", n)
				}
				held.Add(1)
				holding.Add(-1)
				if err := u.Release(ctx, "a", holder); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if held.Load() == 0 {
		t.Error("nobody ever had it")
	}
}

func testUploadContext(t *testing.T, open OpenUploads) {
	u, _ := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := u.Add(ctx, uploadOf("a")); !errors.Is(err, context.Canceled) {
		t.Errorf("Add: %v", err)
	}
	if _, err := u.Get(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: %v", err)
	}
	if err := u.Hold(ctx, "a", "me", leaseTime); !errors.Is(err, context.Canceled) {
		t.Errorf("Hold: %v", err)
	}
	for _, err := range u.List(ctx, "", "") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("List: %v", err)
		}
	}
}
