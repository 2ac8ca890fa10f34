package main

import (
	"io"
	"net/http"
	"testing"
)

// davClient is the least that moves a file over WebDAV.
type davClient struct {
	b    *testing.B
	addr string
	http *http.Client
}

func (s *measuredServer) webDAV() *davClient {
	return &davClient{s.b, s.dav, &http.Client{Transport: &http.Transport{}}}
}

func (c *davClient) do(method, name string, body io.Reader, size int64) *http.Response {
	req, err := http.NewRequestWithContext(c.b.Context(), method, "http://"+c.addr+name, body)
	must(c.b, err)
	req.ContentLength = size
	req.SetBasicAuth(measuredUser, secretOfAll)
	resp, err := c.http.Do(req)
	must(c.b, err)
	return resp
}

func (c *davClient) put(name string, body io.Reader, size int64) {
	resp := c.do(http.MethodPut, name, body, size)
	resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		c.b.Fatal(resp.Status)
	}
}

func (c *davClient) get(name string) int64 {
	resp := c.do(http.MethodGet, name, nil, 0)
	defer resp.Body.Close()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{resp.Body}, make([]byte, 256<<10))
	must(c.b, err)
	return n
}
