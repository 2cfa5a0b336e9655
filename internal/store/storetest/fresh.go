package storetest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ifmatch/ifmatch/internal/store"
)

// smallCache holds some of the documents that a test works on, never all.
const smallCache = 16 << 10

var freshTests = []test{
	{name: "every receipt shows at once", run: receiptShows},
	{name: "every receipt shows at once, through eviction", run: receiptShows, cache: smallCache},
	{name: "readers never go back", run: readersNeverGoBack},
	{name: "readers never go back, through eviction", run: readersNeverGoBack, cache: smallCache},
	{name: "a document many times the cache", run: largerThanCache, cache: smallCache},
}

var padding = strings.Repeat("x", 1000)

// receiptShows reads in every way right after each commit.
func receiptShows(r *rig) {
	for i := range 120 {
		ref := ref(fmt.Sprintf("%02d", i*7%40))
		var h store.Head
		switch {
		case i%5 == 4 && r.get(ref).Exists():
			h = r.drop(ref)
		case i%7 == 6 && r.get(ref).Rev > 0:
			h = r.brush(ref)
		default:
			h = r.save(ref, bodyf("%d %s", i, padding))
		}
		r.same("Get after the receipt", headLine(r.get(ref).Head), headLine(h))
		if page := r.history(ref, 0, 1); len(page) != 1 || page[0].Rev != h.Rev {
			r.Errorf("History after the receipt of rev %d is %v", h.Rev, page)
		}
		if e, err := r.s.Entry(ctx, ref, h.Version); err != nil || e.Digest != h.Digest && !h.Deleted {
			r.Errorf("Entry of version %d after its receipt is %+v, error %v", h.Version, e, err)
		}
		page := r.list(part("things"), "", 100)
		listed := false
		for _, d := range page.Documents {
			listed = listed || d.Ref == ref && d.Rev == h.Rev
		}
		if page.Head < h.Position || listed == h.Deleted {
			r.Errorf("List after the receipt of position %d has head %d; listed: %t, deleted: %t", h.Position, page.Head, listed, h.Deleted)
		}
		if r.Failed() {
			return
		}
	}
}

// readersNeverGoBack has readers beside writers. What a reader asks for after a
// commit returned is at least as new as its receipt.
func readersNeverGoBack(r *rig) {
	const documents, rounds = 12, 25
	refs := make([]store.Ref, documents)
	acked := make([]atomic.Int64, documents) // rev of the newest receipt
	var position atomic.Int64                // of the newest receipt
	for i := range refs {
		refs[i] = ref(fmt.Sprintf("%02d", i))
		acked[i].Store(r.save(refs[i], "0").Rev)
	}
	var writing, reading sync.WaitGroup
	done := make(chan struct{})
	for w := range 3 {
		writing.Go(func() {
			for i := range rounds * documents / 3 {
				at := i%(documents/3)*3 + w // each document has one writer
				c := r.attempt(refs[at])
				if c == nil {
					return
				}
				receipt, err := r.s.Commit(ctx, c)
				if err != nil {
					r.Errorf("Commit of %s: %v", commitLine(c), err)
					return
				}
				acked[at].Store(receipt.Heads[0].Rev)
				raise(&position, receipt.Heads[0].Position)
			}
		})
	}
	for k := range 3 {
		reading.Go(func() {
			for i := k; !r.Failed(); i++ {
				r.checkFresh(refs[i%documents], &acked[i%documents], &position)
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	writing.Wait()
	close(done)
	reading.Wait()
}

func raise(v *atomic.Int64, to int64) {
	for old := v.Load(); old < to && !v.CompareAndSwap(old, to); old = v.Load() {
	}
}

// checkFresh may run beside the test.
func (r *rig) checkFresh(ref store.Ref, acked, position *atomic.Int64) {
	least, leastPosition := acked.Load(), position.Load()
	d, err := r.s.Get(ctx, ref)
	if err != nil || d.Rev < least {
		r.Errorf("Get shows rev %d after the receipt of %d, error %v", d.Rev, least, err)
		return
	}
	// What was read holds for everything that is asked from now on.
	page, err := r.s.List(ctx, ref.Part, store.ListQuery{Limit: 100})
	if err != nil || page.Head < leastPosition || page.Head < d.Position {
		r.Errorf("List has head %d after a receipt of %d and a read of %d, error %v", page.Head, leastPosition, d.Position, err)
		return
	}
	for _, listed := range page.Documents {
		if listed.Ref == ref && listed.Rev < d.Rev {
			r.Errorf("List shows rev %d after Get showed %d", listed.Rev, d.Rev)
		}
		if listed.Ref == ref {
			d = listed
		}
	}
	rows, err := r.s.History(ctx, ref, 0, 1)
	if err != nil || len(rows) != 1 || rows[0].Rev < d.Rev {
		r.Errorf("History shows %v after a read of rev %d, error %v", rows, d.Rev, err)
		return
	}
	again, err := r.s.Get(ctx, ref)
	if err != nil || again.Rev < rows[0].Rev {
		r.Errorf("Get shows rev %d after History showed %d, error %v", again.Rev, rows[0].Rev, err)
	}
}

func largerThanCache(r *rig) {
	big := strings.Repeat(padding, 100)
	for i := range 5 {
		h := r.save(ref("big"), bodyf("%d %s", i, big))
		d := r.get(ref("big"))
		r.same("the document", headLine(d.Head), headLine(h))
		if string(d.Body) != bodyf("%d %s", i, big) {
			r.Errorf("round %d: another body came back", i)
		}
	}
}
