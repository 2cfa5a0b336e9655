package engine

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/store"
)

// TestParkedInABrokenStore: what cannot be read is not taken for nothing.
func TestParkedInABrokenStore(t *testing.T) {
	broken := errors.New("disk")
	fails := func(at string) func(string, []store.Row) ([]store.Row, error) {
		return func(kind string, rows []store.Row) ([]store.Row, error) {
			if strings.HasPrefix(kind, at) {
				return nil, broken
			}
			return rows, nil
		}
	}
	spoils := func(value string) func(string, []store.Row) ([]store.Row, error) {
		return func(_ string, rows []store.Row) ([]store.Row, error) {
			for i := range rows {
				rows[i].Value = []byte(value)
			}
			return rows, nil
		}
	}
	for _, tt := range []struct {
		name  string
		spoil func(string, []store.Row) ([]store.Row, error)
		parks bool // reads what it takes to park another one
	}{
		{"the rows", fails("parked"), true},
		{"the bodies", fails("parked/"), false},
		{"no JSON", spoils("{"), true},
		{"no pointer", spoils(`{"life":1,"tests":["x"]}`), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, parkingRules, Config{})
			r.must(OpPut, `{"a":1}`)
			r.must(OpPut, `{"a":2}`, "If-Match", `"1"`)
			id := r.parked(`{"a":3}`)
			before := r.dump()
			r.store.spoil = tt.spoil
			var errs []error
			_, one, err := r.engine.OpenConflict(context.Background(), ref, &r.rules, nil, id)
			errs = append(errs, err)
			page, err := r.engine.OpenConflicts(context.Background(), ref, &r.rules, nil, nil, 9)
			errs = append(errs, err)
			_, refusal := r.resolve(id, 2, `{"choices":{"/a":"yours"}}`)
			errs = append(errs, refusal)
			_, refusal = r.discard(id)
			errs = append(errs, refusal)
			if tt.parks {
				_, refusal = r.do(r.intent(OpPut, `{"a":4}`, "If-Match", `"1"`))
				errs = append(errs, refusal)
			}
			for i, err := range errs {
				if r, ok := errors.AsType[*Refusal](err); !ok || r == nil || r.Reason != ReasonInternal {
					t.Errorf("call %d: %v", i, err)
				}
			}
			r.store.spoil = nil
			if one != nil || page != nil || r.dump() != before || len(r.open().Items) != 1 {
				t.Error("something was shown, or written")
			}
		})
	}
}

// TestOpenConflictsDecidedMeanwhile: what is gone by the time its bodies are read is
// left out.
func TestOpenConflictsDecidedMeanwhile(t *testing.T) {
	r := newRig(t, parkingRules, Config{})
	r.must(OpPut, `{"a":1}`)
	r.must(OpPut, `{"a":2}`, "If-Match", `"1"`)
	one, two := r.parked(`{"a":3}`), r.parked(`{"a":4}`)
	r.store.spoil = func(kind string, rows []store.Row) ([]store.Row, error) {
		if kind == kindOfBodies(one) {
			return nil, nil
		}
		return rows, nil
	}
	if items := r.open().Items; len(items) != 1 || items[0].ID != two {
		t.Errorf("open is %+v", items)
	}
	_, _, err := r.engine.OpenConflict(context.Background(), ref, &r.rules, nil, one)
	_, byDecision := r.resolve(one, 2, `{"choices":{"/a":"yours"}}`)
	for _, err := range []error{err, byDecision} {
		if r, ok := errors.AsType[*Refusal](err); !ok || r.Reason != ReasonNotFound {
			t.Errorf("got %v", err)
		}
	}
}
