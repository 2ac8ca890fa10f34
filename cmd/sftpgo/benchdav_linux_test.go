package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// davServers are ours and, where they are installed, nginx and Apache with WebDAV.
// All have the same files.
func davServers(b *testing.B) (clients []*davClient, list []contender, homes []string) {
	s := startMeasured(b)
	clients, homes = []*davClient{s.webDAV()}, []string{s.home}
	list = []contender{{name: "", cost: s.process.cpu}}
	for name, start := range map[string]func(*testing.B) *peer{"nginx": startNginx, "apache": startApache} {
		if p := start(b); p != nil {
			clients = append(clients, &davClient{b, p.addr, &http.Client{Transport: &http.Transport{}}})
			list = append(list, contender{name: name, cost: p.process.family})
			homes = append(homes, p.home)
		}
	}
	return clients, list, homes
}

// each gives all the same to do.
func each(clients []*davClient, list []contender, do func(c *davClient)) []contender {
	for i := range list {
		list[i].once = func() { do(clients[i]) }
	}
	return list
}

// compareDAV compares the processor time of all.
func compareDAV(b *testing.B, unit string, amount float64, clients []*davClient, list []contender, do func(c *davClient)) {
	perUnit(b, unit, amount, each(clients, list, do)...)
}

// BenchmarkDAV moves a big file over WebDAV in clear text.
func BenchmarkDAV(b *testing.B) {
	const gib = bigFile / float64(1<<30)
	b.Run("upload", func(b *testing.B) {
		clients, list, homes := davServers(b)
		local := sources(b)
		compareDAV(b, "GiB", gib, clients, list, func(c *davClient) {
			f, err := os.Open(local)
			must(b, err)
			defer f.Close()
			c.put("/sent", f, bigFile)
		})
		for _, home := range homes {
			info, err := os.Stat(filepath.Join(home, "sent"))
			must(b, err)
			if info.Size() != bigFile {
				b.Fatalf("%d bytes in %s", info.Size(), home)
			}
		}
	})
	b.Run("download", func(b *testing.B) {
		clients, list, homes := davServers(b)
		for _, home := range homes {
			makeFile(b, filepath.Join(home, "stored"), bigFile)
		}
		compareDAV(b, "GiB", gib, clients, list, func(c *davClient) {
			if n := c.get("/stored"); n != bigFile {
				b.Fatalf("%d bytes came", n)
			}
		})
	})
}

// BenchmarkDAVList asks for the properties of 10,000 files.
func BenchmarkDAVList(b *testing.B) {
	for what, report := range map[string]func(*testing.B, string, float64, ...contender){"cpu": perUnit, "wall": wallPerUnit} {
		b.Run(what, func(b *testing.B) {
			const entries = 10_000
			clients, list, homes := davServers(b)
			for _, home := range homes {
				manyFiles(b, filepath.Join(home, "many"), entries)
			}
			report(b, "entry", entries, each(clients, list, func(c *davClient) { c.list("/many/", entries) })...)
		})
	}
}

func manyFiles(b *testing.B, dir string, entries int) {
	must(b, os.Mkdir(dir, 0o755))
	for i := range entries {
		must(b, os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-%06d", i)), nil, 0o644))
	}
}

// list asks for the properties that clients ask for.
func (c *davClient) list(dir string, entries int) {
	const body = `<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/><getetag/></prop></propfind>`
	req, err := http.NewRequestWithContext(c.b.Context(), "PROPFIND", "http://"+c.addr+dir, strings.NewReader(body))
	must(c.b, err)
	req.SetBasicAuth(measuredUser, secretOfAll)
	req.Header.Set("Depth", "1")
	resp, err := c.http.Do(req)
	must(c.b, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	must(c.b, err)
	if n := bytes.Count(answer, []byte("href>")); resp.StatusCode != http.StatusMultiStatus || n < 2*entries {
		c.b.Fatalf("%s: %s, %d tags", c.addr, resp.Status, n)
	}
}

// BenchmarkDAVSmallFiles uploads and fetches files of 4 KiB.
func BenchmarkDAVSmallFiles(b *testing.B) {
	const files = 1000
	content := make([]byte, smallFile)
	b.Run("upload", func(b *testing.B) {
		clients, list, _ := davServers(b)
		compareDAV(b, "file", files, clients, list, func(c *davClient) {
			for i := range files {
				c.put(fmt.Sprint("/f", i), bytes.NewReader(content), smallFile)
			}
		})
	})
	b.Run("download", func(b *testing.B) {
		clients, list, homes := davServers(b)
		for _, home := range homes {
			must(b, os.WriteFile(filepath.Join(home, "small"), content, 0o644))
		}
		compareDAV(b, "file", files, clients, list, func(c *davClient) {
			for range files {
				if n := c.get("/small"); n != smallFile {
					b.Fatalf("%d bytes came", n)
				}
			}
		})
	})
}
