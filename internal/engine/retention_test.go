package engine

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// TestRetention checks which versions count as kept: a tag of one that is not is
// refused, without an explanation and without a strategy, whether the store has
// dropped it yet or not.
func TestRetention(t *testing.T) {
	tests := []struct {
		name    string
		keep    int64
		keepFor time.Duration
		kept    []bool // of versions 1 to 4, written an hour apart; the last is current
	}{
		{"everything", 0, 0, []bool{true, true, true, true}},
		{"four", 4, 0, []bool{true, true, true, true}},
		{"two", 2, 0, []bool{false, false, true, true}},
		{"the current one", 1, 0, []bool{false, false, false, true}},
		{"two hours, since they were superseded", 0, 2 * time.Hour, []bool{false, true, true, true}},
		{"a minute: the current one stays", 0, time.Minute, []bool{false, false, false, true}},
		{"three, of an hour at most", 3, time.Hour, []bool{false, false, true, true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { retains(t, tt.keep, tt.keepFor, tt.kept, false) })
		t.Run(tt.name+", lazily", func(t *testing.T) { retains(t, tt.keep, tt.keepFor, tt.kept, true) })
	}
}

func retains(t *testing.T, keep int64, keepFor time.Duration, kept []bool, lazily bool) {
	now := noon
	rules := Rules{Allow: []Strategy{StrategyOverwrite}, Keep: keep, KeepFor: keepFor}
	r := newRig(t, rules, Config{Now: func() time.Time { return now }})
	if lazily {
		r.store.onCommit(func(c *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
			c.Writes[0].Keep, c.Writes[0].KeepSince = 0, time.Time{}
			return next()
		})
	}
	for version := range kept {
		now = noon.Add(time.Duration(version) * time.Hour)
		if version == 0 {
			r.must(OpPut, `{"n":1}`)
		} else {
			r.must(OpPut, fmt.Sprintf(`{"n":%d}`, version+1), "If-Match", fmt.Sprintf(`"%d"`, version))
		}
	}
	now = now.Add(5 * time.Minute)
	for i, kept := range kept[:len(kept)-1] {
		tag := fmt.Sprintf(`"%d"`, i+1)
		if c := r.refused(ReasonStale, r.intent(OpPut, `{}`, "If-Match", tag)).Conflict; kept != (c != nil) {
			t.Errorf("the tag %s is explained: %t, want %t", tag, c != nil, kept)
		}
		if !kept {
			r.refused(ReasonStale, r.intent(OpPut, `{}`, "If-Match", tag, "Prefer", "overwrite"))
		}
	}
	for i, kept := range kept {
		version := int64(i + 1)
		entry, err := r.engine.Version(t.Context(), ref, &r.rules, nil, version)
		if kept != (err == nil) || kept && string(entry.Body) != fmt.Sprintf(`{"n":%d}`, version) {
			t.Errorf("version %d: %v, want kept: %t", version, err, kept)
		}
	}
	if rows, _, err := r.engine.History(t.Context(), ref, &r.rules, nil, 0, 10); err != nil || len(rows) != len(kept) {
		t.Errorf("%d rows of history, %v; the rows stay where the bodies go", len(rows), err)
	}
	r.verified()
}

// TestRetentionOfWhatIsBehind: the newest durable version is kept, also while those
// that supersede it are on their way to be durable.
func TestRetentionOfWhatIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrderedRig(t, Rules{OnStale: StrategyMerge, KeepFor: time.Hour})
		answers := r.together(
			r.intent(OpMergePatch, `{"a":1}`, "If-Match", `"1"`),
			r.intent(OpMergePatch, `{"b":1}`, "If-Match", `"1"`),
			r.intent(OpMergePatch, `{"c":1}`, "If-Match", `"1"`),
		)
		r.ordered.flush()
		synctest.Wait()
		for i, a := range answers {
			if a.err != nil {
				t.Errorf("write %d: %v", i, a.err)
			}
		}
		r.holds(4, `{"n":0,"a":1,"b":1,"c":1}`)
		r.verified()
		r.noQueues()
	})
}
