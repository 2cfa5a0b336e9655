package storetest

import (
	"errors"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

var retentionTests = []test{
	{name: "bodies go by number", run: keepByNumber},
	{name: "bodies go by age", run: keepByAge},
	{name: "the current body stays", run: keepCurrent},
	{name: "everything stays where nothing is said", run: keepAll},
}

// slack is how many versions more than asked for a driver may keep.
const slack = 20

// rewrite writes n more versions of a document under a retention.
func (r *rig) rewrite(ref store.Ref, n int, keep int64, since time.Time) {
	r.Helper()
	for range n {
		h := r.get(ref).Head
		w := r.put(h, bodyf("version %d", h.Next))
		w.Keep, w.KeepSince = keep, since
		r.do(r.commit(w))
	}
}

// kept checks which versions of a document can be read: all from must on, none
// below the slack under it; and that every log row is there all the same.
func (r *rig) kept(ref store.Ref, must int64) {
	r.Helper()
	last := r.get(ref).Version
	for version := int64(1); version <= last; version++ {
		e, err := r.s.Entry(ctx, ref, version)
		switch {
		case version >= must && (err != nil || string(e.Body) != bodyf("version %d", version)):
			r.Errorf("version %d of %d is %+v, error %v, want its body", version, last, e, err)
		case version < must-slack && !errors.Is(err, store.ErrNoEntry):
			r.Errorf("version %d of %d is %+v, error %v, want ErrNoEntry", version, last, e, err)
		}
	}
	if page := r.history(ref, 0, 1000); int64(len(page)) != last {
		r.Errorf("history has %d rows, want %d: rows outlive bodies", len(page), last)
	}
}

func keepByNumber(r *rig) {
	a := ref("a")
	r.rewrite(a, 30, 0, time.Time{})
	r.rewrite(a, 170, 50, time.Time{})
	r.kept(a, 151)
	if r.reopen() {
		r.kept(a, 151)
	}
}

func keepByAge(r *rig) {
	a := ref("a")
	r.rewrite(a, 60, 0, time.Time{})
	r.clock.advance(time.Hour)
	since := r.clock.Now()
	r.rewrite(a, 60, 1000, since)
	r.kept(a, 61)
}

func keepCurrent(r *rig) {
	a := ref("a")
	r.rewrite(a, 40, 1, r.clock.Now().Add(time.Hour))
	r.kept(a, 40)
	if got := string(r.get(a).Body); got != bodyf("version %d", 40) {
		r.Errorf("the current body is %q", got)
	}
}

func keepAll(r *rig) {
	r.rewrite(ref("a"), 100, 0, time.Time{})
	r.kept(ref("a"), 1)
}
