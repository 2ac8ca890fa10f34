package localfs_test

import (
	"fmt"
	"strings"
	"testing"

	"sftpgo/vfs"
)

func BenchmarkStat(b *testing.B) {
	for _, depth := range []int{0, 5} {
		b.Run(fmt.Sprintf("depth%d", depth), func(b *testing.B) {
			fsys, _ := open(b)
			dir := ""
			for range depth {
				dir += "/d"
				must(b, fsys.Mkdir(b.Context(), dir))
			}
			f := create(b, fsys, dir+"/f", vfs.Write|vfs.Create)
			must(b, f.Close())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := fsys.Stat(b.Context(), dir+"/f"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAtomicUpload4K: replacing costs more than creating on ext4, which
// writes the new content out when it is renamed over the old (auto_da_alloc).
func BenchmarkAtomicUpload4K(b *testing.B) {
	content := []byte(strings.Repeat("x", 4096))
	for name, file := range map[string]func(i int) string{
		"new":     func(i int) string { return fmt.Sprint("/f", i) },
		"replace": func(int) string { return "/f" },
	} {
		b.Run(name, func(b *testing.B) {
			fsys, _ := open(b)
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				f, err := fsys.Open(b.Context(), file(i), vfs.Write|vfs.Create|vfs.Truncate|vfs.Atomic)
				must(b, err)
				_, err = f.Write(content)
				must(b, err)
				must(b, f.Commit(b.Context()))
				must(b, f.Close())
			}
		})
	}
}

func BenchmarkList10000(b *testing.B) {
	const files = 10_000
	fsys, _ := open(b)
	for i := range files {
		f := create(b, fsys, fmt.Sprintf("/file%05d", i), vfs.Write|vfs.Create)
		must(b, f.Close())
	}
	b.ReportAllocs()
	for b.Loop() {
		count := 0
		for _, err := range fsys.List(b.Context(), "/") {
			must(b, err)
			count++
		}
		if count != files {
			b.Fatalf("%d entries", count)
		}
	}
}
