package ftpd_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgo/protocols/ftpd"
)

const basicFTPScript = `
const { Client } = require(process.argv[2])
const [mode, host, port, ca, user, password, local, back] = process.argv.slice(3)
const fs = require("fs"), assert = require("assert"), { Readable, Writable } = require("stream")
const secure = mode === "clear" ? false : mode === "implicit" ? "implicit" : true
const text = s => Readable.from([Buffer.from(s)])
;(async () => {
  const c = new Client(20000)
  await c.access({ host, port: +port, user, password, secure, secureOptions: { ca: fs.readFileSync(ca), host } })
  await c.uploadFromDir(local, "/up")
  await c.downloadToDir(back, "/up")
  assert.ok((await c.features()).has("MLST"))
  await c.ensureDir("/a b/ü")
  await c.uploadFrom(text("12345"), "f")
  await c.appendFrom(text("678"), "f")
  assert.equal(await c.size("f"), 8)
  assert.ok(Math.abs((await c.lastMod("f")) - Date.now()) < 60000)
  let got = ""
  await c.downloadTo(new Writable({ write(b, _, done) { got += b; done() } }), "f", 3)
  assert.equal(got, "45678")
  await c.rename("f", "/a b/g")
  const [dir, file] = (await c.list("/a b")).sort((a, b) => a.name < b.name ? 1 : -1)
  assert.ok(dir.name === "ü" && dir.isDirectory && file.name === "g" && file.isFile && file.size === 8 && file.modifiedAt instanceof Date)
  await assert.rejects(c.size("nothing"), { code: 550 })
  await c.remove("/a b/g")
  await c.removeDir("/a b")
  assert.deepEqual((await c.list("/")).map(f => f.name), ["up"])
  c.close()
  console.log("done")
})().catch(e => { console.error(e); process.exit(1) })
`

// basic-ftp is what programs in JavaScript use.
func TestBasicFTP(t *testing.T) {
	node := client(t, "node")
	lock, err := os.ReadFile("../../cmd/sftpgo/testdata/clients/npm/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	module := filepath.Join(cache, "sftpgo-clients", hex.EncodeToString(sum[:8]), "node_modules", "basic-ftp")
	if _, err := os.Stat(module); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v (.ci/clients installs it)", err)
		}
		t.Skip("basic-ftp is not installed")
	}
	script := filepath.Join(t.TempDir(), "script.cjs")
	if err := os.WriteFile(script, []byte(basicFTPScript), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			o := way.options()
			configured := o.cfg
			o.cfg = func(c *ftpd.Config) { configured(c); c.Bindings[0].TLSEnd = 0 } // it does not always end TLS
			s := start(t, o)
			host, port, _ := net.SplitHostPort(s.addr)
			local, back := t.TempDir(), t.TempDir()
			want := tree(t, local)
			out := run(t, "", node, script, module, way.name, host, port, s.certs, testUser, testPassword, local, back)
			if !strings.HasPrefix(out, "done") {
				t.Errorf("basic-ftp said %q", out)
			}
			same(t, s.path("up"), want)
			same(t, back, want)
		})
	}
}
