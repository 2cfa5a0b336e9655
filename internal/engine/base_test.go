package engine

import (
	"fmt"
	"testing"

	"github.com/ifmatch/ifmatch"
)

// hashRules make tags of content.
var hashRules = Rules{Contract: ifmatch.Contract{Token: ifmatch.TokenHash}}

// tag returns the current tag of the rig's document, as a header has it.
func (r *rig) tag() string {
	doc := r.current()
	return ETagOf(&doc.Head, &r.rules.Contract).String()
}

// TestBaseOfHash looks for the version that a hash tag names. Each letter is a
// version with that content, "-" a deletion; the tag is that of version from.
func TestBaseOfHash(t *testing.T) {
	tests := []struct {
		story string
		from  int
		base  int64 // 0: refused without one; -1: it still is the current state
	}{
		{"AB", 1, 1},
		{"ABC", 1, 1},
		{"ABC", 2, 2},
		{"ABA", 1, -1},
		{"ABA", 2, 2},
		{"ABAC", 1, 3},
		{"ABAC", 2, 2},
		{"ABACA", 1, -1},
		{"A-A", 1, 0},
		{"A-AB", 1, 0},
		{"A-AB", 3, 3},
		{"AB-AB", 1, 0},
		{"AB-AB", 2, 0},
		{"AB-AB", 4, 4},
		{"AB-AB", 5, -1},
		{"A-B-AC", 1, 0},
		{"A-B-AC", 5, 5},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s from %d", tt.story, tt.from), func(t *testing.T) {
			r := newRig(t, hashRules, Config{})
			tag := ""
			for i, content := range tt.story {
				if content == '-' {
					r.byRival(OpDelete, "", "rival")
				} else {
					r.byRival(OpPut, fmt.Sprintf(`{"is":"%c"}`, content), "rival")
				}
				if i+1 == tt.from {
					tag = r.tag()
				}
			}
			in := r.intent(OpPut, `{"is":"Z"}`, "If-Match", tag)
			if tt.base == -1 {
				if out, refusal := r.do(in); refusal != nil || out.Result != Replaced {
					t.Fatalf("%+v, %v", out, refusal)
				}
				return
			}
			var base int64
			if c := r.refused(ReasonStale, in).Conflict; c != nil {
				base = c.Base.Version
			}
			if base != tt.base {
				t.Errorf("base %d, want %d", base, tt.base)
			}
		})
	}
}

// TestBaseOfVersion is the same for tags that are numbers.
func TestBaseOfVersion(t *testing.T) {
	tests := []struct {
		story  string
		header string
		base   int64
	}{
		{"ABC", `"1"`, 1},
		{"ABC", `"2"`, 2},
		{"ABC", `"1", "2"`, 2},
		{"ABC", `"2", "1"`, 2},
		{"ABC", `"0"`, 0},
		{"ABC", `"01"`, 0},
		{"ABC", `"4"`, 0},
		{"ABC", `"-1"`, 0},
		{"ABC", `"x"`, 0},
		{"ABC", `""`, 0},
		{"ABC", `W/"1"`, 0},
		{"AB-C", `"1"`, 0},
		{"AB-C", `"3"`, 0},
		{"AB-CD", `"4"`, 4},
		{"AB-CD", `"4", "2"`, 4},
	}
	for _, tt := range tests {
		t.Run(tt.story+" "+tt.header, func(t *testing.T) {
			r := newRig(t, Rules{}, Config{})
			for _, content := range tt.story {
				if content == '-' {
					r.byRival(OpDelete, "", "rival")
				} else {
					r.byRival(OpPut, fmt.Sprintf(`{"is":"%c"}`, content), "rival")
				}
			}
			var base int64
			if c := r.refused(ReasonStale, r.intent(OpPut, `{"is":"Z"}`, "If-Match", tt.header)).Conflict; c != nil {
				base = c.Base.Version
			}
			if base != tt.base {
				t.Errorf("base %d, want %d", base, tt.base)
			}
		})
	}
}
