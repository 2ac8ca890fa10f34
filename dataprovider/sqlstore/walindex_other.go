//go:build !linux

package sqlstore

import "errors"

// walIndex is for systems where a file reads like the memory that it is mapped to.
type walIndex struct{}

func openWALIndex(string) (*walIndex, error) { return nil, errors.ErrUnsupported }

func (*walIndex) header() (h [walHeader]byte, ok bool) { return h, false }
