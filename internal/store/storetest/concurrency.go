package storetest

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/ifmatch/ifmatch/internal/store"
)

var concurrencyTests = []test{
	{name: "writers on one counter", run: oneCounter},
	{name: "crossing batches", run: crossingBatches},
	{name: "transfers keep the sum", run: transfers},
	{name: "one key from many sides", run: oneKey},
	{name: "one claim from many sides", run: oneClaim},
	{name: "one lease from many sides", run: oneLease},
	{name: "no write skew", run: writeSkew},
}

const writers = 8

// oneCounter adds one under compare-and-swap until every writer has had enough.
func oneCounter(r *rig) {
	r.save(ref("n"), "0")
	var receipts atomic.Int64
	var mu sync.Mutex
	winner := make(map[int64]store.ID)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range 40 {
				d, err := r.s.Get(ctx, ref("n"))
				if err != nil {
					r.Errorf("Get: %v", err)
					return
				}
				n, err := strconv.Atoi(string(d.Body))
				if err != nil {
					r.Errorf("the counter is %q", d.Body)
					return
				}
				c := r.commit(r.put(d.Head, strconv.Itoa(n+1)))
				receipt, err := r.s.Commit(ctx, c)
				if isA[*store.StaleError](err) {
					continue
				}
				if err != nil {
					r.Errorf("Commit: %v", err)
					return
				}
				receipts.Add(1)
				mu.Lock()
				if other, ok := winner[receipt.Heads[0].Rev]; ok {
					r.Errorf("rev %d went to %x and %x", receipt.Heads[0].Rev, other, c.ID)
				}
				winner[receipt.Heads[0].Rev] = c.ID
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	d := r.get(ref("n"))
	if want := strconv.FormatInt(receipts.Load(), 10); string(d.Body) != want || d.Rev != receipts.Load()+1 {
		r.Errorf("the counter is %s at rev %d, %s receipts were given", d.Body, d.Rev, want)
	}
}

// crossingBatches has commits that touch the same documents in opposite orders.
// It fails by not returning where a driver deadlocks.
func crossingBatches(r *rig) {
	refs := []store.Ref{ref("a"), ref("b"), ref("c"), ref("d")}
	if r.s.Info().Capabilities.CrossPart {
		refs[1], refs[3] = in(part("others"), "b"), in(part("afar"), "d")
	}
	var won atomic.Int64
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range 15 {
				var mine []store.Ref
				for k := range refs {
					at := (k + w + i) % len(refs)
					if w%2 == 1 {
						at = len(refs) - 1 - at
					}
					mine = append(mine, refs[at])
				}
				c := r.attempt(mine[:3]...)
				if c == nil {
					return
				}
				last, err := r.s.Get(ctx, mine[3])
				if err != nil {
					r.Errorf("Get: %v", err)
					return
				}
				c.Checks = []store.Check{{Ref: mine[3], Rev: last.Rev}}
				if _, err := r.s.Commit(ctx, c); err == nil {
					won.Add(1)
				} else if !isA[*store.StaleError](err) {
					r.Errorf("Commit of %s: %v", commitLine(c), err)
				}
			}
		})
	}
	r.wait(async("crossing batches", func(*pending) { wg.Wait() }))
	var revs int64
	for _, ref := range refs {
		revs += r.get(ref).Rev
	}
	if revs != 3*won.Load() || won.Load() == 0 {
		r.Errorf("%d commits of 3 writes made %d revs", won.Load(), revs)
	}
}

// transfers move between accounts while lists watch the sum.
func transfers(r *rig) {
	const accounts = 4
	for i := range accounts {
		r.save(ref(strconv.Itoa(i)), "100")
	}
	sum := func() (total int) {
		page, err := r.s.List(ctx, part("things"), store.ListQuery{Limit: accounts})
		if err != nil {
			r.Errorf("List: %v", err)
		}
		for _, d := range page.Documents {
			n, err := strconv.Atoi(string(d.Body))
			if err != nil {
				r.Errorf("an account holds %q", d.Body)
			}
			total += n
		}
		return total
	}
	var movers, watcher sync.WaitGroup
	done := make(chan struct{})
	watcher.Go(func() {
		for {
			if total := sum(); total != accounts*100 && r.s.Info().Capabilities.SnapshotReads {
				r.Errorf("a list saw a sum of %d, want %d", total, accounts*100)
				return
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for w := range writers {
		movers.Go(func() {
			for i := range 20 {
				r.transfer(ref(strconv.Itoa((w+i)%accounts)), ref(strconv.Itoa((w+i+1+i%(accounts-1))%accounts)))
			}
		})
	}
	movers.Wait()
	close(done)
	watcher.Wait()
	if total := sum(); total != accounts*100 {
		r.Errorf("the sum is %d, want %d", total, accounts*100)
	}
}

// transfer moves one from an account to another, unless somebody else is faster.
func (r *rig) transfer(from, to store.Ref) {
	c := r.commit()
	for ref, by := range map[store.Ref]int{from: -1, to: 1} {
		d, err := r.s.Get(ctx, ref)
		if err != nil {
			r.Errorf("Get: %v", err)
			return
		}
		n, err := strconv.Atoi(string(d.Body))
		if err != nil {
			r.Errorf("an account holds %q", d.Body)
			return
		}
		c.Writes = append(c.Writes, r.put(d.Head, strconv.Itoa(n+by)))
	}
	if _, err := r.s.Commit(ctx, c); err != nil && !isA[*store.StaleError](err) {
		r.Errorf("Commit: %v", err)
	}
}

// race runs one commit in each of several goroutines and counts the outcomes.
func (r *rig) race(build func(i int) *store.Commit) (receipts []store.Receipt, errs []error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range writers {
		c := build(i)
		wg.Go(func() {
			<-start
			receipt, err := r.s.Commit(ctx, c)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
			} else {
				receipts = append(receipts, receipt)
			}
		})
	}
	close(start)
	wg.Wait()
	return receipts, errs
}

// oneWinner fails unless exactly one commit won and all others lost as lost says.
func (r *rig) oneWinner(receipts []store.Receipt, errs []error, lost func(error) bool) {
	r.Helper()
	if len(receipts) != 1 {
		r.Errorf("%d commits won, want 1", len(receipts))
	}
	for _, err := range errs {
		if !lost(err) {
			r.Errorf("a commit lost by %v", err)
		}
	}
}

func oneKey(r *rig) {
	for round := range 5 {
		id := fmt.Sprintf("a%d", round)
		receipts, errs := r.race(func(int) *store.Commit {
			return r.keyed(id, id, "request", "answer")
		})
		r.oneWinner(receipts, errs, isA[*store.ReplayedError])
	}
}

func oneClaim(r *rig) {
	for round := range 5 {
		receipts, errs := r.race(func(i int) *store.Commit {
			id := fmt.Sprintf("%d/%d", round, i)
			return r.claiming(id, take(fmt.Sprintf("value %d", round), id))
		})
		r.oneWinner(receipts, errs, isA[*store.TakenError])
	}
}

// oneLease has every writer ask for the lease at the rev that all of them read.
func oneLease(r *rig) {
	r.save(ref("a"), "1")
	for round := range 5 {
		h := r.get(ref("a")).Head
		receipts, errs := r.race(func(i int) *store.Commit {
			return r.leased(r.touch(h), store.LeaseGrant, fmt.Sprintf("l%d/%d", round, i), 1<<30)
		})
		r.oneWinner(receipts, errs, func(err error) bool { return isA[*store.StaleError](err) || isA[*store.LockedError](err) })
		if len(receipts) == 1 {
			l := receipts[0].Heads[0].Lease
			r.do(r.leased(r.touch(receipts[0].Heads[0]), store.LeaseRelease, l.ID, 0))
		}
	}
}

// writeSkew has pairs of commits of which each checks what the other writes.
func writeSkew(r *rig) {
	for round := range 10 {
		a, b := r.save(ref("a"), bodyf("%d", round)), r.save(ref("b"), bodyf("%d", round))
		receipts, errs := r.race(func(i int) *store.Commit {
			written, checked := a, b
			if i%2 == 1 {
				written, checked = b, a
			}
			c := r.commit(r.put(written, bodyf("%d", i)))
			c.Checks = []store.Check{{Ref: checked.Ref, Rev: checked.Rev}}
			return c
		})
		r.oneWinner(receipts, errs, isA[*store.StaleError])
	}
}
