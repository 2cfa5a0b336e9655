package protocol_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// TestLeaseIsAskedFor: what cannot be a lease is refused and says what would be.
func TestLeaseIsAskedFor(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"n":1}`)
		a.must(201, "PUT", "/v1/notes/gone", `{"n":1}`)
		a.must(204, "DELETE", "/v1/notes/gone", "", "If-Match", `"1"`)
		for _, id := range []string{"none", "gone"} {
			a.refused(404, "not-found", "POST", "/v1/notes/"+id+"/_lease", `{"ttlMs":5000}`)
		}
		for body, pointer := range map[string]string{
			`{}`: "/ttlMs", `{"ttlMs":0}`: "/ttlMs", `{"ttlMs":-1}`: "/ttlMs", `{"ttlMs":1.5}`: "/ttlMs", `{"ttlMs":5e3}`: "/ttlMs",
			`{"ttlMs":300001}`: "/ttlMs", `{"ttlMs":1e400}`: "/ttlMs", `{"ttlMs":99999999999999999999}`: "/ttlMs", `{"ttlMs":"5000"}`: "/ttlMs",
			`{"ttlMs":null}`: "/ttlMs", `{"ttlMs":true}`: "/ttlMs", `{"ttlMs":5000,"holder":"me"}`: "/holder", `[5000]`: "",
		} {
			p := a.refused(422, "invalid", "POST", leasePath, body)
			if len(p.Faults) != 1 || p.Faults[0].Pointer != pointer {
				t.Errorf("%s: %+v", body, p.Faults)
			}
		}
		a.refused(400, "malformed", "POST", leasePath, `{"ttlMs":5000`)
		a.refused(415, "unsupported-media-type", "POST", leasePath, `{"ttlMs":5000}`, "Content-Type", "text/plain")
		a.refused(400, "malformed", "POST", leasePath, `{"ttlMs":5000}`, "If-Match", "1")
		a.refused(412, "stale", "POST", leasePath, `{"ttlMs":5000}`, "If-Match", `"7"`)
		a.must(200, "PUT", item, `{"n":2}`, "If-Match", `"1"`)
		if p := a.refused(412, "stale", "POST", leasePath, `{"ttlMs":5000}`, "If-Match", `"1"`); p.YourVersion != 1 || p.CurrentEtag != `"2"` {
			t.Errorf("%+v", p)
		}
		before := a.dump()
		got := a.must(201, "POST", leasePath+"?dryRun=true", `{"ttlMs":5000}`)
		if l := a.leaseOf(got); l.Lease != "" || l.Fencing != 1 || a.dump() != before {
			t.Errorf("a dry run answers %s and leaves %s", got.body, a.dump())
		}
		for _, ttl := range []string{"1", "300000"} {
			l := a.leaseOf(a.must(201, "POST", leasePath, `{"ttlMs":`+ttl+`}`, "If-Match", `"2"`, "Prefer", "wait=20"))
			if ttl != "1" {
				a.refused(400, "malformed", "POST", leasePath, `{"ttlMs":5000}`, "Ifmatch-Lease", l.Lease)
				a.refused(422, "invalid", "PUT", leasePath, `{"ttlMs":0}`, "Ifmatch-Lease", l.Lease)
				a.refused(412, "stale", "DELETE", leasePath, "", "Ifmatch-Lease", l.Lease, "If-Match", `"1"`)
				a.refused(423, "locked", "POST", leasePath, `{"ttlMs":5000}`)
			}
		}
	})
}

// TestIfmatchLease: what cannot be read is refused, whatever it was sent with.
func TestIfmatchLease(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"n":1}`)
		a.refused(400, "malformed", "PUT", leasePath, `{"ttlMs":5000}`)
		a.refused(400, "malformed", "DELETE", leasePath, "")
		for _, lines := range [][]string{{"a", "b"}, {"a", "a"}, {" "}, {`""`}, {"a, b"}, {"a;b"}, {`"a";b=1`}, {`"a`}, {"é"}, {strings.Repeat("a", 256)}} {
			headers := []string{"If-Match", `"1"`}
			for _, line := range lines {
				headers = append(headers, "Ifmatch-Lease", line)
			}
			for _, method := range []string{"PUT", "DELETE"} {
				a.refused(400, "malformed", method, leasePath, `{"ttlMs":5000}`, headers...)
				a.refused(400, "malformed", method, item, `{"n":2}`, headers...)
			}
		}
		a.refused(412, "lease-expired", "PUT", item, `{"n":2}`, "If-Match", `"1"`, "Ifmatch-Lease", "none-that-there-is")
	})
}

// TestLeaseUnderAKey: whoever lost the answer gets the lease that was granted, and a
// key of one lease is none for another.
func TestLeaseUnderAKey(t *testing.T) {
	onEveryClock(t, setup{}, func(t *testing.T, a *api, c *clock) {
		a.must(201, "PUT", item, `{"n":1}`)
		first := a.leaseOf(a.once(201, "POST", leasePath, `{"ttlMs":5000}`))
		doc, err := a.store.Get(t.Context(), store.Ref{Part: store.Part{Collection: "notes"}, ID: "1"})
		if err != nil || doc.Lease.Fence != first.Fencing || !doc.Lease.Expires.Equal(first.ExpiresAt) {
			t.Errorf("answered %+v, stored %+v, %v", first, doc.Lease, err)
		}
		a.must(200, "PUT", item, `{"n":2}`, "If-Match", `"1"`, "Ifmatch-Lease", first.Lease)
		const other = "7d02867d-3fd4-42d7-ab82-5783489e8213"
		release := []string{"Idempotency-Key", other, "Ifmatch-Lease", first.Lease}
		a.must(204, "DELETE", leasePath, "", release...)
		a.header(a.must(204, "DELETE", leasePath, "", release...), "Idempotent-Replayed", "true")
		c.set(noon.Add(time.Second))
		second := a.take()
		release[3] = second.Lease
		a.refused(422, "idempotency-mismatch", "DELETE", leasePath, "", release...)
		a.refused(422, "idempotency-mismatch", "PUT", item, `{"n":3}`, append(release, "If-Match", `"2"`)...)
		a.must(200, "PUT", item, `{"n":3}`, "If-Match", `"2"`, "Ifmatch-Lease", second.Lease)
		a.verify()
	})
}

// TestWaitForALease: who waits is answered once the lease is given back, and told so.
func TestWaitForALease(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"n":1}`)
		for _, tt := range []struct {
			method, path, body string
			headers            []string
			status             int
			applied            string
		}{
			{"POST", leasePath, `{"ttlMs":1}`, []string{"Prefer", "wait=20"}, 201, "wait=20"},
			{"PUT", item, `{"n":2}`, []string{"If-Match", `"1"`, "Prefer", "wait=99999999999999999999, return=minimal"}, 204, "return=minimal, wait=20"},
			{"PUT", item, `{"n":2}`, []string{"If-Match", `"1"`, "Prefer", "wait=20"}, 412, ""},
		} {
			held := a.take("Prefer", "wait=20") // the lease before may not have ended
			waiting := make(chan answer)
			go func() {
				got, err := a.send(tt.method, tt.path, tt.body, tt.headers...)
				if err != nil {
					t.Error(err)
				}
				waiting <- got
			}()
			// Whether it has come to wait by now, or comes later and need not: it gets there.
			a.must(204, "DELETE", leasePath, "", "Ifmatch-Lease", held.Lease)
			got := <-waiting
			a.status(got, tt.status)
			if applied := got.header.Get("Preference-Applied"); applied != tt.applied && applied != strings.TrimSuffix(strings.TrimSuffix(tt.applied, "wait=20"), ", ") {
				t.Errorf("%s %s: Preference-Applied is %q", tt.method, tt.path, applied)
			}
		}
		a.take("Prefer", "wait=20")
		for _, wait := range []string{"wait=0", "wait=x", "wait=-1", "wait", "wait=1.5"} {
			a.refused(423, "locked", "PUT", item, `{"n":3}`, "If-Match", `"2"`, "Prefer", wait)
		}
		got := a.refused(423, "locked", "PUT", item, `{"n":3}`, "If-Match", `"2"`, "Prefer", "wait=1")
		if got.RetryAfterMs < 1000 {
			t.Errorf("%+v", got)
		}
	})
}
