package sftp

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"hash/crc32"
	"math"
	"slices"
	"strings"

	"sftpgo/protocols"
)

// algorithm is a hash by the name that clients know.
type algorithm struct {
	name string
	make func() hash.Hash
}

// algorithms are in the order in which they are announced; a client that names
// several gets the first of its own order.
func algorithms() []algorithm {
	return []algorithm{
		{"md5", md5.New}, {"sha1", sha1.New}, {"sha224", sha256.New224}, {"sha256", sha256.New},
		{"sha384", sha512.New384}, {"sha512", sha512.New},
		{"crc32", func() hash.Hash { return crc32.NewIEEE() }},
	}
}

func algorithmNames() string {
	var names []string
	for _, a := range algorithms() {
		names = append(names, a.name)
	}
	return strings.Join(names, ",")
}

func choose(list string) (algorithm, bool) {
	ours := algorithms()
	for name := range strings.SplitSeq(list, ",") {
		if i := slices.IndexFunc(ours, func(a algorithm) bool { return a.name == strings.TrimSpace(name) }); i >= 0 {
			return ours[i], true
		}
	}
	return algorithm{}, false
}

// minBlock is the smallest block of which a hash may be asked for
// (draft-ietf-secsh-filexfer-extensions-00, section 3); 0 is one for all.
const minBlock = 256

var (
	errAlgorithm = &statusError{protocols.SFTPFailure, "no such hash algorithm"}
	errBlock     = &statusError{protocols.SFTPFailure, "block size too small"}
)

// part is a piece of a file of which hashes are asked for: length 0 is all to the
// end, block 0 one hash.
type part struct {
	offset, length uint64
	block          uint32
}

// checkFile is check-file-name and check-file-handle, and check-file, which is
// what paramiko sends for the latter: it wants its name back in front of the
// answer.
func (c *conn) checkFile(name string, f *fields) *request {
	target, list := f.bytes(), f.text()
	p := part{f.u64(), f.u64(), f.u32()}
	use, known := choose(list)
	switch {
	case f.bad:
		return nil
	case !known:
		return refused("digest", errAlgorithm)
	case p.block > 0 && p.block < minBlock:
		return refused("digest", errBlock)
	case p.offset > math.MaxInt64 || p.length > math.MaxInt64:
		return refused("digest", errBadMessage)
	}
	q := &request{op: "digest", slow: true}
	var feed func(context.Context, *blocks) error
	if name == "check-file-name" {
		path := string(target)
		q.names, q.bytes = []string{path}, len(path)
		feed = func(ctx context.Context, w *blocks) error {
			_, err := c.s.DigestRange(ctx, path, w, int64(p.offset), int64(p.length))
			return err
		}
	} else {
		h, err := c.file(target)
		if err != nil {
			return refused("digest", err)
		}
		q.h = h
		feed = func(ctx context.Context, w *blocks) error {
			_, err := h.file.t.Digest(ctx, w, int64(p.offset), int64(p.length))
			return err
		}
	}
	q.run = func(ctx context.Context, b *batch) error {
		w := newBlocks(use.make(), p.block)
		if err := feed(ctx, w); err != nil {
			return err
		}
		return b.hashes(q.id, name, use.name, w.finish())
	}
	return q
}

func (b *batch) hashes(id uint32, request, algorithm string, sums []byte) error {
	if err := b.reserve(smallReply + len(sums)); err != nil {
		return err
	}
	b.begin(typeExtendedReply, id)
	if request == "check-file" {
		b.text(request)
	}
	b.text(algorithm)
	b.buf = append(b.buf, sums...)
	b.end()
	return nil
}

// blocks makes a hash of each block of what is written to it.
type blocks struct {
	h    hash.Hash
	size uint64 // of a block
	in   uint64 // of the current block
	any  bool   // a block was begun
	sums []byte
}

func newBlocks(h hash.Hash, block uint32) *blocks {
	w := &blocks{h: h, size: uint64(block)}
	if block == 0 {
		w.size = math.MaxUint64
	}
	return w
}

// Write returns a statusError when the hashes do not fit a reply.
func (w *blocks) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		piece := p[:min(uint64(len(p)), w.size-w.in)]
		w.h.Write(piece)
		w.any = true
		w.in += uint64(len(piece))
		p = p[len(piece):]
		if w.in == w.size {
			w.sum()
		}
		if len(w.sums) > maxData {
			return total, errBlock
		}
	}
	return total, nil
}

func (w *blocks) sum() {
	w.sums = w.h.Sum(w.sums)
	w.h.Reset()
	w.in, w.any = 0, false
}

// finish returns the hashes, the last block being as short as it is. Of nothing
// there is one hash, unless blocks were asked for.
func (w *blocks) finish() []byte {
	if w.any || w.size == math.MaxUint64 {
		w.sum()
	}
	return w.sums
}
