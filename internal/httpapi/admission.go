package httpapi

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ifmatch/ifmatch/internal/admission"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/problem"
)

// Admission says how much a server takes on. The zero value takes on everything.
type Admission struct {
	// Burst is how many requests each caller may make at once, and again in every Per;
	// 0 does not bound them.
	Burst int
	Per   time.Duration
	// Reads and Writes are how many of each are under way at once; 0 does not bound them.
	Reads, Writes int
}

// admitter decides who may go on.
type admitter struct {
	rates         *admission.Rates // nil does not bound callers
	burst         int
	per           time.Duration
	reads, writes *admission.Gate // nil does not bound them
	shed          shedding
}

func newAdmitter(a Admission) *admitter {
	m := &admitter{burst: a.Burst, per: a.Per}
	if a.Burst > 0 {
		m.rates = admission.NewRates(a.Burst, a.Per)
	}
	if a.Reads > 0 {
		m.reads = admission.NewGate(a.Reads)
	}
	if a.Writes > 0 {
		m.writes = admission.NewGate(a.Writes)
	}
	return m
}

// admitted tells whether a request may go on that is known to come from somebody. It
// answers one that may not: its caller has asked for too much, or the server has too
// much to do to even read what is to be written.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request, path string) bool {
	switch m := s.admission; {
	case isHealth(path):
	case m.rates != nil && !s.counted(w, r, path):
		return false
	case crowded(r):
		w.Header()["Connection"] = []string{"close"}
		s.overloaded(w, r, nil)
		return false
	case m.writes != nil && !isSafe(r.Method) && m.writes.Full():
		s.overloaded(w, r, m.writes)
		return false
	}
	return true
}

// counted counts a request, and tells whether it may go on. A batch is only asked for
// one: how many it counts as is known when it has been read.
func (s *Server) counted(w http.ResponseWriter, r *http.Request, path string) bool {
	if path != batchPath {
		return s.take(w, r, path, 1)
	}
	wait := s.admission.rates.Wait(s.caller(r), 1, time.Now())
	return wait == 0 || s.tooMuch(w, r, path, wait)
}

// take counts n requests of whoever makes r. Where that is too much it answers.
func (s *Server) take(w http.ResponseWriter, r *http.Request, path string, n int) bool {
	if s.admission.rates == nil {
		return true
	}
	wait := s.admission.rates.Take(s.caller(r), n, time.Now())
	return wait == 0 || s.tooMuch(w, r, path, wait)
}

// spend counts a request that has been answered already.
func (s *Server) spend(r *http.Request) {
	if s.admission.rates != nil {
		s.admission.rates.Take(s.caller(r), 1, time.Now())
	}
}

// tooMuch refuses a request whose caller has to wait, and returns false.
func (s *Server) tooMuch(w http.ResponseWriter, r *http.Request, path string, wait time.Duration) bool {
	m := s.admission
	s.door.Problem(w, r, &problem.Document{Code: problem.RateLimited, Resource: path, Action: r.Method, RetryAfter: wait,
		Detail: "You may send " + strconv.Itoa(m.burst) + " requests in " + period(m.per) + ", and an operation of a batch counts as one. Nothing was done. Wait as long as Retry-After says."})
	return false
}

// period is a duration without units that are 0 at its end.
func period(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// caller is whom a request is counted for.
func (s *Server) caller(r *http.Request) admission.Caller {
	if s.auth != nil {
		return admission.Caller{Name: s.auth.actor(r).Name}
	}
	// Where it cannot be read, whoever comes that way is one caller.
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	return admission.Anonymous(peer.Addr())
}

// overloaded refuses a request because the server has too much to do, when its gate says
// so; nil says so at once.
func (s *Server) overloaded(w http.ResponseWriter, r *http.Request, gate *admission.Gate) {
	s.logShedding(r)
	if gate != nil {
		gate.Hold(r.Context())
	}
	s.door.Problem(w, r, &problem.Document{Code: problem.Overloaded, Resource: r.URL.EscapedPath(), Action: r.Method,
		Detail:     "The server has too much to do. Nothing was done. Wait as long as Retry-After says, then try again.",
		RetryAfter: time.Second + rand.N(2*time.Second)}) // not all of them at once again
}

// enterWrite is what [door.Door] admits writes by.
func (s *Server) enterWrite(w http.ResponseWriter, r *http.Request) engine.Place {
	if !s.admission.writes.Enter(r.Context()) {
		s.overloaded(w, r, s.admission.writes)
		return nil
	}
	return s.admission.writes
}

// reading is the answer to a read that has a place. It leaves that when it begins to be
// sent: how long a client takes to read it is none of the others' business.
type reading struct {
	http.ResponseWriter
	gate *admission.Gate // nil once it is left
}

// enterRead gives a read its place. Reads without one, for there need be none, are
// nil. Where there is none to be had the request has been answered.
func (s *Server) enterRead(w http.ResponseWriter, r *http.Request, kind routeKind) (in *reading, ok bool) {
	gate := s.admission.reads
	follows := kind == routeChanges || kind == routeAllChanges // waits more than it reads
	if gate == nil || follows || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil, true
	}
	if !gate.Enter(r.Context()) {
		s.overloaded(w, r, gate)
		return nil, false
	}
	return &reading{w, gate}, true
}

func (p *reading) leave() {
	if p.gate != nil {
		p.gate.Leave()
		p.gate = nil
	}
}

// WriteHeader implements http.ResponseWriter.
func (p *reading) WriteHeader(status int) {
	p.leave()
	p.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (p *reading) Write(b []byte) (int, error) {
	p.leave()
	return p.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (p *reading) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// shedEvery is how often a server says that it sheds load.
const shedEvery = 10 * time.Second

// shedding counts what was refused since it was last told. The zero value is ready.
type shedding struct {
	mu      sync.Mutex
	told    time.Time
	refused int
}

// note counts a refusal, and returns how many to tell of, 0 for not now.
func (n *shedding) note(now time.Time) (refused int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refused++
	if now.Sub(n.told) < shedEvery {
		return 0
	}
	refused, n.refused, n.told = n.refused, 0, now
	return refused
}

func (s *Server) logShedding(r *http.Request) {
	if n := s.admission.shed.note(time.Now()); n > 0 && s.door.Log != nil {
		s.door.Log.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelWarn, "overloaded: requests are refused with 503",
			slog.Int("sinceLastTold", n), slog.String("method", r.Method))
	}
}
