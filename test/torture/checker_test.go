//go:build unix

package torture_test

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// one is an operation that one document of the pair was part of.
func one(call, back int64, s step, got result) operation {
	return operation{steps: []step{s}, got: got, call: call, back: back}
}

func saw(version int64, log string) result {
	return result{versions: [pair]int64{version}, there: true, log: log}
}

func made(version ...int64) result {
	var r result
	copy(r.versions[:], version)
	return r
}

// first creates document a as version 1 with the log " x".
var first = one(0, 10, step{kind: put, pre: absent, entry: "x", log: " x"}, made(1))

// TestChecker gives the checker histories that were made by hand. Those that no
// store may answer must be found out, by the fault that they are.
func TestChecker(t *testing.T) {
	never := int64(math.MaxInt64)
	lost := result{verdict: unknown}
	a := path("p", 0)
	b := path("p", 1)
	onlyX := []change{{version: 1, log: " x"}}
	xy := append(slices.Clone(onlyX), change{version: 2, log: " x y"})
	put2 := func(entry string) step { return step{kind: put, pre: 1, entry: entry, log: " x " + entry} }
	both := []step{{doc: 0, kind: put, pre: 1, entry: "y", log: " x y"}, {doc: 1, kind: put, pre: absent, entry: "z", log: " z"}}
	for name, c := range map[string]struct {
		ops    []operation
		record record
		void   string
		want   string // of the fault; "" for none
	}{
		"one after the other": {
			ops:    []operation{first, one(20, 30, put2("y"), made(2)), one(40, 50, step{}, saw(2, " x y"))},
			record: record{a: xy},
		},
		"a loser is told the winner's version": {
			ops: []operation{first, one(20, 30, put2("y"), made(2)),
				one(20, 40, put2("z"), result{verdict: refused, versions: [pair]int64{2}})},
			record: record{a: xy},
		},
		"not answered, and happened": {
			ops:    []operation{first, one(20, never, put2("y"), lost), one(90, 99, step{}, saw(2, " x y"))},
			record: record{a: xy},
		},
		"not answered, and did not happen": {
			ops:    []operation{first, one(20, never, put2("y"), lost), one(90, 99, step{}, saw(1, " x"))},
			record: record{a: onlyX},
		},
		"two deletions that were not answered": {
			ops: []operation{first, one(20, never, step{kind: remove, pre: 1}, lost), one(20, never, step{kind: remove, pre: 1}, lost),
				one(90, 99, step{}, result{})},
			record: record{a: append(slices.Clone(onlyX), change{version: 2, deleted: true})},
		},
		"lost update: two writers of one version": {
			ops:    []operation{first, one(20, 30, put2("y"), made(2)), one(20, 30, put2("z"), made(2))},
			record: record{a: xy},
			want:   "lost: z was acknowledged",
		},
		"lost update: a write without the compare": {
			ops:    []operation{first, one(20, 30, put2("y"), made(2)), one(20, 30, put2("z"), made(3))},
			record: record{a: append(slices.Clone(xy), change{version: 3, log: " x z"})},
			want:   "not linearizable",
		},
		"lost after it was acknowledged": {
			ops:    []operation{first, one(20, 30, put2("y"), made(2))},
			record: record{a: onlyX},
			want:   "lost: y was acknowledged",
		},
		"stale read": {
			ops:    []operation{first, one(20, 30, put2("y"), made(2)), one(40, 50, step{}, saw(1, " x"))},
			record: record{a: xy},
			want:   "not linearizable",
		},
		"stale 304": {
			ops: []operation{first, one(20, 30, put2("y"), made(2)),
				one(40, 50, step{pre: 1}, result{versions: [pair]int64{1}, there: true, unchanged: true})},
			record: record{a: xy},
			want:   "not linearizable",
		},
		"a read shows what came back from the dead": {
			ops: []operation{first, one(20, 30, step{kind: remove, pre: 1}, made(2)), one(40, 50, step{}, saw(1, " x"))},
			record: record{a: append(slices.Clone(onlyX),
				change{version: 2, deleted: true})},
			want: "not linearizable",
		},
		"a read from the future": {
			ops:    []operation{first, one(12, 15, step{}, saw(2, " x y")), one(20, 30, put2("y"), made(2))},
			record: record{a: xy},
			want:   "not linearizable",
		},
		"refused for what is not there": {
			ops:    []operation{first, one(20, 30, put2("y"), result{verdict: refused, versions: [pair]int64{1}})},
			record: record{a: onlyX},
			want:   "not linearizable",
		},
		"doubled write": {
			ops:    []operation{first, one(20, 30, step{kind: add, pre: anyone, entry: "y"}, made(2))},
			record: record{a: append(slices.Clone(xy), change{version: 3, log: " x y y"})},
			want:   "y happened twice",
		},
		"refused, and happened": {
			ops:    []operation{first, one(20, 30, step{kind: add, pre: anyone, entry: "y"}, result{verdict: refused})},
			record: record{a: xy},
			want:   "y was refused, and it made version 2",
		},
		"said not to have happened, and happened": {
			ops: []operation{first}, record: record{a: xy}, void: "y",
			want: "y is said not to have happened, and it made version 2",
		},
		"nobody has sent it": {
			ops: []operation{first}, record: record{a: xy},
			want: `nobody has sent "y"`,
		},
		"a version is missing": {
			ops:    []operation{first},
			record: record{a: {onlyX[0], {version: 3, log: " x"}}},
			want:   "change 2 of /v1/pairs/p-a is version 3",
		},
		"an append on an older state": {
			ops: []operation{first, one(20, 30, step{kind: add, pre: anyone, entry: "y"}, made(2)),
				one(20, 40, step{kind: add, pre: anyone, entry: "z"}, made(3)), one(50, 60, step{}, saw(3, " x z"))},
			record: record{a: append(slices.Clone(xy), change{version: 3, log: " x z"})},
			want:   "not linearizable",
		},
		"half a batch": {
			ops:    []operation{first, {steps: both, got: lost, call: 20, back: never}},
			record: record{a: xy},
			want:   "torn: of 2 writes of a batch 1 happened",
		},
		"a batch between which somebody reads": {
			ops: []operation{first, {steps: both, got: made(2, 1), call: 20, back: 60},
				one(30, 40, step{}, saw(2, " x y")), one(42, 50, step{doc: 1}, result{})},
			record: record{a: xy, b: {{version: 1, log: " z"}}},
			want:   "not linearizable",
		},
		"write skew: a CHECK that does not check": {
			ops: []operation{first,
				{steps: []step{{kind: put, pre: 1, entry: "y", log: " x y"}, {doc: 1, kind: check, pre: absent}}, got: made(2), call: 20, back: 30},
				{steps: []step{{doc: 1, kind: put, pre: absent, entry: "z", log: " z"}, {doc: 0, kind: check, pre: 1}}, got: made(1), call: 20, back: 30}},
			record: record{a: xy, b: {{version: 1, log: " z"}}},
			want:   "not linearizable",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory()
			h.pairs["p"] = c.ops
			if c.void != "" {
				h.void[c.void] = true
			}
			faults, _ := h.judge(c.record)
			switch {
			case c.want == "" && len(faults) > 0:
				t.Errorf("found fault with what is right: %s", strings.Join(faults, "\n"))
			case c.want != "" && !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, c.want) }):
				t.Errorf("want a fault %q, got %q", c.want, faults)
			}
		})
	}
}
