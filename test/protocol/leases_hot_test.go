package protocol_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

const (
	crowd = 32 // clients of one hot document
	// patience is how many conflicts a client takes before it asks for a lease.
	patience = 2
)

// hot is a document that a crowd counts up.
type hot struct {
	*api
	granted  atomic.Int64 // leases that were taken by anybody
	advised  atomic.Int64 // conflicts that advised a lease
	slowest  atomic.Int64 // of those who waited for a lease, in nanoseconds
	together atomic.Int64 // what all of them waited
	farthest atomic.Int64 // of them, in leases that others got meanwhile
	crash    float64      // how often a holder does not give its lease back
}

// errAgain: the write was refused, and is to be made anew on what is there now.
var errAgain = errors.New("again")

// count reads the counter and writes one more under what it read.
func (h *hot) count(headers ...string) error {
	read, err := h.send("GET", item, "")
	if err != nil || read.status != 200 {
		return fmt.Errorf("GET: %d, %w", read.status, err)
	}
	n, err := strconv.Atoi(strings.Trim(read.body, `{"n:}`))
	if err != nil {
		return err
	}
	got, err := h.send("PUT", item, fmt.Sprintf(`{"n":%d}`, n+1), append(headers, "If-Match", read.header.Get("ETag"))...)
	switch {
	case err != nil:
		return err
	case got.status == 200:
		return nil
	case got.status == 412 || got.status == 423:
		if strings.Contains(got.body, `"advice":"lease"`) {
			h.advised.Add(1)
		}
		return errAgain
	}
	return fmt.Errorf("PUT: %d %s", got.status, got.body)
}

// holding counts once under a lease, waiting for it in line.
func (h *hot) holding(ttl string) error {
	before, began := h.granted.Load(), time.Now()
	got, err := h.send("POST", leasePath, `{"ttlMs":`+ttl+`}`, "Prefer", "wait=20")
	if err != nil {
		return err
	}
	if got.status == 423 { // the line is longer than a wait may be
		return errAgain
	}
	if got.status != 201 {
		return fmt.Errorf("POST: %d %s", got.status, got.body)
	}
	atMost(&h.farthest, h.granted.Add(1)-before-1)
	waited := int64(time.Since(began))
	h.together.Add(waited)
	atMost(&h.slowest, waited)
	id := h.leaseOf(got).Lease
	if rand.Float64() < h.crash {
		return errAgain // gone, and back without its memory
	}
	if err := h.count("Ifmatch-Lease", id); err != nil {
		return err
	}
	if got, err = h.send("DELETE", leasePath, "", "Ifmatch-Lease", id); err == nil && got.status != 204 && got.status != 412 {
		err = fmt.Errorf("DELETE: %d %s", got.status, got.body)
	}
	return err
}

func atMost(largest *atomic.Int64, n int64) {
	for {
		is := largest.Load()
		if n <= is || largest.CompareAndSwap(is, n) {
			return
		}
	}
}

// crowded has a crowd of clients count up, each so many times, without a lease until
// they have lost too often.
func (h *hot) crowded(each int, ttl string) {
	h.t.Helper()
	h.must(201, "PUT", item, `{"n":0}`)
	var clients sync.WaitGroup
	for range crowd {
		clients.Go(func() {
			for range each {
				err := errAgain
				for lost := 0; errors.Is(err, errAgain); lost++ {
					if lost < patience {
						err = h.count()
					} else {
						err = h.holding(ttl)
					}
				}
				if err != nil {
					h.t.Error(err)
					return
				}
			}
		})
	}
	clients.Wait()
	h.header(h.must(200, "GET", item, ""), "ETag", fmt.Sprintf(`"%d"`, crowd*each+1))
	h.body(h.must(200, "GET", item, ""), fmt.Sprintf(`{"n":%d}`, crowd*each))
	h.verify()
}

// TestHotDocument: everybody in a crowd gets done. In its long form, whoever asks for a
// lease has it after three times as many others as there are at most.
func TestHotDocument(t *testing.T) {
	onEveryStoreAlone(t, setup{}, func(t *testing.T, a *api) {
		h := &hot{api: a}
		h.crowded(scaled(40), "60000")
		t.Logf("%d leases, %d times advised; the longest wait was %s, the mean %s; for %d leases of others, of whom there are %d",
			h.granted.Load(), h.advised.Load(), time.Duration(h.slowest.Load()), time.Duration(h.together.Load()/max(h.granted.Load(), 1)), h.farthest.Load(), crowd-1)
		if n := h.granted.Load(); n < crowd {
			t.Errorf("only %d leases were taken: nothing was tested", n)
		}
		// A client that the machine lets wait between looking and asking counts too many, so
		// that this is for a machine that does nothing else. The order itself is tested where
		// arrivals have one.
		if n := h.farthest.Load(); long() && n > 3*(crowd-1) {
			t.Errorf("somebody has waited for %d leases of others, of whom there are %d", n, crowd-1)
		}
	})
}

// TestHoldersCrash: leases that nobody gives back end by themselves, and the crowd gets
// done all the same.
func TestHoldersCrash(t *testing.T) {
	onEveryStoreAlone(t, setup{}, func(t *testing.T, a *api) {
		h := &hot{api: a, crash: 0.2}
		h.crowded(scaled(20), "20")
		t.Logf("%d leases; the longest wait was %s", h.granted.Load(), time.Duration(h.slowest.Load()))
	})
}

// TestLeaseIsAdvised: a stale write of a document that somebody waits for is told to
// take a lease, in its turn.
func TestLeaseIsAdvised(t *testing.T) {
	onEveryStore(t, setup{faulty: true}, func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"n":1}`)
		a.must(200, "PUT", item, `{"n":2}`, "If-Match", `"1"`)
		stale := func() problem {
			return a.isProblem(a.do("PATCH", item, `{"m":3}`, "If-Match", `"1"`), 412, "stale", "PATCH", item)
		}
		if p := stale(); p.Advice != "retry" {
			t.Errorf("alone: %s", p.Advice)
		}
		held := a.take()
		tried := make(chan struct{}, 100)
		a.faults.onCommit(func(c *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
			receipt, err := next()
			if _, locked := errors.AsType[*store.LockedError](err); locked {
				tried <- struct{}{}
			}
			return receipt, err
		})
		waiting := make(chan answer)
		go func() {
			got, err := a.send("POST", leasePath, `{"ttlMs":60000}`, "Prefer", "wait=20")
			if err != nil {
				t.Error(err)
			}
			waiting <- got
		}()
		<-tried
		<-tried // the second time from its place in the line
		got := a.isProblem(a.do("PATCH", item, `{"m":3}`, "If-Match", `"1"`, "Ifmatch-Lease", held.Lease), 412, "stale", "PATCH", item)
		if got.Advice != "lease" || got.RetryAfterMs == 0 {
			t.Errorf("while somebody waits: %+v", got)
		}
		a.must(204, "DELETE", leasePath, "", "Ifmatch-Lease", held.Lease)
		a.status(<-waiting, 201)
	})
}
