package httpapi

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ifmatch/ifmatch/problem"
)

const (
	// crowdRoom is how many connections there may be beyond the limit. Whoever watches
	// the server is answered on them, and nobody else.
	crowdRoom = 64
	// lingering is how many connections are kept for a moment after they were refused,
	// until what they were sent has arrived, and for how long.
	lingering = 32
	lingerFor = 500 * time.Millisecond
)

// LimitConnections bounds how many connections a server has at once: on those beyond
// the limit every request is refused with 503, health checks excepted, and those far
// beyond it are refused and closed before a byte of them is read. A server that runs
// out of descriptors instead could neither accept anything nor open its store's files.
//
// The server must serve what is returned, or what is made of it by [LimitHeader], and
// have its TLSConfig already where it is to speak TLS.
func LimitConnections(server *http.Server, l net.Listener, limit int) net.Listener {
	crowd := &crowd{Listener: l, limit: int64(limit), linger: make(chan struct{}, lingering), plain: server.TLSConfig == nil}
	before := server.ConnContext
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if before != nil {
			ctx = before(ctx, c)
		}
		if in := counted(c); in != nil && in.extra {
			ctx = context.WithValue(ctx, extraConnection{}, crowd)
		}
		return ctx
	}
	return crowd
}

// extraConnection is the key of the context of requests on a connection beyond the
// limit. Its value is the crowd.
type extraConnection struct{}

// crowded tells whether a request came on a connection beyond the limit, and there are
// still as many.
func crowded(r *http.Request) bool {
	c, extra := r.Context().Value(extraConnection{}).(*crowd)
	return extra && c.open.Load() > c.limit
}

// crowd is a listener that counts its connections.
type crowd struct {
	net.Listener
	limit  int64
	open   atomic.Int64
	linger chan struct{}
	plain  bool // not TLS, so that a refusal can be said
}

// Accept implements net.Listener.
func (l *crowd) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		n := l.open.Add(1)
		in := &countedConn{Conn: c, crowd: l, extra: n > l.limit}
		if n <= l.limit+crowdRoom {
			return in, nil
		}
		l.refuse(in)
	}
}

// refuse closes a connection that there is no room for, and says why where it can
// without waiting.
func (l *crowd) refuse(c *countedConn) {
	select {
	case l.linger <- struct{}{}:
		go func() {
			defer func() { <-l.linger }()
			c.turnAway(l.plain)
		}()
	default:
		_ = c.Close() // nobody is left to be told
	}
}

// countedConn is one of the connections of a crowd.
type countedConn struct {
	net.Conn
	crowd *crowd
	extra bool
	once  sync.Once
}

// counted returns what a connection is to its crowd, nil for one that is not counted.
func counted(c net.Conn) *countedConn {
	for {
		switch in := c.(type) {
		case *tls.Conn:
			c = in.NetConn()
		case *conn:
			c = in.Conn
		case *countedConn:
			return in
		default:
			return nil
		}
	}
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.once.Do(func() { c.crowd.open.Add(-1) })
	return c.Conn.Close()
}

// CloseWrite ends the answer but not the connection; see conn.
func (c *countedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// turnAway refuses whatever is asked on the connection. It is read until its client has
// seen that: to close it before would take the answer back.
func (c *countedConn) turnAway(plain bool) {
	defer func() { _ = c.Close() }() // nobody is left to be told
	if !plain || c.SetDeadline(time.Now().Add(lingerFor)) != nil {
		return
	}
	if _, err := c.Write(tooManyConnections()); err != nil || c.CloseWrite() != nil {
		return
	}
	for buffer := make([]byte, 4096); ; {
		if _, err := c.Read(buffer); err != nil {
			return
		}
	}
}

func tooManyConnections() []byte {
	return wholeAnswer(&problem.Document{
		Code: problem.Overloaded, RetryAfter: time.Second,
		Detail: "The server has as many connections as it may. Nothing was done. Wait as long as Retry-After says, then try again, and keep the connection for the requests after that.",
	})
}
