package main

import (
	"net"
	"net/http"

	"github.com/ifmatch/ifmatch/internal/certificate"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/policy"
)

// otherFiles are how many files a server may have open beside its connections: those of
// its store, with a reader for each of several threads, and what is on its way out.
const otherFiles = 128

// admission is how much the server takes on.
func admission(l *policy.Limits) httpapi.Admission {
	a := httpapi.Admission{Reads: l.Reads, Writes: l.Writes}
	if l.Rate != nil {
		a.Burst, a.Per = l.Rate.Burst, l.Rate.Per
	}
	return a
}

// connections returns how many there may be: as many as the policy says, and no more
// than the process may have files open for.
func connections(l *policy.Limits) int {
	most := openFiles()
	if most == 0 {
		return l.Connections
	}
	return max(min(l.Connections, most-otherFiles), 1)
}

// serveOn serves plain HTTP, or with a pair HTTPS with HTTP/2, within the limits.
func serveOn(server *http.Server, l net.Listener, limits *policy.Limits, pair *certificate.Pair) error {
	if pair != nil {
		server.TLSConfig = pair.Config()
	}
	limited := httpapi.LimitHeader(server, httpapi.LimitConnections(server, l, connections(limits)), int(limits.Header))
	if pair == nil {
		return server.Serve(limited)
	}
	return server.ServeTLS(limited, "", "")
}
