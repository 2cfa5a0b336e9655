package guard_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/guard"
)

// hooked is a store whose calls a test can answer or fail.
type hooked struct {
	*mapStore
	load        func() error
	loadVersion func() error
	swap        func(next func() (bool, error)) (bool, error)
}

func (h *hooked) Load(ctx context.Context, id string) (guard.Document, error) {
	if h.load != nil {
		if err := h.load(); err != nil {
			return guard.Document{}, err
		}
	}
	return h.mapStore.Load(ctx, id)
}

func (h *hooked) LoadVersion(ctx context.Context, id string, version int64) (guard.Document, error) {
	if h.loadVersion != nil {
		if err := h.loadVersion(); err != nil {
			return guard.Document{}, err
		}
	}
	return h.mapStore.LoadVersion(ctx, id, version)
}

func (h *hooked) CompareAndSwap(ctx context.Context, id string, from int64, d guard.Document) (bool, error) {
	next := func() (bool, error) { return h.mapStore.CompareAndSwap(ctx, id, from, d) }
	if h.swap == nil {
		return next()
	}
	return h.swap(next)
}

const secret = "dial tcp 10.1.2.3:5432: password of user app refused"

// TestStoreThatFails checks status and silence: what failed is for the log, not
// for the caller.
func TestStoreThatFails(t *testing.T) {
	broken := func() error { return errors.New(secret) }
	tests := []struct {
		name    string
		fail    func(*hooked)
		method  string
		body    string
		headers []string
		status  int
		slug    string
		outcome string // of Ifmatch-Outcome
	}{
		{"load for a read", func(h *hooked) { h.load = broken }, "GET", "", nil, 500, "internal", ""},
		{"load for a write", func(h *hooked) { h.load = broken }, "PUT", `{}`, []string{"If-Match", `"2"`}, 500, "internal", "rejected"},
		{"load of an earlier version", func(h *hooked) { h.loadVersion = broken }, "PUT", `{}`, []string{"If-Match", `"1"`}, 500, "internal", "rejected"},
		{"swap", func(h *hooked) { h.swap = func(func() (bool, error)) (bool, error) { return false, broken() } },
			"PUT", `{}`, []string{"If-Match", `"2"`}, 503, "outcome-unknown", ""},
		{"swap of a deletion", func(h *hooked) { h.swap = func(func() (bool, error)) (bool, error) { return false, broken() } },
			"DELETE", "", []string{"If-Match", `"2"`}, 503, "outcome-unknown", ""},
		{"swap that is said to have happened", func(h *hooked) { h.swap = func(func() (bool, error)) (bool, error) { return true, broken() } },
			"PUT", `{}`, []string{"If-Match", `"2"`}, 503, "outcome-unknown", ""},
		{"a body that is no JSON", func(h *hooked) { h.versions["1"][1].Body = []byte("secret: " + secret) }, "GET", "", nil, 500, "internal", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := &hooked{mapStore: newMapStore()}
			var log bytes.Buffer
			a := serve(t, h, guard.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			a.must(201, "PUT", "1", `{"n":1}`)
			a.must(200, "PUT", "1", `{"n":2}`, "If-Match", `"1"`)
			swaps := 0
			tt.fail(h)
			if fail := h.swap; fail != nil {
				h.swap = func(next func() (bool, error)) (bool, error) { swaps++; return fail(next) }
			}
			got := a.must(tt.status, tt.method, "1", tt.body, tt.headers...)
			a.is(got, tt.slug)
			if strings.Contains(got.body, "10.1.2.3") || strings.Contains(got.body, "password") {
				t.Errorf("the cause is shown: %s", got.body)
			}
			if !strings.Contains(log.String(), "10.1.2.3") && !strings.Contains(log.String(), "jsonvalue") {
				t.Errorf("the cause is not in the log: %s", log.String())
			}
			if outcome := got.header.Get("Ifmatch-Outcome"); outcome != tt.outcome {
				t.Errorf("outcome %q, want %q", outcome, tt.outcome)
			}
			if h.swap != nil && (swaps != 1 || got.header.Get("Retry-After") == "") {
				t.Errorf("%d swaps, Retry-After %q; want one swap, since a second one could write twice", swaps, got.header.Get("Retry-After"))
			}
			if len(h.versions["1"]) != 2 {
				t.Errorf("%d versions are stored", len(h.versions["1"]))
			}
		})
	}
}

// TestUnknownOutcomeThatHappened is the case for which the answer says to look.
func TestUnknownOutcomeThatHappened(t *testing.T) {
	h := &hooked{mapStore: newMapStore()}
	a := serve(t, h, guard.Options{})
	h.swap = func(next func() (bool, error)) (bool, error) {
		if _, err := next(); err != nil {
			return false, err
		}
		return false, errors.New("the connection broke")
	}
	a.is(a.must(503, "PUT", "1", `{"n":1}`), "outcome-unknown")
	if got := a.must(200, "GET", "1", ""); got.body != `{"n":1}` || got.header.Get("ETag") != `"1"` {
		t.Errorf("%s %s", got.header.Get("ETag"), got.body)
	}
}

// TestLostSwap loses the race between Load and CompareAndSwap.
func TestLostSwap(t *testing.T) {
	tests := []struct {
		name    string
		op      string
		headers []string
		status  int
		tag     string
		stored  string
	}{
		{"a tag is compared with what won", "PUT", []string{"If-Match", `"1"`}, 412, `"2"`, `{"n":1,"rival":1}`},
		{"a patch is applied to what won", "PATCH", nil, 200, `"3"`, `{"n":1,"rival":1,"mine":1}`},
		{"a star holds for what won", "PUT", []string{"If-Match", "*"}, 200, `"3"`, `{"mine":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := &hooked{mapStore: newMapStore()}
			a := serve(t, h, guard.Options{Contract: optional})
			a.must(201, "PUT", "1", `{"n":1}`)
			raced := false
			h.swap = func(next func() (bool, error)) (bool, error) {
				if !raced {
					raced = true
					swapped, err := h.mapStore.CompareAndSwap(t.Context(), "1", 1, guard.Document{Body: []byte(`{"n":1,"rival":1}`), Version: 2})
					if !swapped || err != nil {
						t.Errorf("the rival: %t, %v", swapped, err)
					}
				}
				return next()
			}
			got := a.must(tt.status, tt.op, "1", `{"mine":1}`, tt.headers...)
			if got.header.Get("ETag") != tt.tag {
				t.Errorf("tag %s, want %s", got.header.Get("ETag"), tt.tag)
			}
			if now := a.must(200, "GET", "1", ""); now.body != tt.stored {
				t.Errorf("stored %s, want %s", now.body, tt.stored)
			}
		})
	}
}

// TestDryRunLosesToo checks that a dry run is judged on the state at the moment
// when it would have been written.
func TestDryRunLosesToo(t *testing.T) {
	h := &hooked{mapStore: newMapStore()}
	a := serve(t, h, guard.Options{})
	a.must(201, "PUT", "1", `{"n":1}`)
	loads := 0
	h.load = func() error {
		if loads++; loads == 2 {
			_, err := h.mapStore.CompareAndSwap(t.Context(), "1", 1, guard.Document{Body: []byte(`{"rival":1}`), Version: 2})
			return err
		}
		return nil
	}
	if got := a.must(412, "PUT", "1?dryRun=true", `{"n":2}`, "If-Match", `"1"`); got.header.Get("ETag") != `"2"` {
		t.Errorf("tag %s, want that of the rival", got.header.Get("ETag"))
	}
	if len(h.versions["1"]) != 2 {
		t.Errorf("%d versions are stored", len(h.versions["1"]))
	}
}

// TestSwapThatNeverSucceeds checks that a store that always says no is not asked
// for ever.
func TestSwapThatNeverSucceeds(t *testing.T) {
	h := &hooked{mapStore: newMapStore()}
	a := serve(t, h, guard.Options{Contract: optional})
	a.must(201, "PUT", "1", `{"n":1}`)
	swaps := 0
	h.swap = func(func() (bool, error)) (bool, error) { swaps++; return false, nil }
	got := a.must(503, "PATCH", "1", `{"n":2}`)
	a.is(got, "contended")
	if swaps == 0 || swaps > 100 || got.header.Get("Retry-After") == "" || len(h.versions["1"]) != 1 {
		t.Errorf("%d swaps, Retry-After %q, %d versions", swaps, got.header.Get("Retry-After"), len(h.versions["1"]))
	}
}
