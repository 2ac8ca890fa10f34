package webdavd

import (
	"io/fs"
	"net/http"
	"strconv"
	"strings"
)

// span is a part of a file.
type span struct{ start, length int64 }

// span tells which part of info the client asks for (RFC 9110 section 14.2). A
// Range that is malformed or outdated, or has several parts, is answered with
// the whole file, which the RFC allows and all clients understand.
func (q *request) span(info fs.FileInfo) (span, error) {
	size := info.Size()
	whole := span{length: size}
	set, ok := strings.CutPrefix(q.Header.Get("Range"), "bytes=")
	if !ok || strings.Contains(set, ",") || !fresh(q.Header.Get("If-Range"), info) || size == 0 {
		return whole, nil
	}
	first, last, ok := strings.Cut(strings.TrimSpace(set), "-")
	if !ok {
		return whole, nil
	}
	unsatisfiable := refuse(http.StatusRequestedRangeNotSatisfiable, "range not satisfiable")
	if first == "" {
		n, ok := position(last)
		switch {
		case !ok:
			return whole, nil
		case n == 0:
			return span{}, unsatisfiable
		}
		n = min(n, size)
		return span{size - n, n}, nil
	}
	start, ok := position(first)
	if !ok {
		return whole, nil
	}
	end := size - 1
	if last != "" {
		n, ok := position(last)
		if !ok || n < start {
			return whole, nil
		}
		end = min(n, end)
	}
	if start >= size {
		return span{}, unsatisfiable
	}
	return span{start, end - start + 1}, nil
}

func position(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil
}
