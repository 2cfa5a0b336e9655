package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Response is the little of an HTTP/1.1 answer that a measurement looks at.
// Tags and Body point into the connection's buffer and hold until the next
// request on it.
type Response struct {
	Status     int
	ETag       []byte // as sent, quotes included; nil when absent
	OfDocument []byte // Ifmatch-ETag, likewise
	Body       []byte
	size       int
}

// State is the tag of the state that an answer to a write shows: where that is not
// simply what was sent it stands in Ifmatch-ETag. It is nil when absent.
func (r *Response) State() []byte {
	if r.ETag != nil {
		return r.ETag
	}
	return r.OfDocument
}

// ErrResponse is in the chain of every error about an answer that the parser
// does not understand. The parser knows status line, header lines and
// Content-Length (RFC 9112 §4 to §6.3) and refuses everything else rather than
// guess.
var ErrResponse = errors.New("answer not understood by the load generator")

var (
	headEnd = []byte("\r\n\r\n")
	lineEnd = []byte("\r\n")
)

// parseHead reads a head, which must be complete and without its last empty
// line. It returns the response and the length of the body that follows; the
// body is not looked at.
func parseHead(head []byte) (Response, int, error) {
	var r Response
	line, rest, _ := bytes.Cut(head, lineEnd)
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return r, 0, fmt.Errorf("%w: status line %q", ErrResponse, line)
	}
	status, ok := decimal(line[9:12])
	if !ok || status < 200 || len(line) > 12 && line[12] != ' ' {
		return r, 0, fmt.Errorf("%w: status line %q", ErrResponse, line)
	}
	r.Status = status
	length := -1
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, lineEnd)
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found {
			return r, 0, fmt.Errorf("%w: header line %q", ErrResponse, line)
		}
		// Lengths first: most lines are skipped without comparing a letter.
		switch {
		case len(name) == 4 && equalFold(name, "etag"):
			r.ETag = bytes.TrimSpace(value)
		case len(name) == 12 && equalFold(name, "ifmatch-etag"):
			r.OfDocument = bytes.TrimSpace(value)
		case len(name) == 14 && equalFold(name, "content-length"):
			if length, ok = decimal(bytes.TrimSpace(value)); !ok {
				return r, 0, fmt.Errorf("%w: header line %q", ErrResponse, line)
			}
		case len(name) == 17 && equalFold(name, "transfer-encoding"),
			len(name) == 10 && equalFold(name, "connection") && equalFold(bytes.TrimSpace(value), "close"):
			return r, 0, fmt.Errorf("%w: header line %q (a keep-alive answer with Content-Length is needed)", ErrResponse, line)
		}
	}
	switch {
	case status == 204 || status == 304:
		length = 0
	case length < 0:
		return r, 0, fmt.Errorf("%w: status %d without Content-Length", ErrResponse, status)
	}
	return r, length, nil
}

// readResponse reads one answer from r into buf. It fails when head and body do
// not fit buf.
func readResponse(r io.Reader, buf []byte) (Response, error) {
	n := 0
	for {
		m, err := r.Read(buf[n:])
		// The end of a head can straddle two reads, hence the three bytes back.
		from := max(0, n-3)
		n += m
		if i := bytes.Index(buf[from:n], headEnd); i >= 0 {
			return readBody(r, buf, from+i, n)
		}
		if err != nil {
			return Response{}, fmt.Errorf("read the answer's head after %d bytes: %w", n, err)
		}
		if n == len(buf) {
			return Response{}, fmt.Errorf("%w: head longer than %d bytes", ErrResponse, len(buf))
		}
	}
}

func readBody(r io.Reader, buf []byte, head, n int) (Response, error) {
	resp, length, err := parseHead(buf[:head])
	if err != nil {
		return Response{}, err
	}
	start := head + len(headEnd)
	resp.size = start + length
	if resp.size > len(buf) {
		return Response{}, fmt.Errorf("%w: %d bytes, the buffer has %d", ErrResponse, resp.size, len(buf))
	}
	if n > resp.size {
		return Response{}, fmt.Errorf("%w: %d bytes after its end", ErrResponse, n-resp.size)
	}
	if n < resp.size {
		if _, err := io.ReadFull(r, buf[n:resp.size]); err != nil {
			return Response{}, fmt.Errorf("read the answer's body: %w", err)
		}
	}
	resp.Body = buf[start:resp.size]
	return resp, nil
}

// decimal reads at most nine digits.
func decimal(b []byte) (int, bool) {
	if len(b) == 0 || len(b) > 9 {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// equalFold compares with a lower-case word of letters and hyphens.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c|0x20 != lower[i] && c != lower[i] {
			return false
		}
	}
	return true
}
