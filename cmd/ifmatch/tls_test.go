package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// issued is a certificate for 127.0.0.1 that signs itself, in files.
type issued struct {
	cert, key string
	roots     *x509.CertPool
}

// issue makes one, in a folder, in the place of whichever is there.
func issue(t *testing.T, dir string) issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{{127, 0, 0, 1}}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Now().AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	i := issued{roots: x509.NewCertPool()}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	i.roots.AppendCertsFromPEM(cert)
	i.cert = writeFile(t, filepath.Join(dir, "cert.pem"), string(cert))
	i.key = writeFile(t, filepath.Join(dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return i
}

// client returns one that trusts the certificate alone.
func (i issued) client(t *testing.T, http2 bool) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: i.roots}, ForceAttemptHTTP2: http2}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// servesTLS sees a server that takes the certificate, and says so.
func servesTLS(i issued) func(*testing.T, string, string) {
	return func(t *testing.T, url, try string) {
		t.Helper()
		res, err := i.client(t, false).Get(url + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s, %v", res.Status, err)
		}
		if !strings.HasPrefix(url, "https://127.0.0.1:") || !strings.HasSuffix(try, " "+url+"/v1/notes/1") {
			t.Errorf("the server announces %s and %s", url, try)
		}
	}
}

// TestTLS: the same things work over HTTP/1.1 and HTTP/2, and a page that came without
// TLS is not the server's own.
func TestTLS(t *testing.T) {
	i := issue(t, t.TempDir())
	s := serve(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--tls-cert", i.cert, "--tls-key", i.key))
	defer s.stop()
	servesTLS(i)(t, s.url, s.announced("try "))
	for proto, client := range map[string]*http.Client{"HTTP/1.1": i.client(t, false), "HTTP/2.0": i.client(t, true)} {
		t.Run(proto, func(t *testing.T) {
			c := &caller{t, client, proto}
			notes := s.url + "/v1/" + strings.ReplaceAll(proto, "/", "-")
			c.must(201, "PUT", notes+"/1", `{"n":1}`)
			c.must(412, "PUT", notes+"/1", `{"n":2}`, "If-Match", `"9"`)
			c.must(304, "GET", notes+"/1", "", "If-None-Match", `"1"`)
			c.must(200, "POST", s.url+"/_batch", `{"operations":[{"method":"PUT","path":"`+strings.TrimPrefix(notes, s.url)+`/2","body":{"n":2}}],"atomic":true}`)

			foreign := strings.Replace(s.url, "https:", "http:", 1)
			c.must(403, "PUT", notes+"/1", `{"n":3}`, "If-Match", `"1"`, "Origin", foreign)
			if got := c.must(200, "GET", notes+"/1", ""); got != `{"n":1}` {
				t.Errorf("what was refused has changed it: %s", got)
			}
			c.must(200, "PUT", notes+"/1", `{"n":3}`, "If-Match", `"1"`, "Origin", s.url)
			c.follows(notes)
		})
	}
	if res, err := http.Get(strings.Replace(s.url, "https:", "http:", 1) + "/healthz"); err == nil {
		if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusBadRequest {
			t.Errorf("without TLS: %s, %v", res.Status, err)
		}
	}
}

// caller asks a server in one version of HTTP.
type caller struct {
	*testing.T
	client *http.Client
	proto  string
}

func (c *caller) send(ctx context.Context, method, url, body string, fields ...string) *http.Response {
	c.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	res, err := c.client.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	if res.Proto != c.proto {
		c.Errorf("answered in %s, want %s", res.Proto, c.proto)
	}
	return res
}

func (c *caller) must(status int, method, url, body string, fields ...string) string {
	c.Helper()
	res := c.send(c.Context(), method, url, body, fields...)
	got, err := io.ReadAll(res.Body)
	if closed := res.Body.Close(); err != nil || closed != nil || res.StatusCode != status {
		c.Fatalf("%s %s: %s, %v, %v, want %d: %s", method, url, res.Status, err, closed, status, got)
	}
	return string(got)
}

// follows waits for a change, and follows a stream, while other requests share the
// connection where there are streams.
func (c *caller) follows(notes string) {
	c.Helper()
	next := c.must(200, "GET", notes+"/_changes?since=now", "")
	_, next, _ = strings.Cut(next, `"next":"`)
	next = strings.TrimSuffix(next, `"}`)

	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	stream := c.send(ctx, "GET", notes+"/_changes", "", "Accept", "text/event-stream", "Last-Event-ID", next)
	defer stream.Body.Close()
	waited := make(chan string)
	go func() { waited <- c.must(200, "GET", notes+"/_changes?since="+next, "", "Prefer", "wait=30") }()
	c.must(201, "PUT", notes+"/woken", `{}`)
	if got := <-waited; !strings.Contains(got, `"id":"woken"`) {
		c.Errorf("who waited got %s", got)
	}
	for lines := bufio.NewScanner(stream.Body); ; {
		if !lines.Scan() {
			c.Fatalf("the stream has ended: %v", lines.Err())
		}
		if strings.HasPrefix(lines.Text(), "data: ") {
			if !strings.Contains(lines.Text(), `"id":"woken"`) {
				c.Errorf("the stream has %s", lines.Text())
			}
			return
		}
	}
}

// TestTLSRenewed: a certificate that is replaced while the server runs is served to
// who connects from then on.
func TestTLSRenewed(t *testing.T) {
	dir := t.TempDir()
	before := issue(t, dir)
	file := writeFile(t, filepath.Join(dir, "policy.yaml"), "listen: 127.0.0.1:0\nstore: 'memory:'\ntls: {cert: cert.pem, key: key.pem}\n")
	s := serve(t, program(t, nil, "serve", "--config", file))
	defer s.stop()
	open := &caller{t, before.client(t, true), "HTTP/2.0"}
	open.must(200, "GET", s.url+"/healthz", "")
	after := issue(t, dir)
	for ctx, served := t.Context(), false; !served; {
		select {
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
		res, err := after.client(t, true).Get(s.url + "/healthz")
		if served = err == nil; served && res.Body.Close() != nil {
			t.Error("the answer was cut off")
		}
	}
	open.must(200, "GET", s.url+"/healthz", "")
	if res, err := before.client(t, true).Get(s.url + "/healthz"); err == nil {
		t.Errorf("the old certificate is still served: %v", res.Body.Close())
	}
}

// TestTLSOfThePolicy: what is wrong with files that the policy names stands alone,
// with the name of the file.
func TestTLSOfThePolicy(t *testing.T) {
	dir := t.TempDir()
	i := issue(t, dir)
	file := writeFile(t, filepath.Join(dir, "policy.yaml"), "listen: 127.0.0.1:0\nstore: 'sqlite:docs.db'\ntls: {cert: cert.pem, key: cert.pem}\n")
	c := program(t, nil, "serve", "--config", file)
	if said, want := fails(t, c), "ifmatch: "+i.cert+" holds a certificate and no private key; the files may be the wrong way round\n"; said != want {
		t.Errorf("got  %swant %s", said, want)
	}
	isEmpty(t, c.Dir)
}
