package httpapi

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/problem"
)

// Auth says how callers prove who they are: by a key, or by a proxy in front.
// The zero value asks nobody. One of the two is set at most.
type Auth struct {
	// Keys finds the principal of the key in Authorization: Bearer (RFC 6750 §2.1).
	Keys *access.Keys
	// Upstream believes proxies that have authenticated the caller. No header
	// about forwarding is looked at: who is a proxy is told by the connection.
	Upstream *access.Upstream
}

// denial says why a request comes from nobody.
type denial struct {
	challenge string // RFC 6750 §3
	detail    string
}

const bearer = "Bearer"

var (
	noCredentials = &denial{bearer, "Send Authorization: Bearer KEY, with a key of this server. Whoever runs it can make one with: ifmatch key new."}
	unreadable    = &denial{bearer, "Authorization cannot be read. Send it once, as Bearer KEY."}
	unknownKey    = &denial{bearer + ` error="invalid_token"`, "The key in Authorization is not one of this server. Check that it is complete and still in use, or ask whoever runs the server for another."}
	notTheProxy   = &denial{bearer, "This server is reached through a proxy that authenticates, and your connection does not come from it. Send the request to the proxy. What you say of yourself is not believed."}
	notNamed      = &denial{bearer, "The proxy in front of this server has not named one caller. Authenticate to the proxy; if you have, whoever runs it has to make it send the name, once."}
)

// identify returns who makes a request, or why that is nobody. It keeps nothing
// and allocates nothing for a key, so that it can be asked again.
func (a *Auth) identify(r *http.Request) (*access.Principal, *denial) {
	if a.Upstream != nil {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !a.Upstream.Trusts(peer.Addr()) {
			return nil, notTheProxy
		}
		if p := a.Upstream.Principal(r.Header[a.Upstream.Header]); p != nil {
			return p, nil
		}
		return nil, notNamed
	}
	lines := r.Header["Authorization"]
	if len(lines) == 0 {
		return nil, noCredentials
	}
	scheme, key, ok := strings.Cut(lines[0], " ")
	if len(lines) > 1 || !ok || !strings.EqualFold(scheme, bearer) {
		return nil, unreadable
	}
	if p := a.Keys.Find(strings.TrimLeft(key, " ")); p != nil {
		return p, nil
	}
	return nil, unknownKey
}

// headers are those that say who makes a request.
func (a *Auth) headers() []string {
	if a.Upstream != nil {
		return []string{a.Upstream.Header}
	}
	return []string{"Authorization"}
}

// on tells whether anybody is asked.
func (a *Auth) on() bool { return a.Keys != nil || a.Upstream != nil }

// actor names the maker of a request in the log.
func (a *Auth) actor(r *http.Request) store.Actor {
	p, _ := a.identify(r)
	if p == nil {
		return store.Actor{} // who is not known has been refused before
	}
	return store.Actor{Name: p.Name, Roles: p.Roles}
}

// deny says why whoever makes a request may not have what it leads to, nil where
// they may: it decides about a request's own path and about the links in an answer.
// Who is known may read and write everything, so the path does not matter.
func (s *Server) deny(r *http.Request) *denial {
	if s.auth == nil {
		return nil
	}
	_, denied := s.auth.identify(r)
	return denied
}

// authenticated tells whether a request may go on. It answers one that may not
// before it is routed, so that nobody learns which paths there are.
func (s *Server) authenticated(w http.ResponseWriter, r *http.Request, path string) bool {
	denied := s.deny(r)
	if denied == nil || isHealth(path) {
		return true
	}
	w.Header()["Www-Authenticate"] = []string{denied.challenge}
	s.door.Problem(w, r, &problem.Document{Code: problem.Unauthenticated, Detail: denied.detail, Resource: path, Action: r.Method})
	return false
}

// isHealth tells of the paths that whoever watches a server asks without a key.
// They say nothing but whether it runs.
func isHealth(path string) bool { return path == "/healthz" || path == "/readyz" }
