package storetest

import (
	"testing"
	"time"

	"sftpgo/dataprovider"
)

// testUploads: the resumable uploads of a whole store.
func testUploads(t *testing.T, f *fixture) {
	RunUploads(t, func(t *testing.T) (dataprovider.Uploads, func(time.Duration)) {
		s, c := f.store(t)
		return s.Uploads(), c.advance
	})
	t.Run("of a deleted user", func(t *testing.T) { testUploadsDeletedUser(t, f) })
}

// testUploadsDeletedUser: a new user inherits nothing.
func testUploadsDeletedUser(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, u := t.Context(), s.Uploads()
	value[dataprovider.Revision](t)(s.Users().Put(ctx, fullUser("alice"), 0))
	for id, owner := range map[string]string{"a": "alice", "b": "bob", "c": "alice"} {
		up := uploadOf(id)
		up.Owner = owner
		must(t, u.Add(ctx, up))
	}
	must(t, u.Hold(ctx, "a", "one", time.Minute))
	must(t, s.Users().Delete(ctx, "alice"))
	if got := listed(t, u, "", ""); got != "b" {
		t.Errorf("left: %q", got)
	}
	must(t, u.Hold(ctx, "a", "two", time.Minute)) // the lease went along
	up := uploadOf("d")
	up.Owner = "alice"
	must(t, u.Add(ctx, up)) // by a request that was running
	value[dataprovider.Revision](t)(s.Users().Put(ctx, fullUser("alice"), 0))
	if got := listed(t, u, "", ""); got != "b" {
		t.Errorf("inherited: %q", got)
	}
}
