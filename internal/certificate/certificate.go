// Package certificate holds a TLS certificate that is read from two files, and again
// whenever they change, so that it can be renewed under a server that runs.
package certificate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// Files names the two files of a pair, each in PEM.
type Files struct {
	Cert string // the certificate, then those between it and the root
	Key  string // its private key, not encrypted
}

// Pair is a certificate with its key. Its methods are safe for concurrent use, but for
// [Pair.Reload], which one goroutine may call.
type Pair struct {
	files   Files
	log     *slog.Logger
	current atomic.Pointer[tls.Certificate]

	held   [sha256.Size]byte // what the current certificate was read from
	broken string            // what the last look found wrong, "" for nothing
	told   bool              // that has been logged
}

// Error is why a pair cannot be used. Its text names the file that is to blame.
type Error struct {
	OfKey bool // the key's file is to blame, or its key belongs to another certificate
	err   error
}

func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns what the system says, if it was asked.
func (e *Error) Unwrap() error { return e.err }

func blame(ofKey bool, format string, args ...any) error {
	return &Error{OfKey: ofKey, err: fmt.Errorf(format, args...)}
}

// Open reads a pair. It fails with an [*Error].
func Open(files Files, log *slog.Logger) (*Pair, error) {
	p := &Pair{files: files, log: log}
	t, sum, err := p.read()
	if err != nil {
		return nil, err
	}
	pair, err := parse(files, t)
	if err != nil {
		return nil, err
	}
	p.hold(&pair, sum)
	return p, nil
}

// texts are the contents of both files.
type texts struct{ cert, key []byte }

func (p *Pair) read() (t texts, sum [sha256.Size]byte, err error) {
	if t.cert, err = os.ReadFile(p.files.Cert); err != nil {
		return t, sum, blame(false, "cannot read the certificate: %w", err)
	}
	if t.key, err = os.ReadFile(p.files.Key); err != nil {
		return t, sum, blame(true, "cannot read the certificate's key: %w", err)
	}
	certSum, keySum := sha256.Sum256(t.cert), sha256.Sum256(t.key)
	return t, sha256.Sum256(append(certSum[:], keySum[:]...)), nil
}

// parse makes a certificate of both texts, which have to belong together.
func parse(files Files, t texts) (tls.Certificate, error) {
	if err := certificates(t.cert); err != nil {
		return tls.Certificate{}, blame(false, "%s %w", files.Cert, err)
	}
	if err := privateKey(t.key); err != nil {
		return tls.Certificate{}, blame(true, "%s %w", files.Key, err)
	}
	pair, err := tls.X509KeyPair(t.cert, t.key)
	switch {
	case err == nil:
		return pair, nil
	case strings.Contains(err.Error(), "does not match"):
		return pair, blame(true, "the key in %s is not that of the first certificate in %s; put the server's own certificate first, and the ones between it and the root behind it", files.Key, files.Cert)
	}
	return pair, blame(true, "%s holds a key that cannot be used: %w", files.Key, err)
}

// certificates tells what is wrong with the text of certificates, nil for nothing.
func certificates(text []byte) error {
	found := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return errors.New("holds a private key; name the file with the certificate here, and keep the key in a file of its own")
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		found++
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return fmt.Errorf("holds a certificate that cannot be read: %w", err)
		}
	}
	if found == 0 {
		return errors.New("holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----")
	}
	return nil
}

// privateKey tells what is wrong with the text of a private key, nil for nothing.
func privateKey(text []byte) error {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
			return errors.New("holds a key that is encrypted, which nobody is there to open; decrypt it with: openssl pkey -in ENCRYPTED -out KEY")
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return nil
		}
	}
	if bytes.Contains(text, []byte("-----BEGIN CERTIFICATE-----")) {
		return errors.New("holds a certificate and no private key; the files may be the wrong way round")
	}
	return errors.New("holds no private key in PEM, which begins with -----BEGIN PRIVATE KEY-----")
}

// hold makes a pair the current one.
func (p *Pair) hold(pair *tls.Certificate, sum [sha256.Size]byte) {
	p.current.Store(pair)
	p.held = sum
	ends := pair.Leaf.NotAfter
	level, message := slog.LevelInfo, "serving a certificate"
	if time.Now().After(ends) {
		level, message = slog.LevelWarn, "the certificate is out of date, and clients will refuse it; renew it"
	}
	p.log.LogAttrs(context.Background(), level, message, slog.String("file", p.files.Cert), slog.Time("notAfter", ends))
}

// Reload reads the files again, and is called every so often. It compares what they
// hold: links that change, as orchestrators have them, are seen too. A pair that has
// changed takes the place of the one before, for connections that are opened from then
// on; one that is not valid is logged and left, and the one before stays.
func (p *Pair) Reload() {
	t, sum, err := p.read()
	if err == nil && sum != p.held {
		var pair tls.Certificate
		if pair, err = parse(p.files, t); err == nil {
			p.hold(&pair, sum)
		}
	}
	if err == nil {
		p.broken, p.told = "", false
		return
	}
	// Whoever renews a pair writes one file after the other: what is wrong is told only
	// once it has stayed so until the next look.
	if again := err.Error() == p.broken; !again {
		p.broken, p.told = err.Error(), false
	} else if !p.told {
		p.told = true
		p.log.Error("the certificate's files have changed and cannot be used; the one from before is still served", "cause", err)
	}
}

// Config returns what a server needs to speak TLS with the pair: TLS 1.2 at least, with
// the standard library's choice of ciphers, all of which have forward secrecy there.
func (p *Pair) Config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.current.Load(), nil },
	}
}
