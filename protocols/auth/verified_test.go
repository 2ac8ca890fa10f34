package auth

import (
	"strconv"
	"testing"

	"sftpgo/dataprovider"
)

func TestVerifiedCacheIsBounded(t *testing.T) {
	c := newVerifiedCache()
	var last verified
	for i := range 3 * verifiedEntries {
		last = verified{key: c.key(&dataprovider.User{Username: "u" + strconv.Itoa(i)}, 1, "x")}
		c.add(last)
	}
	if n := len(c.entries); n > verifiedEntries {
		t.Errorf("%d entries", n)
	}
	if !c.has(last) {
		t.Error("the newest entry was dropped")
	}
}

func TestVerifiedKeyDependsOnEverything(t *testing.T) {
	c := newVerifiedCache()
	u := &dataprovider.User{Username: "ab", Password: "hash"}
	base := c.key(u, 1, "plain")
	if base != c.key(u, 1, "plain") {
		t.Error("the key is not stable")
	}
	for name, other := range map[string]verifiedKey{
		"password": c.key(u, 1, "plain2"),
		"revision": c.key(u, 2, "plain"),
		"hash":     c.key(&dataprovider.User{Username: "ab", Password: "hash2"}, 1, "plain"),
		"username": c.key(&dataprovider.User{Username: "a", Password: "bhash"}, 1, "plain"),
		"process":  newVerifiedCache().key(u, 1, "plain"),
	} {
		if other == base {
			t.Errorf("another %s has the same key", name)
		}
	}
}
