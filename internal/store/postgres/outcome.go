package postgres

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ifmatch/ifmatch/internal/store"
)

// outcome is what ifmatch_commit told of its members: where everything stood on
// which it judged, and whether it carried each of them out.
type outcome struct {
	now       time.Time
	floor     int64                  // of every part
	passed    []bool                 // by member
	was       []state                // by reference
	positions []int64                // by reference
	lanes     []int16                // likewise
	answers   map[int]*store.Answer  // by member
	holders   map[int]string         // by claim
	mismatch  map[int]*collectionSet // by reference
}

// state is where a document stood.
type state struct {
	head    store.Head
	bodyRev int64
	fence   int64 // of the newest lease ever granted
	ours    bool  // it has gone on, by the very commit that asks
}

// collectionSet is what a collection's documents are under.
type collectionSet struct {
	names []string
	whole bool
}

// line is a row that ifmatch_commit returns.
type line struct {
	kind                string
	ord                 int
	rev, version, life  int64
	flag                bool
	at                  int64
	sameSecond          bool
	digest, link        []byte
	position, bodyRev   int64
	text                *string
	fence, until, floor int64
	ours                bool
}

// readOutcome reads what ifmatch_commit returned for a statement.
func readOutcome(rows pgx.Rows, t *statement) (*outcome, error) {
	o := &outcome{
		passed: make([]bool, len(t.commit)), was: make([]state, len(t.member)), positions: make([]int64, len(t.member)), lanes: t.lane,
		answers: make(map[int]*store.Answer), holders: make(map[int]string), mismatch: make(map[int]*collectionSet),
	}
	var l line
	_, err := pgx.ForEachRow(rows, []any{
		&l.kind, &l.ord, &l.rev, &l.version, &l.life, &l.flag, &l.at, &l.sameSecond, &l.digest, &l.link,
		&l.position, &l.bodyRev, &l.text, &l.fence, &l.until, &l.floor, &l.ours,
	}, func() error { return o.take(&l, t) })
	return o, err
}

func (o *outcome) take(l *line, t *statement) error {
	i := l.ord - 1
	switch l.kind {
	case "m":
		o.passed[i], o.now, o.floor = l.flag, time.UnixMicro(l.at).UTC(), l.floor
	case "d":
		ref := store.Ref{Part: store.Part{Collection: t.collection[i], Params: t.params[i]}, ID: t.id[i]}
		o.was[i] = l.state(ref)
	case "p":
		o.positions[i] = l.position
	case "a":
		o.answers[l.ord] = &store.Answer{Digest: digest(l.digest), Content: slices.Clone(l.link), Expires: time.UnixMicro(l.at).UTC()}
	case "c":
		o.holders[i] = *l.text
	case "x":
		o.mismatch[i] = &collectionSet{split(*l.text), l.flag}
	default:
		return fmt.Errorf("postgres: ifmatch_commit returned a row of kind %q", l.kind)
	}
	return nil
}

// split returns the names of indexes that stand in one column.
func split(names string) []string {
	if names == "" {
		return nil
	}
	return strings.Split(names, separator)
}

func (l *line) state(ref store.Ref) state {
	h := store.Head{Ref: ref, Next: max(l.version, l.floor) + 1}
	if l.rev == 0 {
		return state{head: h}
	}
	h.Rev, h.Version, h.Life, h.Deleted = l.rev, l.version, l.life, !l.flag
	h.At, h.SameSecond = time.UnixMicro(l.at).UTC(), l.sameSecond
	h.Digest, h.Link, h.Entries, h.Position = digest(l.digest), slices.Clone(l.link), l.rev, l.position
	if l.text != nil {
		h.Lease = &store.Lease{ID: *l.text, Fence: l.fence, Expires: time.UnixMicro(l.until).UTC()}
	}
	return state{head: h, bodyRev: l.bodyRev, fence: l.fence, ours: l.ours}
}

func digest(b []byte) (d [32]byte) {
	copy(d[:], b)
	return d
}

// answer returns the receipt of a member, or why it was refused. Where several
// refusals apply the order is: idempotency key, stale, lease, natural key.
func (o *outcome) answer(m *member) (store.Receipt, error) {
	if o.passed[m.at.member-1] {
		return o.receipt(m), nil
	}
	for _, judge := range []func(*member) error{o.judgeKey, o.judgeHeads, o.judgeLeases, o.judgeClaims, o.judgeIndexes} {
		if err := judge(m); err != nil {
			return store.Receipt{}, err
		}
	}
	return store.Receipt{}, fmt.Errorf("postgres: ifmatch_commit refused commit %x for no reason that is known", m.commit.ID)
}

// wrote returns where the write i of a member stood.
func (o *outcome) wrote(m *member, i int) *state { return &o.was[m.at.ref+len(m.commit.Checks)+i] }

func (o *outcome) receipt(m *member) store.Receipt {
	var r store.Receipt
	for i := range m.commit.Writes {
		w := &m.commit.Writes[i]
		was := o.wrote(m, i)
		h := w.After(was.head)
		if w.Content != store.ContentTouch {
			h.At = time.UnixMicro(w.At.UnixMicro()).UTC() // as the column has it
		}
		h.Position = o.positions[m.at.ref+len(m.commit.Checks)+i]
		until := time.UnixMicro(o.now.UnixMicro() + w.Lease.TTL.Microseconds()).UTC()
		switch w.Lease.Op {
		case store.LeaseGrant:
			r.Fence = max(was.fence, o.floor) + 1
			h.Lease = &store.Lease{ID: w.Lease.ID, Fence: r.Fence, Expires: until}
		case store.LeaseRenew:
			h.Lease = &store.Lease{ID: w.Lease.ID, Fence: was.fence, Expires: until}
		case store.LeaseRelease:
			h.Lease = nil
		case store.LeaseNone, store.LeaseHeld:
		}
		r.Heads = append(r.Heads, h)
	}
	return r
}

func (o *outcome) judgeKey(m *member) error {
	stored := o.answers[m.at.member]
	switch {
	case stored == nil:
		return nil
	case stored.Digest != m.commit.Key.Digest:
		return store.ErrKeyMismatch
	}
	return &store.ReplayedError{Answer: *stored}
}

func (o *outcome) judgeHeads(m *member) error {
	var stale store.StaleError
	failed := make(map[store.Ref]bool)
	fail := func(h *store.Head) {
		if !failed[h.Ref] {
			failed[h.Ref] = true
			stale.Heads = append(stale.Heads, *h)
		}
	}
	for i := range m.commit.Checks {
		if h := &o.was[m.at.ref+i].head; !m.commit.Checks[i].Fits(h) {
			fail(h)
		}
	}
	for i := range m.commit.Writes {
		if h := &o.wrote(m, i).head; !m.commit.Writes[i].Fits(h) {
			fail(h)
		}
	}
	if stale.Heads != nil {
		return &stale
	}
	for i := range m.commit.Writes {
		if m.commit.Writes[i].At.UnixMicro() < o.wrote(m, i).head.At.UnixMicro() && o.wrote(m, i).head.Rev > 0 {
			return fmt.Errorf("%w: write %d is dated before the version it replaces", store.ErrInvalid, i)
		}
	}
	return nil
}

func (o *outcome) judgeLeases(m *member) error {
	for i := range m.commit.Writes {
		l, lease := &m.commit.Writes[i].Lease, o.wrote(m, i).head.Lease
		alive := lease != nil && o.now.Before(lease.Expires)
		mine := alive && l.Op != store.LeaseNone && lease.ID == l.ID
		switch {
		case !mine && (l.Op == store.LeaseHeld || l.Op == store.LeaseRenew || l.Op == store.LeaseRelease):
			return store.ErrLeaseExpired
		case alive && !mine:
			return &store.LockedError{Ref: m.commit.Writes[i].Ref, Until: lease.Expires}
		}
	}
	return nil
}

// judgeClaims works out who holds what. Releases count before takes.
func (o *outcome) judgeClaims(m *member) error {
	type key struct {
		part        store.Part
		name, value string
	}
	holders := make(map[key]*string)
	for i := range m.commit.Claims {
		cl := &m.commit.Claims[i]
		if id, held := o.holders[m.at.claim+i]; held {
			holders[key{cl.Part, cl.Index, cl.Value}] = &id
		}
	}
	for i := range m.commit.Claims {
		cl := &m.commit.Claims[i]
		k := key{cl.Part, cl.Index, cl.Value}
		if holder := holders[k]; cl.Release && holder != nil && *holder == cl.ID {
			holders[k] = nil
		}
	}
	for i := range m.commit.Claims {
		cl := &m.commit.Claims[i]
		if cl.Release {
			continue
		}
		k := key{cl.Part, cl.Index, cl.Value}
		if holder := holders[k]; holder != nil && *holder != cl.ID {
			return &store.TakenError{Claim: *cl, By: *holder}
		}
		holders[k] = &cl.ID
	}
	return nil
}

func (o *outcome) judgeIndexes(m *member) error {
	first := make(map[string][]string)
	for i := range m.commit.Writes {
		w := &m.commit.Writes[i]
		if w.Content != store.ContentBody {
			continue
		}
		collection, names := w.Ref.Part.Collection, store.Names(w.Keys)
		if set := o.mismatch[m.at.ref+len(m.commit.Checks)+i]; set != nil {
			return set.invalid(collection, names)
		}
		if under, other := first[collection]; other && !slices.Equal(under, names) {
			return (&collectionSet{under, true}).invalid(collection, names)
		}
		first[collection] = names
	}
	return nil
}

// invalid is the error of who asks for what a collection is not under.
func (s *collectionSet) invalid(collection string, names []string) error {
	if !s.whole {
		return fmt.Errorf("%w: the documents of %s are being put under other indexes", store.ErrInvalid, collection)
	}
	return fmt.Errorf("%w: keys in %q of %s, which is under %q", store.ErrInvalid, names, collection, s.names)
}
