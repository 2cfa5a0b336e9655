// Package admission decides who may go on: how much each caller may ask for, and how
// much may be under way at once. It keeps no more state than it is given room for,
// however many callers there are.
package admission

import (
	"net/netip"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

// maxCallers bounds the callers that are counted. Each takes about 250 bytes.
const maxCallers = 1 << 16

// Caller is whom a rate is counted for: a principal, or an address where nobody says
// who they are.
type Caller struct {
	Name    string
	Network netip.Prefix
}

// Anonymous returns the caller behind an address. With IPv6 that is the network of 64
// bits around it, all of which one customer has.
func Anonymous(addr netip.Addr) Caller {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	// It fails for the zero address alone, who is one caller too.
	network, _ := addr.Prefix(bits)
	return Caller{Network: network}
}

// Rates bounds how much each caller may ask for: a burst at once, and as much again in
// every so long, evenly (a token bucket). It is safe for concurrent use.
type Rates struct {
	callers *otter.Cache[Caller, *rate.Limiter]
	every   rate.Limit
	burst   int
}

// NewRates returns rates of burst requests, more than 0, in every per.
func NewRates(burst int, per time.Duration) *Rates { return newRates(burst, per, maxCallers) }

func newRates(burst int, per time.Duration, room int) *Rates {
	callers := otter.Must(&otter.Options[Caller, *rate.Limiter]{
		MaximumSize: room,
		Executor:    func(task func()) { task() },
	})
	return &Rates{callers: callers, every: rate.Limit(float64(burst) / per.Seconds()), burst: burst}
}

// Take counts n requests of a caller, and returns 0; n above the burst counts as the
// burst, or they could never be made. Where the caller has asked for too much already
// nothing is counted, and it returns how long to wait before the same can be asked for.
//
// Callers that come seldom are forgotten where there are too many. Who is forgotten
// begins anew.
func (r *Rates) Take(c Caller, n int, now time.Time) (wait time.Duration) {
	l, n := r.limiter(c), min(n, r.burst)
	if l.AllowN(now, n) {
		return 0
	}
	return max(r.until(l, n, now), 1)
}

// Wait returns what [Rates.Take] would, and counts nothing.
func (r *Rates) Wait(c Caller, n int, now time.Time) time.Duration {
	return max(r.until(r.limiter(c), min(n, r.burst), now), 0)
}

func (r *Rates) limiter(c Caller) *rate.Limiter {
	l, known := r.callers.GetIfPresent(c)
	if !known {
		l, _ = r.callers.SetIfAbsent(c, rate.NewLimiter(r.every, r.burst))
	}
	return l
}

// until returns how long it takes until n can be taken, not more than 0 for now.
func (r *Rates) until(l *rate.Limiter, n int, now time.Time) time.Duration {
	missing := float64(n) - l.TokensAt(now)
	return time.Duration(missing / float64(r.every) * float64(time.Second))
}
