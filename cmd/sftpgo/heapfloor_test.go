package main

import "testing"

func TestHeapFloorYieldsToTheEnvironment(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	if n := len(newHeapFloor()); n != heapFloorSize {
		t.Errorf("%d bytes", n)
	}
	for name, value := range map[string]string{"GOGC": "50", "GOMEMLIMIT": "1GiB"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			if n := len(newHeapFloor()); n != 0 {
				t.Errorf("%d bytes though %s is set", n, name)
			}
		})
	}
}
