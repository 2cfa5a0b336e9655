package audit

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/internal/store"
)

// TestRowsEncodeApart checks that no two different rows are sealed alike.
func TestRowsEncodeApart(t *testing.T) {
	text := rapid.SampledFrom([]string{"", "a", "b", "ab", "\x00", "\x01a", "a\x01"})
	number := rapid.SampledFrom([]int64{-1, 0, 1, 63, 64, 128, 1 << 40})
	type row struct {
		prev  string
		entry store.Entry
	}
	draw := rapid.Custom(func(t *rapid.T) row {
		e := store.Entry{
			Ref: store.Ref{Part: store.Part{Collection: text.Draw(t, "collection"), Params: text.Draw(t, "params")}, ID: text.Draw(t, "id")},
			Rev: number.Draw(t, "rev"), Version: number.Draw(t, "version"), Life: number.Draw(t, "life"),
			At: time.UnixMicro(number.Draw(t, "at")), Correlation: text.Draw(t, "correlation"),
			Actor: store.Actor{Name: text.Draw(t, "name"), Roles: rapid.SliceOfN(text, 0, 2).Draw(t, "roles")},
		}
		e.Action, e.Outcome = store.Action(text.Draw(t, "action")), text.Draw(t, "outcome")
		e.Base, e.MergedFrom, e.Blind = number.Draw(t, "base"), number.Draw(t, "merged"), rapid.Bool().Draw(t, "blind")
		e.Decisions = []byte(text.Draw(t, "decisions"))
		return row{prev: text.Draw(t, "prev"), entry: e}
	})
	rapid.Check(t, func(t *rapid.T) {
		a := draw.Draw(t, "a")
		b := a
		if rapid.Bool().Draw(t, "move one boundary") {
			b.entry.Actor.Name, b.entry.Correlation = a.entry.Correlation, a.entry.Actor.Name
			b.entry.Ref.ID, b.entry.Ref.Part.Params = a.entry.Ref.Part.Params, a.entry.Ref.ID
		} else {
			b = draw.Draw(t, "b")
		}
		same := reflect.DeepEqual(a, b)
		encodedSame := bytes.Equal(appendRow(nil, []byte(a.prev), &a.entry), appendRow(nil, []byte(b.prev), &b.entry))
		if same != encodedSame {
			t.Fatalf("equal: %t, encoded equal: %t\n%+v\n%+v", same, encodedSame, a, b)
		}
	})
}

// TestChainRotation: each row verifies under the key that sealed it, and under no other.
func TestChainRotation(t *testing.T) {
	first, second := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	c, err := NewChain(first)
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]store.Entry, 2)
	rows[0].Link = c.Seal(nil, &rows[0])
	if err := c.SetKeys(first, second); err != nil {
		t.Fatal(err)
	}
	rows[1].Link = c.Seal(rows[0].Link, &rows[1])
	judge := func(what string, wantGood, wantKnown [2]bool) {
		t.Helper()
		var prev []byte
		for i := range rows {
			if good, known := c.verify(prev, &rows[i]); good != wantGood[i] || known != wantKnown[i] {
				t.Errorf("%s: row %d is judged %t, %t", what, i, good, known)
			}
			prev = rows[i].Link
		}
	}
	both := [2]bool{true, true}
	judge("rotated", both, both)
	if c.SetKeys() == nil || c.SetKeys(second[:31]) == nil {
		t.Error("a ring without a key, or with a short one, is accepted")
	}
	judge("a ring was refused", both, both)
	rows[1].Outcome = "another"
	judge("altered", [2]bool{true, false}, both)
	rows[1].Outcome = ""
	if err := c.SetKeys(second); err != nil {
		t.Fatal(err)
	}
	judge("the first key is gone", [2]bool{false, true}, [2]bool{false, true})
}
