package webdavd

import (
	"encoding/binary"
	"math/bits"
)

// fnv128 is FNV-1a of 128 bits, as hash/fnv has it, without an allocation for each
// entry of a listing.
type fnv128 struct{ high, low uint64 }

func newFNV() fnv128 { return fnv128{0x6c62272e07bb0142, 0x62b821756295c58d} }

func (h *fnv128) write(p []byte) {
	const primeLow, primeShift = 0x13b, 24
	high, low := h.high, h.low
	for _, c := range p {
		low ^= uint64(c)
		carry, product := bits.Mul64(primeLow, low)
		high = carry + low<<primeShift + primeLow*high
		low = product
	}
	h.high, h.low = high, low
}

func (h *fnv128) sum() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:], h.high)
	binary.BigEndian.PutUint64(b[8:], h.low)
	return b
}
