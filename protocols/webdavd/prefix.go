package webdavd

import (
	"net/http"
	"strings"

	"sftpgo/vfs"
)

// nameOf is what a URL path names. Outside the prefix there is nothing.
func (s *Server) nameOf(urlPath string) (string, error) {
	below, ok := strings.CutPrefix(urlPath, s.prefix)
	if !ok || s.prefix != "" && below != "" && below[0] != '/' {
		return "", refuse(http.StatusNotFound, "no such file or directory")
	}
	return vfs.ParseName("/", "/"+strings.TrimPrefix(below, "/"))
}

// href is the URL path of a name.
func (s *Server) href(name string) string { return string(appendHref(nil, s.prefix+name)) }
