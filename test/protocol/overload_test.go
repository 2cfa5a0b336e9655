package protocol_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/store"
)

// jam holds every commit back until it is opened.
type jam struct {
	api     *api
	stopped chan struct{} // a commit has come
	release func()
}

func newJam(a *api) *jam {
	open := make(chan struct{})
	j := &jam{a, make(chan struct{}, 1000), sync.OnceFunc(func() { close(open) })}
	a.faults.onCommit(func(_ *store.Commit, commit func() (store.Receipt, error)) (store.Receipt, error) {
		j.stopped <- struct{}{}
		<-open
		return commit()
	})
	return j
}

// TestOverload: more writes than there is room for are refused with 503, which changes
// nothing and uses no key up. What was admitted is carried out once each, and when the
// crowd is gone everything is taken again.
func TestOverload(t *testing.T) {
	const places, crowd = 3, 40
	onEveryStore(t, setup{faulty: true, admission: httpapi.Admission{Writes: places, Reads: places}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", kept, `{"n":1}`)
		a.must(200, "PUT", kept, `{"n":2}`, "If-Match", `"1"`)
		before := a.everything()
		j := newJam(a)
		defer j.release()
		answers := make(chan answer, crowd)
		var admitted sync.WaitGroup
		for i := range crowd {
			admitted.Go(func() {
				got, err := a.send("PUT", fmt.Sprintf("/v1/notes/%d", i), fmt.Sprintf(`{"i":%d}`, i), "Idempotency-Key", crowdKey(i))
				if err != nil {
					t.Error(err)
				}
				answers <- got
			})
		}
		for range places {
			<-j.stopped
		}
		// All the others are refused, those that wait for a place too: nobody leaves.
		for range crowd - places {
			got := <-answers
			a.isProblem(got, 503, "overloaded", "PUT", a.problem(got).Resource)
			a.saysWhen(got)
		}
		if after := a.everything(); after != before {
			t.Errorf("what was refused has left something behind:\n%s\nbefore:\n%s", after, before)
		}
		a.must(200, "GET", "/healthz", "")
		a.must(200, "GET", "/readyz", "")
		j.release()
		for range places {
			if got := <-answers; got.status != 201 || got.header.Get("ETag") != `"1"` {
				t.Errorf("what was admitted is answered %d %v", got.status, got.header)
			}
		}
		admitted.Wait()
		a.faults.onCommit(nil)
		there := 0
		for i := range crowd {
			path := fmt.Sprintf("/v1/notes/%d", i)
			if a.do("GET", path, "").status == 200 {
				there++
				continue
			}
			if answer, err := a.store.Answer(t.Context(), " notes/", crowdKey(i)); !errors.Is(err, store.ErrNoEntry) {
				t.Errorf("the key of a refused write is used up: %+v, %v", answer, err)
			}
			a.must(201, "PUT", path, fmt.Sprintf(`{"i":%d}`, i), "Idempotency-Key", crowdKey(i))
		}
		if there != places {
			t.Errorf("%d documents are there, want those of the %d that were admitted", there, places)
		}
		a.verify()
	})
}

func crowdKey(i int) string { return bareKey + strconv.Itoa(i) }

// saysWhen checks that an answer tells when to come back, in the header and in the
// problem.
func (a *api) saysWhen(got answer) {
	a.t.Helper()
	a.header(got, "Ifmatch-Outcome", "rejected")
	seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
	if ms := a.problem(got).RetryAfterMs; err != nil || seconds < 1 || seconds > 3 || ms < 1000 || ms > 3000 {
		a.t.Errorf("Retry-After: %s, retryAfterMs: %d", got.header.Get("Retry-After"), ms)
	}
}

// TestWaitsTakeNoPlace: more may wait than may be under way at a time:  for a
// lease, for a change and for content that is slow to arrive.
func TestWaitsTakeNoPlace(t *testing.T) {
	const places, crowd = 8, 12 // who comes at once finds a place in the queue
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional}, admission: httpapi.Admission{Writes: places, Reads: places}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", kept, `{"n":1}`)
		held := a.leaseOf(a.must(201, "POST", kept+"/_lease", `{"ttlMs":60000}`))
		var waiting sync.WaitGroup
		defer waiting.Wait()
		for i := range crowd {
			waiting.Go(func() {
				got, err := a.send("PUT", kept, fmt.Sprintf(`{"waited":%d}`, i), "Prefer", "wait=20")
				if err != nil || got.status != 200 {
					t.Errorf("who waited for the lease is answered %d, %v: %s", got.status, err, got.body)
				}
			})
			waiting.Go(func() {
				got, err := a.send("GET", "/v1/others/_changes?since=now", "", "Prefer", "wait=20")
				if err != nil || got.status != 200 {
					t.Errorf("who waited for a change is answered %d, %v: %s", got.status, err, got.body)
				}
			})
		}
		slow := make([]net.Conn, crowd)
		for i := range slow {
			slow[i] = a.dial()
			a.write(slow[i], fmt.Sprintf("PUT /v1/slow/%d HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"n\"", i))
		}
		for i := range 50 {
			a.must(201, "PUT", fmt.Sprintf("/v1/notes/%d", i), `{}`)
			a.must(200, "GET", fmt.Sprintf("/v1/notes/%d", i), "")
		}
		for _, conn := range slow {
			a.write(conn, ":1}")
			a.status(a.read(conn, "PUT"), 201)
		}
		a.must(204, "DELETE", kept+"/_lease", "", "Ifmatch-Lease", held.Lease)
		a.must(201, "PUT", "/v1/others/1", `{}`)
		for ended := waited(&waiting); ; {
			select {
			case <-ended:
				a.verify()
				return
			case <-time.After(time.Millisecond): // the feed is asked with since=now, which may have been after the change
				a.must(201, "POST", "/v1/others", `{}`)
			}
		}
	})
}

func (a *api) dial() net.Conn {
	a.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.url, "http://"))
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (a *api) write(conn net.Conn, text string) {
	a.t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		a.t.Fatal(err)
	}
}

// waited returns what is closed when all have ended.
func waited(all *sync.WaitGroup) <-chan struct{} {
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	return ended
}

// TestKeyWaitsTakeNoPlace: a request that waits for another one under its key does not
// keep others out either.
func TestKeyWaitsTakeNoPlace(t *testing.T) {
	const places, crowd = 8, 12
	onEveryStore(t, setup{faulty: true, keyWait: time.Minute, admission: httpapi.Admission{Writes: places}}, func(t *testing.T, a *api) {
		j := newJam(a)
		var under sync.WaitGroup
		defer under.Wait()
		defer j.release()
		send := func() {
			under.Go(func() {
				if got, err := a.send("PUT", kept, `{"n":1}`, "Idempotency-Key", bareKey); err != nil || got.status != 201 {
					t.Errorf("%d, %v: %s", got.status, err, got.body)
				}
			})
		}
		send()
		<-j.stopped
		for range crowd {
			send()
		}
		for i := range 50 {
			a.must(404, "DELETE", fmt.Sprintf("/v1/notes/none-%d", i), "", "If-Match", "*")
		}
		j.release()
		under.Wait()
		a.verify()
	})
}
