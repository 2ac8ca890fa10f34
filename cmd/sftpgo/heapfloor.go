package main

import "os"

// heapFloorSize is how much may be allocated, at the least, between two garbage
// collections.
const heapFloorSize = 32 << 20

// newHeapFloor returns memory that is never touched, and so takes none of the
// machine's. The collector waits until the heap has doubled: without it, a server
// that has little to remember, but copies packets all the time, collects several
// hundred times per GB. Whoever sets GOGC or GOMEMLIMIT has decided otherwise.
func newHeapFloor() []byte {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if os.Getenv(name) != "" {
			return nil
		}
	}
	return make([]byte, heapFloorSize)
}
