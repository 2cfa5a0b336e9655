package engine

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// MaxLease is the longest time to live that a lease is granted or renewed for: who
// crashes with one keeps others out for as long.
const MaxLease = 5 * time.Minute

// Lease is what a holder is told of their lease, and nobody else.
type Lease struct {
	// ID is what the holder sends with every write: 128 random bits, of which a store
	// keeps a digest alone. It is "" in the outcome of a renewal and of a dry run.
	ID      string
	Fence   int64     // one more for every grant on the document
	Expires time.Time // by the store's clock, or a moment before
}

// leases tells of the operations on the document's lease, which leave the document
// as it is.
func (o Op) leases() bool { return o == OpLease || o == OpRenew || o == OpRelease }

// keepsLeases tells whether the store has leases at all.
func (e *Engine) keepsLeases() bool { return e.store.Info().Capabilities.ShortestLease > 0 }

// nameOfLease is what a store knows a lease by. Whoever reads the store, or a copy of
// it, cannot write under a lease for that.
func nameOfLease(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func newLeaseID() string {
	var id [16]byte
	rand.Read(id[:]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// knownLease refuses a write under a lease that cannot be there: on a document that
// never was, or where no leases are kept.
func (w *write) knownLease() error {
	keeps := w.engine.keepsLeases()
	if w.intent.Lease == "" || keeps && w.current.Rev != 0 {
		return nil
	}
	r := &Refusal{Reason: ReasonLeaseExpired, Current: w.current}
	if !keeps {
		r.Detail = "No leases are kept here, so that yours is none of this document. Write without Ifmatch-Lease. Nothing was done."
	}
	return r
}

// underLease is what a write does about the lease of its document: it is made under
// its caller's, or needs the document to be free.
func (w *write) underLease() store.LeaseChange {
	if w.intent.Lease == "" {
		return store.LeaseChange{}
	}
	return store.LeaseChange{Op: store.LeaseHeld, ID: nameOfLease(w.intent.Lease)}
}

// judgeLease judges the lease of a write that comes to no commit, which would judge
// it: what is refused, or changes nothing. Who is locked out is told so before
// anything else. The store is asked, for whether a lease is alive is its clock's to
// say. It fails with errLostRace or a [*Refusal].
func (w *write) judgeLease(ctx context.Context) error {
	head := &w.current.Head
	// A POST that finds its document there already does nothing to that.
	// A CHECK does nothing to any.
	if free := head.Lease == nil || w.intent.posted || w.intent.Op == OpCheck; free && w.intent.Lease == "" || head.Rev == 0 {
		return nil
	}
	touch := w.engine.begin(w.intent)
	touch.Dry, touch.Writes = true, []store.Write{w.declare(touch, &plan{content: store.ContentTouch})}
	if _, err := w.send(context.WithoutCancel(ctx), touch, &plan{content: store.ContentTouch}); err != nil {
		_, err = w.notCommitted(ctx, err)
		return err
	}
	return nil
}

// planLease decides about the lease itself. The conditions of a request are about
// the document, and hold where there are some.
func (w *write) planLease(ctx context.Context, v evaluation) (plan, error) {
	switch {
	case v.Verdict == ifmatch.Fresh:
	case v.Verdict == ifmatch.Missing && w.current.Deleted && w.intent.Op != OpLease && !w.intent.Conditions.IfMatch.Present():
		// Its holder has deleted the document, and keeps the place.
	case v.Verdict == ifmatch.Stale && !w.hasBody():
		return plan{}, errHeadOnly
	case v.Verdict == ifmatch.Stale:
		s, err := w.weigh(ctx, v.base)
		if err != nil {
			return plan{}, err
		}
		return plan{}, w.conflict(ctx, ReasonStale, v, s)
	case v.Verdict == ifmatch.Missing:
		return plan{}, &Refusal{Reason: ReasonNotFound, Current: w.current,
			Detail: "There is no document here, and a lease is on one that is there. To be the only one who creates it, PUT it with If-None-Match: *."}
	default:
		return plan{}, w.refuse(v.Result)
	}
	p := plan{content: store.ContentTouch, lease: w.underLease()}
	switch w.intent.Op {
	case OpRelease:
		p.result, p.lease.Op = Released, store.LeaseRelease
		return p, nil
	case OpRenew:
		p.result, p.lease.Op = Renewed, store.LeaseRenew
	default:
		p.leaseID = newLeaseID()
		p.result, p.lease = Leased, store.LeaseChange{Op: store.LeaseGrant, ID: nameOfLease(p.leaseID)}
	}
	var err error
	p.lease.TTL, err = w.timeToLive()
	return p, err
}

// timeToLive reads what a lease is asked for: {"ttlMs": 5000}, and nothing else.
func (w *write) timeToLive() (time.Duration, error) {
	v, err := jsonvalue.Parse(w.intent.Body, jsonvalue.Limits{Depth: w.engine.limits.Depth})
	if err != nil {
		return 0, w.malformed(err)
	}
	if v.Kind() != jsonvalue.KindObject {
		return 0, w.invalid("A lease is asked for with a JSON object, and this is " + article(v.Kind()) + ".")
	}
	least := max(w.engine.store.Info().Capabilities.ShortestLease, time.Millisecond)
	var faults []Fault
	asked := v.Lookup("ttlMs")
	ttl, err := strconv.ParseInt(asked.Text(), 10, 64)
	if in := ttl >= least.Milliseconds() && ttl <= MaxLease.Milliseconds(); asked.Kind() != jsonvalue.KindNumber || err != nil || !in {
		want := "It is a whole number of milliseconds from " + strconv.FormatInt(least.Milliseconds(), 10) + " to " + strconv.FormatInt(MaxLease.Milliseconds(), 10) + ", written without a fraction or an exponent."
		if asked.IsAbsent() {
			want = "It is missing. " + want
		}
		faults = append(faults, Fault{"/ttlMs", want})
	}
	for _, m := range v.Members() {
		if m.Name != "ttlMs" {
			faults = append(faults, Fault{jsonvalue.Pointer{m.Name}.String(), "A lease has no such member. It is asked for with ttlMs."})
		}
	}
	if faults != nil {
		return 0, &Refusal{Reason: ReasonInvalid, Current: w.current, Faults: faults[:min(len(faults), maxFaults)]}
	}
	return time.Duration(ttl) * time.Millisecond, nil
}

// foretell completes the outcome of a commit whose answer goes into it with what only
// the store knows of a lease: a dry commit tells. The end that it tells is a moment
// before the real one, since that counts from the commit.
func (w *write) foretell(ctx context.Context, c *store.Commit, p *plan, out *Outcome) error {
	if !w.intent.Op.leases() || !w.intent.stores() {
		return nil
	}
	dry := *c
	dry.ID, dry.Dry = w.engine.newID(), true
	receipt, err := w.send(context.WithoutCancel(ctx), &dry, p)
	if err == nil {
		err = w.tellLease(p, &receipt, out)
	}
	return err
}

// tellLease completes an outcome with the lease that a receipt shows. Where a grant of
// unknown outcome was found in the log, the lease may have ended since.
func (w *write) tellLease(p *plan, receipt *store.Receipt, out *Outcome) error {
	if !w.intent.Op.leases() || w.intent.Op == OpRelease {
		return nil
	}
	held := receipt.Heads[0].Lease
	if held == nil || held.ID != p.lease.ID {
		return store.ErrOutcomeUnknown
	}
	out.Lease = &Lease{ID: p.leaseID, Fence: held.Fence, Expires: held.Expires}
	if w.intent.Dry {
		out.Lease.ID = ""
	}
	return nil
}
