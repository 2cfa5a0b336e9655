package rollout

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
)

func refOf(id string) store.Ref {
	return store.Ref{Part: store.Part{Collection: "notes"}, ID: id}
}

func newWatch(t *testing.T, reads int) *Watch {
	t.Helper()
	w, err := New(reads)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestToldIsTheNewest: whoever was shown several versions, in whatever order and at
// once, has read the newest of them.
func TestToldIsTheNewest(t *testing.T) {
	w := newWatch(t, 0)
	ann := door.Caller{Name: "ann"}
	var all sync.WaitGroup
	for version := range int64(100) {
		all.Go(func() { w.Tell(ann, refOf("1"), version) })
	}
	all.Wait()
	if got := w.Told(ann, refOf("1")); got != 99 {
		t.Errorf("version %d, want 99", got)
	}
}

// TestToldApart: nothing about a caller or a document runs into something else.
func TestToldApart(t *testing.T) {
	w := newWatch(t, 0)
	callers := []door.Caller{{Name: "ann"}, {Client: "ann"}, {Name: "an", Client: "n"}, {Name: "a", Client: "nn"}}
	refs := []store.Ref{refOf("1"), refOf("2"), {Part: store.Part{Collection: "note", Params: "s"}, ID: "1"}, {Part: store.Part{Collection: "notes", Params: "1"}}}
	version := int64(0)
	for _, c := range callers {
		for _, ref := range refs {
			version++
			if got := w.Told(c, ref); got != 0 {
				t.Errorf("%+v has read %+v at version %d before", c, ref, got)
			}
			w.Tell(c, ref, version)
		}
	}
	version = 0
	for _, c := range callers {
		for _, ref := range refs {
			if version++; w.Told(c, ref) != version {
				t.Errorf("%+v has read %+v at version %d, want %d", c, ref, w.Told(c, ref), version)
			}
		}
	}
}

// TestForgottenIsNeverRead: memory is bounded, and what goes counts as never read.
func TestForgottenIsNeverRead(t *testing.T) {
	const room = 100
	w := newWatch(t, room)
	for i := range 50 * room {
		w.Tell(door.Caller{Name: "ann", Client: strings.Repeat("x", 1000)}, refOf(fmt.Sprint(i)), 7)
	}
	w.reads.CleanUp()
	if n := w.reads.EstimatedSize(); n > room {
		t.Errorf("it remembers %d reads, and has room for %d", n, room)
	}
	forgotten := 0
	for i := range 50 * room {
		switch got := w.Told(door.Caller{Name: "ann", Client: strings.Repeat("x", 1000)}, refOf(fmt.Sprint(i))); got {
		case 0:
			forgotten++
		case 7:
		default:
			t.Fatalf("document %d was read at version %d", i, got)
		}
	}
	if forgotten < 49*room {
		t.Errorf("it has forgotten %d", forgotten)
	}
}

// TestSeries: what was counted is told under bounded labels.
func TestSeries(t *testing.T) {
	w := newWatch(t, 0)
	w.Expect("quiet")
	w.Count("notes", engine.Replaced, engine.Observation{Overwriting: engine.OverwroteLost})
	w.Count("notes", engine.Patched, engine.Observation{Overwriting: engine.OverwroteDisjoint})
	const want = `
# HELP ifmatch_lost_updates_total Unconditional writes that overwrote a version which is newer than the last one their sender had read, by what they did.
# TYPE ifmatch_lost_updates_total counter
ifmatch_lost_updates_total{collection="notes",kind="deleted"} 0
ifmatch_lost_updates_total{collection="notes",kind="patched"} 0
ifmatch_lost_updates_total{collection="notes",kind="replaced"} 1
ifmatch_lost_updates_total{collection="quiet",kind="deleted"} 0
ifmatch_lost_updates_total{collection="quiet",kind="patched"} 0
ifmatch_lost_updates_total{collection="quiet",kind="replaced"} 0
`
	if err := testutil.CollectAndCompare(w, strings.NewReader(want), "ifmatch_lost_updates_total"); err != nil {
		t.Error(err)
	}
	for i := range 10 * maxCollections {
		w.Count(fmt.Sprint("c", i), engine.Deleted, engine.Observation{Overwriting: engine.OverwroteLost})
	}
	if n := testutil.CollectAndCount(w); n > (maxCollections+1)*(len(kinds)+len(losing)) {
		t.Errorf("%d series", n)
	}
	if got := w.Totals(); len(got) != maxCollections || !strings.HasPrefix(got[0], otherCollections+": ") { // without the quiet one
		t.Errorf("%d totals, the first is %q", len(got), got[0])
	}
	if err := prometheus.NewRegistry().Register(w); err != nil {
		t.Error(err)
	}
}
