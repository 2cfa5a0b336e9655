package protocol_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/engine"
)

// TestHalfClosedClient: a client that has sent all it has to say may close its
// side and still wait for the answer. Giving its request up must not look like
// having done it.
func TestHalfClosedClient(t *testing.T) {
	for _, request := range []struct{ method, content string }{
		{"GET", ""}, {"PUT", `{"n":2}`}, {"PATCH", `{"n":2}`}, {"DELETE", ""},
	} {
		t.Run(request.method, func(t *testing.T) {
			onEveryStore(t, setup{rules: engine.Rules{Contract: optional}, faulty: true}, func(t *testing.T, a *api) {
				a.faults.onGet(func(ctx context.Context) error {
					<-ctx.Done() // the server has seen the end of the client's side
					return ctx.Err()
				})
				before := a.dump()
				conn, err := net.Dial("tcp", strings.TrimPrefix(a.url, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				_, err = fmt.Fprintf(conn, "%s /v1/notes/1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
					request.method, len(request.content), request.content)
				if err != nil {
					t.Fatal(err)
				}
				if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
				got := a.read(conn, request.method)
				a.isProblem(got, 503, "overloaded", request.method, "/v1/notes/1")
				a.header(got, "Retry-After", "1")
				if a.dump() != before {
					t.Error("something was written")
				}
			})
		})
	}
}
