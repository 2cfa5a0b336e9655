package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/audit"
	"github.com/ifmatch/ifmatch/internal/store"
)

// TestVerifyFinds falsifies one thing at a time in a store without seals, which
// would find it before. Rows are 1: 0 2 3 5 6; 2: 1 4 7 8.
func TestVerifyFinds(t *testing.T) {
	const one, two = 0, 1 // documents
	tests := []struct {
		name    string
		falsify func(*scan)
		message string
	}{
		{"a position out of order", func(s *scan) { s.rows[3].Position = 3 }, "feed position 3 follows 3"},
		{"a position of another commit", func(s *scan) { s.rows[4].Position = 2 }, "feed position 2 follows 4"},
		{"a gap in revs", func(s *scan) { s.rows = slices.Delete(s.rows, 2, 3) }, "rev 3 follows rev 1"},
		{"a rev twice", func(s *scan) { s.rows[3].Rev = 2 }, "rev 2 follows rev 2"},
		{"a gap in versions", func(s *scan) { s.rows[3].Version = 4 }, "version 4 follows version 2"},
		{"a version twice", func(s *scan) { s.rows[3].Version = 2 }, "version 2 follows version 2"},
		{"a deletion without a version", func(s *scan) { s.rows[5].Version = 3 }, "version 3 follows version 3"},
		{"a version from before the deletion", func(s *scan) { s.rows[6].Version = 4 }, "version 4 follows version 4"},
		{"a touch that moved the version", func(s *scan) { s.rows[3].Action = store.ActionTouch }, "version moved from 2 to 3 without a change"},
		{"a life that is not counted", func(s *scan) { s.rows[6].Life = 1 }, "life 1 follows life 1"},
		{"a life begun while alive", func(s *scan) { s.rows[2].Life = 2 }, "life 2 follows life 1"},
		{"a time before the content it follows", func(s *scan) { s.rows[3].At = noon }, "before the content that it follows"},
		{"a commit that stands twice", func(s *scan) { s.rows[3].CommitID = s.rows[2].CommitID }, "the same commit stands twice"},
		{"a body of other content", func(s *scan) { s.rows[2].Body = []byte(`{"n":9}`) }, "the body is not the one that was digested"},
		{"a body that is no JSON", func(s *scan) { s.rows[2].Body = []byte(`{"n":`) }, "the body cannot be read"},
		{"a document without a history", func(s *scan) {
			s.rows = slices.DeleteFunc(s.rows, func(e *store.Entry) bool { return e.Ref.ID == "2" })
		}, "stands at version 4 without a history"},
		{"a history without a document", func(s *scan) { s.documents = s.documents[:1] }, "has a history but no document row"},
		{"the last row is gone", func(s *scan) { s.rows = slices.Delete(s.rows, 6, 7) }, "its history ends at rev 4, version 4"},
		{"another rev", func(s *scan) { s.documents[one].Rev = 4 }, "stands at rev 4, version 5; its history ends at rev 5, version 5"},
		{"another version", func(s *scan) { s.documents[one].Version = 6 }, "stands at rev 5, version 6; its history ends"},
		{"another life", func(s *scan) { s.documents[one].Life = 1 }, "its history ends"},
		{"a deletion undone", func(s *scan) { s.documents[two].Deleted = false }, "its history ends"},
		{"a deletion that was none", func(s *scan) { s.documents[one].Deleted = true }, "its history ends"},
		{"another count of rows", func(s *scan) { s.documents[one].Entries = 4 }, "counts 4 rows up to position 7; the log has 5 up to 7"},
		{"another position", func(s *scan) { s.documents[one].Position = 8 }, "counts 5 rows up to position 8; the log has 5 up to 7"},
		{"another digest", func(s *scan) { s.documents[one].Digest[0] ^= 1 }, "carries another digest or chain link"},
		{"another link", func(s *scan) { s.documents[one].Link[0] ^= 1 }, "carries another digest or chain link"},
		{"another body", func(s *scan) { s.documents[one].Body = []byte(`{"n":4}`) }, "its body is not the one that was digested"},
		{"a body that is gone", func(s *scan) { s.documents[one].Body = nil }, "its body is not the one that was digested"},
		{"a date other than its last row's", func(s *scan) { s.documents[one].At = noon.Add(time.Hour) }, "is dated"},
		{"a next version that was used", func(s *scan) { s.documents[one].Next = 5 }, "would take version 5 next"},
	}
	r := story(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := r.scanned()
			tt.falsify(s)
			var all []string
			for _, f := range s.verify(t, nil).Findings {
				all = append(all, fmt.Sprintf("%s rev %d: %s", f.Ref.ID, f.Rev, f.Message))
			}
			if found := strings.Join(all, "\n"); !strings.Contains(found, tt.message) {
				t.Errorf("found %q, want %q", found, tt.message)
			}
		})
	}
}

func TestVerifyOfABrokenFile(t *testing.T) {
	broken := errors.New("page 7 is torn")
	if _, err := audit.Verify(t.Context(), &scan{broken: broken}, nil); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// TestVerifyReportIsBounded checks that one broken invariant in many rows does
// not make a report as large as the store.
func TestVerifyReportIsBounded(t *testing.T) {
	r := newRig(t, optional, Config{})
	for i := range audit.MaxFindings + 50 {
		r.must(OpPut, fmt.Sprintf(`{"n":%d}`, i))
	}
	s := r.scanned()
	for _, row := range s.rows {
		row.Outcome = "forged"
	}
	report := s.verify(t, r.chain)
	if report.OK() || len(report.Findings) != audit.MaxFindings || len(report.Findings)+report.More < audit.MaxFindings+50 {
		t.Errorf("%d findings and %d more", len(report.Findings), report.More)
	}
}

// TestVerifyAfterPurge checks that a document that was purged and made anew is
// no contradiction: its rows begin again, above the versions that were used.
func TestVerifyAfterPurge(t *testing.T) {
	r := newRig(t, optional, Config{})
	r.must(OpPut, `{"n":0}`)
	r.must(OpDelete, "")
	if err := r.memory.Purge(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if out := r.must(OpPut, `{"n":0}`); out.Document.Version != 3 || out.Result != Created {
		t.Errorf("%s at version %d, want created at 3", out.Result, out.Document.Version)
	}
	r.verified()
}

// TestVerifyAfterPurgeOfAnother checks that a floor explains a version that jumps, and
// nothing else does.
func TestVerifyAfterPurgeOfAnother(t *testing.T) {
	r := newRig(t, Rules{}, Config{})
	r.must(OpPut, `{"n":1}`)
	other := store.Ref{Part: ref.Part, ID: "other"}
	for range 2 {
		put := r.intent(OpPut, `{}`)
		put.Ref = other
		if _, err := r.engine.Do(t.Context(), put); err != nil {
			t.Fatal(err)
		}
		drop := r.intent(OpDelete, "", "If-Match", "*")
		drop.Ref = other
		if _, err := r.engine.Do(t.Context(), drop); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.memory.Purge(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	out := r.must(OpPut, `{"n":2}`, "If-Match", `"1"`)
	if out.Document.Version != 5 {
		t.Fatalf("version %d after a floor of 4", out.Document.Version)
	}
	r.verified()
}
