package httpapi

import (
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/problem"
)

// readAhead is what net/http reads of a request beyond MaxHeaderBytes before it
// calls the header too large.
const readAhead = 4096

// LimitHeader makes server refuse a request whose header, its first line
// included, is larger than limit bytes, more than 4 KiB: with 431 (RFC 6585 §5),
// a problem document like any other, and the end of the connection. On a
// connection that is kept up to 4 KiB more may pass, which were read along with
// the request before. The server must serve what is returned, in plain text.
//
// A request pays nothing for it: net/http counts what it reads anyway, and
// answers by itself, before any handler, with a fixed text. That text alone is
// replaced on its way out.
func LimitHeader(server *http.Server, l net.Listener, limit int) net.Listener {
	server.MaxHeaderBytes = max(limit-readAhead, 1)
	return &listener{Listener: l, limit: limit}
}

// listener hands out connections that know the limit.
type listener struct {
	net.Listener
	limit int
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, limit: l.limit}, nil
}

// conn is a connection on which net/http's refusal of a header becomes a problem
// document.
type conn struct {
	net.Conn
	limit int
}

// refusal is what net/http says of a header that is too large, in one write. No
// answer of a handler looks like it: a line break inside JSON is no raw one.
const refusal = "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" +
	"431 Request Header Fields Too Large"

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	if len(p) != len(refusal) || string(p) != refusal {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(headerTooLarge(c.limit)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// CloseWrite ends the answer but not the connection, so that a client that is
// still sending gets to read it. net/http looks for this method.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// headerTooLarge is the whole answer, as it is sent. Nothing of the request is
// known, so nothing is said of it.
func headerTooLarge(limit int) []byte {
	return wholeAnswer(&problem.Document{
		Code: problem.TooLarge, Status: http.StatusRequestHeaderFieldsTooLarge,
		Detail: "The request's header, with its first line, is larger than " + strconv.Itoa(limit) + " bytes. Nothing was done. Send fewer or shorter header fields, or a shorter URL.",
	})
}

// wholeAnswer is an answer with a problem document as it is sent, head and all, after
// which the connection ends.
func wholeAnswer(doc *problem.Document) []byte {
	rec := door.NewRecorder()
	problem.Write(rec, new(http.Request), doc)
	return rec.Wire(time.Now())
}
