package httpapi

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/bearer"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/problem"
)

// Auth says how callers prove who they are: by a key or a token, or by a proxy in
// front. The zero value asks nobody. Upstream is set alone.
type Auth struct {
	// Keys finds the principal of the key in Authorization: Bearer (RFC 6750 §2.1).
	// It may be nil where there are Tokens.
	Keys *access.Keys
	// Tokens verifies the JWT that stands there instead; nil takes none.
	Tokens *bearer.Verifier
	// Upstream believes proxies that have authenticated the caller. No header
	// about forwarding is looked at: who is a proxy is told by the connection.
	Upstream *access.Upstream
}

// denial says why a request comes from nobody.
type denial struct {
	challenge string // RFC 6750 §3
	detail    string
}

const bearerScheme = "Bearer"

var (
	noCredentials = &denial{bearerScheme, "Send Authorization: Bearer KEY, with a key of this server. Whoever runs it can make one with: ifmatch key new."}
	noToken       = &denial{bearerScheme, "Send Authorization: Bearer TOKEN, with a token that its issuer has made out for this API, or a key of this server."}
	unreadable    = &denial{bearerScheme, "Authorization cannot be read. Send it once, as Bearer and the key or the token."}
	unknownKey    = &denial{bearerScheme + ` error="invalid_token"`, "The key in Authorization is not one of this server. Check that it is complete and still in use, or ask whoever runs the server for another."}
	badToken      = &denial{bearerScheme + ` error="invalid_token"`, "The token in Authorization is not valid here, or no longer. Get a new one from its issuer, for this API. If that does not help, whoever runs the server finds the reason in its log, under the correlationId."}
	notTheProxy   = &denial{bearerScheme, "This server is reached through a proxy that authenticates, and your connection does not come from it. Send the request to the proxy. What you say of yourself is not believed."}
	notNamed      = &denial{bearerScheme, "The proxy in front of this server has not named one caller. Authenticate to the proxy; if you have, whoever runs it has to make it send the name, once."}
)

// identify returns who makes a request, or why that is nobody. It keeps nothing
// and allocates nothing for a key, so that it can be asked again. Who a token is of
// was found out by admit.
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
	if a.Tokens != nil {
		if id := identityOf(r); id != nil {
			return id.Principal, nil
		}
	}
	credential, denied := a.credential(r)
	if denied != nil {
		return nil, denied
	}
	if p := a.Keys.Find(credential); p != nil {
		return p, nil
	}
	return nil, unknownKey
}

// credential returns what stands behind Bearer.
func (a *Auth) credential(r *http.Request) (string, *denial) {
	lines := r.Header["Authorization"]
	switch {
	case len(lines) == 0 && a.Tokens != nil:
		return "", noToken
	case len(lines) == 0:
		return "", noCredentials
	}
	scheme, credential, ok := strings.Cut(lines[0], " ")
	if len(lines) > 1 || !ok || !strings.EqualFold(scheme, bearerScheme) {
		return "", unreadable
	}
	return strings.TrimLeft(credential, " "), nil
}

// headers are those that say who makes a request.
func (a *Auth) headers() []string {
	if a.Upstream != nil {
		return []string{a.Upstream.Header}
	}
	return []string{"Authorization"}
}

// on tells whether anybody is asked.
func (a *Auth) on() bool { return a.Keys != nil || a.Tokens != nil || a.Upstream != nil }

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

// admit returns a request as one of its maker, and whether it may go on. It answers
// one that may not before it is routed, so that nobody learns which paths there are.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, path string) (*http.Request, bool) {
	if isHealth(path) {
		return r, true
	}
	if token := s.auth.token(r); token != "" {
		return s.admitToken(w, r, path, token)
	}
	if denied := s.deny(r); denied != nil {
		s.refuse(w, r, path, denied, "")
		return nil, false
	}
	return r, true
}

// refuse answers a request of nobody.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, path string, denied *denial, correlation string) {
	w.Header()["Www-Authenticate"] = []string{denied.challenge}
	s.door.Problem(w, r, &problem.Document{Code: problem.Unauthenticated, Detail: denied.detail, Resource: path, Action: r.Method, CorrelationID: correlation})
}

// isHealth tells of the paths that whoever watches a server asks without a key.
// They say nothing but whether it runs.
func isHealth(path string) bool { return path == "/healthz" || path == "/readyz" }
