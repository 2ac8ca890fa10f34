package sftp

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"

	"sftpgo/protocols/session"
)

const (
	// maxHandles is what limits@openssh.com announces. The session has the last
	// word on open files; listings are counted here.
	maxHandles = 1024
	// maxListings bounds the directories that one client holds open; each costs
	// a directory handle and a coroutine.
	maxListings = 128
)

// handle is an open file or an open directory.
type handle struct {
	slot, generation uint32

	file    *file    // nil for a directory
	listing *listing // nil for a file
	// queued counts requests for it that wait in the lane: later ones must not
	// overtake them.
	queued atomic.Int32
}

// wire is what the client calls the handle. It tells the slot and how often that
// was used, so that a stale one finds nothing.
func (h *handle) wire() []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 8), h.slot)
	return binary.BigEndian.AppendUint32(b, h.generation)
}

func (h *handle) name() string {
	if h.file != nil {
		return h.file.t.Name()
	}
	return h.listing.name
}

// handles is a table of slots: a client can make it neither large nor slow.
type handles struct {
	mu       sync.Mutex
	slots    []*handle
	free     []uint32
	used     uint32 // handles that were ever given out
	files    int
	listings int
}

// add gives out a handle, or session.ErrTooMany.
func (t *handles) add(h *handle) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case len(t.free) > 0:
		h.slot = t.free[len(t.free)-1]
		t.free = t.free[:len(t.free)-1]
		t.slots[h.slot] = h
	case len(t.slots) >= maxHandles+maxListings:
		return fmt.Errorf("open handles: %w", session.ErrTooMany)
	default:
		h.slot = uint32(len(t.slots))
		t.slots = append(t.slots, h)
	}
	t.used++
	h.generation = t.used
	if h.file != nil {
		t.files++
	} else {
		t.listings++
	}
	return nil
}

// roomForListing tells whether one more directory may be open.
func (t *handles) roomForListing() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listings >= maxListings {
		return fmt.Errorf("open directories: %w", session.ErrTooMany)
	}
	return nil
}

// get finds an open handle; nil is none.
func (t *handles) get(wire []byte) *handle {
	if len(wire) != 8 {
		return nil
	}
	slot, generation := binary.BigEndian.Uint32(wire), binary.BigEndian.Uint32(wire[4:])
	t.mu.Lock()
	defer t.mu.Unlock()
	if uint64(slot) >= uint64(len(t.slots)) {
		return nil
	}
	h := t.slots[slot]
	if h == nil || h.generation != generation {
		return nil
	}
	return h
}

// remove takes a handle back.
func (t *handles) remove(h *handle) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.slots[h.slot] = nil
	t.free = append(t.free, h.slot)
	if h.file != nil {
		t.files--
	} else {
		t.listings--
	}
}

// otherFiles tells how many files are open but for h, which may be nil.
func (t *handles) otherFiles(h *handle) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h != nil && h.file != nil && t.slots[h.slot] == h {
		return t.files - 1
	}
	return t.files
}

// drain takes all handles back and returns them.
func (t *handles) drain() []*handle {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []*handle
	for _, h := range t.slots {
		if h != nil {
			all = append(all, h)
		}
	}
	t.slots, t.free, t.files, t.listings = nil, nil, 0, 0
	return all
}
