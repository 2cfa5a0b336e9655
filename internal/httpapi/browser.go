package httpapi

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/problem"
)

// Header values that tell web pages of other origins what they may send, and what
// of an answer their scripts may read (Fetch standard, CORS protocol). Each header
// is named: a wildcard would not hold for requests with credentials, and never
// stands for Authorization. Nobody modifies the slices.
var (
	corsMethods = []string{strings.Join(allMethods, ", ")}
	corsAccept  = []string{strings.Join([]string{
		"Accept", "Api-Version", "Authorization", "Content-Digest", "Content-Encoding", "Content-Range", "Content-Type",
		"Idempotency-Key", "If-Match", "If-Modified-Since", "If-None-Match", "If-Unmodified-Since",
		"Ifmatch-Attempt", "Ifmatch-Client", "Ifmatch-Lease", "Last-Event-ID", "Prefer", "Repr-Digest",
		"Traceparent", "Tracestate", "Want-Repr-Digest", "X-Request-Id",
	}, ", ")}
	corsExpose = []string{strings.Join([]string{
		"Accept-Patch", "Allow", "Content-Location", "ETag", "Idempotent-Replayed",
		"Ifmatch-Dry-Run", "Ifmatch-ETag", "Ifmatch-Guarantee", "Ifmatch-Outcome", "Ifmatch-Outranked", "Ifmatch-Warning",
		"Last-Modified", "Link", "Location", "Preference-Applied", "Repr-Digest", "Retry-After", "X-Request-Id",
	}, ", ")}
	corsMaxAge = []string{"7200"} // seconds; no browser keeps a preflight's answer for longer than a day
	anyOrigin  = []string{"*"}
	varyOrigin = []string{"Origin"}
	corsYes    = []string{"true"}
)

// pages says what web pages in browsers may do. A browser sends what a page asks
// for with the reader's place in the network, and with the reader's credentials;
// so a page of another origin may change nothing unless its origin is listed.
type pages struct {
	any    bool                // every origin is listed
	listed map[string][]string // origin to itself, as a header's value
	// loopback: the server listens to its own machine alone, and answers only to
	// that machine's names. Else a page could have its own name lead here, and
	// would be of the same origin (DNS rebinding).
	loopback bool
	told     notices
}

func newPages(origins []string, loopback bool) *pages {
	p := &pages{listed: make(map[string][]string, len(origins)), loopback: loopback}
	for _, o := range origins {
		p.any = p.any || o == "*"
		p.listed[o] = []string{o}
	}
	return p
}

// browser answers what no page may ask for, and the preflights of those that may
// ask. Else it returns false, and has set the headers that let a page of a listed
// origin read the answer, whatever that will be. It is in front of everything, as
// preflights carry no credentials and refusals are to be read too.
func (s *Server) browser(w http.ResponseWriter, r *http.Request) (answered bool) {
	if s.pages.loopback && !isLoopback(r.Host) {
		s.forbidden(w, r, "This server listens on a loopback address, so it answers to localhost, 127.0.0.1 and [::1] alone, and not to "+
			shorten(r.Host)+". Use one of these names; a proxy in front has to send one of them as Host.")
		return true
	}
	lines, named := r.Header["Origin"]
	if !named {
		if isSafe(r.Method) || r.Header.Get("Sec-Fetch-Site") != "cross-site" {
			return false
		}
		s.forbidden(w, r, "A page of another site caused this request, and its browser does not say which. Nothing was done. Send it from a page whose origin is listed under cors.")
		return true
	}
	origin := strings.Join(lines, ", ") // several are none that could be listed
	allow, listed := s.pages.listed[origin]
	switch {
	case listed || s.pages.any:
		return s.listed(w, r, allow)
	case isOwn(r, origin):
		return false
	}
	s.refused(r, origin)
	if isSafe(r.Method) {
		return false // its browser keeps the answer from it
	}
	s.forbidden(w, r, "Pages of the origin "+shorten(origin)+" may not write here. Nothing was done. Have the origin listed under cors; the server's log has the line.")
	return true
}

// listed lets a page of a listed origin read the answer, and answers preflights.
// An origin that is listed by its name may send credentials, others may not.
func (s *Server) listed(w http.ResponseWriter, r *http.Request, allow []string) (answered bool) {
	h := w.Header()
	h["Vary"] = varyOrigin // reads replace it with a longer one
	h["Access-Control-Expose-Headers"] = corsExpose
	if h["Access-Control-Allow-Origin"] = anyOrigin; !s.pages.any {
		h["Access-Control-Allow-Origin"], h["Access-Control-Allow-Credentials"] = allow, corsYes
	}
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	door.EchoRequestID(h, r)
	h["Access-Control-Allow-Methods"], h["Access-Control-Allow-Headers"] = corsMethods, corsAccept
	h["Access-Control-Max-Age"] = corsMaxAge
	h["Cache-Control"] = []string{"no-store"}
	w.WriteHeader(http.StatusNoContent)
	return true
}

func (s *Server) forbidden(w http.ResponseWriter, r *http.Request, detail string) {
	s.door.Problem(w, r, &problem.Document{Code: problem.Forbidden, Resource: r.URL.EscapedPath(), Action: r.Method, Detail: detail})
}

// refused logs an origin that is not listed, once in a while, with what would list
// it.
func (s *Server) refused(r *http.Request, origin string) {
	if s.door.Log == nil || !s.pages.told.due(shorten(origin), time.Now()) {
		return
	}
	file, flag := `cors: {origins: ["`+origin+`"]}`, "--cors "+origin
	if !strings.Contains(origin, "://") || shorten(origin) != origin { // null, or nothing that a browser sends
		file, flag = `cors: {origins: ["*"]}, for all pages alike`, "--cors '*'"
	}
	s.door.Log.LogAttrs(r.Context(), slog.LevelWarn, "refused a page of an origin that is not listed",
		slog.String("origin", shorten(origin)), slog.String("method", r.Method), slog.String("file", file), slog.String("flag", flag))
}

// isOwn tells whether a request comes from a page of this server itself. Browsers
// say so where they can, also through a proxy that changes Host; else the names
// are compared. The scheme is where this server itself speaks TLS: then a page that
// came without it is of another origin. Else a proxy may have spoken TLS.
func isOwn(r *http.Request, origin string) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin":
		return true
	case "cross-site", "same-site":
		return false
	}
	scheme, host, _ := strings.Cut(origin, "://")
	return (scheme == "https" || scheme == "http" && r.TLS == nil) && strings.EqualFold(host, r.Host)
}

// isSafe tells of the methods that change nothing (RFC 9110 §9.2.1).
func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// isLoopback tells whether a Host header names this machine to itself, whatever
// the port: localhost, or an address that no name server had a say in.
func isLoopback(host string) bool {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.Trim(host[i+1:], "0123456789") == "" {
		host = host[:i]
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	inner, bracketed := strings.CutPrefix(host, "[")
	if bracketed {
		if inner, bracketed = strings.CutSuffix(inner, "]"); !bracketed {
			return false
		}
	}
	addr, err := netip.ParseAddr(inner)
	return err == nil && addr.IsLoopback() && addr.Zone() == "" && addr.Is6() == bracketed
}

// shorten bounds what is repeated of a header.
func shorten(value string) string { return strings.ToValidUTF8(value[:min(len(value), 255)], "?") }

// notices bounds how often origins are logged: each of them once an hour, and no
// more than maxTold in that time. The zero value is ready.
type notices struct {
	mu    sync.Mutex
	since time.Time
	told  map[string]bool
}

const (
	toldFor = time.Hour
	maxTold = 16
)

// due tells whether an origin is to be logged now.
func (n *notices) due(origin string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.told == nil || now.Sub(n.since) >= toldFor {
		n.since, n.told = now, make(map[string]bool)
	}
	if n.told[origin] || len(n.told) >= maxTold {
		return false
	}
	n.told[origin] = true
	return true
}
