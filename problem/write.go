package problem

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Dialect is the shape in which a contract wants its errors.
type Dialect uint8

// The dialects.
const (
	// ProblemJSON is application/problem+json (RFC 9457).
	ProblemJSON Dialect = iota
	// Envelope is application/json of the form {"error":{"code","message",…}}.
	Envelope
)

// ContentType returns the dialect's media type.
func (k Dialect) ContentType() string {
	if k == Envelope {
		return "application/json"
	}
	return "application/problem+json"
}

// Append appends the document in this dialect to dst.
func (k Dialect) Append(dst []byte, d *Document) []byte {
	if k == Envelope {
		return d.AppendEnvelope(dst)
	}
	return d.Append(dst)
}

// Write answers r with d as application/problem+json.
//
// A document without a CorrelationID gets one: the request's X-Request-Id where
// that is a UUID, else a fresh UUIDv7 (RFC 9562 §5.7). The answer is never
// stored (Cache-Control: no-store). Its ETag is CurrentETag; an ETag,
// Last-Modified, Content-Encoding or Content-Length that was meant for another
// answer is taken away. Retry-After is RetryAfter in seconds, rounded up. The
// Allow of a 405 (RFC 9110 §15.5.6) is made of Allowed unless it is there. HEAD
// is answered without the body (RFC 9110 §9.3.2).
//
// Write has no error to return: one means that the client is gone. It must be
// the only thing that writes to w.
func Write(w http.ResponseWriter, r *http.Request, d *Document) {
	ProblemJSON.Write(w, r, d)
}

// Write is the function [Write] in this dialect.
func (k Dialect) Write(w http.ResponseWriter, r *http.Request, d *Document) {
	doc := *d
	if doc.CorrelationID == "" {
		doc.CorrelationID = correlationID(r, time.Now())
	}
	body := k.Append(make([]byte, 0, 1024), &doc)
	h := w.Header()
	h.Set("Content-Type", k.ContentType())
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Del("Content-Encoding")
	h.Del("Last-Modified")
	h.Del("ETag")
	if doc.CurrentETag != "" {
		h.Set("ETag", doc.CurrentETag)
	}
	if doc.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(ceil(doc.RetryAfter, time.Second), 10))
	}
	if doc.Code == MethodNotAllowed && h.Get("Allow") == "" {
		h.Set("Allow", strings.Join(doc.Allowed, ", "))
	}
	w.WriteHeader(doc.StatusCode())
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // an error here means that nobody is left to tell
	}
}

// correlationID returns the request's own id where it is a UUID, else a fresh
// one.
func correlationID(r *http.Request, now time.Time) string {
	if id := r.Header.Get("X-Request-Id"); isUUID(id) {
		return strings.ToLower(id)
	}
	return newUUIDv7(now)
}

func isUUID(s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	_, err := hex.DecodeString(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
	return err == nil
}

// newUUIDv7 lays out milliseconds, version, variant and 74 random bits as RFC
// 9562 §5.7 says.
func newUUIDv7(now time.Time) string {
	var b [16]byte
	rand.Read(b[6:])
	ms := now.UnixMilli()
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:8], b[0:4])
	hex.Encode(text[9:13], b[4:6])
	hex.Encode(text[14:18], b[6:8])
	hex.Encode(text[19:23], b[8:10])
	hex.Encode(text[24:36], b[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
