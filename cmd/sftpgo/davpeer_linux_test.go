package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// startNginx runs nginx with WebDAV, for anybody. It returns nil when there is
// none here, or the benchmark may not run it.
func startNginx(b *testing.B) *peer {
	program, err := lookPath("nginx")
	module := "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so"
	if _, missing := os.Stat(module); err != nil || missing != nil || os.Geteuid() != 0 {
		b.Log("no peer: nginx with its module dav-ext is not installed, or this is not root")
		return nil
	}
	p := newPeer(b)
	dir := b.TempDir()
	config := filepath.Join(dir, "nginx.conf")
	must(b, os.WriteFile(config, fmt.Appendf(nil, `load_module %s;
user root;
daemon off;
worker_processes 2;
pid %[2]s/pid;
error_log stderr;
events { worker_connections 256; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_max_body_size 0;
  client_body_temp_path %[3]s/.body; # where the files are, so that they are renamed
  proxy_temp_path %[2]s/p; fastcgi_temp_path %[2]s/f; uwsgi_temp_path %[2]s/u; scgi_temp_path %[2]s/s;
  server {
    listen %[4]s;
    root %[3]s;
    dav_methods PUT DELETE MKCOL COPY MOVE;
    dav_ext_methods PROPFIND OPTIONS;
  }
}
`, module, dir, p.home, p.addr), 0o600))
	p.process = runProcess(b, exec.Command(program, "-c", config), syscall.SIGTERM)
	p.await()
	return p
}

// startApache is startNginx for Apache.
func startApache(b *testing.B) *peer {
	const modules = "/usr/lib/apache2/modules"
	program, err := lookPath("apache2")
	if _, missing := os.Stat(modules + "/mod_dav_fs.so"); err != nil || missing != nil || os.Geteuid() != 0 {
		b.Log("no peer: apache2 is not installed, or this is not root")
		return nil
	}
	p := newPeer(b)
	dir := memoryDir(b)
	for _, writable := range []string{dir, p.home} { // Apache does not serve as root
		must(b, os.Chmod(writable, 0o777))
	}
	host, port, _ := net.SplitHostPort(p.addr)
	config := filepath.Join(dir, "apache2.conf")
	must(b, os.WriteFile(config, fmt.Appendf(nil, `LoadModule mpm_event_module %[1]s/mod_mpm_event.so
LoadModule authz_core_module %[1]s/mod_authz_core.so
LoadModule dav_module %[1]s/mod_dav.so
LoadModule dav_fs_module %[1]s/mod_dav_fs.so
ServerName localhost
Listen %[2]s:%[3]s
PidFile %[4]s/pid
DefaultRuntimeDir %[4]s
ErrorLog /dev/stderr
User www-data
Group www-data
StartServers 2
DavLockDB %[4]s/locks
DocumentRoot %[5]s
EnableSendfile On
<Directory %[5]s>
  Dav On
  Require all granted
</Directory>
`, modules, host, port, dir, p.home), 0o600))
	p.process = runProcess(b, exec.Command(program, "-D", "FOREGROUND", "-f", config), syscall.SIGTERM)
	p.await()
	return p
}
