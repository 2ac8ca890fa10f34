package vfstest

import (
	"context"
	"errors"
	"strings"

	"sftpgo/vfs"
)

func rangeTests() []test {
	return []test{
		{"pieces", rangePieces},
		{"to a staged file", rangeStaged},
		{"large", rangeLarge},
		{"refused", rangeRefused},
	}
}

// ranges copies with the storage, or skips the test where it cannot.
func (t *tester) ranges(src, dst vfs.File, srcOff, dstOff, n int64) int64 {
	t.Helper()
	c, ok := vfs.As[vfs.RangeCopier](src)
	if !ok {
		t.Skip("the backend copies no ranges")
	}
	m, err := c.CopyRange(t.Context(), dst, srcOff, dstOff, n)
	if errors.Is(err, vfs.ErrUnsupported) && m == 0 {
		t.Skip("this storage copies no ranges")
	}
	t.noError("copy", err)
	return m
}

func rangePieces(t *tester) {
	t.put("/f", "0123456789")
	src, dst := t.open("/f", vfs.Read), t.open("/g", inPlace)
	for _, c := range []struct{ srcOff, dstOff, n, want int64 }{
		{0, 0, 4, 4}, {2, 6, 3, 3}, {8, 12, 100, 2}, {10, 0, 5, 0}, {100, 0, 5, 0}, {0, 0, 0, 0},
	} {
		if got := t.ranges(src, dst, c.srcOff, c.dstOff, c.n); got != c.want {
			t.Errorf("%+v: %d bytes", c, got)
		}
	}
	t.commit(dst)
	t.close(dst)
	t.has("/g", "0123\x00\x00234\x00\x00\x0089")
	t.has("/f", "0123456789")
}

func rangeStaged(t *tester) {
	t.put("/f", "old")
	t.put("/g", "0123456789")
	dst := t.openOrSkip("/f", staged, "stage")
	t.ranges(t.open("/g", vfs.Read), dst, 0, 0, 10)
	t.has("/f", "old")
	t.commit(dst)
	t.close(dst)
	t.has("/f", "0123456789")
}

// rangeLarge goes over what one call of a kernel may copy.
func rangeLarge(t *tester) {
	const size = 9<<20 + 3
	t.put("/f", strings.Repeat("0123456", size/7+1)[:size])
	src, dst := t.open("/f", vfs.Read), t.open("/g", inPlace)
	var at int64
	for at < size {
		n := t.ranges(src, dst, at, at, size)
		if n == 0 {
			t.Fatalf("no progress at %d", at)
		}
		at += n
	}
	t.commit(dst)
	t.close(dst)
	t.has("/g", strings.Repeat("0123456", size/7+1)[:size])
}

func rangeRefused(t *tester) {
	t.put("/f", "content")
	src, dst := t.open("/f", vfs.Read), t.open("/g", inPlace)
	t.ranges(src, dst, 0, 0, 1)
	c, _ := vfs.As[vfs.RangeCopier](src)
	d, _ := vfs.As[vfs.RangeCopier](dst)
	copies := func(c vfs.RangeCopier, to vfs.File) error {
		n, err := c.CopyRange(t.Context(), to, 0, 0, 5)
		if n != 0 {
			t.Errorf("%d bytes were copied", n)
		}
		return err
	}
	t.fails("to a reader", copies(c, src), vfs.ErrUnsupported)
	t.fails("from a writer", copies(d, dst), vfs.ErrUnsupported)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := c.CopyRange(gone, dst, 0, 0, 5); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("after the context has ended: %d bytes, %v", n, err)
	}
	t.commit(dst)
	t.fails("after commit", copies(c, dst), vfs.ErrUnsupported)
	t.close(dst)
	if copies(c, dst) == nil {
		t.Error("to a closed file: no error")
	}
	t.has("/g", "c")
}
