package proxies

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startNginx returns what starts nginx before a server. Where it hides what its
// clients take from the server, it is nginx that compresses.
func startNginx(hides bool) func(t *testing.T, server string) string {
	return func(t *testing.T, server string) string {
		hiding := ""
		if hides {
			hiding = `proxy_set_header Accept-Encoding "";`
		}
		return start(t, "nginx", []string{"-e", "stderr", "-c", "CONFIG", "-p", "FOLDER"}, `
daemon off; master_process off; pid FOLDER/pid; error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path FOLDER/body; proxy_temp_path FOLDER/proxy; fastcgi_temp_path FOLDER/fastcgi;
	uwsgi_temp_path FOLDER/uwsgi; scgi_temp_path FOLDER/scgi;
	gzip on; gzip_types application/json; gzip_proxied any;
	server {
		listen 127.0.0.1:PORT;
		location / { proxy_pass http://`+server+`; proxy_http_version 1.1; `+hiding+` }
	}
}
`)
	}
}

func startApache(hides bool) func(t *testing.T, server string) string {
	return func(t *testing.T, server string) string {
		hiding := ""
		if hides {
			hiding = "RequestHeader unset Accept-Encoding\nSetEnv force-gzip 1"
		}
		return start(t, "apache2", []string{"-X", "-f", "CONFIG"}, `
ServerRoot FOLDER
ServerName localhost
User www-data
Group www-data
Listen 127.0.0.1:PORT
PidFile FOLDER/pid
ErrorLog /dev/stderr
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule env_module /usr/lib/apache2/modules/mod_env.so
LoadModule filter_module /usr/lib/apache2/modules/mod_filter.so
LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
LoadModule deflate_module /usr/lib/apache2/modules/mod_deflate.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
SetOutputFilter DEFLATE
`+hiding+`
ProxyPass / http://`+server+`/
`)
	}
}

// start writes a configuration, runs a proxy with it and returns its address once
// it takes connections. It ends with the test. Where it is not installed the test
// is skipped, aloud.
func start(t *testing.T, name string, args []string, config string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		program, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil {
		t.Skipf("SKIPPED, NOT CHECKED: %s is not installed", name)
	}
	dir := t.TempDir()
	address := freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "conf")
	fill := strings.NewReplacer("PORT", port, "FOLDER", dir, "CONFIG", file).Replace
	if err := os.WriteFile(file, []byte(fill(config)), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range args {
		args[i] = fill(args[i])
	}
	ctx, kill := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(kill)
	c := exec.CommandContext(ctx, program, args...)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := c.Wait(); err != nil {
			t.Log("the proxy ended:", err)
		}
	}()
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM) // it may have ended already
		<-ended
	})
	awaitConnections(t, address, ended)
	return address
}

// freeAddress returns one on loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// awaitConnections returns once somebody listens: a proxy does not say when.
func awaitConnections(t *testing.T, address string, ended <-chan struct{}) {
	t.Helper()
	for {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close() // it has served its purpose
			return
		}
		select {
		case <-ended:
			t.Fatal("the proxy has ended before it took connections")
		case <-time.After(20 * time.Millisecond):
		}
	}
}
