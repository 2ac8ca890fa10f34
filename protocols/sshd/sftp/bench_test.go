package sftp

import (
	"fmt"
	"io"
	"os"
	"testing"
)

// BenchmarkServe is the server alone: requests come from memory, replies go
// nowhere.
func BenchmarkServe(b *testing.B) {
	const size = 64 << 20
	h := string((&handle{generation: 1}).wire())
	for _, piece := range []int{32 << 10, maxData} {
		for _, way := range []string{"upload", "download"} {
			b.Run(fmt.Sprintf("%s/%dKiB", way, piece>>10), func(b *testing.B) {
				r := newRig(b)
				must(b, os.WriteFile(r.path("f"), nil, 0o644))
				must(b, os.Truncate(r.path("f"), size))
				s := r.open()
				b.SetBytes(size)
				b.ReportAllocs()
				for b.Loop() {
					stream := &requests{next: make([]byte, 0, piece+64)}
					stream.more = func(i int) []byte {
						off := uint64(i-2) * uint64(piece)
						switch {
						case i == 0:
							return frame(typeInit, uint32(3))
						case i == 1:
							return frame(typeOpen, 1, "/f", map[string]int{"upload": wr | cr, "download": rd}[way], 0)
						case off >= size:
							return nil
						case way == "download":
							return frame(typeRead, 2, h, off, piece)
						}
						return stream.write(h, off, piece)
					}
					must(b, r.server.Serve(b.Context(), stream, s, ""))
				}
			})
		}
	}
}

// requests is a stream that makes its packets as they are read.
type requests struct {
	more func(i int) []byte
	i    int
	rest []byte
	next []byte // reused for WRITE
}

func (r *requests) write(h string, off uint64, n int) []byte {
	if len(r.next) == 0 {
		r.next = append(r.next, frame(typeWrite, 2, h, off, string(make([]byte, n)))...)
	}
	at := 4 + 1 + 4 + 4 + len(h)
	copy(r.next[at:], frame(0, off)[5:])
	return r.next
}

func (r *requests) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(r.rest) == 0 {
			if r.rest = r.more(r.i); r.rest == nil {
				break
			}
			r.i++
		}
		m := copy(p[n:], r.rest)
		r.rest = r.rest[m:]
		n += m
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (*requests) Write(p []byte) (int, error) { return len(p), nil }
func (*requests) Close() error                { return nil }
