package certificate_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/certificate"
)

// issued is a certificate for 127.0.0.1 that signs itself, and its key.
type issued struct{ cert, key []byte }

func issue(t *testing.T, name string, ends time.Time) issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{{127, 0, 0, 1}},
		NotBefore: time.Unix(0, 0), NotAfter: ends, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return issued{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}
}

var nextYear = time.Now().AddDate(1, 0, 0)

// files are the two files of a pair, in a folder of their own.
type files struct {
	*testing.T
	certificate.Files
}

func newFiles(t *testing.T) files {
	dir := t.TempDir()
	return files{t, certificate.Files{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}}
}

// hold puts texts into the files; nil removes one.
func (f files) hold(cert, key []byte) {
	f.Helper()
	for name, text := range map[string][]byte{f.Cert: cert, f.Key: key} {
		err := os.WriteFile(name, text, 0o600)
		if text == nil {
			err = os.Remove(name)
		}
		if err != nil {
			f.Fatal(err)
		}
	}
}

func TestOpen(t *testing.T) {
	a, b := issue(t, "a", nextYear), issue(t, "b", nextYear)
	garbled := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("no ASN.1")})
	tests := []struct {
		name      string
		cert, key []byte
		want      string // with CERT and KEY for the files' names; "" for a pair
	}{
		{"pair", a.cert, a.key, ""},
		{"chain", append(bytes.Clone(a.cert), b.cert...), a.key, ""},
		{"text before", append([]byte("subject=a\n"), a.cert...), append([]byte("for a\n"), a.key...), ""},
		{"empty certificate", []byte{}, a.key, "CERT holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----"},
		{"empty key", a.cert, []byte{}, "KEY holds no private key in PEM, which begins with -----BEGIN PRIVATE KEY-----"},
		{"the wrong way round", a.key, a.cert, "CERT holds a private key; name the file with the certificate here, and keep the key in a file of its own"},
		{"certificate for a key", a.cert, a.cert, "KEY holds a certificate and no private key; the files may be the wrong way round"},
		{"another's key", a.cert, b.key, "the key in KEY is not that of the first certificate in CERT; put the server's own certificate first, and the ones between it and the root behind it"},
		{"chain from the root", append(bytes.Clone(b.cert), a.cert...), a.key, "the key in KEY is not that of the first certificate in CERT; put the server's own certificate first, and the ones between it and the root behind it"},
		{"garbled certificate", garbled, a.key, "CERT holds a certificate that cannot be read: x509: malformed certificate"},
		{"garbled intermediate", append(bytes.Clone(a.cert), garbled...), a.key, "CERT holds a certificate that cannot be read: x509: malformed certificate"},
		{"encrypted key", a.cert, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"), "KEY holds a key that is encrypted, which nobody is there to open; decrypt it with: openssl pkey -in ENCRYPTED -out KEY"},
		{"garbled key", a.cert, []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "KEY holds a key that cannot be used: tls: failed to parse private key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFiles(t)
			f.hold(tt.cert, tt.key)
			pair, err := certificate.Open(f.Files, slog.New(slog.DiscardHandler))
			if (err == nil) != (tt.want == "") || (pair == nil) != (err != nil) {
				t.Fatalf("%v, %v, want %s", pair, err, tt.want)
			}
			if err != nil {
				said := strings.NewReplacer(f.Cert, "CERT", f.Key, "KEY", "-out "+f.Key, "-out KEY").Replace(err.Error())
				if said != tt.want {
					t.Errorf("got  %s\nwant %s", said, tt.want)
				}
			}
		})
	}
}

func TestOpenNames(t *testing.T) {
	a := issue(t, "a", nextYear)
	f := newFiles(t)
	f.hold(a.cert, a.key)
	for _, tt := range []struct {
		files certificate.Files
		want  string
	}{
		{certificate.Files{Cert: "/nowhere/a.pem", Key: f.Key}, "cannot read the certificate: open /nowhere/a.pem: no such file or directory"},
		{certificate.Files{Cert: f.Cert, Key: "/nowhere/a.pem"}, "cannot read the certificate's key: open /nowhere/a.pem: no such file or directory"},
	} {
		if _, err := certificate.Open(tt.files, slog.New(slog.DiscardHandler)); err == nil || err.Error() != tt.want {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
}

// TestReload: who connects after a change meets the new certificate, who is connected
// goes on, and a pair that is not one changes nothing but the log.
func TestReload(t *testing.T) {
	a, b, c := issue(t, "a", nextYear), issue(t, "b", nextYear), issue(t, "c", nextYear)
	f := newFiles(t)
	f.hold(a.cert, a.key)
	var log bytes.Buffer
	pair, err := certificate.Open(f.Files, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{TLSConfig: pair.Config(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })}
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(l, "", "") }()
	t.Cleanup(func() {
		if err := errors.Join(server.Close(), <-ended); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	url := "https://" + l.Addr().String()
	open := asks(t, url, a)
	open()
	const complaint = "cannot be used"
	for _, step := range []struct {
		name      string
		cert, key []byte
		serves    issued
		complains int // lines of the log that say so, so far
	}{
		{"nothing has changed", a.cert, a.key, a, 0},
		{"renewed", b.cert, b.key, b, 0},
		{"half renewed", c.cert, b.key, b, 1},
		{"renewed whole", c.cert, c.key, c, 1},
		{"key gone", c.cert, nil, c, 2},
		{"empty", []byte{}, []byte{}, c, 3},
		{"as it was", c.cert, c.key, c, 3},
	} {
		t.Run(step.name, func(t *testing.T) {
			f.hold(step.cert, step.key)
			before := strings.Count(log.String(), complaint)
			pair.Reload()
			if now := strings.Count(log.String(), complaint); now != before {
				t.Errorf("the first look complains: %s", &log)
			}
			pair.Reload()
			pair.Reload()
			if n := strings.Count(log.String(), complaint); n != step.complains {
				t.Errorf("%d complaints, want %d: %s", n, step.complains, &log)
			}
			asks(t, url, step.serves)()
			open()
		})
	}
	if strings.Contains(log.String(), "PRIVATE") {
		t.Errorf("the log shows a key: %s", &log)
	}
}

// asks returns what sends requests on one connection that is opened at the first of
// them, to a server whose certificate has to be that one.
func asks(t *testing.T, url string, want issued) func() {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(want.cert)
	connections := 0
	transport := &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{RootCAs: roots, VerifyConnection: func(tls.ConnectionState) error {
			connections++
			return nil
		}},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return func() {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if closed := res.Body.Close(); err != nil || closed != nil || string(body) != "HTTP/2.0" || connections != 1 {
			t.Errorf("%s, %v, %v on connection %d, want HTTP/2.0 on the first", body, err, closed, connections)
		}
	}
}

func TestConfigRefusesOldVersions(t *testing.T) {
	a := issue(t, "a", nextYear)
	f := newFiles(t)
	f.hold(a.cert, a.key)
	pair, err := certificate.Open(f.Files, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for version, works := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		client, server := net.Pipe()
		go func() { _ = tls.Server(server, pair.Config()).Handshake(); _ = server.Close() }()
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(a.cert)
		c := tls.Client(client, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS10, MaxVersion: version})
		if err := c.Handshake(); (err == nil) != works {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		_ = client.Close()
	}
}

// TestOutOfDate: a server with a certificate that has ended starts, and says so.
func TestOutOfDate(t *testing.T) {
	a := issue(t, "a", time.Now().Add(-time.Hour))
	f := newFiles(t)
	f.hold(a.cert, a.key)
	var log bytes.Buffer
	if _, err := certificate.Open(f.Files, slog.New(slog.NewTextHandler(&log, nil))); err != nil || !strings.Contains(log.String(), "level=WARN") {
		t.Errorf("%v: %s", err, &log)
	}
}
