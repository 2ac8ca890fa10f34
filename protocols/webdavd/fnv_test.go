package webdavd

import (
	"hash/fnv"
	"math/rand/v2"
	"testing"
)

// Validators must not change with the version of the server.
func TestFNV(t *testing.T) {
	for range 1000 {
		p := make([]byte, rand.IntN(64))
		for i := range p {
			p[i] = byte(rand.Uint32())
		}
		want, got := fnv.New128a(), newFNV()
		_, _ = want.Write(p)
		got.write(p)
		if sum := got.sum(); string(sum[:]) != string(want.Sum(nil)) {
			t.Fatalf("%x: %x, want %x", p, sum, want.Sum(nil))
		}
	}
}
